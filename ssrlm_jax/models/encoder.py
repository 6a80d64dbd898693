"""The encoder: tokens of packed rows in, logits or hidden states out.

Pre-norm transformer: RMSNorm, rotary positions that restart at each record,
grouped-query attention within records, SwiGLU. All layers are one `nn.scan`, so
every parameter under `blocks` has the layer as its first axis. Axis letters are
in models/layers.py.
"""

from collections.abc import Callable
from typing import Any, Protocol

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ssrlm_jax.models import layers

# Path of a parameter -> how the mesh divides it. The embedding is tiny and read by
# every device: dividing it costs more than copying it.
PARTITION_RULES: tuple[tuple[str, P], ...] = (
    (r"blocks/attention/(query|key|value)", P(None, "fsdp", "tensor", None)),
    (r"blocks/attention/out", P(None, "tensor", None, "fsdp")),
    (r"blocks/ffn/(gate|up)", P(None, "fsdp", "tensor")),
    (r"blocks/ffn/down", P(None, "tensor", "fsdp")),
    (r".*norm/scale|embedding|head", P()),
)
BATCH_AXES = ("data", "fsdp")

_dots = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
# What the backward pass keeps of a layer; the rest is computed again.
REMAT: dict[str, Callable[..., Any] | None] = {
    "none": None,  # everything is kept
    "minimal": jax.checkpoint_policies.save_from_both_policies(
        _dots, jax.checkpoint_policies.save_only_these_names("context")
    ),
    "dots": _dots,
    "full": jax.checkpoint_policies.nothing_saveable,  # a layer's input only
}


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to its input."""

    num_heads: int
    num_kv_heads: int
    ffn_width: int
    norm_epsilon: float
    attend: layers.Attend
    mesh: Mesh | None

    def setup(self) -> None:
        self.attention_norm = layers.RMSNorm(self.norm_epsilon)
        self.attention = layers.Attention(
            self.num_heads, self.num_kv_heads, self.attend
        )
        self.ffn_norm = layers.RMSNorm(self.norm_epsilon)
        self.ffn = layers.FeedForward(self.ffn_width)

    def __call__(
        self, x_BLD: jax.Array, segment_BL: jax.Array, by: layers.Rotation
    ) -> tuple[jax.Array, None]:
        if not self.is_initializing():
            x_BLD = split_batch(x_BLD, self.mesh)
        x_BLD = x_BLD + self.attention(self.attention_norm(x_BLD), segment_BL, by)
        x_BLD = x_BLD + self.ffn(self.ffn_norm(x_BLD))
        return x_BLD, None


class Encoder(nn.Module):
    """The RNA language model; fields as config.EncoderConfig and ComputeConfig.

    `attend` is a back end of models/attention.py; with a `mesh`, activations are
    divided over its data and fsdp axes by example.
    """

    num_layers: int
    width: int
    num_heads: int
    num_kv_heads: int
    ffn_width: int
    vocab_size: int
    is_head_tied: bool
    rope_base: float
    norm_epsilon: float
    attend: layers.Attend
    dtype: str = "float32"
    remat: str = "none"
    mesh: Mesh | None = None

    def setup(self) -> None:
        shape = (self.vocab_size, self.width)
        embedding_init = (
            layers.LETTER_INIT if self.is_head_tied else nn.initializers.normal(1.0)
        )
        self.embedding = self.param("embedding", embedding_init, shape)
        block = Block
        if (policy := REMAT[self.remat]) is not None:
            block = nn.remat(Block, policy=policy, prevent_cse=False)
        self.blocks = nn.scan(
            block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(nn.broadcast, nn.broadcast),
            length=self.num_layers,
        )(
            self.num_heads,
            self.num_kv_heads,
            self.ffn_width,
            self.norm_epsilon,
            self.attend,
            self.mesh,
        )
        self.final_norm = layers.RMSNorm(self.norm_epsilon)
        if not self.is_head_tied:
            self.head = self.param("head", layers.LETTER_INIT, shape)

    def __call__(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns float32 logits_BLV of every position's letter.

        Args:
          token_BL: int in 0..vocab_size-1.
          segment_BL: int; runs of equal numbers are records, 0 is padding, where
            logits are finite and mean nothing.
        """
        matrix_VD = self.embedding if self.is_head_tied else self.head
        return jnp.einsum(
            "BLD,VD->BLV",
            self.hidden(token_BL, segment_BL),
            matrix_VD.astype(self.dtype),
            preferred_element_type=jnp.float32,
        )

    def hidden(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns x_BLD after the last norm, in the compute dtype; args as above."""
        return self.final_norm(self.residual(token_BL, segment_BL))

    def residual(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns x_BLD after the last layer, before the last norm; args as above."""
        chex.assert_rank(token_BL, 2)
        chex.assert_equal_shape([token_BL, segment_BL])
        x_BLD = self.embed(token_BL)
        by = layers.rotation(
            layers.positions(segment_BL), self.width // self.num_heads, self.rope_base
        )
        x_BLD, _ = self.blocks(x_BLD, segment_BL, by)
        return x_BLD

    def embed(self, token_BL: jax.Array) -> jax.Array:
        """Returns x_BLD that the first layer reads, in the compute dtype."""
        # A product, not a gather: its gradient is one too, not a serial scatter.
        letter_BLV = jax.nn.one_hot(token_BL, self.vocab_size, dtype=self.dtype)
        return jnp.einsum("BLV,VD->BLD", letter_BLV, self.embedding.astype(self.dtype))


def split_batch(x_BLD: jax.Array, mesh: Mesh | None) -> jax.Array:
    """Asks for examples to be divided over the mesh; without a mesh, nothing."""
    if mesh is None:
        return x_BLD
    return jax.lax.with_sharding_constraint(x_BLD, NamedSharding(mesh, P(BATCH_AXES)))


class Sizes(Protocol):
    """The fields that decide counts; an Encoder or a config.EncoderConfig has them."""

    @property
    def num_layers(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def num_heads(self) -> int: ...
    @property
    def num_kv_heads(self) -> int: ...
    @property
    def ffn_width(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def is_head_tied(self) -> bool: ...


def num_parameters(sizes: Sizes) -> int:
    """Counts all parameters of an encoder."""
    norms = (2 * sizes.num_layers + 1) * sizes.width
    embedding = 0 if sizes.is_head_tied else sizes.vocab_size * sizes.width
    return _num_multiplied(sizes) + norms + embedding


def training_flops(sizes: Sizes, *, num_tokens: float, num_pairs: float) -> float:
    """Returns the floating point operations of forward and backward: 6 N + 12 L D T.

    Args:
      sizes: of the encoder. N counts what multiplies each token: the matrices of the
        layers and of the head, no norms, no lookup in the embedding.
      num_tokens: tokens trained on.
      num_pairs: over these tokens, the positions that each attends to: row length T
        times tokens by the usual convention, the sum of squared record lengths for
        what has to be computed.

    Source: Chowdhery et al. 2022, arXiv:2204.02311, appendix B.
    """
    attention = 12 * sizes.num_layers * sizes.width
    return 6 * _num_multiplied(sizes) * num_tokens + attention * num_pairs


def _num_multiplied(sizes: Sizes) -> int:
    """Counts the entries of the matrices that every token is multiplied by."""
    kv_width = sizes.width // sizes.num_heads * sizes.num_kv_heads
    attention = 2 * sizes.width * (sizes.width + kv_width)
    layer = attention + 3 * sizes.width * sizes.ffn_width
    return sizes.num_layers * layer + sizes.vocab_size * sizes.width
