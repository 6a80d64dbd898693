import json
import os
import pathlib
import random
import shutil
import signal
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


ALONE = ("--config.cluster.method=none", "--config.fold.program=none")


def test_the_command_makes_a_corpus_and_says_what_is_next(tmp_path):
    (tmp_path / "a.fa").write_text(
        ">a\nACGUUGCAGUCAAGCU\n>b\nGGGAUCCAGUCAAGCU\n>c\nAC\n"
    )
    out = tmp_path / "corpus"
    given = (f"--other={tmp_path}/a.fa", f"--out={out}", "--config.row_length=20")
    done = _run(*given, *ALONE)
    assert done.returncode == 0, done.stderr
    assert (
        rows.open_corpus(out, row_length=20).totals("train", "other")["num_rows"] == 2
    )
    assert "too short: 1" in done.stdout
    assert "near-duplicates were not looked for" in done.stdout
    assert f"--config.data.corpus={out} --config.data.row_length=20" in done.stdout
    told = json.loads((out / "report.json").read_text())
    assert [stage["num_out"] for stage in told["way"]] == [2, 2, 2]
    assert told["content"]["other"]["letters"] == [8, 8, 9, 7, 0]
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG")
    work = tmp_path / "corpus.work"
    again = _run(*given, *ALONE)
    assert again.returncode == 0
    shutil.rmtree(out)
    read = {path: path.stat().st_mtime_ns for path in work.glob("read/*.keys")}
    assert _run(*given, *ALONE).returncode == 0
    assert read == {path: path.stat().st_mtime_ns for path in work.glob("read/*.keys")}


def test_a_killed_command_goes_on_to_the_same_corpus(tmp_path):
    """Killed with its workers at seeded, ever later moments, until it ends."""
    rng = random.Random(0)
    for number in range(3):
        lines = [
            f">r{number}_{n}\n{''.join(rng.choices('ACGU', k=300))}"
            for n in range(2000)
        ]
        (tmp_path / f"{number}.fa").write_text("\n".join(lines) + "\n")
    given = (f"--other={tmp_path}/*.fa", "--config.shard_nucleotides=100000")
    assert _run(*given, *ALONE, f"--out={tmp_path}/whole").returncode == 0
    command = [sys.executable, "launch/prepare_corpus.py", *given, *ALONE]
    num_killed = 0
    for attempt in range(20):
        process = subprocess.Popen(
            [*command, f"--out={tmp_path}/killed"],
            cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(timeout=rng.uniform(1.0, 2.0) * 1.4**attempt)
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            num_killed += 1
    assert process.returncode == 0
    assert num_killed > 0
    whole, killed = (
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("*/*")}
        for name in ("whole", "killed")
    )
    assert whole == killed
    assert len(whole) > 5


def test_missing_mmseqs_stops_before_anything_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.fa").write_text(">a\nACGUUGCAGUCAAGCU\n")
    monkeypatch.setenv("SSRLM_MMSEQS", str(tmp_path / "none"))
    done = _run(f"--other={tmp_path}/a.fa", f"--out={tmp_path}/corpus")
    assert done.returncode == 1
    assert "--config.cluster.method=none" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.fa"]


@pytest.mark.parametrize("kind", ["config.PretrainConfig", "None"])
def test_an_interrupted_command_ends_in_one_line_with_130(kind):
    code = (
        "import sys; sys.argv = ['job.py']\n"
        "from ssrlm_jax import cli, config\n"
        "from ssrlm_jax.jobs import command, pretrain\n"
        "def job(*given):\n"
        "    raise KeyboardInterrupt\n"
        "pretrain.COMMAND = command.Command(\n"
        f"    function=job, about='', kind={kind}, default='demo', flags={{}}\n"
        ")\n"
        "sys.exit(cli.launch('pretrain'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "job.py: interrupted\n")


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
