"""The encoder as a whole: sizes, packing, padding, policies, meshes."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from ssrlm_jax import config
from ssrlm_jax.models import attention, encoders

SIZES = {
    "8m": (dict(num_layers=6, width=288, num_heads=6, ffn_width=1152), 6, 8.0e6),
    "150m": (
        dict(num_layers=12, width=1056, num_heads=12, ffn_width=2560),
        12,
        150.9e6,
    ),
    "650m": (
        dict(num_layers=33, width=1280, num_heads=20, ffn_width=3424),
        20,
        650.2e6,
    ),
}
TINY = config.EncoderConfig(
    num_layers=2, width=32, num_heads=4, num_kv_heads=2, ffn_width=64
)
# Records of 6, 1 and 5 tokens, then padding; and a row of padding alone.
SEGMENT_BL = np.array([[1] * 6 + [2] + [3] * 5 + [0] * 4, [0] * 16], np.uint8)
TOKEN_BL = np.where(
    SEGMENT_BL > 0, np.random.default_rng(0).integers(1, 9, (2, 16)), 0
).astype(np.uint8)


def _encoder(
    sizes: config.EncoderConfig = TINY, *, backend: str = "plain", mesh=None, **fields
) -> encoders.Encoder:
    return encoders.Encoder(
        **dataclasses.asdict(sizes),
        attend=attention.build(backend, mesh=mesh),
        mesh=mesh,
        **fields,
    )


def _parameters(model: encoders.Encoder):
    return jax.jit(model.init)(jax.random.key(0), TOKEN_BL[:1], SEGMENT_BL[:1])


def _loss(model: encoders.Encoder, parameters, token_BL, segment_BL):
    logits_BLV = model.apply(parameters, token_BL, segment_BL)
    is_record_BL1 = (segment_BL > 0)[:, :, None]
    return jnp.where(is_record_BL1, jnp.sin(logits_BLV), 0.0).sum(), logits_BLV


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes_have_their_number_of_parameters(name):
    fields, num_kv_heads, expected = SIZES[name]
    sizes = config.EncoderConfig(**fields, num_kv_heads=num_kv_heads)
    model = _encoder(sizes)
    token_BL = jax.ShapeDtypeStruct((2, 1024), jnp.uint8)
    fresh = jax.eval_shape(model.init, jax.random.key(0), token_BL, token_BL)
    logits = jax.eval_shape(model.apply, fresh, token_BL, token_BL)

    leaves = jax.tree.leaves(fresh)
    assert sum(x.size for x in leaves) == encoders.num_parameters(sizes)
    assert encoders.num_parameters(sizes) == pytest.approx(expected, rel=0.01)
    assert {x.dtype for x in leaves} == {jnp.dtype("float32")}
    assert (logits.shape, logits.dtype) == ((2, 1024, 9), jnp.float32)


@pytest.mark.parametrize("is_head_tied", [True, False])
@pytest.mark.parametrize("num_kv_heads", [1, 2, 4])
def test_counts_are_those_of_the_arrays(is_head_tied, num_kv_heads):
    sizes = dataclasses.replace(
        TINY, is_head_tied=is_head_tied, num_kv_heads=num_kv_heads
    )
    fresh = jax.eval_shape(_encoder(sizes).init, jax.random.key(0), TOKEN_BL, TOKEN_BL)
    assert sum(x.size for x in jax.tree.leaves(fresh)) == encoders.num_parameters(sizes)


def test_flops_by_hand():
    sizes = config.EncoderConfig(
        num_layers=1, width=4, num_heads=2, num_kv_heads=1, ffn_width=3, vocab_size=9
    )
    # query, out 4 x 4; key, value 4 x 2; three of 4 x 3; head 9 x 4: 120 in all.
    found = encoders.training_flops(sizes, num_tokens=10, num_pairs=50)
    assert found == 6 * 120 * 10 + 12 * 4 * 50


def test_650m_costs_what_was_worked_out():
    # jax_stack.md, section 7: 4.42e9 a token at 1,024 positions.
    cost = encoders.training_flops(config.EncoderConfig(), num_tokens=1, num_pairs=1024)
    assert cost == pytest.approx(4.42e9, rel=1e-3)


CASES = [("plain", 1), ("plain", 2), ("blocks", 2), ("plain", 4)]


@pytest.mark.parametrize(("backend", "num_kv_heads"), CASES)
def test_packed_records_give_what_each_gives_alone(backend, num_kv_heads):
    sizes = dataclasses.replace(TINY, num_kv_heads=num_kv_heads)
    model = _encoder(sizes, backend=backend)
    parameters = _parameters(model)
    apply = jax.jit(model.apply)
    packed_BLV = apply(parameters, TOKEN_BL, SEGMENT_BL)
    alone_BL = np.zeros((2, 3, 16), np.uint8)  # tokens and segments of three rows
    parts = [(0, 6), (6, 7), (7, 12)]
    for n, (start, end) in enumerate(parts):
        alone_BL[0, n, : end - start] = TOKEN_BL[0, start:end]
        alone_BL[1, n, : end - start] = 1
    alone_BLV = apply(parameters, *alone_BL)
    for n, (start, end) in enumerate(parts):
        np.testing.assert_allclose(
            packed_BLV[0, start:end], alone_BLV[n, : end - start], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("backend", ["plain", "blocks"])
def test_other_records_and_padding_change_nothing(backend):
    model = _encoder(backend=backend)
    apply = jax.jit(model.apply)
    parameters = _parameters(model)
    changed_BL = np.where(SEGMENT_BL == 1, TOKEN_BL, (TOKEN_BL + 1) % 9)
    before_BLV = apply(parameters, TOKEN_BL, SEGMENT_BL)
    after_BLV = apply(parameters, changed_BL.astype(np.uint8), SEGMENT_BL)
    np.testing.assert_array_equal(before_BLV[0, :6], after_BLV[0, :6])
    assert not np.allclose(before_BLV[0, 6:12], after_BLV[0, 6:12])


@pytest.mark.parametrize("backend", ["plain", "blocks"])
def test_a_row_of_padding_is_finite_and_teaches_nothing(backend):
    model = _encoder(backend=backend)
    row = TOKEN_BL[1:], SEGMENT_BL[1:]
    gradients, logits_BLV = jax.jit(
        jax.grad(lambda p: _loss(model, p, *row), has_aux=True)
    )(_parameters(model))
    assert np.isfinite(logits_BLV).all()
    for gradient in jax.tree.leaves(gradients):
        np.testing.assert_array_equal(gradient, 0.0)


def _gradients(model: encoders.Encoder, parameters, *rows):
    gradients = jax.grad(lambda p, *rows: _loss(model, p, *rows)[0])
    return jax.jit(gradients)(parameters, *rows)


@pytest.fixture(scope="module")
def kept():
    """Returns parameters and their gradients when everything is kept."""
    model = _encoder(remat="none")
    parameters = _parameters(model)
    return parameters, _gradients(model, parameters, TOKEN_BL, SEGMENT_BL)


@pytest.mark.parametrize(
    ("remat", "backend"),
    [("none", "blocks"), ("minimal", "blocks"), ("minimal", "plain")]
    + [("dots", "plain"), ("full", "plain")],
)
def test_remat_policies_and_back_ends_change_no_gradient(kept, remat, backend):
    parameters, expected = kept
    model = _encoder(backend=backend, remat=remat)
    found = _gradients(model, parameters, TOKEN_BL, SEGMENT_BL)
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("remat", "num_again"), [("minimal", 0), ("dots", 0), ("full", 6)]
)
def test_remat_policies_compute_products_again_or_keep_them(remat, num_again):
    def num_products(remat: str) -> int:
        model = _encoder(remat=remat)
        parameters = jax.eval_shape(model.init, jax.random.key(0), TOKEN_BL, SEGMENT_BL)
        gradients = functools.partial(_gradients, model)
        traced = jax.make_jaxpr(gradients)(parameters, TOKEN_BL, SEGMENT_BL)
        return str(traced).count("dimension_numbers=(([1], [0]), ([], []))")

    assert num_products(remat) - num_products("none") == num_again


def test_bfloat16_computes_in_bfloat16_and_answers_in_float32():
    model = _encoder(dtype="bfloat16")
    parameters = _parameters(model)
    arguments = TOKEN_BL[:1], SEGMENT_BL[:1]
    logits_BLV = jax.jit(model.apply)(parameters, *arguments)
    x_BLD = model.apply(parameters, *arguments, method="hidden")
    exact_BLV = jax.jit(_encoder().apply)(parameters, *arguments)
    assert x_BLD.dtype == jnp.bfloat16
    assert x_BLD.shape == (1, 16, 32)
    assert logits_BLV.dtype == jnp.float32
    spread = float(jnp.std(exact_BLV))
    np.testing.assert_allclose(logits_BLV, exact_BLV, atol=0.1 * spread)


def test_every_parameter_has_one_rule_that_names_the_axes_it_has():
    fresh = jax.eval_shape(_encoder().init, jax.random.key(0), TOKEN_BL, TOKEN_BL)
    for path, leaf in jax.tree_util.tree_leaves_with_path(fresh["params"]):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        specs = [
            s for pattern, s in encoders.PARTITION_RULES if re.search(pattern, name)
        ]
        assert len(specs) == 1, name
        is_matrix_of_a_layer = name.startswith("blocks/") and "norm" not in name
        assert len(specs[0]) == (leaf.ndim if is_matrix_of_a_layer else 0), name


def test_a_mesh_changes_no_gradient(kept):
    names = ("data", "fsdp", "tensor")
    mesh = jax.make_mesh((2, 2, 2), names, axis_types=(AxisType.Auto,) * 3)
    parameters, expected = kept
    # Four times the same rows: four times the gradient.
    place = jax.sharding.NamedSharding(mesh, P(("data", "fsdp")))
    rows = [
        jax.device_put(np.repeat(x, 4, axis=0), place) for x in (TOKEN_BL, SEGMENT_BL)
    ]
    model = _encoder(backend="blocks", mesh=mesh)
    assert jax.tree.map(jnp.shape, _parameters(model)) == jax.tree.map(
        jnp.shape, parameters
    )
    found = _gradients(model, parameters, *rows)
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, 4 * y, rtol=1e-4, atol=1e-4)
