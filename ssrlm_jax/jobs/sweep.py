r"""Runs a sweep: a chain of jobs for each cell of a table, and the table at the end.

  ssrlm sweep                                    the demo: no data needed
  ssrlm sweep --config=sweeps/table3 --config.data=../shared/data --dry_run
  ssrlm sweep --config=sweeps/masking_rate --axis pretrain.masking.rate=0.1,0.2 \
      --axis seed=0,1 --out=runs/rates
  ssrlm sweep --status runs/rates                from another terminal

Equal jobs run once; the same command goes on where it was stopped, and runs anew just
what a changed setting, file or version decides. A job that fails fails its cells alone.
OUT gets report.md, .html, .json, .csv, .tex and pictures; `--report` makes them of what
is done so far. The exit status is 1 if a job failed.
"""

import argparse
import dataclasses
import functools
import importlib
import logging
import pathlib
import sys
from collections.abc import Mapping, Sequence

from ssrlm_jax import config, files, locks
from ssrlm_jax.jobs import command
from ssrlm_jax.sweeps import (
    budget,
    chains,
    cost,
    display,
    forecast,
    job_graph,
    job_states,
    local_executor,
    measure,
    perform,
    slurm_executor,
    sweep_report,
)
from ssrlm_jax.train import workdirs

_log = logging.getLogger("ssrlm_jax")


def run(settings: config.SweepConfig, flags: argparse.Namespace) -> int:
    """Runs what is not done, or says what it would be; 1 if a job failed."""
    if flags.status:
        made = job_states.read_sweep(flags.status.absolute())
        print(display.text(made, job_states.look(flags.status.absolute(), made)))
        return 0
    out = (flags.out or command.workdir_of(flags.config)).absolute()
    files.check_directory(out, is_replaced=True)
    settings = _with_flags(settings, flags)
    asked = _asked(settings, flags)
    made = job_graph.expand(asked, resolve)
    if flags.report:
        told = job_states.read(out / job_states.SWEEP).get("chosen", {})
        made = _shortened(asked, budget.recorded(out, made, settings.minutes), made)
        chosen = told if isinstance(told, dict) else {}
        print(report(out, asked, made, chosen, settings.seed))
        return 0
    if settings.executor.kind != "local" and not flags.print_script:
        slurm_executor.check(settings.executor)
    with locks.alone(
        out / job_states.LOCK,
        f"another sweep runs in {out}; wait for it, stop it, or take another --out",
    ):
        return _start(out, settings, asked, made, flags)


def _start(
    out: pathlib.Path,
    settings: config.SweepConfig,
    asked: chains.Sweep,
    made: job_graph.Graph,
    flags: argparse.Namespace,
) -> int:
    """Chooses steps, then runs, alone in the directory of the sweep."""
    kind, parallel = settings.executor.kind, max(1, settings.executor.parallel)
    factor = 1.0
    if settings.minutes:
        factor = _factor(out, settings, made)
    chosen = budget.chosen(made, factor)
    made = _shortened(asked, factor, made)
    if flags.print_script:
        print(slurm_executor.script(out, made, settings.executor))
        return 0
    if flags.dry_run:
        needs = cost.of_jobs(made)
        slot = local_executor.slots(parallel)[0] if kind == "local" else perform.Slot()
        estimates = measure.estimates(out, made, needs, slot)
        looks = job_states.look(out, made)
        print(forecast.text(made, needs, looks, estimates, parallel))
        return 0
    job_states.write_sweep(out, asked, made, chosen)
    for step, text in chosen.items():
        _log.info("%s: %s", step, text)
    with display.Display(out, made) as shown:
        if kind == "local":
            local_executor.run(out, made, parallel, shown)
        else:
            slurm_executor.run(out, made, settings.executor, shown)
    print(report(out, asked, made, chosen, settings.seed))
    looks = job_states.look(out, made)
    left = [one for one in looks.values() if one.state != job_states.DONE_STATE]
    for one in left:
        print(display.line(one, looks), file=sys.stderr)
    return int(bool(left))


def report(
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    chosen: Mapping[str, object],
    seed: int,
) -> str:
    """Writes the report, also as a page; returns its Markdown."""
    from ssrlm_jax.pages import table_report

    text = sweep_report.write(out, asked, made, chosen, seed)
    part = table_report.Part("report", text, out)
    table_report.write(out / table_report.FILE, "ssrlm sweep", {}, [part])
    return text


def _factor(
    out: pathlib.Path, settings: config.SweepConfig, made: job_graph.Graph
) -> float:
    """Returns by what schedules shrink to fit the time: what was chosen before."""
    before = budget.recorded(out, made, settings.minutes)
    if before is not None:
        return before
    parallel = max(1, settings.executor.parallel)
    slot = local_executor.slots(parallel)[0]
    estimates = measure.estimates(out, made, cost.of_jobs(made), slot)
    factor = budget.fit(made, estimates, settings.minutes, parallel)
    budget.record(out, made, settings.minutes, factor, estimates)
    return factor


def _shortened(
    asked: chains.Sweep, factor: float | None, made: job_graph.Graph
) -> job_graph.Graph:
    """Returns the jobs with schedules shortened by a factor."""
    if factor is None or factor == 1.0:
        return made
    return job_graph.expand(asked, resolve, functools.partial(_changed, factor))


def _changed(
    factor: float, name: str, settings: Mapping[str, chains.Value]
) -> Mapping[str, chains.Value]:
    return budget.shortened(name, settings, factor)


def _with_flags(
    settings: config.SweepConfig, flags: argparse.Namespace
) -> config.SweepConfig:
    """Returns settings with those that have flags of their own."""
    executor = settings.executor
    if flags.parallel is not None:
        executor = dataclasses.replace(executor, parallel=flags.parallel)
    minutes = settings.minutes if flags.minutes is None else flags.minutes
    return dataclasses.replace(settings, executor=executor, minutes=minutes)


def _asked(settings: config.SweepConfig, flags: argparse.Namespace) -> chains.Sweep:
    """Returns the sweep of the config, with the axes that flags ask for."""
    asked: chains.Sweep = command.called(flags.config, "get_sweep", settings)
    axes = dict(asked.axes)
    for text in flags.axis:
        name, _, values = text.partition("=")
        axes[name] = tuple(_value(value) for value in values.split(",") if value)
    return dataclasses.replace(asked, axes=axes)


def _value(text: str) -> chains.Value:
    """Returns a value of an axis as the number or word that it is."""
    words: dict[str, chains.Value] = {"true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def resolve(
    name: str, chosen: str, overrides: Sequence[str]
) -> Mapping[str, chains.Value]:
    """Returns all settings of a job, checked; {} for one without settings.

    Args:
      name: of the job.
      chosen: as after --config; "": the job's default.
      overrides: each "--config.NAME=VALUE".
    """
    one: command.Command = importlib.import_module(f"ssrlm_jax.jobs.{name}").COMMAND
    if one.kind is None:
        if overrides:
            raise ValueError(f"{name} has no settings; found {' '.join(overrides)}")
        return {}
    read = command.read(chosen or one.default, overrides)
    return workdirs.flat(dataclasses.asdict(config.frozen(one.kind, read)))


COMMAND = command.Command(
    function=run,
    about=__doc__,
    kind=config.SweepConfig,
    default="sweeps/demo",
    flags={
        "--out": {
            "type": pathlib.Path,
            "metavar": "DIR",
            "help": "of jobs and report (default: runs/NAME)",
        },
        "--axis": {
            "action": "append",
            "default": [],
            "metavar": "NAME=VALUE,...",
            "help": "values of an axis of the sweep, or STEP.SETTING as a new one",
        },
        "--dry_run": {
            "action": "store_true",
            "help": "say what there is to do and what it costs; measures some steps",
        },
        "--minutes": {
            "type": float,
            "metavar": "N",
            "help": "that all may take: schedules shrink to fit; config.minutes",
        },
        "--parallel": {
            "type": int,
            "metavar": "N",
            "help": "jobs at a time, which share cores; config.executor.parallel",
        },
        "--status": {
            "type": pathlib.Path,
            "metavar": "DIR",
            "help": "say how far the sweep in DIR is, and nothing else",
        },
        "--report": {
            "action": "store_true",
            "help": "make the report of what is done, and run nothing",
        },
        "--print_script": {
            "action": "store_true",
            "help": "print what would be submitted to SLURM",
        },
    },
)
