"""Whole sweeps on this machine: jobs once, failures alone, killed and gone on with."""

import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
import tiny_sweep

from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import (
    job_graph,
    job_states,
    local_executor,
    perform,
    sweep_report,
)

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = """
import pathlib, sys
sys.path[:0] = [{tests!r}]
import tiny_sweep
from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import job_graph, local_executor
made = job_graph.expand(tiny_sweep.tiny(pathlib.Path(sys.argv[1])), job.resolve)
local_executor.run(pathlib.Path(sys.argv[2]), made, 1)
"""


def run(out, made, parallel=1):
    local_executor.run(out, made, parallel)
    return job_states.look(out, made)


def facts(out, asked, made):
    """Writes the report; returns it without what time decides."""
    sweep_report.write(out, asked, made, {}, seed=0)
    told = json.loads((out / "report.json").read_text())
    assert told.pop("cost")["jobs"]
    return told


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The report of an uninterrupted sweep."""
    folder = tmp_path_factory.mktemp("whole")
    tiny_sweep.write_tables(folder)
    asked = tiny_sweep.tiny(folder)
    made = job_graph.expand(asked, job.resolve)
    run(folder / "out", made)
    return facts(folder / "out", asked, made)


def test_shared_jobs_run_once_and_all_end(tmp_path, made):
    looks = run(tmp_path / "out", made, parallel=2)
    assert [one.state for one in looks.values()] == [job_states.DONE_STATE] * 4
    steps = [one.step for one in made.jobs.values()]
    assert sorted(steps) == ["all", "scores", "scores", "some"]
    assert len(list((tmp_path / "out" / "jobs").iterdir())) == 4


def test_what_is_done_is_not_run_again(tmp_path, made):
    out = tmp_path / "out"
    run(out, made)
    logs = {path: path.stat().st_mtime_ns for path in out.rglob("log.txt")}
    run(out, made)
    assert {path: path.stat().st_mtime_ns for path in logs} == logs


def test_a_result_that_is_gone_is_made_again(tmp_path, made):
    out = tmp_path / "out"
    run(out, made)
    (some,) = (name for name, one in made.jobs.items() if one.step == "some")
    table = out / "jobs" / some / "subset" / "table.tsv"
    before = table.read_text()
    table.unlink()
    assert job_states.look(out, made)[some].state == job_states.WAITING
    run(out, made)
    assert table.read_text() == before


def test_a_changed_setting_reruns_only_what_depends_on_it(tmp_path, asked, made):
    out = tmp_path / "out"
    run(out, made)
    before = {path.name for path in (out / "jobs").iterdir()}
    changed = job_graph.expand(
        dataclasses.replace(asked, axes=dict(asked.axes) | {"upto": (3,)}),
        job.resolve,
    )
    run(out, changed)
    new = {path.name for path in (out / "jobs").iterdir()} - before
    assert sorted(name.rpartition("-")[0] for name in new) == [
        "scores",
        "scores",
        "some",
    ]


def test_a_broken_cell_leaves_the_other_whole(tmp_path, tables, asked, whole):
    (tables / "bad" / "model" / "a.dbn").write_text("nonsense")
    (tables / "bad" / "model" / "b.dbn").unlink()
    for path in (tables / "bad" / "model").iterdir():
        path.unlink()
    made = job_graph.expand(asked, job.resolve)
    out = tmp_path / "out"
    looks = run(out, made)
    states = [one.state for one in looks.values()]
    assert states.count(job_states.FAILED_STATE) == 1
    assert states.count(job_states.DONE_STATE) == 3
    (failed,) = (one for one in looks.values() if one.failure)
    assert failed.failure.status == 1
    assert "has no files; " in failed.failure.reason
    assert failed.failure.command.startswith("ssrlm evaluate --config=evaluate --out=")
    told = facts(out, asked, made)
    bad, good = told["lines"]
    assert good == whole["lines"][1]
    assert bad["scores"] == {}
    assert bad["missing"] == [
        f"method=bad upto=4: {failed.name} failed: {failed.failure.reason}"
    ]


def test_what_reads_of_a_failed_job_waits_for_it_and_is_tried_again(
    tmp_path, tables, asked, whole
):
    truth = (tables / "truth.tsv").read_text()
    (tables / "truth.tsv").write_text(truth + "e\tGGG\n")
    made = job_graph.expand(asked, job.resolve)
    out = tmp_path / "out"
    looks = run(out, made)
    first, *others = looks.values()
    assert "truth.tsv:6: 3 columns expected, found 2" in first.failure.reason
    assert [one.state for one in others] == [job_states.BLOCKED] * 3
    assert {one.waits_for for one in others} == {first.name}
    (tables / "truth.tsv").write_text(truth)
    made = job_graph.expand(asked, job.resolve)
    run(out, made)
    assert facts(out, asked, made)["lines"] == whole["lines"]


def test_a_job_that_cannot_start_fails_its_cell_alone(tmp_path, made, monkeypatch):
    make_room = perform._make_room
    (name, *_) = (n for n, one in made.jobs.items() if one.step == "scores")

    def full(out, one):
        if one.name == name:
            raise OSError("no space left")
        make_room(out, one)

    monkeypatch.setattr(perform, "_make_room", full)
    looks = run(tmp_path / "out", made)
    assert looks[name].failure.reason == "no space left"
    assert sum(one.state == job_states.DONE_STATE for one in looks.values()) == 3


def start(tables, out):
    roots = [str(ROOT), str(pathlib.Path(__file__).parent)]
    return subprocess.Popen(
        [
            *(sys.executable, "-c", SCRIPT.format(tests=roots[1])),
            *(str(tables), str(out)),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots)},
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments_it_gives_the_same_report(
    tmp_path, tables, asked, made, whole, seed
):
    moments = random.Random(seed)
    out = tmp_path / "out"
    for _ in range(3):
        process = start(tables, out)
        time.sleep(moments.uniform(1.0, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    looks = run(out, made)
    assert {one.state for one in looks.values()} == {job_states.DONE_STATE}
    assert facts(out, asked, made) == whole


def test_asked_to_stop_it_ends_and_its_jobs_too(tmp_path, tables, made):
    out = tmp_path / "out"
    process = start(tables, out)
    while not list(out.rglob("log.txt")):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) != 0
    time.sleep(0.2)
    looks = job_states.look(out, made)
    assert not {job_states.RUNNING, job_states.FAILED_STATE} & {
        one.state for one in looks.values()
    }


def test_slots_share_the_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4})
    monkeypatch.setattr(local_executor, "gpus", dict)
    assert [slot.cores for slot in local_executor.slots(2)] == [(0, 1), (2, 3)]
    assert [slot.cores for slot in local_executor.slots(1)] == [()]
    with pytest.raises(ValueError, match="--parallel=6: this machine has 5 cores"):
        local_executor.slots(6)


def test_slots_get_a_gpu_each(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(local_executor, "gpus", lambda: {"0": "H100", "3": "H100"})
    found = local_executor.slots(2)
    assert [slot.gpu for slot in found] == ["0", "3"]
    assert found[1].environment()["CUDA_VISIBLE_DEVICES"] == "3"
    assert found[0].device == "1 x H100"
    assert local_executor.slots(1)[0].device == "2 x H100"
    with pytest.raises(ValueError, match="has 2 GPUs"):
        local_executor.slots(3)
