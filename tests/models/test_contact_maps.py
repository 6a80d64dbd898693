import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.models import attention, attention_maps, contact_maps, encoders
from ssrlm_jax.rna import batches

SIZES = config.EncoderConfig(
    num_layers=3, width=24, num_heads=4, num_kv_heads=2, ffn_width=32
)
RNA = "GGGAAACCCAUGCGAUCU"


@pytest.fixture(scope="module")
def model():
    body = encoders.Encoder(**dataclasses.asdict(SIZES), attend=attention.plain)
    token_BL = jnp.zeros((1, 8), jnp.uint8)
    params = body.init(jax.random.key(0), token_BL, token_BL)["params"]
    return body, jax.tree.map(lambda leaf: leaf * 1.5, params)


def _maps(model, sequences, length):
    tokens = batches.pad(sequences, length)
    return tokens, list(
        attention_maps.each_layer(
            *model, jnp.asarray(tokens.token_BL), jnp.asarray(tokens.segment_BL)
        )
    )


def test_the_maps_are_those_the_hidden_states_come_from(model):
    body, params = model
    tokens, layers = _maps(model, [RNA], len(RNA))
    assert len(layers) == 3
    expected = body.apply(
        {"params": params}, tokens.token_BL, tokens.segment_BL, method="residual"
    )
    np.testing.assert_allclose(layers[-1].x_BLD, expected, rtol=1e-4, atol=1e-4)
    for layer in layers:
        assert layer.maps_BHLM.shape == (1, 4, len(RNA) + 2, len(RNA) + 2)
        np.testing.assert_allclose(layer.maps_BHLM.sum(-1), 1.0, rtol=1e-5)


def test_padding_and_neighbours_in_the_batch_change_no_map(model):
    _, alone = _maps(model, [RNA], len(RNA))
    _, padded = _maps(model, [RNA, RNA + "ACGUACG"], len(RNA) + 7)
    size = len(RNA) + 2
    for one, other in zip(alone, padded, strict=True):
        np.testing.assert_allclose(
            other.maps_BHLM[0, :, :size, :size], one.maps_BHLM[0], atol=1e-5
        )
        np.testing.assert_array_equal(other.maps_BHLM[0, :, size:], 0.0)
        np.testing.assert_array_equal(other.maps_BHLM[0, :, :, size:], 0.0)


def test_correction_by_hand():
    # Symmetrised: [[2, 3], [3, 0]]; sums 5 and 3, total 8.
    maps_HLM = jnp.array([[[1.0, 2.0], [1.0, 0.0]]])
    expected = [[2 - 25 / 8, 3 - 15 / 8], [3 - 15 / 8, 0 - 9 / 8]]
    found = contact_maps.correct(maps_HLM, jnp.array([True, True]))
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_a_head_that_is_all_zero_stays_zero():
    found = contact_maps.correct(jnp.zeros((2, 3, 3)), jnp.ones(3, bool))
    np.testing.assert_array_equal(found, 0.0)


def test_padding_does_not_enter_the_sums():
    maps_HLM = jax.random.uniform(jax.random.key(0), (2, 6, 6))
    alone = contact_maps.correct(maps_HLM[:, :4, :4], jnp.ones(4, bool))
    padded = contact_maps.correct(maps_HLM, jnp.arange(6) < 4)
    np.testing.assert_allclose(padded[:, :4, :4], alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(padded[:, 4:], 0.0)


def test_features_and_logits_follow_the_recipe_written_out_plainly(model):
    body, params = model
    tokens, layers = _maps(model, [RNA], len(RNA))
    columns = []
    for layer in layers:
        for map_LM in np.asarray(layer.maps_BHLM[0]):
            map_LM = map_LM[1:-1, 1:-1]
            map_LM = map_LM + map_LM.T
            by_rows = map_LM.sum(1, keepdims=True) * map_LM.sum(0, keepdims=True)
            columns.append(map_LM - by_rows / map_LM.sum())
    i, j = np.triu_indices(len(RNA), 6)
    expected_PF = np.stack([map_LM[i, j] for map_LM in columns], axis=1)
    padded = batches.pad([RNA], len(RNA) + 9)
    given = (body, params, padded.token_BL[0], padded.segment_BL[0])
    found_PF = contact_maps.features(*given, i, j)
    np.testing.assert_allclose(found_PF, expected_PF, atol=1e-5)
    weight_NF = np.stack([np.linspace(-3, 3, 12), np.linspace(2, -1, 12)])
    intercept_N = np.array([-1.5, 0.5])
    logits_NLM = contact_maps.logits(*given, weight_NF, intercept_N)
    expected_NP = weight_NF @ expected_PF.T + intercept_N[:, None]
    np.testing.assert_allclose(logits_NLM[:, i, j], expected_NP, atol=1e-4)
    np.testing.assert_allclose(logits_NLM, logits_NLM.swapaxes(1, 2), atol=1e-5)
