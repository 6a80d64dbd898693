"""Layers of the encoder: pure Flax modules, no knowledge of RNA.

Parameters are float32 and cast to the compute dtype where they are used; norms
and rotary angles are float32. SSR-LM uses RMSNorm, rotary positions and SwiGLU
without biases; the other choices are those of published models that are converted
(convert/). Arrays are named `what_AXES`, an axis being one letter:
  B examples, L positions, M positions attended to, D width,
  H query heads, K key/value heads, A head size, F inner width, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.experimental.layout import Layout, with_layout_constraint

Attend = Callable[..., Any]  # see Attention
Rotation = tuple[jax.Array, jax.Array]  # cosines and sines, (B, L, A / 2) each
Factors = tuple[jax.Array, jax.Array]  # x_ND and matrix_DF, or gradients of them

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


def sinusoid(position_BL: jax.Array, width: int) -> jax.Array:
    """Returns float32 (B, L, D): sines of positions in the first half, then cosines.

    As fairseq computes them: the first position counts as 2, speeds fall from 1 to
    1 / 10,000, both included.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5; halves, as above.
    """
    half = width // 2
    speed_D = 10_000.0 ** (-jnp.arange(half, dtype=jnp.float32) / (half - 1))
    angle_BLD = (position_BL + 2).astype(jnp.float32)[:, :, None] * speed_D[None, None]
    return jnp.concatenate([jnp.sin(angle_BLD), jnp.cos(angle_BLD)], axis=-1)


def record_share(is_counted_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
    """Returns float32 (B, L): which share of a position's record is counted."""
    start_BL = jnp.arange(segment_BL.shape[1])[None] - positions(segment_BL)

    def of_row(is_counted_L: jax.Array, start_L: jax.Array) -> jax.Array:
        zero_L = jnp.zeros(start_L.shape, jnp.float32)
        counted_L = zero_L.at[start_L].add(is_counted_L)[start_L]
        return counted_L / zero_L.at[start_L].add(1.0)[start_L]

    return jax.vmap(of_row)(is_counted_BL.astype(jnp.float32), start_BL)


def multiply(x_BLD: jax.Array, matrix_DF: jax.Array) -> jax.Array:
    """Returns x_BLD times a matrix, in the dtype of `x_BLD`.

    Positions of all examples are one axis: with two, XLA on a CPU writes transposed
    copies for the gradient of the matrix, at many times the cost of the product.
    """
    B, L, D = x_BLD.shape
    x_ND = x_BLD.reshape(B * L, D)
    if jax.default_backend() == "cpu" and x_BLD.dtype == jnp.bfloat16:
        out_NF = _multiply_on_cpu(x_ND, matrix_DF)
    else:
        out_NF = jnp.matmul(x_ND, matrix_DF.astype(x_BLD.dtype))
        out_NF = checkpoint_name(out_NF, "product")
    return out_NF.reshape(B, L, -1)


@jax.custom_vjp
def _multiply_on_cpu(x_ND: jax.Array, matrix_DF: jax.Array) -> jax.Array:
    """Returns a product of bfloat16 whose gradients are such products, too.

    XLA gives a CPU's matrix units no transposed operand, and gradients have some: they
    would be computed in float32, so transposed copies are made. Remat policies do not
    keep the result, which takes longer to write and to read than to compute.
    """
    return _rounded(x_ND, matrix_DF.astype(x_ND.dtype))


def _keep_factors(x_ND: jax.Array, matrix_DF: jax.Array) -> tuple[jax.Array, Factors]:
    return _multiply_on_cpu(x_ND, matrix_DF), (x_ND, matrix_DF)


def _factor_gradients(kept: Factors, grad_NF: jax.Array) -> Factors:
    x_ND, matrix_DF = kept
    matrix_FD = _transposed_copy(matrix_DF.astype(x_ND.dtype))
    if x_ND.shape[1] <= grad_NF.shape[1]:  # the smaller one is copied
        grad_DF = _summed(_transposed_copy(x_ND), grad_NF)
    else:
        grad_DF = _in_rows(_summed(_transposed_copy(grad_NF), x_ND)).T
    return _rounded(grad_NF, matrix_FD), grad_DF.astype(matrix_DF.dtype)


_multiply_on_cpu.defvjp(_keep_factors, _factor_gradients)


def _rounded(x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns a product in bfloat16; matrix units give jax 0.10 float32 only."""
    if jax.__version_info__ >= (0, 11):
        return jnp.matmul(x, y)
    return _summed(x, y).astype(x.dtype)


def _summed(x: jax.Array, y: jax.Array) -> jax.Array:
    """Returns a product in float32."""
    return jnp.matmul(x, y, preferred_element_type=jnp.float32)


def _transposed_copy(x: jax.Array) -> jax.Array:
    return _in_rows(x.T)


def _in_rows(x: jax.Array) -> jax.Array:
    """Returns x, row after row in memory: XLA else takes a transpose for a view."""
    return with_layout_constraint(x, Layout((0, 1)))


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


class LayerNorm(nn.Module):
    """Subtracts the mean over the width first, and shifts last; in float32.

    Source: Ba et al. 2016, arXiv:1607.06450, eq. 4.
    """

    epsilon: float

    @nn.compact
    def __call__(self, x_BLD: jax.Array) -> jax.Array:
        D = x_BLD.shape[-1]
        scale_D = self.param("scale", nn.initializers.ones, (D,))
        bias_D = self.param("bias", nn.initializers.zeros, (D,))
        x32_BLD = x_BLD.astype(jnp.float32)
        x32_BLD = x32_BLD - jnp.mean(x32_BLD, axis=-1, keepdims=True)
        square_BL1 = jnp.mean(x32_BLD * x32_BLD, axis=-1, keepdims=True)
        out_BLD = x32_BLD * jax.lax.rsqrt(square_BL1 + self.epsilon)
        return (out_BLD * scale_D[None, None] + bias_D[None, None]).astype(x_BLD.dtype)


NORMS: dict[str, Callable[..., nn.Module]] = {"rms": RMSNorm, "layer": LayerNorm}


class Attention(nn.Module):
    """Grouped-query self-attention within records; head h has keys of h // (H / K).

    `attend` is one of models/attention.py's back ends; with scores it gets them as a
    fifth argument, adds to them and returns (out_BLHA, score_BHLM).
    """

    num_heads: int
    num_kv_heads: int
    attend: Attend
    has_bias: bool = False

    @nn.compact
    def __call__(
        self,
        x_BLD: jax.Array,
        segment_BL: jax.Array,
        by: Rotation | None,
        score_BHLM: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Returns out_BLD, and the scores before the softmax if there were scores."""
        B, L, D = x_BLD.shape
        chex.assert_shape(segment_BL, (B, L))
        A = D // self.num_heads

        def project(name: str, heads: int) -> jax.Array:
            matrix_DHA = self.param(name, INPUT_INIT, (D, heads, A))
            out_BLHA = multiply(x_BLD, matrix_DHA.reshape(D, -1))
            return self._shift(name, out_BLHA.reshape(B, L, heads, A))

        q_BLHA = project("query", self.num_heads)
        k_BMKA = project("key", self.num_kv_heads)
        v_BMKA = project("value", self.num_kv_heads)
        if by is not None:
            q_BLHA, k_BMKA = rotate(q_BLHA, by), rotate(k_BMKA, by)
        # Parameters depend on shapes only, and their example fits no mesh.
        if self.is_initializing():
            out_BLHA = q_BLHA
        elif score_BHLM is None:
            out_BLHA = self.attend(q_BLHA, k_BMKA, v_BMKA, segment_BL)
        else:
            out_BLHA, score_BHLM = self.attend(
                q_BLHA, k_BMKA, v_BMKA, segment_BL, score_BHLM
            )
        out_BLHA = checkpoint_name(out_BLHA, "context")
        matrix_HAD = self.param("out", OUTPUT_INIT, (self.num_heads, A, D))
        out_BLD = multiply(out_BLHA.reshape(B, L, -1), matrix_HAD.reshape(-1, D))
        return self._shift("out", out_BLD), score_BHLM

    def _shift(self, name: str, out: jax.Array) -> jax.Array:
        if not self.has_bias:
            return out
        bias = self.param(f"{name}_bias", nn.initializers.zeros, out.shape[2:])
        return out + bias.astype(out.dtype)[None, None]


class FeedForward(nn.Module):
    """Two linear layers with one of FEED_FORWARDS between them."""

    ffn_width: int
    kind: str = "swiglu"
    has_bias: bool = False

    @nn.compact
    def __call__(self, x_BLD: jax.Array) -> jax.Array:
        inner_BLF = FEED_FORWARDS[self.kind](self, x_BLD)
        return self.linear("down", inner_BLF, x_BLD.shape[-1])

    def linear(self, name: str, x_BLD: jax.Array, width: int) -> jax.Array:
        """Returns x_BLD times a matrix of parameters, shifted if there are biases."""
        shape = (x_BLD.shape[-1], width)
        out_BLF = multiply(x_BLD, self.param(name, MATRIX_INIT, shape))
        if self.has_bias:
            bias_F = self.param(f"{name}_bias", nn.initializers.zeros, (width,))
            out_BLF = out_BLF + bias_F.astype(out_BLF.dtype)[None, None]
        return out_BLF


def _swiglu(ffn: FeedForward, x_BLD: jax.Array) -> jax.Array:
    """silu(gate(x)) * up(x); Shazeer 2020, arXiv:2002.05202, eq. 6."""
    gate_BLF = ffn.linear("gate", x_BLD, ffn.ffn_width)
    return nn.silu(gate_BLF) * ffn.linear("up", x_BLD, ffn.ffn_width)


def _swiglu_beta(ffn: FeedForward, x_BLD: jax.Array) -> jax.Array:
    """As above with gate * sigmoid(beta * gate), beta learned: RiNALMo's."""
    gate_BLF = ffn.linear("gate", x_BLD, ffn.ffn_width)
    beta = ffn.param("beta", nn.initializers.ones, ()).astype(gate_BLF.dtype)
    swish_BLF = gate_BLF * nn.sigmoid(beta * gate_BLF)
    return swish_BLF * ffn.linear("up", x_BLD, ffn.ffn_width)


def _gelu(ffn: FeedForward, x_BLD: jax.Array) -> jax.Array:
    """gelu(up(x)), by the error function; Hendrycks and Gimpel, arXiv:1606.08415."""
    return nn.gelu(ffn.linear("up", x_BLD, ffn.ffn_width), approximate=False)


FEED_FORWARDS: dict[str, Callable[[FeedForward, jax.Array], jax.Array]] = {
    "swiglu": _swiglu,
    "swiglu_beta": _swiglu_beta,
    "gelu": _gelu,
}
