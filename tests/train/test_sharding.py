import jax
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from ssrlm_jax import config
from ssrlm_jax.train import sharding


def _mesh(**axes):
    return sharding.make_mesh(config.MeshConfig(**axes))


def test_one_axis_takes_the_rest_of_the_devices():
    assert dict(_mesh(data=-1, tensor=2).shape) == {"data": 4, "fsdp": 1, "tensor": 2}
    assert dict(_mesh(data=2, fsdp=-1).shape) == {"data": 2, "fsdp": 4, "tensor": 1}


@pytest.mark.parametrize("axes", [{"tensor": 3}, {"data": 4}, {"data": 16}])
def test_a_mesh_that_does_not_fit_names_its_settings(axes):
    with pytest.raises(ValueError, match=r"mesh\.data=.* does not fit 8 devices"):
        _mesh(**axes)


def test_a_batch_that_cannot_be_spread_names_its_settings():
    mesh = _mesh(data=2, fsdp=2, tensor=2)
    sharding.check_batch(16, 4, mesh)
    with pytest.raises(
        ValueError, match=r"data\.rows_per_batch=16 .* loop\.micro_batches=8 x 4"
    ):
        sharding.check_batch(16, 8, mesh)


def test_rows_are_spread_over_data_and_fsdp():
    mesh = _mesh(data=2, fsdp=2, tensor=2)
    array = np.arange(8.0).reshape(8, 1)
    spread = sharding.spread({"x": array}, mesh)["x"]
    np.testing.assert_array_equal(spread, array)
    shapes = {shard.data.shape for shard in spread.addressable_shards}
    assert shapes == {(2, 1)}
    assert sharding.share(mesh) == (0, 1)


class _Device:
    """Stands for a device of another machine."""

    def __init__(self, process_index):
        self.process_index = process_index


class _Mesh:
    """Stands for a mesh over several machines."""

    def __init__(self, owners, tensor):
        devices = [_Device(owner) for owner in owners]
        self.devices = np.array(devices).reshape(-1, 1, tensor)
        self.shape = {"tensor": tensor}


@pytest.mark.parametrize(
    ("owners", "tensor", "process", "expected"),
    [
        ([0, 0, 0, 0, 1, 1, 1, 1], 1, 1, (1, 2)),
        ([0, 0, 0, 0, 1, 1, 1, 1], 4, 1, (1, 2)),
        ([0, 0, 0, 0, 1, 1, 1, 1], 8, 1, (0, 1)),
        ([0, 0, 1, 1, 2, 2, 3, 3], 4, 3, (1, 2)),
        ([0, 0, 1, 1, 2, 2, 3, 3], 2, 2, (2, 4)),
    ],
)
def test_processes_that_share_rows_read_the_same_ones(
    monkeypatch, owners, tensor, process, expected
):
    monkeypatch.setattr(jax, "process_index", lambda: process)
    assert sharding.share(_Mesh(owners, tensor)) == expected


def test_rows_scattered_over_a_batch_are_refused(monkeypatch):
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    with pytest.raises(ValueError, match=r"mesh\.tensor"):
        sharding.share(_Mesh([0, 1, 1, 0], tensor=1))


def test_the_first_rule_found_in_a_path_decides():
    params = {"blocks": {"up": np.zeros((2, 8, 4))}, "up_norm": np.zeros(4)}
    rules = (("norm", P()), ("blocks/up", P(None, "fsdp", None)))
    layout = sharding.lay_out(params, rules, _mesh(data=2, fsdp=4))
    assert layout["blocks"]["up"].spec == P(None, "fsdp", None)
    assert layout["up_norm"].spec == P()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (P("fsdp"), r"parameter up \(6, 4\): mesh.fsdp=4 does not divide 6"),
        (P(None, ("fsdp", "data")), r"mesh.fsdp=4 x mesh.data=2 does not divide 4"),
        (P(None, None, "fsdp"), r"parameter up \(6, 4\): .* has too many axes"),
    ],
)
def test_a_layout_that_does_not_fit_names_the_parameter(spec, message):
    with pytest.raises(ValueError, match=message):
        sharding.lay_out(
            {"up": np.zeros((6, 4))}, (("up", spec),), _mesh(data=2, fsdp=4)
        )


def test_auto_without_a_cluster_says_so(monkeypatch):
    def initialize():
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    monkeypatch.setattr(jax.config, "update", lambda *_: None)
    with pytest.raises(ValueError, match=r"distributed\.mode='auto' found no SLURM"):
        sharding.initialize(config.DistributedConfig(mode="auto"))
