import json
import os
import pathlib
import shutil

import pytest
import rich.console

from ssrlm_jax.external import mmseqs
from ssrlm_jax.prepare.sets import benchmark_sets, overlap
from ssrlm_jax.rna import formats

SHARED = pathlib.Path(__file__).parents[4] / "shared" / "data"
TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
# 4 of 76 letters differ: 95 % stay.
CHANGED = TRNA[:10] + "GG" + TRNA[12:60] + "AGC" + TRNA[63:]
OTHER = "ACCAGUCAAGUCUUACGGAACCUUGCAUGCAUUGCCGUAGGCUAAUGCCGUUAACGGAUCGAUUGCAAGCUUAACG"


def _set(name, *sequences):
    records = [formats.Record(f"{name}{n}", one) for n, one in enumerate(sequences)]
    return name, overlap.by_sequence(records)


@pytest.fixture
def search():
    if not (os.environ.get("SSRLM_MMSEQS") or shutil.which("mmseqs")):
        pytest.skip("mmseqs is not installed")
    return overlap.settings(0.8, 0.8, 1)


def test_equal_are_letters_whatever_their_case_and_code():
    train = _set("a", "acgt", "GGGN", "AC")
    found = overlap.overlap(train, _set("b", "ACGU", "ACGT", "GGGR", "A"), None)
    assert (found.num_records, found.num_distinct, found.num_equal) == (4, 3, 2)
    assert found.equal == (
        overlap.Found("b0", "a0", 1.0),
        overlap.Found("b1", "a0", 1.0),
        overlap.Found("b2", "a1", 1.0),
    )
    assert (found.num_near, found.near) == (None, ())


def test_near_ones_are_named_beside_equal_ones(search):
    train = _set("a", OTHER, CHANGED)
    found = overlap.overlap(
        train, _set("b", OTHER, TRNA, TRNA.lower(), "ACGUA"), search
    )
    assert (found.num_distinct, found.num_equal, found.num_near) == (3, 1, 1)
    assert found.equal == (overlap.Found("b0", "a0", 1.0),)
    assert [(one.test, one.train) for one in found.near] == [("b1", "a1"), ("b2", "a1")]
    assert [one.identity for one in found.near] == pytest.approx(
        [72 / 76] * 2, abs=0.001
    )


def test_the_identity_decides(search):
    strict = search._replace(identity=0.97)
    found = overlap.overlap(_set("a", CHANGED), _set("b", TRNA), strict)
    assert found.num_near == 0


@pytest.mark.parametrize(("start", "num_near"), [(10, 1), (30, 0)])
def test_most_of_the_test_sequence_has_to_be_covered(search, start, num_near):
    found = overlap.overlap(_set("a", TRNA[start:]), _set("b", TRNA), search)
    assert found.num_near == num_near
    longer = overlap.overlap(_set("a", OTHER + TRNA + OTHER), _set("b", TRNA), search)
    assert longer.num_near == 1


@pytest.mark.parametrize("start", [65_500, 131_000])
def test_what_lies_on_a_cut_of_a_genome_is_found(search, start):
    genome = "N" * start + CHANGED + "N" * 70_000
    found = overlap.overlap(_set("a", genome), _set("b", TRNA), search)
    assert [one.train for one in found.near] == ["a0"]


def test_more_test_sequences_than_a_search_gives_by_default_are_found(search):
    changed = {
        TRNA[:20] + a + TRNA[21:40] + b + TRNA[41:60] + c + TRNA[61 : 76 - cut]
        for a in "ACGU" for b in "ACGU" for c in "ACGU" for cut in range(8)
    } - {TRNA}  # fmt: skip
    found = overlap.overlap(_set("a", TRNA), _set("b", *sorted(changed)), search)
    assert found.num_near == len(changed) == 511


def test_a_test_sequence_too_long_to_search_is_counted(search):
    tests = _set("b", "A" * (mmseqs.MAX_LENGTH + 1), TRNA)
    found = overlap.overlap(_set("a", CHANGED), tests, search)
    assert (found.num_near, found.num_unread) == (1, 1)


@pytest.mark.parametrize("length", [1, 12, 13, 26])
def test_pieces_leave_what_is_searched_together(monkeypatch, length):
    monkeypatch.setattr(mmseqs, "MAX_LENGTH", 12)
    letters = "".join(chr(65 + n) for n in range(length))
    pieces = list(overlap._pieces(letters, 4))
    assert max(map(len, pieces)) <= 12
    assert all(
        any(letters[n : n + 4] in one for one in pieces)
        for n in range(max(1, length - 3))
    )
    assert (len(pieces) == 1) == (length <= 12)


@pytest.mark.parametrize("share", [0.0, 1.1, -1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=f"identity={share:g} is not above 0"):
        overlap.settings(share, 0.8, 1)
    with pytest.raises(ValueError, match=f"coverage={share:g} is not above 0"):
        overlap.settings(0.8, share, 1)


def test_without_mmseqs_it_is_said_what_goes_without(monkeypatch, tmp_path):
    monkeypatch.setenv("SSRLM_MMSEQS", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="mmseqs.*--exact looks for equal sequences"):
        overlap.settings(0.8, 0.8, 1)


def test_a_gap_is_named_with_its_place():
    with pytest.raises(ValueError, match="^x.fa:3: position 2: '-'"):
        overlap.by_sequence([formats.Record("a", "A-", place="x.fa:3")])


def test_sets_are_named():
    assert overlap.named(["a=x.fa", "b=y=z"], "--test") == {"a": "x.fa", "b": "y=z"}
    for text in ("x.fa", "=x.fa", "a="):
        with pytest.raises(ValueError, match=f"--test: NAME=FILE.*'{text}'"):
            overlap.named([text], "--test")
    with pytest.raises(ValueError, match="--train: 'a' is given twice"):
        overlap.named(["a=x", "a=y"], "--train")


def test_a_standard_set_is_checked(tmp_path, caplog):
    path = tmp_path / "a.bpseq"
    path.write_text("1 A 0\n")
    assert overlap.read("mine", str(path)) == {"A": ["a"]}
    assert not caplog.records
    assert overlap.read("pdb_VL1", str(path)) == {"A": ["a"]}
    assert "1 records found, 30 published" in caplog.text


def test_the_table_and_the_file_say_the_same(tmp_path):
    found = overlap.overlap(_set("a", "AC"), _set("b", "AC", "GG"), None)
    console = rich.console.Console(record=True, width=80)
    overlap.show(console, [found])
    assert console.export_text().split()[-6:] == ["b", "a", "2", "1", "-", "1"]
    overlap.write(str(tmp_path / "x.json"), [found], None)
    told = json.loads((tmp_path / "x.json").read_text())
    assert told["search"] is None
    assert told["overlaps"][0]["equal"] == [
        {"test": "b0", "train": "a0", "identity": 1}
    ]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is absent")
def test_the_counts_of_the_shared_data_are_those_it_names():
    """Golden: ../shared/data/README.md, "Leakage"."""

    def _read(name):
        return name, overlap.by_sequence(benchmark_sets.records(SHARED / name))

    rfam, TR0 = _read("rfam/seed_ss.tsv.gz"), _read("secondary/bprna_TR0.tsv.gz")
    TS0 = _read("secondary/bprna_TS0.tsv.gz")
    archive = _read("secondary/archiveII.tsv.gz")

    def _counts(train, test):
        found = overlap.overlap(train, test, None)
        return found.num_records, found.num_distinct, found.num_equal

    assert _counts(rfam, TS0) == (1_305, 1_305, 1_141)
    assert _counts(rfam, archive) == (3_975, 3_460, 864)
    assert _counts(TR0, archive) == (3_975, 3_460, 732)
    assert _counts(TR0, TS0) == (1_305, 1_305, 0)
