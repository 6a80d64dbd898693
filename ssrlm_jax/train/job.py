"""What every training command does around the loop: devices first, then plan or run."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

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
    loop,
    optimizers,
    plan,
    sharding,
    workdirs,
)

# Text, as a job loads its own settings alone.
Settings: TypeAlias = (
    "config.PretrainConfig | config.FinetuneConfig | config.TertiaryConfig"
)


class Devices(NamedTuple):
    """Where a run computes.

    Attributes:
      mesh: all devices.
      process: which share of each batch this process reads, from 0.
      num_processes: how many shares a batch has.
    """

    mesh: Mesh
    process: int
    num_processes: int


def connect(
    settings: Settings, batch_size: int, setting: str, num_parameters: int | None = None
) -> Devices:
    """Connects the processes, lays out the devices, checks what a run may stop for.

    Args:
      settings: of the command.
      batch_size: rows of a whole batch.
      setting: what sets it, for messages.
      num_parameters: about, of what is trained, for `hardware.divide_cores`; None: the
        cores of a CPU are one device, as JAX has it.

    Raises:
      ValueError: as `log.check`, `sharding.make_mesh`, `check_batch` and `share`.
    """
    log.check(settings.loop)
    hardware.keep_compiled(settings.loop.compilation_cache)
    if num_parameters is not None and settings.distributed.mode == "off":
        rows = batch_size // settings.loop.micro_batches
        hardware.divide_cores(settings.mesh, rows=rows, num_parameters=num_parameters)
    sharding.initialize(settings.distributed)
    mesh = sharding.make_mesh(settings.mesh)
    sharding.check_batch(batch_size, settings.loop.micro_batches, mesh, setting)
    return Devices(mesh, *sharding.share(mesh))


def run(
    task: contract.Task,
    batches: contract.Batches,
    *,
    settings: Settings,
    devices: Devices,
    workdir: pathlib.Path,
    made_with: workdirs.Meta,
    origin: workdirs.Meta,
    finish: Callable[[pathlib.Path, types.Params, workdirs.Meta], None],
    rates: dict[str, float] | None = None,
    prepare: Callable[[], None] | None = None,
) -> None:
    """Trains, alone in the workdir; behind the last step comes `finish`.

    Args:
      task: what is learned.
      batches: as for `loop.run`.
      settings: of the command; checkpoints keep them.
      devices: of `connect`.
      workdir: for checkpoints, metrics and the model.
      made_with: of `workdirs.made_with`, after `workdir.check`; checkpoints keep it.
      origin: what the model starts from; checkpoints keep it.
      finish: exports the model and says what was learned; the first process calls it
        with the workdir, the parameters to keep and the meta of their checkpoint.
      rates: as for `optimizers.build`.
      prepare: writes what else the workdir holds; the first process calls it.

    Raises:
      As `loop.run`.
      ValueError: another run trains in the workdir.
    """
    is_primary = jax.process_index() == 0
    with _alone(workdir):
        if is_primary and prepare:
            prepare()
        ended = loop.run(
            task,
            batches,
            _adamw(settings, rates),
            settings=settings.loop,
            mesh=devices.mesh,
            seed=settings.seed,
            workdir=workdir,
            meta=made_with | {"origin": origin},
        )
        if ended.state.step < settings.loop.num_steps:
            return
        best = ended.meta["best"]
        if best is None or best["step"] == ended.meta["batches"]:
            last = checkpoint.parameters(ended.state)  # of all processes
            if is_primary:
                finish(workdir, last, _dated(ended.meta, origin))
        elif is_primary:
            found, meta = checkpoint.restore_parameters(workdir, best["step"])
            finish(workdir, found, _dated(meta, origin))


def _dated(meta: workdirs.Meta, origin: types.Json) -> workdirs.Meta:
    """Returns what a checkpoint was made with, and the date that is told now."""
    told = {name: origin[name] for name in ("data_until",) if name in origin}
    return meta | {"origin": meta.get("origin", {}) | told}


def cost(
    task: contract.Task,
    batch: types.Batch,
    *,
    settings: Settings,
    devices: Devices,
    rates: dict[str, float] | None = None,
    notes: tuple[str, ...] = (),
) -> plan.Plan:
    """Returns what `run` would need, for `--dry_run`.

    Args:
      task: what would be learned.
      batch: this process's share of the most expensive batch.
      settings: of the command.
      devices: of `connect`.
      rates: as for `run`.
      notes: lines to add.

    Raises:
      MemoryError: as `plan.make`.
    """
    return plan.make(
        task,
        _adamw(settings, rates),
        batch,
        settings=settings.loop,
        mesh=devices.mesh,
        num_shares=devices.num_processes,
        notes=notes,
    )


def _adamw(settings: Settings, rates: dict[str, float] | None) -> optimizers.Optimizer:
    return optimizers.build(settings.optimizer, settings.loop.num_steps, rates=rates)


@contextlib.contextmanager
def _alone(workdir: pathlib.Path) -> Iterator[None]:
    """Keeps other runs out of a workdir: the first process holds its lock for all."""
    with contextlib.ExitStack() as held:
        problem = ""
        if jax.process_index() == 0:
            try:
                held.enter_context(workdirs.hold(workdir))
            except (ValueError, OSError) as error:
                problem = str(error)
        if np.any(multihost_utils.process_allgather(np.array(bool(problem)))):
            raise ValueError(problem or "process 0 cannot hold the workdir")
        yield
