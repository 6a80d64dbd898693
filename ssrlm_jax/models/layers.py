"""Layers of the encoder: pure Flax modules, no knowledge of RNA.

Parameters are float32 and cast to the compute dtype where they are used; norms
and rotary angles are float32. No layer has a bias. Arrays are named `what_AXES`,
an axis being one letter:
  B examples, L positions, M positions attended to, D width,
  H query heads, K key/value heads, A head size, F inner width, V vocabulary.
"""

from collections.abc import Callable

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

Attend = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]
Rotation = tuple[jax.Array, jax.Array]  # cosines and sines, (B, L, A / 2) each

# The paper is silent on initial values. Variance 1 / inputs keeps a layer's output at
# the size of its input for any width; at width 1280 the deviation is 0.028, close to
# the 0.02 of Llama, with which narrow models stay at letter frequencies for long.
# An embedding that is no head has variance 1: letters are not drowned by the layers.
INPUT_INIT = nn.initializers.lecun_normal(in_axis=0, out_axis=(1, 2))  # (D, H, A)
OUTPUT_INIT = nn.initializers.lecun_normal(in_axis=(0, 1), out_axis=2)  # (H, A, D)
MATRIX_INIT = nn.initializers.lecun_normal()  # (D, F)
LETTER_INIT = nn.initializers.lecun_normal(in_axis=1, out_axis=0)  # (V, D)


def positions(segment_BL: jax.Array) -> jax.Array:
    """Counts positions from the start of each record: 0, 1, 2, 0, 1, ...

    Args:
      segment_BL: int, runs of equal numbers are records; padding is a run too.

    Returns:
      int32, the same shape.
    """
    index_BL = jnp.broadcast_to(
        jnp.arange(segment_BL.shape[1], dtype=jnp.int32)[None], segment_BL.shape
    )
    is_same_BL = jnp.pad(
        segment_BL[:, 1:] == segment_BL[:, :-1], ((0, 0), (1, 0)), constant_values=True
    )
    start_BL = jax.lax.cummax(jnp.where(is_same_BL, 0, index_BL), axis=1)
    return index_BL - start_BL


def rotation(position_BL: jax.Array, head_size: int, base: float) -> Rotation:
    """Returns the cosines and sines that `rotate` turns queries and keys by.

    Args:
      position_BL: int, counted from the start of each record.
      head_size: A, even.
      base: the slowest pair turns once in 2 pi base positions.

    Returns:
      Two float32 arrays (B, L, A / 2).

    Source: Su et al. 2021, arXiv:2104.09864, eq. 34; halves instead of even/odd.
    """
    half = head_size // 2
    speed_A = base ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle_BLA = position_BL.astype(jnp.float32)[:, :, None] * speed_A[None, None]
    return jnp.cos(angle_BLA), jnp.sin(angle_BLA)


def rotate(x_BLHA: jax.Array, by: Rotation) -> jax.Array:
    """Turns each pair (a, a + A / 2) of a head; computed in float32.

    Dot products of rotated queries and keys depend on their distance only.
    """
    cos, sin = (table_BLA[:, :, None] for table_BLA in by)
    first, second = jnp.split(x_BLHA.astype(jnp.float32), 2, axis=-1)
    turned_BLHA = jnp.concatenate(
        [first * cos - second * sin, second * cos + first * sin], axis=-1
    )
    return turned_BLHA.astype(x_BLHA.dtype)


def multiply(x_BLD: jax.Array, matrix_DF: jax.Array) -> jax.Array:
    """Returns x_BLD times a matrix, in the dtype of `x_BLD`.

    Positions of all examples are one axis: with two, XLA on a CPU writes transposed
    copies for the gradient of the matrix, at many times the cost of the product.
    """
    B, L, D = x_BLD.shape
    out = x_BLD.reshape(B * L, D) @ matrix_DF.astype(x_BLD.dtype)
    return out.reshape(B, L, -1)


class RMSNorm(nn.Module):
    """Divides by the root mean square over the width, in float32, and scales.

    Source: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
    """

    epsilon: float

    @nn.compact
    def __call__(self, x_BLD: jax.Array) -> jax.Array:
        scale_D = self.param("scale", nn.initializers.ones, (x_BLD.shape[-1],))
        x32_BLD = x_BLD.astype(jnp.float32)
        square_BL1 = jnp.mean(x32_BLD * x32_BLD, axis=-1, keepdims=True)
        out_BLD = x32_BLD * jax.lax.rsqrt(square_BL1 + self.epsilon)
        return (out_BLD * scale_D[None, None]).astype(x_BLD.dtype)


class Attention(nn.Module):
    """Grouped-query self-attention within records; head h has keys of h // (H / K).

    `attend` is one of models/attention.py's back ends.
    """

    num_heads: int
    num_kv_heads: int
    attend: Attend

    @nn.compact
    def __call__(
        self, x_BLD: jax.Array, segment_BL: jax.Array, by: Rotation
    ) -> jax.Array:
        B, L, D = x_BLD.shape
        chex.assert_shape(segment_BL, (B, L))
        A = D // self.num_heads

        def project(name: str, heads: int) -> jax.Array:
            matrix_DHA = self.param(name, INPUT_INIT, (D, heads, A))
            return multiply(x_BLD, matrix_DHA.reshape(D, -1)).reshape(B, L, heads, A)

        q_BLHA = rotate(project("query", self.num_heads), by)
        k_BMKA = rotate(project("key", self.num_kv_heads), by)
        v_BMKA = project("value", self.num_kv_heads)
        # Parameters depend on shapes only, and their example fits no mesh.
        if self.is_initializing():
            out_BLHA = q_BLHA
        else:
            out_BLHA = self.attend(q_BLHA, k_BMKA, v_BMKA, segment_BL)
        out_BLHA = checkpoint_name(out_BLHA, "context")
        matrix_HAD = self.param("out", OUTPUT_INIT, (self.num_heads, A, D))
        return multiply(out_BLHA.reshape(B, L, -1), matrix_HAD.reshape(-1, D))


class FeedForward(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x)).

    Source: Shazeer 2020, arXiv:2002.05202, eq. 6.
    """

    ffn_width: int

    @nn.compact
    def __call__(self, x_BLD: jax.Array) -> jax.Array:
        D, F = x_BLD.shape[-1], self.ffn_width

        gate_BLF = multiply(x_BLD, self.param("gate", MATRIX_INIT, (D, F)))
        up_BLF = multiply(x_BLD, self.param("up", MATRIX_INIT, (D, F)))
        inner_BLF = nn.silu(gate_BLF) * up_BLF
        return multiply(inner_BLF, self.param("down", MATRIX_INIT, (F, D)))
