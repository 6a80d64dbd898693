import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


@pytest.mark.parametrize(("inner", "outer"), [(24, 40), (40, 24)])
def test_gradients_of_bfloat16_products_are_products_of_bfloat16(inner, outer):
    rng = np.random.default_rng(0)
    x_BLD = jnp.asarray(rng.normal(size=(2, 64, inner)), jnp.bfloat16)
    grad_BLF = jnp.asarray(rng.normal(size=(2, 64, outer)), jnp.bfloat16)
    matrix_DF = jnp.asarray(rng.normal(size=(inner, outer)), jnp.float32)

    @jax.jit
    def multiplied(
        x_BLD: jax.Array, matrix_DF: jax.Array, grad_BLF: jax.Array
    ) -> tuple[jax.Array, ...]:
        out_BLF, pull_back = jax.vjp(layers.multiply, x_BLD, matrix_DF)
        return out_BLF, *pull_back(grad_BLF)

    lowered = multiplied.lower(x_BLD, matrix_DF, grad_BLF).as_text()
    products = [line for line in lowered.splitlines() if "dot_general" in line]
    factors = [line.split(" : ")[1].split(" -> ")[0] for line in products]
    assert [types.count("xbf16>") for types in factors] == [2, 2, 2]
    found = multiplied(x_BLD, matrix_DF, grad_BLF)
    x, grad, matrix = (
        np.asarray(value.astype(jnp.bfloat16), np.float64)
        for value in (x_BLD, grad_BLF, matrix_DF)
    )
    expected = x @ matrix, grad @ matrix.T, np.einsum("bld,blf->df", x, grad)
    assert [value.dtype for value in found] == [jnp.bfloat16] * 2 + [jnp.float32]
    # Two are rounded to eight bits; the gradient of the matrix is a sum in float32.
    for value, right, rtol in zip(found, expected, (2**-8, 2**-8, 1e-5), strict=True):
        np.testing.assert_allclose(
            np.asarray(value, np.float64), right, rtol=rtol, atol=1e-4
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
