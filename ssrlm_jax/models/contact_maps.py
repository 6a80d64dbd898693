"""Attention maps as evidence of contacts: symmetrised, corrected, weighted.

Maps are computed layer by layer, so that memory is one layer's. H counts the heads of
a layer, P pairs, F = layers x heads, N regressions.

Source: Rao et al. 2021, Transformer protein language models are unsupervised
structure learners (ICLR), section 3, and the code of ESM for the order of operations.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import types
from ssrlm_jax.models import attention_maps, encoders


def correct(maps_HLM: jax.Array, is_L: jax.Array) -> jax.Array:
    """Returns symmetrised maps without what rows and columns explain alone.

    x + x^T, not halved; then the average product correction (APC): x minus the
    product of its row and column sums over its total, of each head.

    Args:
      maps_HLM: float32, of one RNA, `<cls>` and `<eos>` trimmed.
      is_L: where there are nucleotides; 0 is returned elsewhere.

    Returns:
      float32, the same shape. A map that is all zero stays so.
    """
    is_LM = is_L[:, None] & is_L[None]
    maps_HLM = jnp.where(is_LM[None], maps_HLM, 0.0)
    maps_HLM = maps_HLM + maps_HLM.swapaxes(1, 2)
    row_HL1 = maps_HLM.sum(2, keepdims=True)
    column_H1M = maps_HLM.sum(1, keepdims=True)
    total_H11 = row_HL1.sum(1, keepdims=True)
    safe_H11 = jnp.where(total_H11 > 0, total_H11, 1.0)
    corrected_HLM = maps_HLM - row_HL1 * (column_H1M / safe_H11)
    return jnp.where(is_LM[None], corrected_HLM, 0.0)


def features(
    encoder: encoders.Encoder,
    params: types.Params,
    token_L: np.ndarray,
    segment_L: np.ndarray,
    i: np.ndarray,
    j: np.ndarray,
) -> np.ndarray:
    """Returns features_PF of pairs of nucleotides, float32; layer by layer.

    Args:
      encoder: of hidden states.
      params: of the encoder.
      token_L: of one RNA with `<cls>` and `<eos>`, padded.
      segment_L: 0 is padding.
      i: of each pair, from 0, in nucleotides.
      j: of each pair.
    """
    is_L = _is_nucleotide(segment_L)
    parts = [
        np.asarray(_corrected(layer.maps_BHLM, is_L))[:, i, j]
        for layer in attention_maps.each_layer(
            encoder, params, jnp.asarray(token_L)[None], jnp.asarray(segment_L)[None]
        )
    ]
    return np.concatenate(parts).T


def logits(
    encoder: encoders.Encoder,
    params: types.Params,
    token_L: np.ndarray,
    segment_L: np.ndarray,
    weight_NF: np.ndarray,
    intercept_N: np.ndarray,
) -> np.ndarray:
    """Returns symmetric float32 logits_NLM of contacts of one RNA.

    The encoder runs once, whatever the number of regressions.

    Args:
      encoder: as above.
      params: as above.
      token_L: as above.
      segment_L: as above.
      weight_NF: of each head, the first layer's first.
      intercept_N: added to all.
    """
    is_L = _is_nucleotide(segment_L)
    N, L = len(weight_NF), len(is_L)
    weights = np.asarray(weight_NF, np.float32).reshape(N, encoder.num_layers, -1)
    total_NLM = jnp.zeros((N, L, L)) + jnp.asarray(intercept_N)[:, None, None]
    maps = attention_maps.each_layer(
        encoder, params, jnp.asarray(token_L)[None], jnp.asarray(segment_L)[None]
    )
    for weight_NH, layer in zip(weights.swapaxes(0, 1), maps, strict=True):
        total_NLM = _add(total_NLM, layer.maps_BHLM, is_L, weight_NH)
    return np.asarray(total_NLM)


def _is_nucleotide(segment_L: np.ndarray) -> np.ndarray:
    """Returns where nucleotides are, counted without `<cls>` and `<eos>`."""
    num = int((segment_L > 0).sum()) - 2
    return np.arange(len(segment_L) - 2) < num


@jax.jit
def _corrected(maps_BHLM: jax.Array, is_L: jax.Array) -> jax.Array:
    return correct(maps_BHLM[0, :, 1:-1, 1:-1], is_L)


@functools.partial(jax.jit, donate_argnums=0)
def _add(
    total_NLM: jax.Array, maps_BHLM: jax.Array, is_L: jax.Array, weight_NH: jax.Array
) -> jax.Array:
    corrected_HLM = correct(maps_BHLM[0, :, 1:-1, 1:-1], is_L)
    return total_NLM + jnp.einsum("HLM,NH->NLM", corrected_HLM, weight_NH)
