"""The strand of an A-form helix: where nucleotides start, and what no model predicts.

Every nucleotide has the same torsions and the same place relative to the one before.
The numbers are medians over 3,321 nucleotides inside stems of the training chains of
rsRNASP, in frames and torsions of the geometry base9.
"""

import jax
import jax.numpy as jnp

from ssrlm_jax.models import geometry

TWIST = 32.51  # degrees from a nucleotide to the next, about z
RISE = 2.747  # angstrom along z
RADIUS = 6.835  # angstrom from the axis to the origin of a frame
FRAME_4 = (0.9919, -0.1218, -0.0328, 0.0169)  # quaternion of a frame on the axis x
TORSION_K = (-164.0, -118.9, 146.4, -62.9, 172.1, 50.0, 93.3, -148.9, 159.6)  # degrees


def frames(index_L: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns quaternions (..., 4) and origins (..., 3), angstrom, of a strand.

    Args:
      index_L: int (...), places along the strand.
    """
    n_L = index_L.astype(jnp.float32)
    half_L = jnp.radians(TWIST) / 2 * n_L
    zero_L = jnp.zeros_like(half_L)
    turn_L4 = jnp.stack([jnp.cos(half_L), zero_L, zero_L, jnp.sin(half_L)], axis=-1)
    first_4 = jnp.broadcast_to(jnp.array(FRAME_4), turn_L4.shape)
    circle_L3 = jnp.stack([jnp.cos(2 * half_L), jnp.sin(2 * half_L), zero_L], axis=-1)
    rise_3 = jnp.broadcast_to(jnp.array([0.0, 0.0, RISE]), circle_L3.shape)
    origin_L3 = RADIUS * circle_L3 + rise_3 * n_L[..., None]
    return geometry.product(turn_L4, first_4), origin_L3
