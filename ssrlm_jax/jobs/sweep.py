r"""Runs a sweep: a chain of jobs for each cell of a table, and the table at the end.

  ssrlm sweep                                    the demo: no data needed
  ssrlm sweep --config=sweeps/table3 --config.data=../shared/data --dry_run
  ssrlm sweep --config=sweeps/masking_rate --axis pretrain.masking.rate=0.1,0.2 \
      --axis seed=0,1 --out=runs/rates
  ssrlm sweep --status runs/rates                from another terminal

Equal jobs run once; the same command goes on where it was stopped, and runs anew just
what a changed setting, file or version decides. A job that fails fails its cells alone.
OUT gets report.md, .json, .csv, .tex and pictures; `--report` makes them of what is
done so far. The exit status is 1 if a job failed.
"""

import argparse
import dataclasses
import importlib
import pathlib
from collections.abc import Mapping, Sequence

from ssrlm_jax import config, locks
from ssrlm_jax.jobs import command
from ssrlm_jax.sweeps import graph, local, state
from ssrlm_jax.sweeps import sweep as sweeps
from ssrlm_jax.train import workdir


def run(settings: config.SweepConfig, flags: argparse.Namespace) -> int:
    """Runs what is not done; 1 if a job failed."""
    out = (flags.out or command.workdir_of(flags.config)).absolute()
    asked = _asked(settings, flags)
    made = graph.expand(asked, resolve)
    with locks.alone(
        out / state.LOCK,
        f"another sweep runs in {out}; wait for it, stop it, or take another --out",
    ):
        state.write_sweep(out, asked, made, {})
        local.run(out, made, settings.executor.parallel)
    looks = state.look(out, made)
    for one in looks.values():
        print(one)
    return int(any(one.state != state.DONE_STATE for one in looks.values()))


def _asked(settings: config.SweepConfig, flags: argparse.Namespace) -> sweeps.Sweep:
    """Returns the sweep of the config, with the axes that flags ask for."""
    asked: sweeps.Sweep = command.load(flags.config).get_sweep(settings)
    axes = dict(asked.axes)
    for text in flags.axis:
        name, _, values = text.partition("=")
        axes[name] = tuple(_value(value) for value in values.split(",") if value)
    return dataclasses.replace(asked, axes=axes)


def _value(text: str) -> sweeps.Value:
    """Returns a value of an axis as the number or word that it is."""
    words: dict[str, sweeps.Value] = {"true": True, "false": False}
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
) -> Mapping[str, sweeps.Value]:
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
    return workdir.flat(dataclasses.asdict(config.frozen(one.kind, read)))


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
    },
)
