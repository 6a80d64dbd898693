"""Steps that fit a time: each schedule ends, warm-up and decay shrink with it.

All runs of a sweep shrink by one factor, so that they stay comparable. It is chosen
once, from measured steps, and recorded: the same command goes on with the same steps.
"""

import dataclasses
import heapq
import json
import math
import pathlib
from collections.abc import Callable, Mapping

from ssrlm_jax import files
from ssrlm_jax.prepare import executor
from ssrlm_jax.sweeps import chains, job_graph, job_states, kinds

FILE = "budget.json"
_USED = 0.9  # of the time; the rest is for what was not measured
_LEAST_STEPS = 20  # of a run
_TRIES = 40  # halvings of the factor's range


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a job takes on the device at hand.

    Attributes:
      fixed: seconds, however few the steps: start, compilation, scores.
      each: seconds of a step, or of an epoch of fine-tuning; 0: no training.
      how: what was measured, for people.
    """

    fixed: float
    each: float = 0.0
    how: str = ""


def shortened(
    command: str, settings: Mapping[str, chains.Value], factor: float
) -> dict[str, chains.Value]:
    """Returns the settings of a training command that a shorter schedule changes.

    Args:
      command: of `ssrlm`.
      settings: all, "a.b": value.
      factor: of the steps, above 0 and at most 1.
    """
    if factor == 1.0 or command not in kinds.TRAINING:
        return {}
    if command == "finetune":
        epochs = _count(settings, "epochs")
        fewer = max(1, math.floor(epochs * factor))
        warmup = _count(settings, "warmup_epochs")
        return {"epochs": fewer, "warmup_epochs": warmup * fewer // epochs}
    steps = _count(settings, "loop.num_steps")
    fewer = max(1, math.floor(steps * factor))
    changed: dict[str, chains.Value] = {"loop.num_steps": fewer}
    warmup = _count(settings, "optimizer.warmup_steps")
    changed["optimizer.warmup_steps"] = warmup * fewer // steps
    for name in ("loop.evaluate_every", "loop.save_every"):
        if every := _count(settings, name):
            changed[name] = max(1, every * fewer // steps)
    return changed


def seconds(job: job_graph.Job, estimate: Estimate, factor: float) -> float:
    """Returns the time of a job with its schedule shortened by a factor."""
    if not estimate.each:
        return estimate.fixed
    name = "epochs" if job.command == "finetune" else "loop.num_steps"
    settings = dict(job.resolved) | shortened(job.command, job.resolved, factor)
    return estimate.fixed + estimate.each * _count(settings, name)


def total(
    made: job_graph.Graph, of_job: Callable[[job_graph.Job], float], parallel: int
) -> float:
    """Returns when the last job ends, started as `local_executor.run` starts them."""
    ends: dict[str, float] = {}
    free = [0.0] * parallel
    left = list(made.jobs.values())
    now = 0.0
    while left:
        heapq.heapify(free)
        ready = next(
            (j for j in left if all(ends.get(p, math.inf) <= now for p in j.parents)),
            None,
        )
        if ready is not None and free[0] <= now:
            left.remove(ready)
            ends[ready.name] = now + of_job(ready)
            heapq.heapreplace(free, ends[ready.name])
            continue
        now = min(end for end in ends.values() if end > now)
    return max(ends.values(), default=0.0)


def fit(
    made: job_graph.Graph,
    estimates: Mapping[str, Estimate],
    minutes: float,
    parallel: int,
) -> float:
    """Returns the greatest factor of all schedules with which a sweep ends in time.

    Args:
      made: jobs as they are without a budget.
      estimates: of each.
      minutes: that all may take.
      parallel: how many run at a time.

    Raises:
      ValueError: the time is too short; the message says how much is needed.
    """

    def of_all(factor: float) -> float:
        return total(
            made, lambda job: seconds(job, estimates[job.name], factor), parallel
        )

    allowed = 60.0 * minutes * _USED
    if of_all(1.0) <= allowed:
        return 1.0
    low, high = _least(made), 1.0
    if of_all(low) > allowed:
        needed = math.ceil(of_all(low) / 60.0 / _USED)
        raise ValueError(
            f"--minutes={minutes:g} is too short: with {_LEAST_STEPS} steps, or one "
            f"epoch, of each run it takes {needed}; give {needed} or more, or fewer "
            "values of an axis"
        )
    for _ in range(_TRIES):
        middle = (low + high) / 2
        low, high = (middle, high) if of_all(middle) <= allowed else (low, middle)
    return low


def _least(made: job_graph.Graph) -> float:
    """Returns the factor with which no run has less than it needs."""
    needed = [0.0]
    for job in made.jobs.values():
        if job.command == "finetune":
            needed.append(1.0 / _count(job.resolved, "epochs"))
        elif job.command in kinds.TRAINING:
            needed.append(_LEAST_STEPS / _count(job.resolved, "loop.num_steps"))
    return min(1.0, max(needed))


def recorded(out: pathlib.Path, made: job_graph.Graph, minutes: float) -> float | None:
    """Returns the factor that was chosen for the same jobs and time; None: none was."""
    told = job_states.read(out / FILE)
    if told.get("of") != _name(made, minutes):
        return None
    return job_states.number(told["factor"])


def record(
    out: pathlib.Path,
    made: job_graph.Graph,
    minutes: float,
    factor: float,
    estimates: Mapping[str, Estimate],
) -> None:
    """Writes what was chosen, and from what.

    Args:
      out: directory of the sweep.
      made: jobs as they are without a budget.
      minutes: that all may take.
      factor: that was chosen.
      estimates: of each job.
    """
    told = {
        "of": _name(made, minutes),
        "minutes": minutes,
        "factor": factor,
        "chosen": chosen(made, factor),
        "measured": {n: dataclasses.asdict(one) for n, one in estimates.items()},
    }
    files.write_text(out / FILE, json.dumps(told, indent=1) + "\n")


def chosen(made: job_graph.Graph, factor: float) -> dict[str, object]:
    """Returns what a factor changes, by step, for people; {}: nothing."""
    found: dict[str, object] = {}
    for job in made.jobs.values():
        if changed := shortened(job.command, job.resolved, factor):
            found[job.step] = ", ".join(
                f"{name} {job.resolved[name]} → {value}"
                for name, value in changed.items()
            )
    return found


def _name(made: job_graph.Graph, minutes: float) -> str:
    return executor.key_of(sorted(made.jobs), minutes)


def _count(settings: Mapping[str, chains.Value], name: str) -> int:
    value = settings[name]
    assert isinstance(value, int)
    return value
