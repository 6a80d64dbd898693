"""Layouts and accumulation change where numbers are computed, not the numbers."""

import jax
import numpy as np
import pytest
import toy
from jax.sharding import PartitionSpec as P

from ssrlm_jax import config
from ssrlm_jax.train import sharding, updates

LAYOUTS = {
    "data": config.MeshConfig(data=8),
    "fsdp": config.MeshConfig(data=1, fsdp=8),
    "tensor": config.MeshConfig(data=1, tensor=8),
    "mixed": config.MeshConfig(data=2, fsdp=2, tensor=2),
}


def _build(mesh, **settings):
    return updates.build(
        toy.Mlp(),
        toy.optimizer(),
        settings=config.LoopConfig(**settings),
        mesh=mesh,
        seed=0,
    )


def _take(compiled, state, number, **notes):
    batch = sharding.spread(next(toy.batches(number)), compiled.mesh)
    notes_N4 = compiled.notes(*notes.values() or (0.0,) * 4)
    return compiled.take(state, batch, notes_N4, compiled.key)


def _curve(mesh, num_steps=4, **settings):
    """Returns losses and the parameters after some updates."""
    compiled = _build(mesh, **settings)
    state, losses = compiled.fresh(), []
    for number in range(num_steps):
        state, report = _take(compiled, state, number)
        losses.append(float(report.loss))
    return losses, jax.device_get(state.learned)


def _one_device():
    return sharding.make_mesh(config.MeshConfig(), jax.devices()[:1])


@pytest.fixture(scope="module")
def reference():
    return _curve(_one_device())


@pytest.mark.parametrize(
    ("layout", "micro_batches"),
    [("data", 1), ("data", 2), ("fsdp", 1), ("tensor", 1), ("mixed", 1), ("mixed", 4)],
)
def test_layout_and_accumulation_do_not_change_the_curve(
    reference, layout, micro_batches
):
    mesh = sharding.make_mesh(LAYOUTS[layout])
    losses, learned = _curve(mesh, micro_batches=micro_batches)
    np.testing.assert_allclose(losses, reference[0], rtol=2e-6)
    # Adam turns rounding of gradients near 0 into steps of the size of its rate.
    for name, expected in reference[1].items():
        np.testing.assert_allclose(learned[name], expected, atol=2e-5)


def test_accumulation_divides_by_the_count_of_the_whole_batch():
    """Micro-batches with different counts weigh by them, on one device too."""
    once, _ = _curve(_one_device(), num_steps=1)
    counted = next(toy.batches(0))["is_counted"].reshape(-1, 4).sum(axis=0)
    assert len(set(counted)) > 1
    cut, _ = _curve(_one_device(), num_steps=1, micro_batches=4)
    np.testing.assert_allclose(cut, once, rtol=1e-6)


def test_moments_and_average_lie_as_their_parameters_do():
    compiled = _build(sharding.make_mesh(LAYOUTS["mixed"]), ema_decay=0.5)
    state = compiled.fresh()
    adam = state.opt_state[1]
    for tree in (state.learned, adam.mu, adam.nu, state.ema):
        assert tree["up"].sharding.spec == P(None, "fsdp", "tensor")
        assert tree["up"].addressable_shards[0].data.shape == (2, 4, 8)
    assert state.frozen["offset"].sharding.is_fully_replicated


def test_average_follows_the_parameters():
    compiled = _build(_one_device(), ema_decay=0.15)
    state = compiled.fresh()
    expected = jax.device_get(state.learned["up"])
    # First 1/10: a short run is not held at where it began.
    for number, decay in enumerate((0.1, 0.15, 0.15)):
        state, _ = _take(compiled, state, number)
        now = jax.device_get(state.learned["up"])
        expected = decay * expected + (1 - decay) * now
    np.testing.assert_allclose(state.ema["up"], expected, rtol=1e-6)
    assert state.best is state.ema


def test_scalars_are_averaged_and_sums_added_over_micro_batches():
    compiled = _build(_one_device(), micro_batches=4)
    _, report = _take(compiled, compiled.fresh(), 0)
    batch = next(toy.batches(0))
    assert float(report.sums["rows"][0]) == batch["is_counted"].sum()
    assert [float(report.sums[name][1]) for name in ("rows", "noise")] == [4.0, 4.0]


def test_notes_of_a_process_reach_the_report_once():
    compiled = _build(sharding.make_mesh(LAYOUTS["data"]))
    notes = {"is_stopping": 1.0, "tokens": 70.0, "flops": 5e15, "exact_flops": 4e15}
    _, report = _take(compiled, compiled.fresh(), 0, **notes)
    np.testing.assert_allclose(report.notes_4, list(notes.values()))


def test_the_key_of_a_step_depends_on_seed_and_step():
    compiled = _build(_one_device())
    state, first = _take(compiled, compiled.fresh(), 0)
    _, second = _take(compiled, state, 0)
    _, again = _take(compiled, compiled.fresh(), 0)
    noise = [float(report.sums["noise"][0]) for report in (first, second, again)]
    assert noise[0] == noise[2]
    assert noise[0] != noise[1]


def test_a_parameter_without_a_rule_is_named():
    class Unruled(toy.Mlp):
        partition_rules = toy.Mlp.partition_rules[:2]

    with pytest.raises(ValueError, match=r"parameter norm \(2, 8\): no partition"):
        updates.build(
            Unruled(),
            toy.optimizer(),
            settings=config.LoopConfig(),
            mesh=_one_device(),
            seed=0,
        )
