import dataclasses
import errno
import gzip
import pathlib
import tracemalloc

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import (
    build_corpus,
    fold_unknown,
    pack,
    record_batches,
    stages,
    standardise,
)
from ssrlm_jax.rna import alphabet, fasta

SETTINGS = config.CorpusConfig(
    row_length=32,
    num_buckets=3,
    min_length=1,
    min_complexity=0.0,
    cluster=config.ClusterConfig(method="none"),
    fold=config.FoldConfig(program="none"),
    executor=config.ExecutorConfig(num_workers=1),
    shard_nucleotides=400,
    validation_share=0.0,
)
TABLE = "id\tfamily\tsequence\tdotbracket\tpairs\n"


def _sequence(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(list("ACGU"), length))


@pytest.fixture
def files(tmp_path: pathlib.Path) -> dict[str, list[str]]:
    """40 folded records of 10 families, 40 others, of which 10 are equal to them."""
    rng = np.random.default_rng(0)
    folded = [
        f"n{n}\tfam{n % 10}\t{_sequence(rng, 20)}\t{'((((....))))........'}\t"
        for n in range(40)
    ]
    (tmp_path / "ncrna.tsv").write_text(TABLE + "\n".join(folded) + "\n")
    copies = [line.split("\t")[2].lower().replace("u", "t") for line in folded[:10]]
    others = [_sequence(rng, int(rng.integers(1, 90))) for _ in range(30)]
    text = "".join(f">o{n}\n{s}\n" for n, s in enumerate(copies + others))
    (tmp_path / "other.fa.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    left_out = folded[39].split("\t")[2]
    gone = f"t\tfam9\t{left_out}\t\t\nu\tfamX\tGGGGGGG\t\t\n"
    (tmp_path / "test.tsv").write_text(TABLE + gone)
    return {
        "ncrna": [str(tmp_path / "ncrna.tsv")],
        "other": [str(tmp_path / "other.fa.gz")],
        "leave_out": [str(tmp_path / "test.tsv")],
    }


def _records(corpus: pathlib.Path, manifest: rows.Manifest, split: str, source: str):
    """The names and letters of the windows of one split and source."""
    return {
        name: alphabet.decode(row.token_L[row.segment_L == number][1:-1])
        for path in rows.shard_paths(corpus, manifest, split, source)
        for row in rows.read_rows(path)
        for number, name in enumerate(row.ids, 1)
    }


def test_files_become_a_corpus(tmp_path, files):
    out = tmp_path / "new" / "corpus"
    manifest = build_corpus.build(out, SETTINGS, **files)
    assert rows.open_corpus(out, row_length=32, with_hashes=True) == manifest
    ncrna = _records(out, manifest, "train", "ncrna")
    assert set(ncrna) == {f"n{n}" for n in range(39)}
    other = _records(out, manifest, "train", "other")
    assert {name.split(":")[0] for name in other} == {f"o{n}" for n in range(10, 40)}
    assert not (tmp_path / "new" / "corpus.unfinished").exists()
    assert len(manifest.select("train", "ncrna")) > 1


def test_the_way_of_the_records_is_counted(tmp_path, files):
    manifest = build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    stages = {stage.name: stage for stage in manifest.stages}
    ncrna, other = stages["ncrna: dedupe"], stages["other: dedupe"]
    assert (ncrna.num_in, ncrna.num_out) == (40, 39)
    assert ncrna.dropped == {"in a file that is left out": 1}
    assert (other.num_in, other.num_out) == (40, 30)
    assert other.dropped == {"equal to another record": 10}
    packed = sum(s.num_records for s in manifest.shards if s.source == "other")
    assert stages["other: pack"].num_out == packed
    assert manifest.how["settings"]["row_length"] == 32


def test_pairs_reach_the_rows(tmp_path, files):
    manifest = build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    path = rows.shard_paths(tmp_path / "corpus", manifest, "train", "ncrna")[0]
    row = next(rows.read_rows(path))
    expected = np.full(32, -1)
    expected[1:5], expected[9:13] = [12, 11, 10, 9], [4, 3, 2, 1]
    np.testing.assert_array_equal(row.partner_L, expected)


def test_families_are_held_out_whole(tmp_path, files):
    settings = dataclasses.replace(SETTINGS, validation_share=0.3)
    manifest = build_corpus.build(tmp_path / "corpus", settings, **files)
    held = set(manifest.how["validation_families"])
    assert len(held) == 3  # of 10 families of equal size
    assert manifest.how["records_of_known_family"] == 40
    for split in rows.SPLITS:
        for name in _records(tmp_path / "corpus", manifest, split, "ncrna"):
            family = f"fam{int(name[1:]) % 10}"
            assert (family in held) == (split == "validation")
    others = [_records(tmp_path / "corpus", manifest, s, "other") for s in rows.SPLITS]
    names = [{name.split(":")[0] for name in found} for found in others]
    assert 0 < len(names[1]) < 20
    assert not names[0] & names[1]


def test_the_number_of_workers_changes_nothing(tmp_path, files):
    settings = dataclasses.replace(SETTINGS, validation_share=0.3)
    one = build_corpus.build(tmp_path / "one", settings, **files)
    workers = config.ExecutorConfig(num_workers=2)
    more = dataclasses.replace(settings, executor=workers, num_buckets=1)
    two = build_corpus.build(tmp_path / "two", more, **files)
    assert one.shards == two.shards


def test_an_interrupted_run_goes_on(tmp_path, files, monkeypatch):
    whole = build_corpus.build(tmp_path / "whole", SETTINGS, **files)

    def no_pack(task: pack.Task) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pack, "pack", no_pack)
    with pytest.raises(KeyboardInterrupt):
        build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    assert not (tmp_path / "corpus").exists()
    monkeypatch.undo()

    def no_reading(task: standardise.Task) -> None:
        raise AssertionError("was read before")

    monkeypatch.setattr(standardise, "standardise", no_reading)
    assert (
        build_corpus.build(tmp_path / "corpus", SETTINGS, **files).shards
        == whole.shards
    )


def test_other_settings_do_not_go_on_from_an_interrupted_run(
    tmp_path, files, monkeypatch
):
    monkeypatch.setattr(pack, "pack", lambda task: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    monkeypatch.undo()
    settings = dataclasses.replace(SETTINGS, row_length=16)
    manifest = build_corpus.build(tmp_path / "corpus", settings, **files)
    assert manifest.totals("train", "ncrna")["num_records"] == 78  # 20 = 14 + 6


def test_the_same_run_again_does_nothing(tmp_path, files, monkeypatch):
    first = build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    monkeypatch.setattr(standardise, "standardise", lambda task: 1 / 0)
    assert build_corpus.build(tmp_path / "corpus", SETTINGS, **files) == first


def test_another_corpus_is_not_overwritten(tmp_path, files):
    build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    settings = dataclasses.replace(SETTINGS, seed=1)
    with pytest.raises(ValueError, match="was made of other files or with other"):
        build_corpus.build(tmp_path / "corpus", settings, **files)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="exists and is no corpus"):
        build_corpus.build(tmp_path / "folder", SETTINGS, **files)


@pytest.mark.parametrize("place", ["windows.save", "pack.write_shard"])
def test_a_full_disk_leaves_nothing_that_looks_whole(
    tmp_path, files, monkeypatch, place
):
    def no_space(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"ssrlm_jax.prepare.corpus.{place}", no_space)
    with pytest.raises(OSError, match=r"No space left.*MiB are free") as caught:
        build_corpus.build(tmp_path / "corpus", SETTINGS, **files)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "corpus").exists()
    assert not list(tmp_path.rglob(rows.MANIFEST))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "bad: the file is empty"),
        (b">a\n>b\nACGU\n", "bad:1: a header without a sequence"),
        (b"hello world\n", "bad:1: expected FASTA"),
        (b">a\nAC-GU\n", "bad:2: position 3: '-' is a gap"),
        (
            gzip.compress(b">a\nACGUAC\n" * 99, mtime=0)[:-9],
            "bad:.* the gz file ends too early",
        ),
        (b"id\tsequence\tdotbracket\na\tGAC\t(..\n", "bad:2: dot-bracket position 1"),
        (
            b"id\tsequence\tdotbracket\na\tGAC\t(.).\n",
            "bad:2: dot-bracket of 3 positions expected, found 4",
        ),
        (
            b">a\nNNNN\n",
            "nothing is left to pack: every record was dropped "
            r"\(other: read: 1 of 1, no A C G U\); change the files",
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_corpus(tmp_path, content, complaint):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as caught:
        build_corpus.build(tmp_path / "corpus", SETTINGS, other=[str(tmp_path / "bad")])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "corpus").exists()
    assert not list(tmp_path.rglob(rows.MANIFEST))


def test_no_input_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no input; give files with --ncrna"):
        build_corpus.build(tmp_path / "corpus", SETTINGS)


def test_one_source_is_enough(tmp_path, files):
    manifest = build_corpus.build(tmp_path / "corpus", SETTINGS, other=files["other"])
    assert {shard.source for shard in manifest.shards} == {"other"}
    assert manifest.select("train", "ncrna") == ()


def _peak(tmp_path: pathlib.Path, num_lines: int) -> int:
    """Bytes allocated at most while one record is read."""
    path = tmp_path / f"{num_lines}.fa"
    line = b"ACGUGGCA" * 64 + b"\n"
    path.write_bytes(b">chromosome\n" + line * num_lines)
    task = standardise.Task(
        path=str(path), source="other", out=str(tmp_path / "part"),
        longest=1022, shortest_tail=127, part_nucleotides=2**18,
    )  # fmt: skip
    tracemalloc.start()
    standardise.standardise(task)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_length_of_a_record(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_SPOOL", 2**18)
    monkeypatch.setattr(fasta, "_BLOCK_BYTES", 2**17)
    short, long = _peak(tmp_path, 2_000), _peak(tmp_path, 12_000)  # 1 and 6 Mnt
    assert long < 1.25 * short
    assert long < 6_000_000


@pytest.mark.parametrize(
    ("sizes", "room", "groups"),
    [
        ([], 10, []),
        ([(0, 4), (1, 5), (2, 2)], 10, [[0, 1], [2]]),
        ([(0, 0), (1, 25), (2, 5), (3, 5)], 10, [[1], [2, 3]]),
        ([(0, 10), (1, 1)], 10, [[0], [1]]),
    ],
)
def test_parts_are_grouped_into_shards(sizes, room, groups):
    assert stages.grouped(sizes, room) == groups


def _ran(monkeypatch) -> dict[str, list]:
    """Notes what stages are called with."""
    called: dict[str, list] = {}
    for module, name in (
        (standardise, "standardise"),
        (fold_unknown, "fold"),
        (pack, "pack"),
    ):
        function = getattr(module, name)

        def noted(task, function=function, name=name):
            called.setdefault(name, []).append(task)
            return function(task)

        monkeypatch.setattr(module, name, noted)
    return called


@pytest.fixture
def vienna():
    pytest.importorskip("RNA", reason="ViennaRNA is not installed")


def _fasta(path: pathlib.Path, seed: int, count: int) -> str:
    rng = np.random.default_rng(seed)
    path.write_text(
        "".join(f">{path.stem}{n}\n{_sequence(rng, 30)}\n" for n in range(count))
    )
    return str(path)


FOLDING = dataclasses.replace(
    SETTINGS, fold=config.FoldConfig(task_nucleotides=200), row_length=64
)


@pytest.mark.usefixtures("vienna")
def test_ncrna_without_a_structure_is_folded(tmp_path):
    path = _fasta(tmp_path / "a.fa", 0, 20)
    manifest = build_corpus.build(tmp_path / "corpus", FOLDING, ncrna=[path])
    stages = {stage.name: stage for stage in manifest.stages}
    assert stages["ncrna: fold"].changed["folded"] == 20
    assert manifest.how["fold"]["program"] == "ViennaRNA"
    assert 0 < manifest.how["content"]["ncrna"]["paired"] < 600
    for path in rows.shard_paths(tmp_path / "corpus", manifest, "train", "ncrna"):
        for row in rows.read_rows(path):
            paired = np.flatnonzero(row.partner_L >= 0)
            np.testing.assert_array_equal(row.partner_L[row.partner_L[paired]], paired)
            np.testing.assert_array_equal(
                row.segment_L[row.partner_L[paired]], row.segment_L[paired]
            )


@pytest.mark.usefixtures("vienna")
def test_a_change_reruns_just_what_depends_on_it(tmp_path, monkeypatch):
    first, second = (_fasta(tmp_path / f"{n}.fa", n, 20) for n in (0, 1))
    work = tmp_path / "work"
    called = _ran(monkeypatch)

    def ran(out, settings, *paths):
        called.clear()
        build_corpus.build(tmp_path / out, settings, ncrna=paths, work=work)
        return {name: len(tasks) for name, tasks in called.items()}

    everything = ran("one", FOLDING, first)
    assert everything == {"standardise": 1, "fold": 4, "pack": 2}
    assert ran("again", FOLDING, first) == {"pack": 2}
    seeded = dataclasses.replace(FOLDING, seed=1)
    assert ran("seeded", seeded, first) == {"pack": 2}
    assert ran("more", FOLDING, first, second) == {
        "standardise": 1, "fold": 4, "pack": 4,
    }  # fmt: skip
    left_out = _fasta(tmp_path / "left.fa", 0, 3)  # equal to three of the first
    called.clear()
    build_corpus.build(
        tmp_path / "fewer", FOLDING, ncrna=[first], leave_out=[left_out], work=work
    )
    assert "fold" not in called
    centroid = dataclasses.replace(FOLDING.fold, method="centroid")
    other = dataclasses.replace(FOLDING, fold=centroid)
    assert ran("centroid", other, first) == {"fold": 4, "pack": 2}
    pathlib.Path(first).write_text(">x\n" + "GCAU" * 6 + "\n")
    assert ran("changed", FOLDING, first, second) == {
        "standardise": 1, "fold": 1, "pack": 3,
    }  # fmt: skip


@pytest.mark.usefixtures("vienna")
def test_datatrove_makes_the_same_corpus_byte_for_byte(tmp_path, files):
    pytest.importorskip("datatrove", reason="datatrove is the extra [cluster]")
    files["ncrna"].append(_fasta(tmp_path / "a.fa", 0, 20))
    executors = {
        "local": config.ExecutorConfig(num_workers=2),
        "datatrove": config.ExecutorConfig(kind="datatrove", num_workers=2),
    }
    content = {}
    for name, chosen in executors.items():
        settings = dataclasses.replace(FOLDING, executor=chosen, num_buckets=2)
        build_corpus.build(tmp_path / name, settings, **files)
        content[name] = {
            path.name: path.read_bytes() for path in (tmp_path / name).glob("*/*")
        }
    assert content["local"] == content["datatrove"]
    assert len(content["local"]) >= 3


def test_files_may_be_named_in_the_config(tmp_path, files):
    named = config.InputsConfig(ncrna=files["ncrna"][0], other=files["other"][0])
    settings = dataclasses.replace(SETTINGS, inputs=named)
    manifest = build_corpus.build(tmp_path / "named", settings)
    given = {name: files[name] for name in ("ncrna", "other")}
    assert (
        build_corpus.build(tmp_path / "given", SETTINGS, **given).shards
        == manifest.shards
    )
