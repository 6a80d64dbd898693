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
