import errno
import logging

import jax
import pytest

from ssrlm_jax import config
from ssrlm_jax.train import hardware


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200", 989e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("NVIDIA A10G", None),
        ("cpu", None),
    ],
)
def test_peak_is_known_by_the_kind_of_device(kind, expected):
    assert hardware.peak(kind) == expected


def test_only_lack_of_memory_is_explained():
    with (
        pytest.raises(MemoryError, match=r"loop\.micro_batches=4"),
        hardware.memory_explained(config.LoopConfig(micro_batches=4)),
    ):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"),
        hardware.memory_explained(config.LoopConfig()),
    ):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")


def _of_tensorstore():
    try:
        raise ValueError("RESOURCE_EXHAUSTED: Error writing a: No space left on device")
    except ValueError as error:
        raise RuntimeError("Checkpoint save failed") from error


def _of_python():
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("fail", [_of_tensorstore, _of_python])
def test_a_full_disk_is_one_line_that_says_where_and_what_next(tmp_path, caplog, fail):
    def log_as_orbax_does():
        try:
            fail()
        except Exception:
            logging.getLogger("absl").exception("save thread failed")
            raise

    message = rf"{tmp_path}: the disk is full \([\d,.]+ MiB are free\); make room, then"
    with (
        pytest.raises(OSError, match=message),
        hardware.full_disk_explained(tmp_path),
    ):
        log_as_orbax_does()
    assert caplog.text == ""


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    with (
        pytest.raises(PermissionError),
        hardware.full_disk_explained(tmp_path),
    ):
        raise PermissionError(errno.EACCES, "Permission denied")
