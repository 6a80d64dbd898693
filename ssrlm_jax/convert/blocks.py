"""Names of a block's tensors in the packages that several families come from."""

from ssrlm_jax import config
from ssrlm_jax.convert import rules


def fairseq(sizes: config.EncoderConfig, layer: str) -> list[rules.Rule]:
    """Returns rules for a block of fairseq's; `{}` in `layer` is its number."""
    names = {"query": "q", "key": "k", "value": "v", "out": "out"}
    attention = {
        ours: f"{layer}self_attn.{theirs}_proj" for ours, theirs in names.items()
    }
    return [
        *rules.attention_layer(attention, sizes),
        *rules.norm(
            "blocks/attention_norm", f"{layer}self_attn_layer_norm", sizes.width
        ),
        *rules.norm("blocks/ffn_norm", f"{layer}final_layer_norm", sizes.width),
        *feed_forward(sizes, f"{layer}fc1", f"{layer}fc2"),
    ]


def bert_attention(sizes: config.EncoderConfig, layer: str) -> list[rules.Rule]:
    """Returns rules for attention under the names of transformers' BERT."""
    names = {
        name: f"{layer}attention.self.{name}" for name in ("query", "key", "value")
    }
    names["out"] = f"{layer}attention.output.dense"
    return rules.attention_layer(names, sizes)


def feed_forward(
    sizes: config.EncoderConfig, first: str, second: str
) -> list[rules.Rule]:
    """Returns rules for two linear layers with biases."""
    D, F = sizes.width, sizes.ffn_width
    return [
        *rules.linear("blocks/ffn/up", first, (F, D)),
        *rules.linear("blocks/ffn/down", second, (D, F)),
    ]
