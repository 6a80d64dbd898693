import jax
import pytest
import toy

from ssrlm_jax import config
from ssrlm_jax.train import plan, sharding

NUM_PARAMETERS = 2 * (2 * 8 * 16 + 8)  # two layers of up, down and norm


def _plan(mesh, **settings):
    batch = next(toy.batches(0))
    batch["is_counted"][:] = True
    return plan.make(
        toy.Mlp(),
        toy.optimizer(),
        batch,
        settings=config.LoopConfig(num_steps=1000, **settings),
        mesh=mesh,
        notes=("attention:         plain, because this is a CPU",),
    )


def test_a_plan_counts_parameters_flops_tokens_and_memory():
    mesh = sharding.make_mesh(config.MeshConfig(), jax.devices()[:1])
    made = _plan(mesh)
    assert made.parameters == NUM_PARAMETERS
    assert made.flops_per_token == 100.0
    assert made.tokens == 16 * 1000
    state = 4 * (3 * NUM_PARAMETERS + 8)  # parameters, two moments, frozen offset
    batch = 16 * (2 * 8 * 4 + 1)
    assert state + batch <= made.arguments <= state + batch + 100
    assert made.peak > made.arguments
    # 1.6e6 FLOPs at 45 % of 312e12 FLOP/s
    assert made.seconds("A100", 1) == pytest.approx(1.6e6 / (0.45 * 312e12))
    assert made.seconds("A100", 8) == pytest.approx(made.seconds("A100", 1) / 8)
    text = str(made)
    for part in ("528", "1,000 steps", "cpu", "because this is", "1 x H200", "data 1"):
        assert part in text


def test_splitting_parameters_needs_less_memory_on_each_device():
    whole = _plan(sharding.make_mesh(config.MeshConfig(data=8)))
    split = _plan(sharding.make_mesh(config.MeshConfig(data=1, fsdp=8)))
    split_size = 4 * 3 * 2 * 2 * 8 * 16 // 8
    assert whole.arguments - split.arguments == 7 * split_size
    assert whole.tokens == split.tokens


def test_the_peak_of_an_unknown_card_is_an_error():
    mesh = sharding.make_mesh(config.MeshConfig(), jax.devices()[:1])
    with pytest.raises(ValueError, match="'abacus' is not one of"):
        _plan(mesh).seconds("abacus", 1)
