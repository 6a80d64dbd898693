import errno
import logging
import types

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


class _Config:
    """Stands for JAX's own."""

    def __init__(self, num_devices=-1, is_late=False):
        self.values = {"jax_num_cpu_devices": num_devices}
        self._is_late = is_late

    def update(self, name, value):
        if self._is_late:
            raise RuntimeError(f"{name} config should be updated before backends are")
        self.values[name] = value


def _divided(monkeypatch, *, cores=6, config_of_jax=None, rows=24, size=8e6, **axes):
    """Returns how many devices there are then."""
    monkeypatch.setattr(hardware, "_num_cores", lambda: cores)
    own = config_of_jax or _Config()
    monkeypatch.setattr(hardware, "jax", types.SimpleNamespace(config=own))
    mesh = config.MeshConfig(**axes)
    hardware.divide_cores(mesh, rows=rows, num_parameters=int(size))
    return own.values["jax_num_cpu_devices"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 6),
        ({"cores": 1}, 1),
        ({"cores": 64}, 8),  # of more cores each has several
        ({"rows": 4}, 4),  # and not 6, which would not have equal shares
        ({"rows": 7}, 1),
        ({"size": 60e6}, 4),  # copies of 0.9 GiB
        ({"size": 650e6}, 1),
        ({"data": 1}, 1),
        ({"data": 3}, 3),
        ({"data": 12, "cores": 16}, 12),
        ({"data": 9}, -1),  # more than cores: what JAX has, and `make_mesh` tells
        ({"tensor": 2}, 6),
        ({"tensor": 2, "rows": 2}, 4),
        ({"data": 1, "fsdp": -1, "rows": 3}, 3),
        ({"data": 2, "tensor": -1}, 2),
    ],
)
def test_cores_are_divided_as_far_as_rows_and_memory_allow(
    monkeypatch, given, expected
):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert _divided(monkeypatch, **given) == expected


def test_what_the_user_says_of_devices_comes_first(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert _divided(monkeypatch, config_of_jax=_Config(num_devices=3)) == 3
    assert _divided(monkeypatch, config_of_jax=_Config(is_late=True)) == -1
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    assert _divided(monkeypatch) == -1
