"""Attention maps of an encoder, layer by layer, so that memory is one layer's.

The encoder's own block runs, with an attention that hands out its weights: the maps
are those that the hidden states come from. Axis letters are in models/layers.py;
N counts the maps of a layer that are kept apart, one a head.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import chex
import jax

from ssrlm_jax import types
from ssrlm_jax.models import applied, attention, encoders, layerwise


class Layer(NamedTuple):
    """What one layer does with a batch.

    Attributes:
      maps_BHLM: float32; after the softmax, rows of records sum to 1, rows and
        columns of padding are 0.
      x_BLD: the hidden states that the layer leaves, in the compute dtype.
    """

    maps_BHLM: jax.Array
    x_BLD: jax.Array


def each_layer(
    encoder: encoders.Encoder,
    params: types.Params,
    token_BL: jax.Array,
    segment_BL: jax.Array,
) -> Iterator[Layer]:
    """Yields the layers of an encoder, the first one first.

    Two functions are compiled for each shape of batch, whatever the number of layers.
    Parameters of NumPy are moved to the device once, not for each layer.

    Args:
      encoder: of any attention back end and remat policy; neither is used.
      params: of the encoder.
      token_BL: int, as `Encoder` takes them.
      segment_BL: int, 0 is padding.
    """
    chex.assert_rank(token_BL, 2)
    chex.assert_equal_shape([token_BL, segment_BL])
    # As a key of compiled functions: encoders that differ in these only are equal.
    encoder = encoder.clone(attend=attention.plain, remat="none", mesh=None)
    params = jax.device_put(params)
    others = {name: value for name, value in params.items() if name != layerwise.BLOCKS}
    state = layerwise.embed(encoder, others, token_BL, segment_BL)
    for layer in range(encoder.num_layers):
        maps_BHLM, state = _run(
            encoder, params[layerwise.BLOCKS], layer, state, segment_BL
        )
        yield Layer(maps_BHLM, state.x_BLD)


@functools.partial(jax.jit, static_argnums=0)
def _run(
    encoder: encoders.Encoder,
    blocks: types.Params,
    layer: jax.Array | int,
    state: encoders.State,
    segment_BL: jax.Array,
) -> tuple[jax.Array, encoders.State]:
    """Runs one layer; `blocks` holds the parameters of all."""
    seen: list[jax.Array] = []

    def attend(
        q_BLHA: jax.Array,
        k_BMKA: jax.Array,
        v_BMKA: jax.Array,
        segment_BL: jax.Array,
        score_BHLM: jax.Array | None = None,
    ) -> jax.Array | tuple[jax.Array, jax.Array]:
        own_BHLM = attention.scores(q_BLHA, k_BMKA)
        if score_BHLM is not None:
            own_BHLM = own_BHLM + score_BHLM
        seen.append(attention.normalise(own_BHLM, segment_BL))
        out_BLHA = attention.context(seen[-1], v_BMKA).astype(v_BMKA.dtype)
        return out_BLHA if score_BHLM is None else (out_BLHA, own_BHLM)

    block = encoders.Block(**encoders.of_block(encoder), attend=attend, mesh=None)
    of_layer = jax.tree.map(lambda stacked: stacked[layer], blocks)
    by = encoders.rotation(encoder, segment_BL)
    state, _ = applied.apply(block, of_layer, state, segment_BL, by)
    return seen[0], state
