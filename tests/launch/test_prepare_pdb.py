import json
import pathlib
import subprocess
import sys

import numpy as np

from ssrlm_jax.rna import formats

ROOT = pathlib.Path(__file__).parents[2]
SEQUENCE = "GGGAAACUUCGGUUUCCC"


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
    first, second = formats.read_table(out / "unique.tsv")
    assert (first.name, first.sequence, first.family) == ("1aaa_A", SEQUENCE, "tRNA")
    assert second.name == "1ccc_A"
    assert first.structure.pairs.tolist() == [[0, 17], [1, 15], [1, 16]]
    lines = (out / "unique.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    row = dict(zip(rows[0], rows[1], strict=True))
    assert row["dotbracket"] == "((" + "." * 14 + "))"
    assert row["classes"] == "watson-crick:cWW;non-canonical:tSH;watson-crick:cWW"
    assert row["date"] == "2020-02-22"
    assert {line[rows[0].index("fold")] for line in rows[1:]} == {"1", "2"}
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


def test_what_was_read_is_not_read_again(tmp_path):
    folder = _folder(tmp_path)
    flags = _flags(tmp_path, folder)
    assert _run(*flags).returncode == 0
    tables = (tmp_path / "out" / "unique.tsv").read_text()
    files = {p: p.stat().st_mtime_ns for p in tmp_path.glob("out.work/read/*.json")}
    again = _run(*flags)
    assert again.returncode == 1
    assert "exists; name another or remove it" in again.stderr
    (tmp_path / "out").rename(tmp_path / "before")
    assert _run(*flags).returncode == 0
    assert files == {p: p.stat().st_mtime_ns for p in files}
    assert (tmp_path / "out" / "unique.tsv").read_text() == tables


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
