"""AIDO.RNA: own files of all sizes.

Facts: genbio-ai/ModelGenerator. Trained on DNA letters: our U is its T.
"""

from ssrlm_jax import config
from ssrlm_jax.convert import blocks, rules, sources

VOCABULARY = (
    "[PAD] [MASK] [CLS] [SEP] [UNK] A G C T U N [BOS] [EOS] [UNUSED1] [UNUSED2] "
    "[UNUSED3]"
)
# Width -> heads, for files that have no config.json beside them; 300M-MARS needs it.
NUM_HEADS = {128: 8, 512: 16, 1280: 20, 2048: 32}

_LEFT_OUT = {
    r"inv_freq$": "angles of positions, computed here",
    r"position_ids$": "numbers of positions, computed here",
}

_EMBEDDING = "bert.embeddings.word_embeddings.weight"
_LAYER = "bert.encoder.layer.{}."


def plan(source: sources.Source) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint holds, and the checkpoint itself.

    Raises:
      ValueError: it is none of AIDO.RNA's.
    """
    sizes = _sizes(source)
    order = VOCABULARY.split()
    vocab, letters = len(order), rules.rows_of(order)
    width, inner = sizes.width, (sizes.ffn_width, sizes.width)
    predictions = "cls.predictions."

    def norm(target: str, name: str) -> list[rules.Rule]:
        return rules.norm(target, name, width, has_bias=sizes.norm == "layer")

    def linear(name: str, shape: tuple[int, int]) -> list[rules.Rule]:
        target, has_bias = name.removesuffix("_proj"), sizes.biases == "all"
        source = f"{_LAYER}mlp.{name}"
        return rules.linear(f"blocks/ffn/{target}", source, shape, has_bias=has_bias)

    found = rules.Plan(
        family="aidorna",
        architecture=sizes,
        rules=[
            rules.Rule("embedding", _EMBEDDING, (vocab, width), letters),
            *blocks.bert_attention(sizes, _LAYER),
            *norm("blocks/attention_norm", f"{_LAYER}attention.ln"),
            *norm("blocks/ffn_norm", f"{_LAYER}ln"),
            *linear("gate_proj", inner),
            *linear("up_proj", inner),
            *linear("down_proj", inner[::-1]),
            *norm("final_norm", "bert.encoder.ln"),
            *rules.dense("head_dense", f"{predictions}transform.dense", (width, width)),
            *norm("head_norm", f"{predictions}transform.LayerNorm"),
            rules.Rule("head_bias", f"{predictions}bias", (vocab,), letters),
        ],
        left_out=_LEFT_OUT,
        copies={
            f"{predictions}decoder.weight": _EMBEDDING,
            f"{predictions}decoder.bias": f"{predictions}bias",
        },
        trained_length=(source.integer("max_position_embeddings") or 1024) - 2,
    )
    return found, source


def _sizes(source: sources.Source) -> config.EncoderConfig:
    """Reads the sizes and choices of the encoder."""
    _, width = rules.shape(source, _EMBEDDING, 2)
    heads = source.integer("num_attention_heads", NUM_HEADS.get(width))
    if heads is None:
        raise ValueError(
            f"{source.path}: how many heads a model of width {width} has is not known; "
            "put its config.json beside the file, which says so"
        )
    source.expect(
        hidden_act="swiglu",
        position_embedding_type="rope",
        rotary_percent=1.0,
        seq_len_interpolation_factor=None,
    )
    first = _LAYER.format(0)
    return config.EncoderConfig(
        num_layers=rules.num_layers(source, r"bert\.encoder\.layer\.(\d+)\."),
        width=width,
        num_heads=heads,
        num_kv_heads=heads,
        ffn_width=rules.shape(source, f"{first}mlp.up_proj.weight", 2)[0],
        is_head_tied=True,
        # Sizes differ in norms and biases: the tensors tell.
        norm="layer" if "bert.encoder.ln.bias" in source.shapes else "rms",
        norm_epsilon=source.number("layer_norm_eps", 1e-5),
        biases="all"
        if f"{first}attention.self.query.bias" in source.shapes
        else "none",
        letter_head="dense",
    )
