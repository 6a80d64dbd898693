import pathlib
import subprocess
import sys

import pytest

from ssrlm_jax.data import rows

ROOT = pathlib.Path(__file__).parents[2]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "launch/prepare_corpus.py", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_makes_a_corpus_and_says_what_is_next(tmp_path):
    (tmp_path / "a.fa").write_text(">a\nACGU\n>b\nGGGA\n")
    out = tmp_path / "corpus"
    done = _run(f"--other={tmp_path}/a.fa", f"--out={out}", "--config.row_length=16")
    assert done.returncode == 0, done.stderr
    assert (
        rows.open_corpus(out, row_length=16).totals("train", "other")["num_rows"] == 1
    )
    assert f"--config.data.corpus={out} --config.data.row_length=16" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--other=none.fa"], "--other=none.fa: there is no such file"),
        (["--config.row_lenth=9"], "there is no setting row_lenth"),
        (["--config.row_length=2"], "row_length=2 does not lie in 3..32767"),
        (["--config.family_pattern=("], "is not a regular expression"),
    ],
)
def test_a_wrong_command_is_one_line_without_traceback(tmp_path, arguments, complaint):
    done = _run(f"--out={tmp_path}/corpus", *arguments)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
