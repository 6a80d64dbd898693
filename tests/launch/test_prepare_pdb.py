import gzip
import json
import pathlib
import subprocess
import sys
import time

import duplex
import numpy as np

from ssrlm_jax.rna import record_tables

ROOT = pathlib.Path(__file__).parents[2]
SEQUENCE = "GGGAAACUUCGGUUUCCC"
_TO_LETTERS = str.maketrans("01", "AC")


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "launch/prepare_pdb.py", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _structure(folder, name, letters, released="22-FEB-20"):
    """Writes a strand of sugars, and as DSSR would its pairs 1-18, 2-17 and 2-16."""
    lines = [f"REVDAT   1   {released} {name}    0"] if released else []
    atoms = {"P": 0.0, "C4'": 2.0, "C3'": 3.0, "C1'": 3.5, "O2'": 3.8, "O3'": 4.4}
    for number, letter in enumerate(letters):
        lines += [
            f"ATOM  {1:5d}  {atom:<3}   {letter} A{number + 1:4d}    "
            f"{6 * number + x:8.3f}{0:8.3f}{0:8.3f}{1:6.2f}{0:6.2f}          "
            f"{atom[0]:>2}"
            for atom, x in atoms.items()
        ]
    (folder / f"{name}.pdb").write_text("\n".join(lines) + "\nEND\n")
    pairs = [(1, 18, "cWW"), (2, 17, "cWW"), (2, 16, "tSH")]
    listed = [
        {"nt1": f"A.{letters[i - 1]}{i}", "nt2": f"A.{letters[j - 1]}{j}", "LW": edges}
        for i, j, edges in pairs
        if j <= len(letters)
    ]
    (folder / f"{name}.json").write_text(json.dumps({"pairs": listed}))


def _folder(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    _structure(folder, "1aaa", SEQUENCE)
    _structure(folder, "1bbb", SEQUENCE)
    _structure(folder, "1ccc", SEQUENCE.replace("UUCG", "GCAA"))
    _structure(folder, "1ddd", SEQUENCE, released="22-APR-23")
    _structure(folder, "1eee", SEQUENCE, released="")
    _structure(folder, "1fff", "GGGAAACC")
    (folder / "1ggg.pdb").write_text("nothing\n")
    (tmp_path / "families.tsv").write_text("1aaa_A\ttRNA\tGene\n1ccc_A\t5S\tGene\n")
    return folder


def _flags(tmp_path, folder):
    return (
        f"--files={folder}", f"--out={tmp_path}/out", "--config.annotator=dssr",
        f"--config.dssr={folder}", "--config.cluster.method=exact",
        f"--config.rfam.table={tmp_path}/families.tsv",
        "--config.executor.num_workers=1", "--config.split.num_folds=2",
    )  # fmt: skip


def test_the_command_makes_tables_and_names_all_it_dropped(tmp_path):
    folder = _folder(tmp_path)
    done = _run(*_flags(tmp_path, folder))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    first, second = record_tables.read_table(out / "unsupervised.tsv")
    assert (first.name, first.sequence, first.family) == ("1aaa_A", SEQUENCE, "tRNA")
    assert second.name == "1ccc_A"
    assert first.structure.pairs.tolist() == [[0, 17], [1, 15], [1, 16]]
    lines = (out / "unsupervised.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    row = dict(zip(rows[0], rows[1], strict=True))
    assert row["dotbracket"] == "((" + "." * 14 + "))"
    assert row["classes"] == "watson-crick:cWW;non-canonical:tSH;watson-crick:cWW"
    assert row["date"] == "2020-02-22"
    assert {line[rows[0].index("fold")] for line in rows[1:]} == {"1", "2"}
    assert (out / "folds.tsv").read_text().splitlines() == lines
    dropped = [
        line.split("\t")[:2]
        for line in (out / "dropped.tsv").read_text().splitlines()[1:]
    ]
    assert dropped == [
        ["1ddd_A", "released too late"],
        ["1eee_A", "no release date"],
        ["1fff_A", "too short"],
        ["1ggg", "cannot be read"],
        ["1bbb_A", "same at 100% identity"],
    ]
    told = json.loads((out / "report.json").read_text())
    assert told["counts"]["unique"] == told["counts"]["families"] == 2
    assert told["paper"]["unique"] == 2029
    with np.load(out / "atoms-00000.npz") as atoms:
        assert atoms["id"].tolist() == ["1aaa_A", "1ccc_A"]
        assert atoms["atoms_from"].tolist() == [0, 108, 216]
        assert atoms["xyz"].shape == (216, 3)


def test_the_same_command_again_does_nothing_and_another_is_refused(tmp_path):
    flags = _flags(tmp_path, _folder(tmp_path))
    first = _run(*flags)
    held = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("out*/**/*")}
    again = _run(*flags)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout.partition("\n")[2].partition("\n")[2]
    assert held == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("out*/**/*")}
    other = _run(*flags, "--config.min_length=5")
    assert other.returncode == 1
    assert "exists and was made of other files or with other settings" in other.stderr
    assert other.stderr.count("\n") == 1


def test_a_killed_run_goes_on_and_gives_the_same(tmp_path):
    folder = _folder(tmp_path)
    for number in range(40):
        letters = SEQUENCE.replace("UUCG", f"{number:04b}".translate(_TO_LETTERS))
        _structure(folder, f"2{number:03d}", letters)
    flags = _flags(tmp_path, folder)
    assert _run(*flags).returncode == 0
    (tmp_path / "out").rename(tmp_path / "whole")
    work = tmp_path / "out.work"
    work.rename(tmp_path / "whole.work")
    with subprocess.Popen(
        [sys.executable, "launch/prepare_pdb.py", *flags],
        cwd=ROOT, stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        while process.poll() is None and len(list(work.glob("read/*.json"))) < 3:
            time.sleep(0.001)
        process.kill()
    assert not (tmp_path / "out").exists()
    before = {p: p.stat().st_mtime_ns for p in work.glob("read/*.json")}
    assert 3 <= len(before) < 47
    assert _run(*flags).returncode == 0
    assert before == {p: p.stat().st_mtime_ns for p in before}
    whole = {p.name: p.read_bytes() for p in (tmp_path / "whole").iterdir()}
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == whole


def test_annotators_stand_beside_published_pairs(tmp_path):
    folder = _folder(tmp_path)
    table = tmp_path / "published.tsv"
    rows = ["id\tsequence\tdotbracket\tpairs", f"x\t{SEQUENCE}\t\t1-18;3-16"]
    table.write_text("\n".join(rows) + "\n")
    flags = (*_flags(tmp_path, folder), f"--config.published={table}")
    done = _run(*flags, "--config.compare=biotite")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(told["annotators"]) == ["dssr and biotite"]
    assert list(told["published"]) == ["dssr and published", "biotite and published"]
    mine = told["published"]["dssr and published"]
    assert (mine["chains"], mine["all"]["shared"], mine["all"]["theirs"]) == (1, 1, 2)
    assert "dssr and published: 1 chains, F1 0.400 of all pairs" in done.stdout


def test_ids_and_reasons_of_what_is_dropped(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    text = duplex.pdb(duplex.atoms(), duplex.WHOLE)
    (folder / "rp.out.1.pdb").write_text(text)
    (folder / "rp.out.2.pdb1.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    dna = [one for one in duplex.atoms() if one.name != "O2'"]
    dna = duplex.changed(dna, residue=lambda one: one.residue.replace("U", "T"))
    (folder / "dna.pdb").write_text(duplex.pdb(dna))
    coarse = [one for one in duplex.atoms() if one.name == "C4'"]
    (folder / "coarse.pdb").write_text(duplex.pdb(coarse))
    (folder / "x.mmtf").touch()
    done = _run(
        f"--files={folder}", f"--out={tmp_path}/out", "--config.keep_undated=true",
        "--config.cluster.method=exact", "--config.executor.num_workers=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    records = list(record_tables.read_table(out / "chains.tsv"))
    assert [one.name for one in records] == ["rp.out.1_A", "rp.out.2_A"]
    assert [len(one.structure.pairs) for one in records] == [10, 10]
    dropped = [
        line.split("\t") for line in (out / "dropped.tsv").read_text().splitlines()[1:]
    ]
    assert [line[:2] for line in dropped] == [
        ["coarse_A", "coarse-grained"],
        ["dna_A", "no RNA: DNA"],
        ["x", "cannot be read"],
        ["rp.out.2_A", "same at 100% identity"],
    ]
    assert dropped[0][2].startswith("sugar atoms C1' C3' are missing of 20 nucleotides")


def test_wrong_settings_and_a_missing_program_stop_it_in_one_line(tmp_path):
    for flag, message in (
        ("--config.before=2023", "before='2023' is no date as 2023-04-01"),
        ("--config.annotator=mine", "annotator='mine' is not one of"),
        ("--config.cluster.program=/nowhere", "mmseqs: '/nowhere'"),
        ("--config.annotator=dssr", "name the folder of DSSR's JSON"),
    ):
        done = _run(f"--files={tmp_path}", f"--out={tmp_path}/out", flag)
        assert done.returncode == 1
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
