"""`ssrlm sweep` as its users call it: dry run, status, report, what is wrong."""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from ssrlm_jax import cli

ROOT = pathlib.Path(__file__).parents[2]
TINY = {
    "pretrain.loop.num_steps": 8,
    "pretrain.loop.evaluate_every": 4,
    "pretrain.loop.save_every": 4,
    "pretrain.optimizer.warmup_steps": 2,
    "pretrain.encoder.num_layers": 1,
    "pretrain.encoder.width": 16,
    "pretrain.data.rows_per_batch": 2,
    "pretrain.data.validation_rows": 2,
    "corpus.data.families.num_families": 2,
    "corpus.data.families.num_members": 6,
    "corpus.data.families.num_validation_members": 2,
    "corpus.data.families.num_coding": 6,
    "corpus.data.families.num_validation_coding": 2,
    "held_out.rows": 4,
    "seed": 0,
    "objective": "mlm,ssm",
}
AXES = [f"--axis={name}={value}" for name, value in TINY.items()]


def run(*words, code=0):
    done = subprocess.run(
        [sys.executable, str(ROOT / "launch" / "sweep.py"), *map(str, words)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.long
def test_a_sweep_from_nothing_to_a_report(tmp_path):
    out = tmp_path / "out"
    told = run("--out", out, *AXES, "--dry_run", "--parallel=1").stdout
    assert re.search(r"^all +6 jobs .*\n^left +6 jobs", told, re.MULTILINE)
    assert "measured: pretrain: " in told
    done = run("--out", out, *AXES, "--parallel=2")
    assert "| objective | loss, paired |" in done.stdout
    assert "objective=ssm | objective=mlm" in done.stdout
    assert re.search(r"pretrain-\w+: done", done.stderr)
    status = run("--status", out).stdout
    assert status.splitlines()[-1] == "6 jobs: 6 done"
    told = json.loads((out / "report.json").read_text())
    assert [line["name"] for line in told["lines"]] == [
        "objective=mlm",
        "objective=ssm",
        "Markov, order 0",
        "Markov, order 3",
    ]
    assert all(set(line["scores"]) for line in told["lines"])
    for name in ("report.md", "report.html"):
        (out / name).unlink()
    run("--out", out, *AXES, "--report")
    assert (out / "report.md").exists()
    assert "<td>ssm</td>" in (out / "report.html").read_text()
    left = run("--out", out, *AXES, "--dry_run").stdout
    assert re.search(r"^left +0 jobs", left, re.MULTILINE)


@pytest.mark.long
def test_a_sweep_that_is_killed_in_training_ends_as_one_that_is_not(tmp_path):
    weights = []
    for name in ("whole", "killed"):
        out = tmp_path / name
        axes = [*AXES, "--axis=pretrain.loop.num_steps=120", "--axis=objective=ssm"]
        if name == "killed":
            started = subprocess.Popen(
                [sys.executable, ROOT / "launch" / "sweep.py", f"--out={out}", *axes],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            while not list(out.glob("jobs/pretrain-*/run/checkpoints/4*")):
                assert started.poll() is None
            started.kill()
            started.wait()
        run(f"--out={out}", *axes)
        told = json.loads((out / "report.json").read_text())
        (model,) = out.glob("jobs/pretrain-*/run/model/weights.safetensors")
        weights.append((model.read_bytes(), told["lines"], told["comparisons"]))
    assert weights[0] == weights[1]


def test_all_that_is_wrong_is_told_before_anything_starts(tmp_path, capsys):
    out = tmp_path / "out"
    wrong = ("--axis=pretrain.masking.rate=0.7", "--axis=speed=1")
    assert cli.main(["sweep", f"--out={out}", *AXES, *wrong]) == 1
    told = capsys.readouterr().err
    assert "nothing was started; 3 wrong:" in told
    assert "masking.rate=0.7 is not above 0" in told
    assert "axis 'speed' is read by no step" in told
    assert not out.exists()


def test_a_directory_of_no_sweep_is_told(tmp_path, capsys):
    assert cli.main(["sweep", f"--status={tmp_path}"]) == 1
    assert "it is not the --out of a sweep" in capsys.readouterr().err


def test_the_script_is_printed_without_slurm(tmp_path, capsys):
    if importlib.util.find_spec("submitit") is None:
        pytest.skip("submitit is the extra [cluster]")
    flags = ("--config.executor.kind=slurm", "--config.executor.partition=gpu")
    given = (f"--out={tmp_path / 'out'}", *AXES, *flags, "--print_script")
    assert cli.main(["sweep", *given]) == 0
    told = capsys.readouterr().out
    assert told.count("#SBATCH --partition=gpu") == 4
    # The corpus, two runs, the chains beside them, then scores run by run.
    waits = re.findall(r"--job-name=(\S+)|--dependency=(\S+)", told)
    assert [one for pair in waits for one in pair if one] == [
        "ssrlm-corpus",
        "afterany:ID_OF_ARRAY_1",
        "ssrlm-pretrain",
        "afterany:ID_OF_ARRAY_1",
        "ssrlm-held_out",
        "afterany:ID_OF_ARRAY_1,aftercorr:ID_OF_ARRAY_2",
        "ssrlm-held_out",
    ]
