"""Checkpoints: written while training goes on, kept by policy, checked when read.

A checkpoint is the train state and a JSON meta, saved together or not at all. The meta
names every array, so that another model is told from a damaged one.
"""

import contextlib
import dataclasses
import functools
import json
import logging
import pathlib
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils
from orbax.checkpoint import checkpoint_managers as policies

from ssrlm_jax import config, types
from ssrlm_jax.train import sharding, updates, workdirs

DAMAGED = "damaged_checkpoints"  # where those that do not restore are moved
ITEMS = ("state", "meta")
_JOIN_SECONDS = 10.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


class DamagedError(ValueError):
    """A checkpoint does not give back what was saved."""


@dataclasses.dataclass
class _Best(policies.PreservationPolicy):
    """Keeps one checkpoint that the loop names; the policies of Orbax name none."""

    step: int = -1

    def should_preserve(
        self,
        checkpoints: Sequence[policies.PolicyCheckpointInfo],
        *,
        context: policies.PreservationContext,
    ) -> Sequence[bool]:
        del context
        return [checkpoint.step == self.step for checkpoint in checkpoints]


def check(abstract: updates.TrainState) -> None:
    """Raises a ValueError for a state that Orbax cannot save: with empty arrays."""
    for name, leaf in zip(_names(abstract), jax.tree.leaves(abstract), strict=True):
        if leaf.size == 0:
            raise ValueError(
                f"{name} is empty (shape {leaf.shape}) and cannot be trained; a model "
                "with encoder.num_layers=0 is for embeddings alone"
            )


class Checkpoints:
    """The checkpoints of one workdir; leaving it as a context waits for the disk."""

    def __init__(self, workdir: pathlib.Path, settings: config.LoopConfig) -> None:
        """Opens or makes the folder, and clears what a killed run left half-written."""
        self._best = _Best()
        keep: list[policies.PreservationPolicy] = [
            policies.LatestN(settings.keep_latest),
            self._best,
        ]
        if settings.keep_every:
            keep.append(policies.EveryNSteps(settings.keep_every))
        self._folder = workdir.absolute() / workdirs.CHECKPOINTS
        self._damaged = workdir.absolute() / DAMAGED
        self._manager = ocp.CheckpointManager(
            self._folder,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=policies.AnyPreservationPolicy(keep),
                cleanup_tmp_directories=True,
            ),
            item_names=ITEMS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._manager.close()
        except Exception:  # of a failed save: raised once, before all is closed
            with contextlib.suppress(Exception):
                self._manager.close()
            raise

    def latest_step(self) -> int | None:
        """Returns the step of the newest checkpoint that is whole on disk."""
        # Saves go on in the background: what is being written is no checkpoint yet.
        self._manager.wait_until_finished()
        return self._manager.latest_step()

    def keep_best(self, step: int) -> None:
        """Keeps the checkpoint of `step`, before or after it is saved, as the best."""
        self._best.step = step

    def save(self, step: int, state: updates.TrainState, meta: workdirs.Meta) -> None:
        """Starts a save; returns when `state` may be given up, before it is on disk."""
        meta = meta | {"arrays": _names(state)}
        meta = json.loads(json.dumps(meta))  # a copy: it is written later
        given = ocp.args.Composite(
            state=ocp.args.StandardSave(state), meta=ocp.args.JsonSave(meta)
        )
        others = {*threading.enumerate()}
        try:
            self._manager.save(step, args=given, force=True)  # the loop decides when
        except Exception:
            # Closed before they have made its folder, they would wait for minutes.
            for thread in {*threading.enumerate()} - others:
                if type(thread) is not threading.Thread:  # those of pools wait for work
                    # By the base class: Orbax's own join raises what failed.
                    threading.Thread.join(thread, _JOIN_SECONDS)
            raise

    def restore_newest(
        self, abstract: updates.TrainState
    ) -> tuple[updates.TrainState, workdirs.Meta] | None:
        """Returns state and meta of the newest checkpoint that is not damaged.

        Damaged ones are reported and moved aside, so that their steps can be
        saved again.

        Args:
          abstract: shapes, types and shardings to restore to.

        Returns:
          None when there is no checkpoint.

        Raises:
          ValueError: there are checkpoints, and all of them are damaged.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        for step in steps:
            try:
                state, meta = self._restore(step, abstract)
            except DamagedError as error:
                _log.warning("checkpoint %d is damaged: %s", step, error)
                continue
            self._move_aside([late for late in steps if late > step])
            return state, meta
        if steps:
            raise ValueError(
                f"{self._folder}: all checkpoints are damaged "
                f"({', '.join(map(str, steps))}); remove the folder to start over"
            )
        return None

    def _restore(
        self, step: int, abstract: updates.TrainState
    ) -> tuple[updates.TrainState, workdirs.Meta]:
        folder = self._folder / str(step)
        meta = _together(functools.partial(_read_meta, folder))
        here, there = set(_names(abstract)), set(workdirs.arrays(meta))
        if here != there:
            raise ValueError(
                f"{folder} is of another model: only it has {sorted(there - here)}, "
                f"only this run {sorted(here - there)}"
            )
        # Names first: Orbax would tell another model from a damaged file by a traceback
        # only, and a damaged one is moved aside.
        how = ocp.args.StandardRestore(abstract)
        state = _together(
            functools.partial(_read_state, folder, ocp.StandardCheckpointHandler, how)
        )
        return state, meta

    def _move_aside(self, steps: list[int]) -> None:
        if not steps:
            return
        if jax.process_index() == 0:
            self._damaged.mkdir(exist_ok=True)
            for step in steps:
                _move(self._folder / str(step), self._damaged)
        # Nobody saves or lists steps before the folders are gone.
        multihost_utils.sync_global_devices("damaged checkpoints moved aside")
        self._manager.reload()


def parameters(state: updates.TrainState) -> types.Params:
    """Returns what `restore_parameters` does of a checkpoint of the state.

    All processes call it, as each may hold a part.
    """

    def whole(array: jax.Array) -> np.ndarray:
        if array.is_fully_addressable:
            return np.asarray(array)
        return multihost_utils.process_allgather(array, tiled=True)

    return jax.tree.map(whole, _merged(state.best, state.frozen))


def restore_parameters(
    workdir: pathlib.Path, step: int | None = None
) -> tuple[types.Params, workdirs.Meta]:
    """Returns the parameters of a checkpoint, as NumPy arrays, and its meta.

    Learned and frozen ones together; of the learned ones the running average where
    one was kept. Neither the task nor the optimizer is needed.

    Args:
      workdir: of the run.
      step: of the checkpoint; None: the newest.

    Raises:
      ValueError: there is no such checkpoint, or it is damaged.
    """
    folder = workdir.absolute() / workdirs.CHECKPOINTS
    steps = workdirs.steps(workdir)
    if not steps:
        raise ValueError(
            f"{workdir} has no checkpoints: give the --workdir of a training run that "
            f"has saved one ({workdirs.CHECKPOINTS}/STEP)"
        )
    wanted = steps[-1] if step is None else step
    if wanted not in steps:
        raise ValueError(f"{folder}: no checkpoint {wanted}; there are {steps}")
    try:
        return _read_parameters(folder / str(wanted))
    except Exception as error:  # damaged files meet Orbax in many places
        raise ValueError(
            f"{folder}: checkpoint {wanted} is damaged ({_first_line(error)}); "
            f"there are {steps}"
        ) from error


def _read_parameters(folder: pathlib.Path) -> tuple[types.Params, workdirs.Meta]:
    meta = _read_meta(folder)
    names = workdirs.arrays(meta)
    # Read by names, not by shapes: whoever exports has neither task nor optimizer.
    kind = "ema" if workdirs.has_average(names) else "learned"
    wanted = _nested([n for n in names if n.startswith((f"{kind}/", "frozen/"))])
    numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), wanted)
    how = ocp.args.PyTreeRestore(wanted, restore_args=numpy, partial_restore=True)
    found = _read_state(folder, ocp.PyTreeCheckpointHandler, how)
    return _merged(found[kind], found.get("frozen", {})), meta


def _read_meta(folder: pathlib.Path) -> workdirs.Meta:
    return json.loads((folder / workdirs.CHECKPOINT_META).read_text())


def _read_state(
    folder: pathlib.Path,
    handler: Callable[..., ocp.CheckpointHandler],
    how: ocp.args.CheckpointArgs,
) -> types.Params:
    """Reads the state without waiting for other processes, which may fail to."""
    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(primary_host=me, active_processes={me})
    with ocp.Checkpointer(
        handler(multiprocessing_options=alone), multiprocessing_options=alone
    ) as reader:
        return reader.restore(folder / "state", args=how)


def _together(read: Callable[[], T]) -> T:
    """Returns what `read` returns, if it does on every process.

    Raises:
      DamagedError: on every process, if `read` fails on any.
    """
    found: T | None = None
    problem = ""
    try:
        found = read()
    except jax.errors.JaxRuntimeError:
        raise  # the device, not the file
    except Exception as error:  # damaged files meet Orbax in many places
        problem = _first_line(error)
    # All take part, those too that failed: who left would keep the others waiting.
    problems = multihost_utils.process_allgather(np.array(bool(problem)))
    if found is None or np.any(problems):
        raise DamagedError(problem or "another process cannot read it")
    return found


def _names(tree: types.Params | updates.TrainState) -> list[str]:
    return [sharding.path_name(path) for path, _ in jax.tree.leaves_with_path(tree)]


def _nested(names: list[str]) -> types.Params:
    """Returns the tree of dicts whose paths are `names`, with 0 at its leaves."""
    tree: types.Params = {}
    for name in names:
        *parents, last = name.split("/")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = 0
    return tree


def _merged(first: types.Params, second: types.Params) -> types.Params:
    """Returns two trees of dicts that share no leaf as one."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise ValueError("a parameter is both learned and frozen")
    both = {key: _merged(first[key], second[key]) for key in first.keys() & second}
    return {**first, **second, **both}


def _move(path: pathlib.Path, folder: pathlib.Path) -> None:
    # The same step may be damaged again, after it was saved anew.
    number = sum(1 for _ in folder.glob(f"{path.name}*"))
    path.rename(folder / (f"{path.name}.{number}" if number else path.name))


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]
