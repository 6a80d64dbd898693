"""The encoder: tokens of packed rows in, logits or hidden states out.

SSR-LM is a pre-norm transformer: RMSNorm, rotary positions that restart at each
record, grouped-query attention within records, SwiGLU. Published models that differ
are the same module with other choices (config.EncoderConfig). All layers are one
`nn.scan`, so every parameter under `blocks` has the layer as its first axis. Axis
letters are in models/layers.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ssrlm_jax import types
from ssrlm_jax.models import attention, layers, network_sizes

# Path of a parameter -> how the mesh divides it. The embedding is tiny and read by
# every device: dividing it costs more than copying it.
PARTITION_RULES: tuple[tuple[str, P], ...] = (
    (r"norm/scale|bias|beta", P()),
    (r"blocks/attention/(query|key|value)", P(None, "fsdp", "tensor", None)),
    (r"blocks/attention/out", P(None, "tensor", None, "fsdp")),
    (r"blocks/ffn/(gate|up)", P(None, "fsdp", "tensor")),
    (r"blocks/ffn/down", P(None, "tensor", "fsdp")),
    (r"embedding|head", P()),
)
BATCH_AXES = ("data", "fsdp")

PAIR_STRENGTH = {
    (types.A, types.U): 2.0,
    (types.C, types.G): 3.0,
    (types.G, types.U): 0.8,
}

# What the backward pass keeps of a layer; the rest is computed again. "product" is
# what layers.multiply gives, "context" what attention does.
REMAT: dict[str, Callable[..., Any] | None] = {
    "none": None,  # everything is kept
    "minimal": jax.checkpoint_policies.save_only_these_names("product", "context"),
    "dots": jax.checkpoint_policies.save_only_these_names("product"),
    "full": jax.checkpoint_policies.nothing_saveable,  # a layer's input only
}

Function = Callable[[jax.Array], jax.Array]


class State(NamedTuple):
    """What goes from layer to layer.

    Attributes:
      x_BLD: hidden states, in the compute dtype.
      score_BHLM: float32, of attention before the softmax, to which the next layer
        adds its own; None without a pair bias.
    """

    x_BLD: jax.Array
    score_BHLM: jax.Array | None


def _pre(x_BLD: jax.Array, norm: Function, layer: Function) -> jax.Array:
    return x_BLD + layer(norm(x_BLD))


def _post(x_BLD: jax.Array, norm: Function, layer: Function) -> jax.Array:
    return norm(x_BLD + layer(x_BLD))


def _normed(x_BLD: jax.Array, norm: Function, layer: Function) -> jax.Array:
    x_BLD = norm(x_BLD)
    return x_BLD + layer(x_BLD)


# Around attention and around the feed-forward layer. RiNALMo ("normed") adds its
# attention to what was normalised.
RESIDUALS = {"pre": (_pre, _pre), "post": (_post, _post), "normed": (_normed, _pre)}


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to its input."""

    num_heads: int
    num_kv_heads: int
    ffn_width: int
    norm_epsilon: float
    norm: str
    residual_order: str
    feed_forward: str
    biases: str
    attend: layers.Attend
    mesh: Mesh | None

    def setup(self) -> None:
        norm = layers.NORMS[self.norm]
        self.attention_norm = norm(self.norm_epsilon)
        self.attention = layers.Attention(
            self.num_heads, self.num_kv_heads, self.attend, self.biases == "all"
        )
        self.ffn_norm = norm(self.norm_epsilon)
        self.ffn = layers.FeedForward(
            self.ffn_width, self.feed_forward, self.biases != "none"
        )

    def __call__(
        self, state: State, segment_BL: jax.Array, by: layers.Rotation | None
    ) -> tuple[State, None]:
        x_BLD, score_BHLM = state
        if not self.is_initializing():
            x_BLD = split_batch(x_BLD, self.mesh)

        def attend(x_BLD: jax.Array) -> jax.Array:
            nonlocal score_BHLM
            out_BLD, score_BHLM = self.attention(x_BLD, segment_BL, by, score_BHLM)
            return out_BLD

        around_attention, around_ffn = RESIDUALS[self.residual_order]
        x_BLD = around_attention(x_BLD, self.attention_norm, attend)
        x_BLD = around_ffn(x_BLD, self.ffn_norm, self.ffn)
        return State(x_BLD, score_BHLM), None


class PairBias(nn.Module):
    """Scores of attention from the letters alone: ERNIE-RNA's.

    Source: Yin et al. 2025, ERNIE-RNA, Nat. Commun. 16, and its code.
    """

    num_heads: int
    vocab_size: int

    @nn.compact
    def __call__(self, token_BL: jax.Array) -> jax.Array:
        strength_VW = np.zeros((self.vocab_size, self.vocab_size), np.float32)
        for (first, second), strength in PAIR_STRENGTH.items():
            strength_VW[first, second] = strength_VW[second, first] = strength
        inner_VWF = nn.Dense(self.num_heads // 2, name="first")(strength_VW[..., None])
        score_VWH = nn.Dense(self.num_heads, name="second")(
            nn.gelu(inner_VWF, approximate=False)
        )
        letter_BLV = jax.nn.one_hot(token_BL, self.vocab_size)
        return jnp.einsum("BLV,VWH,BMW->BHLM", letter_BLV, score_VWH, letter_BLV)


class Encoder(nn.Module):
    """The RNA language model; fields as config.EncoderConfig and ComputeConfig.

    `attend` is a back end of models/attention.py; with a `mesh`, activations are
    divided over its data and fsdp axes by example. With a pair bias `attend` is not
    used: no other back end than `attention.added` keeps scores.
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
    norm: str = "rms"
    residual_order: str = "pre"
    positions: str = "rotary"
    max_positions: int = 0
    feed_forward: str = "swiglu"
    biases: str = "none"
    letter_head: str = "linear"
    has_embedding_norm: bool = False
    has_pair_bias: bool = False
    token_dropout: float = 0.0
    dtype: str = "float32"
    remat: str = "none"
    mesh: Mesh | None = None

    def setup(self) -> None:
        norm = layers.NORMS[self.norm]
        shape = (self.vocab_size, self.width)
        embedding_init = (
            layers.LETTER_INIT if self.is_head_tied else nn.initializers.normal(1.0)
        )
        self.embedding = self.param("embedding", embedding_init, shape)
        if self.positions == "learned":
            self.position_embedding = self.param(
                "position_embedding",
                nn.initializers.normal(0.02),
                (self.max_positions, self.width),
            )
        if self.has_embedding_norm:
            self.embedding_norm = norm(self.norm_epsilon)
        if self.has_pair_bias:
            self.pair_bias = PairBias(self.num_heads, self.vocab_size)
        block = Block
        if (policy := REMAT[self.remat]) is not None:
            # Within a scan XLA cannot merge the two computations: nothing has to
            # prevent it.
            block = nn.remat(Block, policy=policy, prevent_cse=False)
        self.blocks = nn.scan(
            block,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(nn.broadcast, nn.broadcast),
            length=self.num_layers,
        )(
            **of_block(self),
            attend=attention.added if self.has_pair_bias else self.attend,
            mesh=self.mesh,
        )
        # In the order "post" the last layer has ended with a norm already.
        if self.residual_order != "post":
            self.final_norm = norm(self.norm_epsilon)
        if self.letter_head == "dense":
            self.head_dense = nn.Dense(self.width, dtype=self.dtype)
            self.head_norm = norm(self.norm_epsilon)
            self.head_bias = self.param(
                "head_bias", nn.initializers.zeros, (self.vocab_size,)
            )
        if not self.is_head_tied:
            self.head = self.param("head", layers.LETTER_INIT, shape)

    def __call__(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns float32 logits_BLV of every position's letter.

        Args:
          token_BL: int in 0..vocab_size-1.
          segment_BL: int; runs of equal numbers are records, 0 is padding, where
            logits are finite and mean nothing.

        Raises:
          ValueError: rows are longer than the table of learned positions.
        """
        x_BLD = self.hidden(token_BL, segment_BL)
        if self.letter_head == "dense":
            x_BLD = self.head_norm(nn.gelu(self.head_dense(x_BLD), approximate=False))
        # Logits are float32 whatever the compute dtype: the softmax of the loss
        # needs it.
        matrix_VD = self.embedding if self.is_head_tied else self.head
        logits_BLV = jnp.einsum(
            "BLD,VD->BLV",
            x_BLD,
            matrix_VD.astype(self.dtype),
            preferred_element_type=jnp.float32,
        )
        if self.letter_head == "dense":
            logits_BLV = logits_BLV + self.head_bias[None, None]
        return logits_BLV

    def hidden(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns x_BLD after the last norm, in the compute dtype; args as above."""
        return self.normed(self.residual(token_BL, segment_BL))

    def normed(self, x_BLD: jax.Array) -> jax.Array:
        """Returns the output of the last layer after the last norm."""
        return x_BLD if self.residual_order == "post" else self.final_norm(x_BLD)

    def residual(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns x_BLD after the last layer, before the last norm; args as above."""
        return self._run(token_BL, segment_BL).x_BLD

    def scores(self, token_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
        """Returns float32 score_BHLM of the last layer, before the softmax.

        Raises:
          ValueError: there is no pair bias, without which scores are not kept.
        """
        score_BHLM = self._run(token_BL, segment_BL).score_BHLM
        if score_BHLM is None:
            raise ValueError("an encoder without has_pair_bias keeps no scores")
        return score_BHLM

    def _run(self, token_BL: jax.Array, segment_BL: jax.Array) -> State:
        state = self.embed(token_BL, segment_BL)
        state, _ = self.blocks(state, segment_BL, rotation(self, segment_BL))
        return state

    def embed(self, token_BL: jax.Array, segment_BL: jax.Array) -> State:
        """Returns what the first layer reads; args as above."""
        chex.assert_rank(token_BL, 2)
        chex.assert_equal_shape([token_BL, segment_BL])
        # A product, not a gather: its gradient is one too, not a serial scatter.
        letter_BLV = jax.nn.one_hot(token_BL, self.vocab_size, dtype=self.dtype)
        x_BLD = jnp.einsum("BLV,VD->BLD", letter_BLV, self.embedding.astype(self.dtype))
        if self.token_dropout:
            x_BLD = self._made_up_for(x_BLD, token_BL == types.MASK, segment_BL)
        if self.positions != "rotary":
            x_BLD = x_BLD + self._positions(segment_BL).astype(self.dtype)
        if self.has_embedding_norm:
            x_BLD = self.embedding_norm(x_BLD)
        return State(x_BLD, self.pair_bias(token_BL) if self.has_pair_bias else None)

    def _made_up_for(
        self, x_BLD: jax.Array, is_hidden_BL: jax.Array, segment_BL: jax.Array
    ) -> jax.Array:
        """Zeroes hidden letters; scales the others of a record to the usual sum.

        Source: Lin et al. 2023, Science 379, and the code of ESM ("token dropout").
        """
        share_BL = layers.record_share(is_hidden_BL, segment_BL)
        # A record that is hidden whole has nothing to be scaled.
        factor_BL = (1.0 - self.token_dropout) / jnp.maximum(1.0 - share_BL, 1e-6)
        factor_BL = jnp.where(is_hidden_BL, 0.0, factor_BL).astype(x_BLD.dtype)
        return x_BLD * factor_BL[:, :, None]

    def _positions(self, segment_BL: jax.Array) -> jax.Array:
        """Returns what is added to letters, float32 (B, L, D)."""
        position_BL = layers.positions(segment_BL)
        if self.positions == "sinusoidal":
            return layers.sinusoid(position_BL, self.width)
        if segment_BL.shape[1] > self.max_positions:
            raise ValueError(
                f"rows of {segment_BL.shape[1]} tokens found, the model has learned "
                f"{self.max_positions} positions; shorten them"
            )
        return self.position_embedding[position_BL]


def of_block(encoder: Encoder) -> dict[str, Any]:
    """Returns the fields that a Block shares with its encoder."""
    names = Block.__dataclass_fields__.keys() - {"attend", "mesh", "parent", "name"}
    return {name: getattr(encoder, name) for name in names}


def rotation(encoder: Encoder, segment_BL: jax.Array) -> layers.Rotation | None:
    """Returns what a Block turns queries and keys by; None: positions are added."""
    if encoder.positions != "rotary":
        return None
    head_size = encoder.width // encoder.num_heads
    position_BL = layers.positions(segment_BL)
    return layers.rotation(position_BL, head_size, encoder.rope_base)


def split_batch(x_BLD: jax.Array, mesh: Mesh | None) -> jax.Array:
    """Asks for examples to be divided over the mesh; without a mesh, nothing."""
    if mesh is None:
        return x_BLD
    return jax.lax.with_sharding_constraint(x_BLD, NamedSharding(mesh, P(BATCH_AXES)))


def num_parameters(sizes: network_sizes.Encoder) -> int:
    """Counts all parameters of an encoder."""
    shared = Encoder.__dataclass_fields__.keys() - {"parent", "name"}
    fields = {name: getattr(sizes, name) for name in shared if hasattr(sizes, name)}
    token_BL = jax.ShapeDtypeStruct((1, 8), jnp.uint8)
    encoder = Encoder(**fields | {"attend": attention.plain, "mesh": None})
    shapes = jax.eval_shape(encoder.init, jax.random.key(0), token_BL, token_BL)
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def training_flops(
    sizes: network_sizes.Encoder, *, num_tokens: float, num_pairs: float
) -> float:
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
    per_pair = 12 * sizes.num_layers * sizes.width
    return 6 * num_multiplied(sizes) * num_tokens + per_pair * num_pairs


def num_multiplied(sizes: network_sizes.Encoder) -> int:
    """Counts the entries of the matrices that every token is multiplied by."""
    kv_width = sizes.width // sizes.num_heads * sizes.num_kv_heads
    attention_size = 2 * sizes.width * (sizes.width + kv_width)
    num_matrices = 2 if sizes.feed_forward == "gelu" else 3
    layer = attention_size + num_matrices * sizes.width * sizes.ffn_width
    letters = sizes.vocab_size * sizes.width
    dense = sizes.width**2 if sizes.letter_head == "dense" else 0
    return sizes.num_layers * layer + letters + dense
