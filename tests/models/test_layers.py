import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax.models import layers


def test_positions_start_again_at_each_record_and_in_the_padding():
    segment_BL = jnp.array([[1, 1, 1, 2, 2, 3, 0, 0], [1] * 8, [0] * 8], jnp.uint8)
    np.testing.assert_array_equal(
        layers.positions(segment_BL),
        [[0, 1, 2, 0, 1, 0, 0, 1], list(range(8)), list(range(8))],
    )


def test_rotation_depends_on_distance_only():
    q, k = (jax.random.normal(jax.random.key(i), (1, 1, 1, 8)) for i in (0, 1))

    def score(i: int, j: int) -> float:
        turned_q, turned_k = (
            layers.rotate(x, layers.rotation(jnp.full((1, 1), n), 8, 10_000.0))
            for x, n in ((q, i), (k, j))
        )
        return float(jnp.sum(turned_q * turned_k))

    np.testing.assert_allclose(score(3, 8), score(40, 45), rtol=1e-5)
    assert abs(score(3, 8) - score(3, 9)) > 1e-3


def test_rotation_turns_halves_by_hand():
    # A = 4: speeds 1 and base^(-1/2) = 0.1; position 2 turns by 2 and 0.2.
    by = layers.rotation(jnp.array([[2]]), 4, 100.0)
    turned = layers.rotate(jnp.array([[[[1.0, 0.0, 0.0, 1.0]]]]), by)
    np.testing.assert_allclose(
        turned[0, 0, 0],
        [np.cos(2), -np.sin(0.2), np.sin(2), np.cos(0.2)],
        rtol=1e-6,
    )


def test_norm_is_formed_in_float32():
    # The squares of these overflow float16 and lose digits in bfloat16.
    x_BLD = jnp.array([[[3e4, -4e4]]], jnp.bfloat16)
    norm = layers.RMSNorm(1e-5)
    out = norm.apply(norm.init(jax.random.key(0), x_BLD), x_BLD)
    x = np.asarray(x_BLD, np.float64)[0, 0]
    expected = x / np.sqrt(np.mean(x**2))
    assert out.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(out, np.float64)[0, 0], expected, rtol=2**-8)
