"""How far jobs are, by what lies in their directories; read by any process.

OUT/sweep.json            cells, jobs, what was chosen; of the last start
OUT/jobs/STEP-KEY/
job.json                what decided the key, and the command
log.txt                 what the command said, in all its sessions
session.json            when the last session began, seconds of those before
done.json               the key and the cost; written last
failed.json             exit status, last lines, and how to repeat it
queued.json             its number in a queue
"""

import contextlib
import dataclasses
import json
import math
import os
import pathlib
import time
from collections.abc import Mapping, Sequence

from ssrlm_jax import files, locks
from ssrlm_jax.sweeps import chains, job_graph, kinds
from ssrlm_jax.train import workdirs

SWEEP, JOB, LOG, LOCK = "sweep.json", "job.json", "log.txt", "lock"
DONE, FAILED = "done.json", "failed.json"
SESSION, QUEUED = "session.json", "queued.json"
LAST_LINES = 8  # of a log, that are shown

DONE_STATE, FAILED_STATE, RUNNING = "done", "failed", "running"
QUEUED_STATE, BLOCKED, WAITING = "queued", "blocked", "waiting"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """What a job took.

    Attributes:
      seconds: over all its sessions.
      device: what it ran on, for people.
    """

    seconds: float
    device: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """How a job ended.

    Attributes:
      status: of the process; below 0: a signal.
      lines: the last of its log.
      command: that repeats it.
    """

    status: int
    lines: Sequence[str]
    command: str

    @property
    def reason(self) -> str:
        """The last line, or the exit status."""
        return self.lines[-1] if self.lines else f"exit status {self.status}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """How far a job is.

    Attributes:
      name: of the job.
      state: one of the words above.
      step: of training; 0: not begun, or no training.
      num_steps: of the whole run; 0: not known.
      loss: the last that was logged; nan: none.
      seconds_left: of the run, by its speed so far; nan: not known.
      cost: of one that is done.
      failure: of one that failed.
      waits_for: of one that is blocked, the job that failed.
    """

    name: str
    state: str
    step: int = 0
    num_steps: int = 0
    loss: float = math.nan
    seconds_left: float = math.nan
    cost: Cost | None = None
    failure: Failure | None = None
    waits_for: str = ""


def look(out: pathlib.Path, made: job_graph.Graph) -> dict[str, Look]:
    """Returns how far all jobs are, in their order."""
    found: dict[str, Look] = {}
    for name, job in made.jobs.items():
        one = look_at(out, job)
        broken = [
            found[parent].waits_for or parent
            for parent in job.parents
            if found[parent].state in (FAILED_STATE, BLOCKED)
        ]
        if broken and one.state in (WAITING, QUEUED_STATE):
            one = Look(name=name, state=BLOCKED, waits_for=broken[0])
        found[name] = one
    return found


def look_at(out: pathlib.Path, job: job_graph.Job) -> Look:
    """Returns how far a job is, whatever became of its parents."""
    folder = job_graph.directory(out, job.name)
    cost = cost_of(folder, job)
    if cost is not None:
        return Look(name=job.name, state=DONE_STATE, cost=cost)
    failed = read(folder / FAILED)
    if failed:
        failure = Failure(
            status=int(str(failed["status"])),
            lines=tuple(map(str, _list(failed["lines"]))),
            command=str(failed["command"]),
        )
        return Look(name=job.name, state=FAILED_STATE, failure=failure)
    if is_running(folder):
        return progress(folder, job)
    queued = (folder / QUEUED).exists()
    return Look(name=job.name, state=QUEUED_STATE if queued else WAITING)


def cost_of(folder: pathlib.Path, job: job_graph.Job) -> Cost | None:
    """Returns the cost of a job that is done; None: it is not."""
    done = read(folder / DONE)
    result = folder / kinds.KINDS[job.command].result
    if done.get("key") != job.key or not result.exists():
        return None
    return Cost(seconds=number(done["seconds"]), device=str(done["device"]))


def is_running(folder: pathlib.Path) -> bool:
    """Says whether a process does the job: it holds the lock."""
    lock = folder / LOCK
    if not lock.exists():
        return False
    try:
        with locks.alone(lock, "it runs"):
            return False
    except ValueError:
        return True


def progress(folder: pathlib.Path, job: job_graph.Job) -> Look:
    """Returns how far a job is that runs."""
    place = folder / kinds.place_of(kinds.KINDS[job.command])
    lines: Sequence[Mapping[str, float]] = []
    settings: Mapping[str, object] = {}
    if job.command in kinds.TRAINING:
        with contextlib.suppress(ValueError, OSError):  # being written
            lines = workdirs.read_metrics(place)
            settings = workdirs.read_meta(place)["config"]["loop"]
    trained = [line for line in lines if "seconds" in line]
    step, loss, left = 0, math.nan, math.nan
    num_steps = int(number(settings.get("num_steps", 0)))
    if trained:
        last = trained[-1]
        step, loss = int(last["step"]), last.get("loss", math.nan)
        left = (num_steps - step) * last["seconds"] / max(step, 1)
    return Look(
        name=job.name,
        state=RUNNING,
        step=step,
        num_steps=num_steps,
        loss=loss,
        seconds_left=left,
    )


def begin(folder: pathlib.Path) -> None:
    """Writes that a session begins, after how many seconds of those before."""
    files.write_text(
        folder / SESSION,
        json.dumps({"before": spent(folder, is_over=True), "began": time.time()}),
    )


def spent(folder: pathlib.Path, *, is_over: bool) -> float:
    """Returns the seconds of all sessions of a job.

    Args:
      folder: of the job.
      is_over: the last session was killed: it ended when it last wrote to the log.
    """
    session = read(folder / SESSION)
    if not session:
        return 0.0
    log = folder / LOG
    end = log.stat().st_mtime if is_over and log.exists() else time.time()
    return number(session["before"]) + max(0.0, end - number(session["began"]))


def fail(
    out: pathlib.Path, job: job_graph.Job, status: int, lines: Sequence[str]
) -> None:
    """Writes that a job has failed, with the last lines of what it said."""
    folder = job_graph.directory(out, job.name)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"status": status, "lines": list(lines), "command": job.line(out)}
    files.write_text(folder / FAILED, json.dumps(told) + "\n")


def last_lines(folder: pathlib.Path) -> list[str]:
    """Returns the last lines of a job's log that say something."""
    log = folder / LOG
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 2**14))
        lines = file.read().decode(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-LAST_LINES:]


def write_sweep(
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    chosen: Mapping[str, object],
) -> None:
    """Writes what the sweep is, for people and other programs."""
    told = {
        "axes": {name: list(values) for name, values in asked.axes.items()},
        "cells": [{"axes": dict(v), "jobs": dict(jobs)} for v, jobs in made.cells],
        "baselines": dict(made.baselines),
        "jobs": {
            name: {
                "step": job.step,
                "command": job.command,
                "key": job.key,
                "parents": list(job.parents),
                "line": job.line(out),
            }
            for name, job in made.jobs.items()
        },
        "chosen": dict(chosen),
    }
    files.write_text(out / SWEEP, json.dumps(told, indent=1) + "\n")


def read_sweep(out: pathlib.Path) -> job_graph.Graph:
    """Returns the jobs of the last start, enough to look at them.

    Raises:
      ValueError: `out` is the directory of no sweep.
    """
    told = read(out / SWEEP)
    if not told:
        raise ValueError(f"{out} has no {SWEEP}: it is not the --out of a sweep")
    jobs, cells = told["jobs"], _list(told["cells"])
    assert isinstance(jobs, dict)
    return job_graph.Graph(
        jobs={
            name: job_graph.Job(
                name=name,
                step=str(one["step"]),
                command=str(one["command"]),
                config="",
                settings={},
                flags={},
                resolved={},
                parents=tuple(map(str, one["parents"])),
                key=str(one["key"]),
                decided_by={},
            )
            for name, one in jobs.items()
        },
        cells=[(one["axes"], one["jobs"]) for one in cells if isinstance(one, dict)],
        baselines={},
    )


def read(path: pathlib.Path) -> dict[str, object]:
    """Returns an object of JSON; empty where there is none, or it is damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def number(value: object) -> float:
    """Returns a number of JSON; nan where it is none."""
    return float(value) if isinstance(value, int | float) else math.nan


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
