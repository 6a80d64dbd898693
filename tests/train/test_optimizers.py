import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.train import optimizers

SETTINGS = {"learning_rate": 0.5, "warmup_steps": 4, "final_share": 0.1}


def _rates(steps, **settings):
    built = optimizers.build(config.OptimizerConfig(**SETTINGS | settings), 24)
    return [float(built.learning_rate(jnp.asarray(step))) for step in steps]


def test_the_rate_rises_in_equal_steps_and_no_step_is_lost():
    np.testing.assert_allclose(_rates(range(5)), [0.1, 0.2, 0.3, 0.4, 0.5], rtol=1e-6)


def test_cosine_ends_at_its_final_share():
    # Half way from step 4 to 24, and a quarter: cos(pi/4) = 0.7071.
    expected = [0.5 * (0.1 + 0.9 * 0.5 * 1.70710678), 0.5 * 0.55, 0.05, 0.05]
    np.testing.assert_allclose(_rates([9, 14, 24, 30]), expected, rtol=1e-5)


def test_constant_stays_at_its_peak():
    assert _rates([4, 14, 24], schedule="constant") == [0.5, 0.5, 0.5]


def test_without_warm_up_the_first_rate_is_the_peak():
    assert _rates([0], warmup_steps=0) == [0.5]


def _direction(gradient, learned, **settings):
    direction = optimizers.build(config.OptimizerConfig(**settings), 10_000).direction
    return direction.update(gradient, direction.init(learned), learned)[0]


@pytest.mark.parametrize(
    ("name", "shape", "is_decayed"),
    [
        ("up", (3, 4), True),
        ("blocks/up", (2, 3, 4), True),
        ("norm", (4,), False),
        ("blocks/attention_norm/scale", (2, 4), False),  # stacked over layers
        ("bias", (2, 4), False),
        ("blocks/query_bias", (2, 4), False),
        ("pair_bias/first/kernel", (3, 4), True),  # computes a bias
        ("scale", (), False),
    ],
)
def test_matrices_decay_and_norms_do_not(name, shape, is_decayed):
    tree = jnp.full(shape, 2.0)
    for part in reversed(name.split("/")):
        tree = {part: tree}
    zero = jax.tree.map(jnp.zeros_like, tree)
    (leaf,) = jax.tree.leaves(_direction(zero, tree, weight_decay=0.25))
    np.testing.assert_allclose(leaf, 0.5 if is_decayed else 0.0)


def test_a_long_gradient_is_cut_to_its_norm():
    """Adam's second moment remembers (1 - beta2) g^2 of the clipped gradient."""
    direction = optimizers.build(
        config.OptimizerConfig(clip_norm=1.0, beta2=0.5), 10_000
    ).direction
    learned = {"w": jnp.zeros((1, 2))}
    state = direction.init(learned)
    _, state = direction.update({"w": jnp.array([[3.0, 4.0]])}, state, learned)
    np.testing.assert_allclose(state[1].nu["w"], [[0.18, 0.32]], rtol=1e-6)


def test_parameters_whose_path_is_named_get_their_share_of_the_rate():
    learned = {"encoder": {"up": jnp.ones((2, 2))}, "head": {"up": jnp.ones((2, 2))}}
    gradient = jax.tree.map(jnp.ones_like, learned)
    settings = config.OptimizerConfig(weight_decay=0.25)
    found = {}
    for name, rates in (("same", {}), ("own", {"^encoder/": 0.1})):
        direction = optimizers.build(settings, 100, rates=rates).direction
        found[name], _ = direction.update(gradient, direction.init(learned), learned)
    own, same = found["own"], found["same"]
    np.testing.assert_array_equal(own["head"]["up"], same["head"]["up"])
    np.testing.assert_allclose(own["encoder"]["up"], 0.1 * same["encoder"]["up"])
