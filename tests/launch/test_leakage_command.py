import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "launch/leakage.py", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_equal_sequences_are_counted_and_named(tmp_path):
    (tmp_path / "train.fa").write_text(">a\nACGU\n>b\nGGGG\n")
    (tmp_path / "other.fa").write_text(">c\nCC\n")
    (tmp_path / "test.dbn").write_text(">d\nacgt\n(..)\n>e\nCC\n..\n>f\nCC\n..\n")
    done = _run(
        "--exact",
        *("--train", f"mine={tmp_path}/train.fa", f"other={tmp_path}/other.fa"),
        f"--test=theirs={tmp_path}/test.dbn",
        f"--out={tmp_path}/found.json",
    )
    assert done.returncode == 0, done.stderr
    titles, *rows = (line.split() for line in done.stdout.splitlines())
    assert titles == ["test", "train", "distinct", "equal", "near", "neither"]
    assert rows == [
        ["theirs", "mine", "2", "1", "-", "1"],
        ["theirs", "other", "2", "1", "-", "1"],
    ]
    found = json.loads((tmp_path / "found.json").read_text())["overlaps"]
    assert [[one["test"] for one in part["equal"]] for part in found] == [
        ["d"],
        ["e", "f"],
    ]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("--test=none.fa", "--test: NAME=FILE is expected, found 'none.fa'"),
        ("--test=x=none.fa", "none.fa: cannot be read"),
        ("--test=archiveII={fa}", "fa:1: a structure is expected, found none"),
        ("--test=y={fa}", "--test: 'y' is given twice"),
        ("--test=x={fa}.tsv", "x={fa}.tsv: no RNA is there, so nothing can be"),
    ],
)
def test_a_wrong_command_is_one_line_without_traceback(tmp_path, given, complaint):
    file = tmp_path / "a.fa"
    file.write_text(">a\nACGU\n")
    (tmp_path / "a.fa.tsv").write_text("id\tsequence\n")
    done = _run(
        "--exact", f"--train=x={file}", f"--test=y={file}", given.format(fa=file)
    )
    assert done.returncode == 1
    assert complaint.format(fa=file) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_identity_is_refused_before_files_are_read():
    done = _run("--train=x=none", "--test=y=none", "--identity=80")
    assert done.returncode == 1
    assert "identity=80 is not above 0 and at most 1" in done.stderr
