"""Sizes and choices of the encoder, and how it is computed."""

import dataclasses

from ssrlm_jax import types
from ssrlm_jax.config import checks

DTYPES = ("bfloat16", "float32")
REMAT_POLICIES = ("none", "minimal", "dots", "full")
NORMS = ("rms", "layer")
RESIDUAL_ORDERS = ("pre", "post", "normed")
POSITIONS = ("rotary", "learned", "sinusoidal")
FEED_FORWARDS = ("swiglu", "swiglu_beta", "gelu")
BIASES = ("none", "ffn", "all")
LETTER_HEADS = ("linear", "dense")
ATTENTION_BACKENDS = ("auto", "plain", "blocks", "pallas", "cudnn_mask", "cudnn_packed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Architecture of the encoder; the paper, section 3.1.

    No single rule gives the paper's three sizes, so `ffn_width` and
    `num_kv_heads` are explicit. A checkpoint fits one architecture only.

    The choices from `norm` on are those of published models (convert/); SSR-LM's are
    the defaults. models/encoders.py and models/layers.py say what each does.
    """

    num_layers: int = 33  # 0: embeddings are letters alone; `ssrlm letters`
    width: int = 1280
    num_heads: int = 20
    num_kv_heads: int = 20  # fewer than num_heads: grouped-query attention
    ffn_width: int = 3424  # inner width of SwiGLU
    vocab_size: int = len(types.TOKENS)  # letters of rna/alphabet.py
    is_head_tied: bool = False  # the paper is silent; output matrix = embedding
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5
    norm: str = "rms"
    residual_order: str = "pre"
    positions: str = "rotary"
    max_positions: int = 0  # of a record with <cls> and <eos>; 0: any; "learned" only
    feed_forward: str = "swiglu"
    biases: str = "none"
    letter_head: str = "linear"  # from the last hidden states to letters
    has_embedding_norm: bool = False
    has_pair_bias: bool = False  # attention starts from scores of pairs of letters
    token_dropout: float = 0.0  # share hidden in pre-training, made up for; 0: not

    def __post_init__(self) -> None:
        checks.choice("encoder.norm", self.norm, NORMS)
        checks.choice("encoder.residual_order", self.residual_order, RESIDUAL_ORDERS)
        checks.choice("encoder.positions", self.positions, POSITIONS)
        checks.choice("encoder.feed_forward", self.feed_forward, FEED_FORWARDS)
        checks.choice("encoder.biases", self.biases, BIASES)
        checks.choice("encoder.letter_head", self.letter_head, LETTER_HEADS)
        checks.below_one("encoder.token_dropout", self.token_dropout)
        checks.check(
            (self.max_positions > 0) == (self.positions == "learned"),
            "encoder.max_positions",
            self.max_positions,
            f"does not go with encoder.positions={self.positions!r}: learned ones "
            "need a number above 0, others 0",
        )
        checks.check(
            not self.has_pair_bias or self.num_kv_heads == self.num_heads,
            "encoder.num_kv_heads",
            self.num_kv_heads,
            f"is not encoder.num_heads={self.num_heads}, as has_pair_bias asks for",
        )
        checks.check(
            self.num_layers >= 0, "encoder.num_layers", self.num_layers, "is < 0"
        )
        checks.positive(
            "encoder",
            self,
            "width",
            "num_heads",
            "num_kv_heads",
            "ffn_width",
            "vocab_size",
            "rope_base",
            "norm_epsilon",
        )
        checks.check(
            self.width % (2 * self.num_heads) == 0,
            "encoder.width",
            self.width,
            f"is not a multiple of 2 x encoder.num_heads={self.num_heads}",
        )
        checks.check(
            self.num_heads % self.num_kv_heads == 0,
            "encoder.num_heads",
            self.num_heads,
            f"is not a multiple of encoder.num_kv_heads={self.num_kv_heads}",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComputeConfig:
    """How the encoder is computed; changes speed and memory, not the model."""

    dtype: str = "bfloat16"  # of matrix products; norms, softmax, losses: float32
    remat: str = "minimal"  # what the backward pass keeps; models/encoders.py
    attention: str = "auto"  # "auto": chosen once from the device, and logged

    def __post_init__(self) -> None:
        checks.choice("compute.dtype", self.dtype, DTYPES)
        checks.choice("compute.remat", self.remat, REMAT_POLICIES)
        checks.choice("compute.attention", self.attention, ATTENTION_BACKENDS)
