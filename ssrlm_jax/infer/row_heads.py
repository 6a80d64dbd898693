"""Sequences of a row that a head gets together: where they stand, and their pairs."""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import types
from ssrlm_jax.models import heads


def filled(
    sequences: Sequence[str], starts: Sequence[int], places: range
) -> tuple[np.ndarray, np.ndarray]:
    """Returns starts and lengths, and zeros up to a power of two: few shapes."""
    size = 2 ** (len(places) - 1).bit_length()
    start_B, length_B = np.zeros(size, np.int32), np.zeros(size, np.int32)
    for row, place in enumerate(places):
        start_B[row], length_B[row] = starts[place], len(sequences[place])
    return start_B, length_B


@functools.partial(jax.jit, static_argnames=("head", "length"))
def probabilities(
    head: heads.Head,
    params: types.Params,
    x: jax.Array,
    start_B: jax.Array,
    length_B: jax.Array,
    length: int,
    energy_BLMS: jax.Array | None = None,
) -> jax.Array:
    """Returns symmetric float32 probability_BLM of sequences of a row.

    Args:
      head: of pairs.
      params: its own.
      x: what it reads of a row, (1, R, D) or (1, H, R, R).
      start_B: where a sequence's letters begin in the row.
      length_B: of the sequences; 0: there is none.
      length: L, that of the map.
      energy_BLMS: what the head reads of energies; None: nothing.
    """
    place_L = jnp.arange(length)
    is_BL = place_L[None] < length_B[:, None]
    if isinstance(head, heads.ScoreHead):
        part = x[:, :, 1 : length + 1, 1 : length + 1]  # the row holds no other
    else:
        part = jnp.where(is_BL[..., None], x[0, start_B[:, None] + place_L[None]], 0)
    logits_BLM = head.apply({"params": params}, part, is_BL, energy_BLMS=energy_BLMS)
    return jax.nn.sigmoid(logits_BLM)
