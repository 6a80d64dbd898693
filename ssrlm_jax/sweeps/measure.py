"""How fast the device at hand trains: a few steps of each kind of run, as processes.

Steps are those of the real command with the real sizes, on generated RNA or the RNA of
middle length, for a second each; other lengths and larger batches are taken to have the
same FLOP/s. What is measured stays in OUT/measured.
"""

import dataclasses
import logging
import pathlib
import statistics
from collections.abc import Mapping

from ssrlm_jax import config
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import record_tables
from ssrlm_jax.sweeps import (
    budget,
    chains,
    cost,
    job_graph,
    job_states,
    kinds,
    local_executor,
    perform,
)
from ssrlm_jax.train import workdirs

_log = logging.getLogger("ssrlm_jax")
_STEPS = 8
_UNTIMED = 3  # of these: the first wait for compilation, and for each other
_STEP_SECONDS = 1.0  # that a measured step should take
_MOST_SECONDS = 180.0  # that measuring one kind of run may take, as is expected
_CORE_FLOPS, _GPU_FLOPS = 2e10, 1e14  # per second; before anything is measured
# Settings that decide how fast a step is.
_OF_SPEED = (
    *("encoder.", "compute.", "head.", "mesh.", "is_head_rematerialised"),
    *("encoder_rate", "data.row_length", "data.step", "data.ratio"),
    *("data.batch_size", "data.max_length", "loop.compilation_cache"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast one kind of run is.

    Attributes:
      flops: per second.
      overhead: seconds beside steps: start, compilation, saving.
      how: what was measured.
    """

    flops: float
    overhead: float
    how: str


def estimates(
    out: pathlib.Path,
    made: job_graph.Graph,
    needs: Mapping[str, cost.Need],
    slot: perform.Slot,
) -> dict[str, budget.Estimate]:
    """Returns what each job takes on a share of this machine.

    Args:
      out: directory of the sweep, absolute.
      made: its jobs.
      needs: of each.
      slot: that one job gets.

    Raises:
      ValueError: steps cannot be measured; the message says why.
    """
    speeds: dict[str, Speed] = {}
    training = [job for job in made.jobs.values() if job.command in kinds.TRAINING]
    for job in sorted(training, key=lambda job: needs[job.name].per_step):
        speeds[job.name] = _speed(out, made, job, needs[job.name], slot, speeds)
    found = {}
    for name, job in made.jobs.items():
        need, speed = needs[name], speeds.get(name)
        if speed is not None and need.per_step:
            units = "epochs" if job.command == "finetune" else "loop.num_steps"
            each = need.flops / speed.flops / float(job.resolved[units])
            how = speed.how
            found[name] = budget.Estimate(fixed=speed.overhead, each=each, how=how)
            continue
        rate = next((s.flops for s in speeds.values()), _guess(slot))
        fixed = _before(out, made, job) + need.flops / rate
        found[name] = budget.Estimate(fixed=fixed, how="not measured")
    return found


def _before(out: pathlib.Path, made: job_graph.Graph, job: job_graph.Job) -> float:
    """Returns what such a step took where it is done, else what is usual."""
    costs = [
        job_states.cost_of(job_graph.directory(out, one.name), one)
        for one in made.jobs.values()
        if one.step == job.step
    ]
    done = [one.seconds for one in costs if one is not None]
    return statistics.mean(done) if done else kinds.KINDS[job.command].seconds


def _guess(slot: perform.Slot) -> float:
    if local_executor.gpus():
        return _GPU_FLOPS
    return _CORE_FLOPS * (len(slot.cores) or local_executor.num_cores())


def _speed(
    out: pathlib.Path,
    made: job_graph.Graph,
    job: job_graph.Job,
    need: cost.Need,
    slot: perform.Slot,
    speeds: Mapping[str, Speed],
) -> Speed:
    """Returns the speed of a run: measured, unless that would take too long."""
    fastest = max((one.flops for one in speeds.values()), default=_guess(slot))
    other = Speed(
        flops=fastest,
        overhead=kinds.KINDS[job.command].seconds,
        how="not measured: FLOP/s of another run here",
    )
    if not need.per_step:
        return other
    trial = _trial(out, made, job, need, fastest)
    if trial is None or trial.flops * _STEPS / fastest > _MOST_SECONDS:
        return other
    return _timed(out, trial, slot)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Trial:
    """A run of a few steps.

    Attributes:
      job: of it.
      flops: of a step.
      what: for people.
    """

    job: job_graph.Job
    flops: float
    what: str


def _trial(
    out: pathlib.Path,
    made: job_graph.Graph,
    job: job_graph.Job,
    need: cost.Need,
    rate: float,
) -> _Trial | None:
    """Returns a run like a job's; None: its data are yet to be made."""
    settings = {n: v for n, v in job.resolved.items() if n.startswith(_OF_SPEED)}
    sizes = cost.encoder_of(made, job)
    if sizes is not None:
        fields = dataclasses.asdict(sizes)
        settings |= {f"encoder.{name}": value for name, value in fields.items()}
    settings |= {"loop.log_every": 1, "loop.save_every": 10**9}
    settings |= {"optimizer.warmup_steps": 0} if job.command == "pretrain" else {}
    if job.command == "pretrain":
        rows = int(job.resolved["data.rows_per_batch"])
        most = max(1, rows // int(job.resolved["loop.micro_batches"]))
        wanted = round(rate * _STEP_SECONDS / (need.per_step / rows))
        devices = max(1, len(local_executor.gpus()))
        rows_tried = max(1, min(most, wanted) // devices) * devices
        settings |= {"data.rows_per_batch": rows_tried, "data.validation_rows": 1}
        settings |= {"data.is_generated": True, "loop.num_steps": _STEPS}
        settings |= {"loop.evaluate_every": 0}
        what = f"{rows_tried} rows of {settings['data.row_length']}"
        flops = need.per_step * rows_tried / rows
        return _Trial(job=_job(job, settings), flops=flops, what=what)
    return _tuning(out, made, job, settings)


def _tuning(
    out: pathlib.Path,
    made: job_graph.Graph,
    job: job_graph.Job,
    settings: dict[str, chains.Value],
) -> _Trial | None:
    """Returns a fine-tuning on the RNAs of middle length."""
    from ssrlm_jax.data import labelled_records

    asked = config.frozen(config.FinetuneConfig, cost.settings_of(job))
    try:
        records = labelled_records.split(asked.data, asked.seed).train
    except (OSError, ValueError):
        return None
    records = sorted(records, key=lambda one: len(one.sequence))
    count = asked.data.batch_size * _STEPS
    first = max(0, (len(records) - count) // 2)
    chosen = records[first : first + count]
    folder = out / "measured"
    folder.mkdir(parents=True, exist_ok=True)
    tables = {}
    for name, members in (
        ("train", chosen),
        ("validation", [dataclasses.replace(chosen[0], name="validation")]),
    ):
        tables[f"data.{name}"] = str(folder / f"{job.step}_{name}.tsv")
        record_tables.write_table(tables[f"data.{name}"], members)
    settings |= {"model": config.RANDOM, "epochs": 1, "warmup_epochs": 0, **tables}
    settings |= {"evaluations_per_epoch": 1}
    replaced = dict(job.resolved) | settings
    replaced |= {"data.leave_out": "", "data.table": ""}
    shorter = dataclasses.replace(job, resolved=replaced, settings={})
    need = cost.of_jobs(
        job_graph.Graph(jobs={job.name: shorter}, cells=[], baselines={})
    )
    longest = len(chosen[-1].sequence)
    return _Trial(
        job=_job(job, settings),
        flops=need[job.name].per_step,
        what=f"{asked.data.batch_size} RNAs of {longest} nt",
    )


def _job(job: job_graph.Job, settings: Mapping[str, chains.Value]) -> job_graph.Job:
    """Returns the job of a trial, named by its settings."""
    key = executor.key_of(job.command, dict(settings), kinds.versions(job.command))
    return dataclasses.replace(
        job,
        name=f"{job.step}-{key[:8]}",
        settings=settings,
        parents=(),
        key=key,
        decided_by=dict(settings),
    )


def _timed(out: pathlib.Path, trial: _Trial, slot: perform.Slot) -> Speed:
    """Runs a trial unless it was run before, and returns how fast it was."""
    place = out / "measured"
    folder = job_graph.directory(place, trial.job.name)
    if job_states.cost_of(folder, trial.job) is None:
        _log.info("measuring %s: %s", trial.job.step, trial.what)
        running = perform.Running(place, trial.job, slot)
        running.wait()
        if not running.finish():
            why = "; ".join(job_states.last_lines(folder)[-2:])
            raise ValueError(f"steps of {trial.job.step} cannot be measured: {why}")
    spent = job_states.cost_of(folder, trial.job)
    ends = [
        line["seconds"]
        for line in workdirs.read_metrics(folder / "run")
        if "seconds" in line
    ]
    steps = [b - a for a, b in zip(ends, ends[1:], strict=False)][_UNTIMED - 1 :]
    if not steps or spent is None:
        raise ValueError(f"{folder} has too few steps to measure")
    step = statistics.median(steps)
    return Speed(
        flops=trial.flops / step,
        overhead=max(0.0, spent.seconds - step * len(ends)),
        how=f"{trial.what}: {step:.3f} s a step, {trial.flops / step:.2e} FLOP/s",
    )
