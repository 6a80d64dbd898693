"""What is told of jobs: lines in a log, a table on a terminal, words of --status."""

import io
import json
import logging
import pathlib

import pytest
import rich.console
import tiny_sweep

from ssrlm_jax import locks
from ssrlm_jax.sweeps import display, job_graph, job_states, local_executor


def training(name="pretrain-0"):
    one = tiny_sweep.job("pretrain", name=name)
    return one, job_graph.Graph(jobs={name: one}, cells=[], baselines={})


def test_a_log_has_a_line_for_each_change(tmp_path, made, caplog):
    caplog.set_level(logging.INFO, logger="ssrlm_jax")
    out = tmp_path / "out"
    console = rich.console.Console(file=io.StringIO(), force_terminal=False)
    with display.Display(out, made, console) as shown:
        local_executor.run(out, made, 1, shown)
    told = [line for line in caplog.messages if ": done  " in line]
    assert len(told) == 4


def test_a_terminal_has_one_table(tmp_path, made):
    out = tmp_path / "out"
    text = io.StringIO()
    console = rich.console.Console(file=text, force_terminal=True, width=120)
    with display.Display(out, made, console) as shown:
        local_executor.run(out, made, 2, shown)
    assert "4 jobs: 4 done" in text.getvalue()
    assert all(name in text.getvalue() for name in made.jobs)


def test_how_far_a_run_is_comes_from_its_metrics(tmp_path):
    one, made = training()
    run = job_graph.directory(tmp_path, one.name) / "run"
    run.mkdir(parents=True)
    meta = {"architecture": {}, "fixed": {}, "config": {"loop": {"num_steps": 100}}}
    (run / "meta.json").write_text(json.dumps(meta))
    lines = ({"step": 10, "loss": 1.5, "seconds": 5.0}, {"step": 20, "seconds": 10.0,
             "loss": 1.25}, {"step": 20, "validation/loss": 1.3})  # fmt: skip
    (run / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    with locks.alone(job_graph.directory(tmp_path, one.name) / "lock", "it runs"):
        found = job_states.look(tmp_path, made)
    assert display.line(found[one.name], found) == (
        "pretrain-0: running  step 20/100  loss 1.2500  40 s left"
    )
    assert "20/100" in display.text(made, found)
    assert job_states.look(tmp_path, made)[one.name].state == job_states.WAITING


def test_time_adds_up_over_sessions_that_were_killed(tmp_path, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(job_states.time, "time", lambda: now)
    job_states.begin(tmp_path)
    log = tmp_path / job_states.LOG
    log.touch()
    # Killed; it last wrote to its log after 7 seconds.
    job_states.os.utime(log, (1_007.0, 1_007.0))
    now = 2_000.0
    job_states.begin(tmp_path)
    now = 2_005.0
    assert job_states.spent(tmp_path, is_over=False) == 12.0


def test_a_failure_says_its_last_lines_and_what_repeats_it():
    one = job_states.Look(
        name="x",
        state=job_states.FAILED_STATE,
        failure=job_states.Failure(
            status=3, lines=("first", "last"), command="ssrlm pretrain"
        ),
    )
    told = display.line(one, {"x": one})
    for part in ("x: failed", "exit status 3", "last", "repeat it: ssrlm pretrain"):
        assert part in told
    assert one.failure.reason == "last"


def test_a_sweep_is_read_back_from_its_directory(tmp_path, made, tables):
    out = tmp_path / "out"
    out.mkdir()
    job_states.write_sweep(out, tiny_sweep.tiny(tables), made, {})
    again = job_states.read_sweep(out)
    assert again.jobs.keys() == made.jobs.keys()
    assert [one.parents for one in again.jobs.values()] == [
        one.parents for one in made.jobs.values()
    ]
    assert len(again.cells) == 2
    with pytest.raises(ValueError, match="has no sweep.json"):
        job_states.read_sweep(pathlib.Path(tmp_path / "other"))
