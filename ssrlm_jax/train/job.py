"""What every training command does around the loop: devices first, then plan or run."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

from ssrlm_jax import config as config_lib
from ssrlm_jax.train import contract, hardware, loop, plan, sharding
from ssrlm_jax.train import optimizer as optimizers
from ssrlm_jax.train import workdir as workdirs

Settings = (
    config_lib.PretrainConfig | config_lib.FinetuneConfig | config_lib.TertiaryConfig
)


class Place(NamedTuple):
    """Where a run computes.

    Attributes:
      mesh: all devices.
      process: which share of each batch this process reads, from 0.
      num_processes: how many shares a batch has.
    """

    mesh: Mesh
    process: int
    num_processes: int


def place(settings: Settings, batch_size: int, setting: str) -> Place:
    """Connects the processes, lays out the devices, checks that batches fit on them.

    Args:
      settings: of the command.
      batch_size: rows of a whole batch.
      setting: what sets it, for messages.

    Raises:
      ValueError: as `sharding.make_mesh`, `check_batch` and `share`.
    """
    hardware.keep_compiled(settings.loop.compilation_cache)
    sharding.initialize(settings.distributed)
    mesh = sharding.make_mesh(settings.mesh)
    sharding.check_batch(batch_size, settings.loop.micro_batches, mesh, setting)
    return Place(mesh, *sharding.share(mesh))


def run(
    task: contract.Task,
    batches: contract.Batches,
    *,
    settings: Settings,
    place: Place,
    workdir: pathlib.Path,
    hold: contextlib.AbstractContextManager[None],
    architecture: dict[str, Any],
    origin: dict[str, Any],
    finish: Callable[[pathlib.Path], None],
    rates: dict[str, float] | None = None,
) -> None:
    """Trains; behind the last step the primary process calls `finish` with the workdir.

    Args:
      task: what is learned.
      batches: as for `loop.run`.
      settings: of the command; checkpoints keep them.
      place: of `place`.
      workdir: for checkpoints, metrics and the model.
      hold: a lock of the workdir; the first process has it while all train.
      architecture: the settings that a workdir must not change.
      origin: what the model starts from; checkpoints keep it.
      finish: exports the model and says what was learned.
      rates: as for `optimizer.build`.

    Raises:
      As `loop.run`.
      ValueError: another run trains in the workdir.
    """
    with _held(hold):
        state = loop.run(
            task,
            batches,
            _adamw(settings, rates),
            config=settings.loop,
            mesh=place.mesh,
            seed=settings.seed,
            workdir=workdir,
            meta=workdirs.made_with(settings, architecture) | {"origin": origin},
        )
        if jax.process_index() == 0 and state.step == settings.loop.num_steps:
            finish(workdir)


def cost(
    task: contract.Task,
    batch: contract.Batch,
    *,
    settings: Settings,
    place: Place,
    rates: dict[str, float] | None = None,
    notes: tuple[str, ...] = (),
) -> plan.Plan:
    """Returns what `run` would need, for `--dry_run`.

    Args:
      task: what would be learned.
      batch: this process's share of the most expensive batch.
      settings: of the command.
      place: of `place`.
      rates: as for `run`.
      notes: lines to add.

    Raises:
      MemoryError: as `plan.make`.
    """
    return plan.make(
        task,
        _adamw(settings, rates),
        batch,
        config=settings.loop,
        mesh=place.mesh,
        num_shares=place.num_processes,
        notes=notes,
    )


def _adamw(settings: Settings, rates: dict[str, float] | None) -> optimizers.Optimizer:
    return optimizers.build(settings.optimizer, settings.loop.num_steps, rates=rates)


@contextlib.contextmanager
def _held(hold: contextlib.AbstractContextManager[None]) -> Iterator[None]:
    """Enters a context in the first process for all; what fails there fails on all."""
    with contextlib.ExitStack() as held:
        problem = ""
        if jax.process_index() == 0:
            try:
                held.enter_context(hold)
            except (ValueError, OSError) as error:
                problem = str(error)
        if np.any(multihost_utils.process_allgather(np.array(bool(problem)))):
            raise ValueError(problem or "process 0 cannot hold the workdir")
        yield
