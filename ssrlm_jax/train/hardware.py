"""What devices can do, what they lack, and where compiled programs are kept."""

import contextlib
import errno
import logging
import math
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

import jax

from ssrlm_jax import config, files

_log = logging.getLogger(__name__)

# Peak of dense bfloat16 matrix products in FLOP/s, by the makers' data sheets
# (without sparsity). The first name found in the kind of a device decides.
PEAKS = {
    "h100 pcie": 756e12,
    "h100 nvl": 835e12,
    "h100": 989e12,  # SXM
    "h200": 989e12,
    "gh200": 989e12,
    "h800": 989e12,
    "a100": 312e12,
    "a800": 312e12,
    "a40": 150e12,
    "a30": 165e12,
    "l40s": 362e12,
    "l4": 121e12,
    "rtx 4090": 165e12,
    "rtx 3090": 71e12,
}
# Bytes of a parameter in training: itself, its gradient, two moments; and what all
# copies may take.
_BYTES, _MOST_COPIED, _MOST_DEVICES = 16, 4 * 2**30, 8


def peak(device_kind: str) -> float | None:
    """Returns the peak of a kind of device in FLOP/s; None where it is not known."""
    kind = device_kind.lower()
    for name, flops in PEAKS.items():
        if re.search(rf"\b{name}\b", kind):
            return flops
    return None


def keep_compiled(folder: str, min_seconds: float = 1.0) -> None:
    """Keeps compiled programs between runs.

    Args:
      folder: where; "~" is the home, "" keeps none, as where there is no home.
      min_seconds: programs that compile faster are not kept.
    """
    if folder:
        try:
            path = files.expanded(folder)
        except ValueError as error:  # no reason not to train
            _log.warning("compiled programs are not kept: %s", error)
            return
        jax.config.update("jax_compilation_cache_dir", str(path))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", min_seconds)


def divide_cores(
    settings: config.MeshConfig, *, rows: int, num_parameters: int
) -> None:
    """Makes devices of a CPU's cores, which share a batch; GPUs are left as they are.

    Cores that work on rows of their own wait for each other once an update, and not
    once an operation; and XLA runs a convolution on one core (docs/speed.md). A device
    is one core or more, eight at most; each has a copy of the parameters, 4 GiB all
    together. Axes of the mesh that are all given say how many there are. What
    JAX_NUM_CPU_DEVICES or XLA_FLAGS say comes first, and nothing is changed where JAX
    computes already.

    Args:
      settings: axes of the mesh.
      rows: that are computed at a time; each device has as many.
      num_parameters: of what is trained.
    """
    is_said = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if is_said or jax.config.values["jax_num_cpu_devices"] != -1:
        return
    axes = (settings.data, settings.fsdp, settings.tensor)
    given = math.prod(size for size in axes if size != -1)
    copies = max(1, _MOST_COPIED // (_BYTES * max(1, num_parameters)))
    most = min(_MOST_DEVICES, given * copies)
    if -1 not in axes or settings.tensor == -1:  # nothing is to be copied
        most = given
    numbers = range(given, min(most, _num_cores()) + 1, given)
    fitting = [n for n in numbers if rows % max(1, n // max(1, settings.tensor)) == 0]
    if fitting:
        with contextlib.suppress(RuntimeError):  # JAX computes already
            jax.config.update("jax_num_cpu_devices", fitting[-1])


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def memory_explained(settings: config.LoopConfig) -> Iterator[None]:
    """Turns a device's lack of memory into a message that names settings.

    Raises:
      MemoryError: in place of JAX's own error.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise MemoryError(
            "a device has too little memory: raise loop.micro_batches="
            f"{settings.micro_batches}, or set compute.remat='full', or raise "
            "mesh.fsdp; --dry_run shows what a setting needs"
        ) from error


@contextlib.contextmanager
def full_disk_explained(folder: pathlib.Path) -> Iterator[None]:
    """Turns what a full disk causes into one line; without it, all is as it was.

    Raises:
      OSError: the disk of `folder` is full.
    """
    # Every thread of Orbax tells of it, at length; up to 37 times.
    logger = logging.getLogger("absl")
    logger.addFilter(_tells_something_else)
    try:
        yield
    except Exception as error:
        if not _is_full_disk(error):
            raise
        free = shutil.disk_usage(folder).free / 2**20
        raise OSError(
            f"{folder}: the disk is full ({free:,.1f} MiB are free); make room, "
            "then the same command goes on from the last checkpoint"
        ) from error
    finally:
        logger.removeFilter(_tells_something_else)


def _tells_something_else(record: logging.LogRecord) -> bool:
    return not (record.exc_info and _is_full_disk(record.exc_info[1]))


def _is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, is that of a full disk."""
    if error is None:
        return False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    texts = ("No space left on device", "Disk quota exceeded")  # of TensorStore
    is_said = any(text in str(error) for text in texts)
    return is_said or _is_full_disk(error.__cause__ or error.__context__)
