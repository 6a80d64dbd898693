"""An encoder in use: layer after layer, each with weights in arrays of its own.

Training scans over stacked layers, and XLA on a CPU copies the weights of each before
it multiplies by them: nothing for a large batch, a tenth of the time for a short RNA.
Here a layer is a program of its own, compiled once for each shape of batch.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from ssrlm_jax import types
from ssrlm_jax.models import applied, attention, encoders

BLOCKS = "blocks"  # where an encoder's parameters have their layers, stacked


class Layers(NamedTuple):
    """Parameters of an encoder.

    Attributes:
      others: all but those of the layers.
      layers: of each layer; fewer than there are end sooner.
    """

    others: types.Params
    layers: tuple[types.Params, ...]


def split(stacked: jax.Array | np.ndarray, dtype: str | None = None) -> list[jax.Array]:
    """Returns an array for each layer; of a NumPy array, one copy of each in all."""
    # One by one: all at once would hold the stack and its copy together.
    return [jnp.asarray(layer, dtype) for layer in stacked]


def apart(params: types.Params) -> Layers:
    """Returns the parameters of an encoder with their layers apart.

    Args:
      params: where BLOCKS has stacked arrays, or lists as `split` makes them.
    """

    def as_list(leaf: list[jax.Array] | jax.Array | np.ndarray) -> list[jax.Array]:
        return leaf if isinstance(leaf, list) else split(leaf)

    # By name, a list of layers each; wanted by layer: zipped, and zipped back.
    names, lists = zip(*traverse_util.flatten_dict(params[BLOCKS]).items(), strict=True)
    layers = zip(*map(as_list, lists), strict=True)
    others = {name: value for name, value in params.items() if name != BLOCKS}
    return Layers(
        jax.tree.map(jnp.asarray, others),
        tuple(
            traverse_util.unflatten_dict(dict(zip(names, leaves, strict=True)))
            for leaves in layers
        ),
    )


def stacked_shapes(params: types.Params) -> types.Params:
    """Returns parameters with the shape of a stacked array for each list of layers."""

    def shape(
        leaf: list[jax.Array] | jax.Array | np.ndarray,
    ) -> jax.ShapeDtypeStruct | jax.Array | np.ndarray:
        if not isinstance(leaf, list):
            return leaf
        return jax.ShapeDtypeStruct((len(leaf), *leaf[0].shape), leaf[0].dtype)

    return jax.tree.map(shape, params, is_leaf=lambda leaf: isinstance(leaf, list))


def hidden(
    encoder: encoders.Encoder,
    params: Layers,
    token_BL: jax.Array | np.ndarray,
    segment_BL: jax.Array | np.ndarray,
) -> jax.Array:
    """Returns x_BLD after the last norm, as `Encoder.hidden` does."""
    state = run(encoder, params, token_BL, segment_BL)
    return _last_norm(encoder, params.others, state.x_BLD)


def run(
    encoder: encoders.Encoder,
    params: Layers,
    token_BL: jax.Array | np.ndarray,
    segment_BL: jax.Array | np.ndarray,
) -> encoders.State:
    """Returns what the last layer leaves, before the last norm.

    Args:
      encoder: of any number of layers; those of the parameters are run.
      params: of the encoder; with fewer layers, what the last of them leaves.
      token_BL: int, as `Encoder` takes them.
      segment_BL: int, 0 is padding.
    """
    state = embed(encoder, params.others, token_BL, segment_BL)
    # Of Python: no program holds two layers, so XLA has none of them to copy.
    for of_layer in params.layers:
        state = _layer(encoder, of_layer, state, segment_BL)
    return state


# Encoders are equal by their fields: all of one size share a program, however many
# layers their parameters have.
@functools.partial(jax.jit, static_argnums=0)
def embed(
    encoder: encoders.Encoder,
    params: types.Params,
    token_BL: jax.Array | np.ndarray,
    segment_BL: jax.Array | np.ndarray,
) -> encoders.State:
    """Returns what the first layer reads; `params` needs no layers."""
    return applied.apply(encoder, params, token_BL, segment_BL, method="embed")


@functools.partial(jax.jit, static_argnums=0)
def _layer(
    encoder: encoders.Encoder,
    params: types.Params,
    state: encoders.State,
    segment_BL: jax.Array,
) -> encoders.State:
    # Scores go from layer to layer here, which the fast kernels never form.
    attend = attention.added if encoder.has_pair_bias else encoder.attend
    block = encoders.Block(**encoders.of_block(encoder), attend=attend, mesh=None)
    by = encoders.rotation(encoder, segment_BL)
    state, _ = applied.apply(block, params, state, segment_BL, by)
    return state


@functools.partial(jax.jit, static_argnums=0)
def _last_norm(
    encoder: encoders.Encoder, params: types.Params, x_BLD: jax.Array
) -> jax.Array:
    return applied.apply(encoder, params, x_BLD, method="normed")
