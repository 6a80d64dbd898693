"""Checkpoints: written while training goes on, kept by policy, checked when read.

A checkpoint is the train state and a JSON meta, saved together or not at all.
The meta holds a checksum of every array, so that a checkpoint either gives back
the bits that were saved or is reported as damaged.
"""

import hashlib
import json
import logging
import pathlib
from types import TracebackType
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec
from orbax.checkpoint import checkpoint_managers as policies

from ssrlm_jax import config as config_lib
from ssrlm_jax.train import contract, sharding, update

FOLDER = "checkpoints"
DAMAGED = "damaged_checkpoints"  # where those that do not restore are moved
Meta = dict[str, Any]

_log = logging.getLogger(__name__)


class DamagedError(ValueError):
    """A checkpoint does not give back what was saved."""


class Checkpoints:
    """The checkpoints of one workdir; leaving it as a context waits for the disk."""

    def __init__(self, workdir: pathlib.Path, config: config_lib.LoopConfig) -> None:
        """Opens or makes the folder, and clears what a killed run left half-written."""
        keep: list[Any] = [policies.LatestN(config.keep_latest)]
        if config.keep_every:
            keep.append(policies.EveryNSteps(config.keep_every))
        self._workdir = workdir.absolute()
        self._manager = ocp.CheckpointManager(
            self._workdir / FOLDER,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=policies.AnyPreservationPolicy(keep),
                cleanup_tmp_directories=True,
            ),
            item_names=("state", "meta"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._manager.close()

    def latest_step(self) -> int | None:
        """Returns the step of the newest checkpoint that is whole on disk."""
        self._manager.wait_until_finished()
        return self._manager.latest_step()

    def save(self, step: int, state: update.TrainState, meta: Meta) -> None:
        """Starts a save; returns when `state` may be given up, before it is on disk."""
        meta = meta | {"checksums": _checksums(state)}
        meta["checksum"] = _digest(meta)
        self._manager.save(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(state), meta=ocp.args.JsonSave(meta)
            ),
        )

    def restore_newest(
        self, abstract: update.TrainState
    ) -> tuple[update.TrainState, Meta] | None:
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
                f"{self._workdir / FOLDER}: all checkpoints are damaged "
                f"({', '.join(map(str, steps))}); remove the folder to start over"
            )
        return None

    def _restore(
        self, step: int, abstract: update.TrainState
    ) -> tuple[update.TrainState, Meta]:
        try:
            items = self._manager.restore(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardRestore(abstract),
                    meta=ocp.args.JsonRestore(),
                ),
            )
        except jax.errors.JaxRuntimeError:
            raise  # the device, not the file
        except Exception as error:  # damaged files meet Orbax in many places
            raise DamagedError(_first_line(error)) from error
        _check(items.state, items.meta)
        return items.state, items.meta

    def _move_aside(self, steps: list[int]) -> None:
        if not steps:
            return
        if jax.process_index() == 0:
            (self._workdir / DAMAGED).mkdir(exist_ok=True)
            for step in steps:
                _move(self._workdir / FOLDER / str(step), self._workdir / DAMAGED)
        multihost_utils.sync_global_devices("damaged checkpoints moved aside")
        self._manager.reload()


def restore_learned(
    workdir: pathlib.Path, step: int | None = None
) -> tuple[contract.Params, Meta]:
    """Returns the parameters of a checkpoint, as NumPy arrays, and its meta.

    The running average is returned where one was kept. Neither the task nor the
    optimizer is needed.

    Args:
      workdir: of the run.
      step: of the checkpoint; None: the newest.

    Raises:
      ValueError: there is no such checkpoint, or it is damaged.
    """
    folder = workdir.absolute() / FOLDER
    steps = _whole_steps(folder)
    if not steps or step not in (None, *steps):
        raise ValueError(
            f"{folder}: no checkpoint {'' if step is None else step}; "
            f"there are {steps or 'none'}"
        )
    step = steps[-1] if step is None else step
    try:
        return _restore_learned(folder / str(step))
    except Exception as error:
        raise ValueError(
            f"{folder / str(step)} is damaged: {_first_line(error)}; "
            f"there are the steps {steps}"
        ) from error


def _restore_learned(folder: pathlib.Path) -> tuple[contract.Params, Meta]:
    with ocp.Checkpointer(ocp.JsonCheckpointHandler()) as reader:
        meta = reader.restore(folder / "meta")
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
        shapes = reader.metadata(folder / "state").item_metadata.tree
        name = "learned" if shapes["ema"] is None else "ema"
        wanted = {name: jax.tree.map(lambda _: 0, shapes[name])}
        how = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), wanted)
        found = reader.restore(
            folder / "state",
            args=ocp.args.PyTreeRestore(wanted, restore_args=how, partial_restore=True),
        )
    _check(found, meta)
    return found[name], meta


def check_workdir(workdir: pathlib.Path, architecture: Meta) -> None:
    """Checks that a workdir, if it has been used, holds the same architecture.

    Costs nothing; call it before anything slow.

    Raises:
      ValueError: it does not; the message names the settings that differ.
    """
    path = workdir / "meta.json"
    if not path.exists():
        return
    was, now = _flat(json.loads(path.read_text())["architecture"]), _flat(architecture)
    changed = [
        f"{name}={was.get(name)!r} there, {now.get(name)!r} now"
        for name in sorted(was | now)
        if was.get(name) != now.get(name)
    ]
    if changed:
        raise ValueError(
            f"{workdir} was made with another architecture: {'; '.join(changed)}; "
            "take another workdir or the settings it was made with"
        )


def write_meta(workdir: pathlib.Path, meta: Meta) -> None:
    """Writes what `check_workdir` compares."""
    write_whole(workdir / "meta.json", json.dumps(meta, indent=2) + "\n")


def write_whole(path: pathlib.Path, text: str) -> None:
    """Writes a file beside its place and renames it, so that it is whole or absent."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(text)
    beside.replace(path)


def _whole_steps(folder: pathlib.Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(ocp.utils.checkpoint_steps(folder))


def _checksums(state: Any) -> dict[str, int]:
    """Returns a number for each array, the same however the array is laid out."""
    paths = [sharding.path_name(path) for path, _ in jax.tree.leaves_with_path(state)]
    layout = jax.tree.leaves(state)[0].sharding
    if isinstance(layout, NamedSharding):
        layout = NamedSharding(layout.mesh, PartitionSpec())
    sums = jax.jit(_sum_bits, out_shardings=layout)(state)
    return dict(zip(paths, np.asarray(sums).tolist(), strict=True))


def _sum_bits(tree: Any) -> jax.Array:
    """Returns for each array the sum of its bits, each element times an odd number.

    An odd factor can be undone modulo 2^32, so a change of one element always
    changes the sum; factors grow with the position, so an exchange does as well.
    """

    def one(array: jax.Array) -> jax.Array:
        kind = jnp.dtype(f"uint{8 * array.dtype.itemsize}")
        bits = jax.lax.bitcast_convert_type(array, kind).astype(jnp.uint32)
        place = jnp.zeros((), jnp.uint32)
        for axis, size in enumerate(array.shape):
            iota = jax.lax.broadcasted_iota(jnp.uint32, array.shape, axis)
            place = place * jnp.uint32(size % 2**32) + iota
        return (bits * (2 * place + 1)).sum(dtype=jnp.uint32)

    return jnp.stack([one(leaf) for leaf in jax.tree.leaves(tree)])


def _check(state: Any, meta: Meta) -> None:
    """Compares restored arrays and meta with the checksums they were saved with."""
    if meta.get("checksum") != _digest(meta):
        raise DamagedError("the meta is not what was saved")
    for name, found in _checksums(state).items():
        if meta["checksums"].get(name) != found:
            raise DamagedError(f"{name} is not what was saved")


def _digest(meta: Meta) -> str:
    rest = {name: value for name, value in meta.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _flat(settings: Any, prefix: str = "") -> Meta:
    """Returns nested settings as {"encoder.width": 1280, ...}."""
    if not isinstance(settings, dict):
        return {prefix.removesuffix("."): settings}
    return {
        name: value
        for key, inner in settings.items()
        for name, value in _flat(inner, f"{prefix}{key}.").items()
    }


def _move(path: pathlib.Path, folder: pathlib.Path) -> None:
    number = sum(1 for _ in folder.glob(f"{path.name}*"))
    path.rename(folder / (f"{path.name}.{number}" if number else path.name))


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
