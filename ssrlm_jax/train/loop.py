"""The one training loop: pre-training, fine-tuning and tertiary training share it.

A task says what is learned; the loop says when things happen: step, log,
evaluate, save, resume, stop. Nothing here knows what a batch holds.
"""

import dataclasses
import importlib.metadata
import math
import pathlib
import platform
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

from ssrlm_jax import config, types
from ssrlm_jax.train import (
    checkpoint,
    contract,
    hardware,
    log,
    meters,
    optimizers,
    preemption,
    sharding,
    updates,
    workdirs,
)

NOTHING_KEPT: workdirs.Meta = {"batches": 0, "meter": meters.NOTHING, "best": None}
PACKAGES = ("ssrlm-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class Ended(NamedTuple):
    """Where a run ended.

    Attributes:
      state: the last; its `step` is smaller than `num_steps` when the run was asked to
        stop.
      meta: what the newest checkpoint, which is of this state, says of it.
    """

    state: updates.TrainState
    meta: workdirs.Meta


def run(
    task: contract.Task,
    batches: contract.Batches,
    optimizer: optimizers.Optimizer,
    *,
    settings: config.LoopConfig,
    mesh: Mesh,
    seed: int,
    workdir: pathlib.Path,
    meta: workdirs.Meta,
) -> Ended:
    """Trains from the newest checkpoint in `workdir`, or from the start.

    A run that was killed and resumed takes the same steps as one that was not: the
    random key of a step depends on the seed and the step alone, and a checkpoint
    holds the number of batches taken. SIGTERM or ctrl-C end the run after a step,
    with a checkpoint.

    Args:
      task: what is learned.
      batches: called with the number of global batches already taken; gives this
        process's share of the batches from there on.
      optimizer: of `train.optimizer`.
      settings: when things happen.
      mesh: the devices.
      seed: of the random keys.
      workdir: where checkpoints and metrics go; the same on all processes, and
        checked by `workdirs.check`.
      meta: written into every checkpoint; "architecture" holds the settings that
        a workdir must not change, "config", where given, all of them.

    Raises:
      FloatingPointError: too many updates in a row were not finite.
      MemoryError: a device has too little memory; the message names settings.
      OSError: the disk is full.
      ValueError: all checkpoints are damaged, or batches ran out.
    """
    is_primary = jax.process_index() == 0
    if is_primary:
        workdir.mkdir(parents=True, exist_ok=True)
    # No process opens it before it is made.
    multihost_utils.sync_global_devices("the workdir is there")
    compiled = updates.build(task, optimizer, settings=settings, mesh=mesh, seed=seed)
    checkpoint.check(compiled.abstract)
    with (
        hardware.full_disk_explained(workdir),
        hardware.memory_explained(settings),
        jax.set_mesh(mesh),
        checkpoint.Checkpoints(workdir, settings) as saved,
        preemption.Watch() as watch,
    ):
        found = saved.restore_newest(compiled.abstract)
        state, kept = found or (compiled.fresh(), NOTHING_KEPT)
        first, best = kept["batches"], kept["best"]
        if best is not None:
            saved.keep_best(best["step"])
        opening = [*_opening(settings, workdir, meta, first), _devices(mesh)]
        with log.Log(workdir, settings, first=first, is_primary=is_primary) as journal:
            for line in opening:
                journal.say(line)
            session = _Session(
                task=task,
                settings=settings,
                compiled=compiled,
                saved=saved,
                watch=watch,
                journal=journal,
                part=sharding.share(mesh)[1] / jax.process_count(),
                meter=meters.Meter(kept["meter"], _peak(mesh)),
                meta=meta | {"versions": versions()},
                profile=workdir / "profile",
                best=best,
                kept=kept,
            )
            return Ended(session.train(state, batches(first), first), session.kept)


@dataclasses.dataclass(kw_only=True)
class _Session:
    """One stretch of a run, from its start or from a checkpoint on.

    The host stays one update behind the devices: it reads what update n reports
    when update n + 1 has been handed to them, so they never wait for it.
    """

    task: contract.Task
    settings: config.LoopConfig
    compiled: updates.Update
    saved: checkpoint.Checkpoints
    watch: preemption.Watch
    journal: log.Log
    part: float  # of a batch's cost that this process adds; others read its rows, too
    meter: meters.Meter
    meta: workdirs.Meta
    profile: pathlib.Path
    best: dict[str, float] | None  # step and score of `settings.keep_best`
    kept: workdirs.Meta  # of the newest checkpoint
    unread: tuple[int, updates.Report, float] | None = None
    is_stopping: bool = False
    is_profiling: bool = False

    def train(
        self, state: updates.TrainState, batches: Iterator[types.Batch], first: int
    ) -> updates.TrainState:
        """Takes the steps after `first`."""
        step = first
        while step < self.settings.num_steps and not self.is_stopping:
            step += 1
            # Before the step: the window holds whole steps only.
            self._profile(step, state)
            with jax.profiler.StepTraceAnnotation("train", step_num=step):
                state = self._step(step, state, batches)
            self._evaluate_and_save(step, state)
        if self.is_profiling:
            jax.profiler.stop_trace()
        if step < self.settings.num_steps:
            self.journal.say(f"stopped at step {step:,}; the same command goes on")
        return state

    def _step(
        self, step: int, state: updates.TrainState, batches: Iterator[types.Batch]
    ) -> updates.TrainState:
        """Hands an update to the devices, then reads the report of the one before."""
        start = time.perf_counter()
        batch = next(batches, None)
        waited = time.perf_counter() - start
        if batch is None:
            raise ValueError(f"batches ended before step {step}")
        cost = self.task.cost(batch)
        costs = (cost.tokens, cost.flops, cost.exact_flops)
        notes_N4 = self.compiled.notes(
            self.watch.is_asked, *(self.part * one for one in costs)
        )
        rows = sharding.spread(batch, self.compiled.mesh)
        # Returns before the devices have done it. Meanwhile the host reads the report
        # of the update before: to read this one would make them wait at every step.
        state, report = self.compiled.take(state, rows, notes_N4, self.compiled.key)
        self._read()
        self.unread = step, report, waited
        return state

    def _read(self) -> None:
        """Reads the report that is still unread; waits for its update to end."""
        if self.unread is None:
            return
        step, report, waited = self.unread
        self.unread = None
        report = jax.device_get(report)
        self._check_finite(step, report)
        # Added up over processes: a signal that reached one of them stops all at
        # one step.
        if report.notes_4[0] > 0 and not self.is_stopping:
            self.is_stopping = True
            self.journal.say("asked to stop: finishing the step, then saving")
        self.meter.add(report, waited)
        self.journal.advance(step)
        if step % self.settings.log_every == 0 or step == self.settings.num_steps:
            values = self.meter.read()
            self.journal.write(step, values, self._line(step, values))

    def _evaluate_and_save(self, step: int, state: updates.TrainState) -> None:
        """Does what is due after a step; scores are written before they are saved."""
        is_last = step == self.settings.num_steps
        is_best = False
        if _is_due(step, self.settings.evaluate_every, is_last):
            self._read()
            with self.meter.pause():
                scores = self.task.evaluate(state.best, state.frozen)
            values = {f"validation/{name}": value for name, value in scores.items()}
            line = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
            self.journal.write(step, values, f"validation: {line}")
            is_best = self._is_best(step, scores)
        is_saved = is_last or is_best or self.is_stopping
        if _is_due(step, self.settings.save_every, is_saved):
            self._read()
            with self.meter.pause():
                meta = self.meta | {"step": step, "batches": step, "best": self.best}
                meta |= {"date": time.strftime("%Y-%m-%d", time.gmtime())}
                # The meter goes along: a resumed run logs the means of an
                # uninterrupted one.
                self.kept = meta | {"meter": self.meter.keep()}
                self.saved.save(step, state, self.kept)

    def _is_best(self, step: int, scores: Mapping[str, float]) -> bool:
        """Says whether no evaluation before had as much of `settings.keep_best`."""
        name = self.settings.keep_best
        if not name:
            return False
        if name not in scores:
            raise ValueError(f"loop.keep_best={name!r} is not one of {sorted(scores)}")
        # Of this session or one before it, as the checkpoint tells.
        least = -math.inf if self.best is None else self.best["score"]
        if not scores[name] > least:  # nan neither
            return False
        self.best = {"step": step, "score": scores[name]}
        self.saved.keep_best(step)
        return True

    def _check_finite(self, step: int, report: updates.Report) -> None:
        """Warns when an update was skipped, and stops after too many in a row."""
        if not report.num_skipped:
            return
        value = f"loss is {report.loss}"
        if np.isfinite(report.loss):
            value = f"gradient norm is {report.gradient_norm}"
        if report.num_skipped < self.settings.max_skipped:
            self.journal.say(f"step {step:,}: {value}; this update is skipped")
            return
        # What is saved is good: updates that were not finite have changed nothing.
        good = self.saved.latest_step()
        where = f"the last good checkpoint is {good}" if good else "nothing is saved"
        raise FloatingPointError(f"{value} at step {step}; {where}")

    def _profile(self, step: int, state: updates.TrainState) -> None:
        """Opens and closes the window of the profiler."""
        if self.is_profiling and step == self._profile_end:
            jax.block_until_ready(state)
            jax.profiler.stop_trace()
            self.is_profiling = False
        if step == self.settings.profile_start:
            jax.profiler.start_trace(str(self.profile))
            self.is_profiling = True

    @property
    def _profile_end(self) -> int:
        return self.settings.profile_start + self.settings.profile_steps

    def _line(self, step: int, values: dict[str, float]) -> str:
        """Returns the line for people."""
        left = (self.settings.num_steps - step) * self.meter.seconds_per_step
        texts = {
            "loss": "loss {:.4f}",
            "learning_rate": "rate {:.2e}",
            "gradient_norm": "gradient {:.3f}",
            "tokens_per_second": "{:,.0f} tokens/s",
            "mfu": "mfu {:.1%}",
            "input_wait": "input wait {:.1%}",
        }
        parts = [t.format(values[name]) for name, t in texts.items() if name in values]
        return "  ".join([*parts, f"{log.duration(left)} left"])


def versions() -> dict[str, str]:
    """Returns the versions of what decides the numbers of a run."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {"python": platform.python_version()}


def _opening(
    settings: config.LoopConfig, workdir: pathlib.Path, meta: workdirs.Meta, step: int
) -> Iterator[str]:
    """Writes what the run is started with, and yields what to say of it."""
    if step:
        yield f"going on from the checkpoint of step {step:,}"
    is_new = step < settings.num_steps or not (workdir / workdirs.META).exists()
    is_ours = jax.process_index() == 0 and is_new
    if is_ours and (changed := workdirs.claim(workdir, settings, meta, step)):
        yield changed


def _devices(mesh: Mesh) -> str:
    axes = " x ".join(f"{axis} {size}" for axis, size in mesh.shape.items())
    kind = mesh.devices.flat[0].device_kind
    return f"{mesh.size} x {kind} ({axes}): compiling the first step"


def _peak(mesh: Mesh) -> float | None:
    one = hardware.peak(mesh.devices.flat[0].device_kind)
    return None if one is None else one * mesh.size


def _is_due(step: int, every: int, is_last: bool) -> bool:
    return every > 0 and (is_last or step % every == 0)
