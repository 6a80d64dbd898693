"""Sweeps through submitit: its executor of this machine, and SLURM by stand-ins."""

import importlib
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

import pytest
import tiny_sweep

from ssrlm_jax import config
from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import (
    job_graph,
    job_states,
    perform,
    slurm_executor,
)

if importlib.util.find_spec("submitit") is None:
    pytest.skip("submitit is the extra [cluster]", allow_module_level=True)
slurm_executor.load()
submitit = importlib.import_module("submitit")

ROOT = pathlib.Path(__file__).parents[2]
HERE = config.SweepExecutorConfig(kind="submitit", parallel=2)
SLURM = config.SweepExecutorConfig(
    kind="slurm", partition="gpu", minutes=90, memory_gb=3, gpus=2, setup="export M=on"
)
# Waits till the job before has ended, then runs all tasks, as SLURM would.
SBATCH = """#!/bin/bash
here={here}
id=$(( $(cat $here/last) + 1 ))
echo $id > $here/last
script=${{@: -1}}
cp $script $here/$id.sh
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' $script)
if [ -e $here/runs ]; then
(
  while [ ! -e $here/ended.$((id - 1)) ]; do sleep 0.05; done
  export SLURM_JOB_ID=$id SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_PROCID=0
  export SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_JOB_NODELIST=localhost
  if [ -z "$last" ]; then
    echo "$id|RUNNING|localhost" >> $here/states
    bash $here/$id.sh && word=COMPLETED || word=FAILED
    echo "$id|$word|localhost" >> $here/states
  else
    export SLURM_ARRAY_JOB_ID=$id
    for n in $(seq 0 $last); do
      echo "${{id}}_$n|RUNNING|localhost" >> $here/states
      SLURM_ARRAY_TASK_ID=$n bash $here/$id.sh && word=COMPLETED || word=FAILED
      echo "${{id}}_$n|$word|localhost" >> $here/states
    done
  fi
  touch $here/ended.$id
) > $here/$id.log 2>&1 < /dev/null &
disown
else
  for n in $(seq 0 ${{last:-0}}); do
    echo "$id${{last:+_$n}}|${{STATE:-PENDING}}|" >> $here/states
  done
fi
echo Submitted batch job $id
"""
SRUN = """#!/bin/bash
while [[ $1 == -* ]]; do
  case $1 in --output|--error) shift 2 ;; *) shift ;; esac
done
exec "$@"
"""
SACCT = """#!/bin/bash
echo "JobID|State|NodeList"
cat {here}/states
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Stand-ins; jobs run if `runs` exists, else they wait in the queue."""
    here = tmp_path / "slurm"
    here.mkdir()
    (here / "last").write_text("16")
    (here / "states").touch()
    (here / "ended.16").touch()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT)):
        (here / name).write_text(text.format(here=here) if name != "srun" else text)
        (here / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}:{os.environ['PATH']}")
    roots = [str(ROOT), str(pathlib.Path(__file__).parent)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(roots))
    monkeypatch.setattr(slurm_executor, "_STATE_SECONDS", 0.2)
    monkeypatch.setattr(slurm_executor, "_POLL_SECONDS", 0.1)
    submitit.SlurmJob.watcher.clear()
    yield here
    submitit.SlurmJob.watcher.clear()


def states(out, made):
    return [one.state for one in job_states.look(out, made).values()]


def test_submitit_runs_a_sweep_on_this_machine(tmp_path, made, monkeypatch):
    monkeypatch.setattr(slurm_executor, "_POLL_SECONDS", 0.1)
    out = tmp_path / "out"
    slurm_executor.run(out, made, HERE)
    assert states(out, made) == [job_states.DONE_STATE] * 4


def test_arrays_of_steps_run_on_slurm_in_order(tmp_path, made, slurm):
    (slurm / "runs").touch()
    out = tmp_path / "out"
    slurm_executor.run(out, made, SLURM)
    assert states(out, made) == [job_states.DONE_STATE] * 4
    first, second, third = (slurm / f"{n}.sh" for n in (17, 18, 19))
    assert "--array" not in first.read_text()
    assert "dependency" not in first.read_text()
    assert "#SBATCH --dependency=afterany:17" in second.read_text()
    text = third.read_text()
    for line in (
        "--array=0-1%2",
        "--dependency=afterany:18",
        "--partition=gpu",
        "--gpus-per-node=2",
        "--mem=3GB",
        "--time=90",
        "--signal=USR2@300",
        "--kill-on-invalid-dep=yes",
        "--job-name=ssrlm-scores",
    ):
        assert f"#SBATCH {line}" in text
    assert "export M=on" in text


def test_chains_of_their_own_wait_task_by_task(tmp_path, slurm, tables):
    asked = tiny_sweep.tiny(tables)
    made = job_graph.expand(
        tiny_sweep.chains.Sweep(
            **vars(asked)
            | {"axes": {"method": ("good",), "upto": (2, 3)}}
            | {"compared": "upto"}
        ),
        job.resolve,
    )
    text = slurm_executor.script(tmp_path / "out", made, SLURM)
    conditions = re.findall(r"--dependency=(\w+):", text)
    assert conditions == ["afterany", "aftercorr"]


def test_a_failed_job_fails_its_cell_alone(tmp_path, slurm, tables, asked):
    (slurm / "runs").touch()
    for path in (tables / "bad" / "model").iterdir():
        path.unlink()
    made = job_graph.expand(asked, job.resolve)
    out = tmp_path / "out"
    slurm_executor.run(out, made, SLURM)
    assert sorted(states(out, made)) == ["done", "done", "done", "failed"]
    (failed,) = (o for o in job_states.look(out, made).values() if o.failure)
    assert "has no files; " in failed.failure.reason


def test_what_is_queued_is_not_submitted_again(tmp_path, made, slurm, monkeypatch):
    out = tmp_path / "out"
    watched = []

    def watch(out, made, submitted, report):
        watched.append({name: one.job_id for name, one in submitted.items()})

    monkeypatch.setattr(slurm_executor, "_watch", watch)
    for _ in range(2):
        slurm_executor.run(out, made, SLURM)
    assert watched[0] == watched[1]
    assert (slurm / "last").read_text().strip() == "19"
    assert states(out, made) == [job_states.QUEUED_STATE] * 4


def test_a_job_that_leaves_the_queue_without_a_result_has_failed(
    tmp_path, made, slurm, monkeypatch
):
    monkeypatch.setenv("STATE", "NODE_FAIL")
    monkeypatch.setattr(submitit.SlurmJob, "_results_timeout_s", 0)
    out = tmp_path / "out"
    slurm_executor.run(out, made, SLURM)
    looks = job_states.look(out, made)
    (first, *_) = looks.values()
    assert "left the queue without a result (NODE_FAIL)" in first.failure.reason
    assert first.failure.command.startswith("ssrlm subset --out=")


def test_the_script_is_printed_where_there_is_no_slurm(tmp_path, made):
    text = slurm_executor.script(tmp_path / "out", made, SLURM)
    assert text.count("#!/bin/bash") == 3
    assert "#SBATCH --dependency=afterany:ID_OF_ARRAY_1" in text
    assert "submitit.core._submit" in text
    for name in made.jobs:
        assert name in text


def test_a_machine_without_slurm_is_told_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="there is no srun on this machine"):
        slurm_executor.check(SLURM)


def test_submitit_leaves_the_log_of_this_process_alone():
    code = (
        "import logging\n"
        "logging.basicConfig()\n"
        "from ssrlm_jax.sweeps import slurm_executor\n"
        "slurm_executor.load()\n"
        "logging.getLogger('ssrlm_jax').warning('still told')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stderr == "WARNING:ssrlm_jax:still told\n"


def test_submitit_that_is_missing_says_how_to_get_it():
    code = (
        "import sys; sys.modules['submitit'] = None\n"
        "from ssrlm_jax import config\n"
        "from ssrlm_jax.sweeps import slurm_executor\n"
        "slurm_executor.check(config.SweepExecutorConfig(kind='submitit'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert "pip install 'ssrlm-jax[cluster]'" in done.stderr


WAITS = """
from ssrlm_jax.sweeps import child; child.begin()
import signal, sys, time, pathlib
mark = pathlib.Path({mark!r})
signal.signal(signal.SIGTERM, lambda *_: (mark.write_text("saved"), sys.exit(0)))
mark.write_text("begun")
time.sleep(60)
"""


def test_a_preempted_job_saves_and_is_queued_again(tmp_path, made, monkeypatch):
    out, mark = tmp_path / "out", tmp_path / "mark"
    first = next(iter(made.jobs.values()))
    monkeypatch.setattr(perform, "_CODE", WAITS.format(mark=str(mark)))
    task = slurm_executor.Task()
    ended = []

    def call():
        try:
            task(out, first, made)
        except ValueError as error:
            ended.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    while not mark.exists() or mark.read_text() != "begun":
        time.sleep(0.02)
    again = task.checkpoint(out, first, made)
    thread.join()
    assert mark.read_text() == "saved"
    assert ended == [f"{first.name} was stopped"]
    assert job_states.look_at(out, first).state == job_states.WAITING
    monkeypatch.undo()
    assert again.function(*again.args) == first.name
    assert job_states.look_at(out, first).state == job_states.DONE_STATE


def test_a_job_whose_parent_is_not_done_does_not_start(tmp_path, made):
    last = list(made.jobs.values())[-1]
    with pytest.raises(ValueError, match="reads of some-.*, which is waiting"):
        slurm_executor.Task()(tmp_path / "out", last, made)
