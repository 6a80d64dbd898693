"""The encoder's choices for published models, without their packages."""

import dataclasses

import architectures
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.models import attention, encoders, layers

# Records of 7, 1 and 5 tokens and padding; the first has two hidden letters.
SEGMENT_BL = np.array([[1] * 7 + [2] + [3] * 5 + [0] * 3], np.uint8)
TOKEN_BL = np.array([[1, 4, 7, 3, 3, 6, 2, 5, 1, 6, 5, 7, 2, 0, 0, 0]], np.uint8)
RECORDS = (slice(0, 7), slice(7, 8), slice(8, 13))


def _model(family):
    sizes = config.EncoderConfig(
        **{"num_layers": 2, "width": 32, "num_heads": 4, "num_kv_heads": 4}
        | {"ffn_width": 48}
        | architectures.PUBLISHED[family]
    )
    model = encoders.Encoder(**dataclasses.asdict(sizes), attend=attention.plain)
    params = jax.jit(model.init)(jax.random.key(0), TOKEN_BL, SEGMENT_BL)
    rng = np.random.default_rng(1)
    moved = jax.tree.map(
        lambda leaf: leaf + 0.2 * rng.normal(size=leaf.shape).astype(np.float32), params
    )
    return sizes, model, moved


@pytest.mark.parametrize("family", architectures.PUBLISHED)
def test_packed_records_give_what_each_gives_alone(family):
    _, model, params = _model(family)
    apply = jax.jit(model.apply)
    packed_BLV = apply(params, TOKEN_BL, SEGMENT_BL)
    for record in RECORDS:
        alone = apply(params, TOKEN_BL[:, record], np.ones_like(TOKEN_BL[:, record]))
        np.testing.assert_allclose(packed_BLV[:, record], alone, atol=2e-5)


@pytest.mark.parametrize("family", architectures.PUBLISHED)
def test_counts_are_those_of_the_arrays(family):
    sizes, _, params = _model(family)
    leaves = jax.tree.leaves_with_path(params["params"])
    assert encoders.num_parameters(sizes) == sum(leaf.size for _, leaf in leaves)
    matrices = sum(
        leaf.size
        for path, leaf in leaves
        if leaf.ndim >= 2
        and not any(
            part in jax.tree_util.keystr(path)
            for part in ("bias", "norm", "position", "beta")
        )
    )
    if not sizes.is_head_tied:  # a tied matrix multiplies, another embedding does not
        matrices -= params["params"]["embedding"].size
    found = encoders.training_flops(sizes, num_tokens=1, num_pairs=0)
    assert found == 6 * matrices


def test_a_row_beyond_the_learned_positions_is_an_error():
    _, model, params = _model("rnafm")
    token_BL = np.full((1, 41), 4, np.uint8)
    with pytest.raises(ValueError, match="41 tokens found, the model has learned 40"):
        model.apply(params, token_BL, np.ones_like(token_BL))


def test_scores_are_kept_with_a_pair_bias_only():
    _, model, params = _model("rinalmo")
    with pytest.raises(ValueError, match="keeps no scores"):
        model.apply(params, TOKEN_BL, SEGMENT_BL, method="scores")


def test_share_of_a_record_by_hand():
    is_hidden_BL = jnp.array([[0, 1, 0, 1, 1, 1]]) > 0
    share_BL = layers.record_share(is_hidden_BL, jnp.array([[1, 1, 1, 1, 2, 2]]))
    np.testing.assert_allclose(share_BL, [[0.5, 0.5, 0.5, 0.5, 1.0, 1.0]])


def test_sinusoid_by_hand():
    found = layers.sinusoid(jnp.array([[0, 3]]), 4)
    slow = 1e-4
    expected = [
        [np.sin(n), np.sin(n * slow), np.cos(n), np.cos(n * slow)] for n in (2, 5)
    ]
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"norm": "batch"}, "encoder.norm"),
        ({"positions": "learned"}, "learned ones need a number above 0"),
        ({"max_positions": 9}, "does not go with encoder.positions='rotary'"),
        ({"token_dropout": 1.0}, "is not at least 0 and below 1"),
        ({"has_pair_bias": True, "num_kv_heads": 10}, "as has_pair_bias asks for"),
    ],
)
def test_choices_that_do_not_go_together(fields, message):
    with pytest.raises(ValueError, match=message):
        config.EncoderConfig(**fields)
