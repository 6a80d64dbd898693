"""RiNALMo: own files in both layouts, fine-tuned ones, and MultiMolecule's.

Facts: lbcb-sci/RiNALMo. The residual runs around what was normalised, the gate has a
learned beta, attention has no biases, and hidden letters are made up for ("token
dropout") in use as in training. U is its T, as its `encode` has it.
"""

import math
import re

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.convert import blocks, multimolecule, pair_heads, rules, sources

VOCABULARY = "<cls> <pad> <eos> <unk> <mask> A C G T I R Y K M S W B D H V N -"
NUM_HEADS = 20  # of all published sizes; no tensor tells
TOKEN_DROPOUT = 0.15 * 0.8

_BLOCK = "transformer.blocks.{}."
_OURS_TO_PLAIN = {"query": "to_q", "key": "to_k", "value": "to_v", "out": "out_proj"}


def plan(source: sources.Source) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint holds, and the checkpoint with unified names.

    Raises:
      ValueError: it is none of RiNALMo's.
    """
    old = multimolecule.OLD_RESNET
    return multimolecule.either(source, "rinalmo", old, _multimolecule, _unified, _own)


def _unified(name: str) -> str:
    return re.sub(r"^lm\.", "", name)


def _own(source: sources.Source) -> rules.Plan:
    _, width = rules.shape(source, "embedding.weight", 2)
    plain = _BLOCK + "mh_attn.mh_attn."
    frequencies = plain.format(0) + "rotary_emb.inv_freq"
    heads = NUM_HEADS
    if frequencies in source.shapes:
        heads = width // (2 * source.shapes[frequencies][0])
    sizes = architecture(
        num_layers=rules.num_layers(source, r"transformer\.blocks\.(\d+)\."),
        width=width,
        heads=heads,
        ffn=rules.shape(source, "transformer.blocks.0.transition.0.linear.bias", 1)[0],
    )
    if _BLOCK.format(0) + "mh_attn.Wqkv.weight" in source.shapes:
        attention = _fused(width, heads)
    else:
        names = {ours: plain + theirs for ours, theirs in _OURS_TO_PLAIN.items()}
        attention = rules.attention_layer(names, sizes)
    head, head_rules = pair_heads.bottlenecks(
        source,
        first="pred_head.linear_in",
        blocks="pred_head.resnet.blocks.{}.conv_net.",
        convolutions=("0", "3", "6"),
        last="pred_head.conv_out",
        width=width,
    )
    order = VOCABULARY.split()
    vocab, letters = len(order), rules.rows_of(order)
    return rules.Plan(
        family="rinalmo",
        architecture=sizes,
        rules=[
            rules.Rule("embedding", "embedding.weight", (vocab, width), letters),
            *attention,
            *rules.norm("blocks/attention_norm", _BLOCK + "attn_layer_norm", width),
            *rules.norm("blocks/ffn_norm", _BLOCK + "out_layer_norm", width),
            rules.Rule("blocks/ffn/beta", _BLOCK + "transition.0.beta", (1,), _scalar),
            *_ffn(sizes, _BLOCK + "transition.0.", _BLOCK + "transition.2"),
            *rules.norm("final_norm", "transformer.final_layer_norm", width),
            *rules.dense("head_dense", "lm_mask_head.linear1", (width, width)),
            *rules.norm("head_norm", "lm_mask_head.layer_norm", width),
            rules.Rule("head", "lm_mask_head.linear2.weight", (vocab, width), letters),
            rules.Rule("head_bias", "lm_mask_head.linear2.bias", (vocab,), letters),
            *head_rules,
        ],
        left_out={
            r"rotary_emb\.inv_freq$": "angles of positions, computed here",
            r"^threshold$": "the threshold, which model.json keeps",
        },
        head=head,
        threshold=_threshold(source) if head else None,
    )


def _fused(width: int, heads: int) -> list[rules.Rule]:
    """Returns rules for query, key and value in one tensor."""
    name = _BLOCK + "mh_attn.Wqkv.weight"
    into = rules.into(heads)

    def part(number: int) -> rules.Form:
        return lambda values: into(values[number * width : (number + 1) * width])

    return [
        *(
            rules.Rule(f"blocks/attention/{ours}", name, (3 * width, width), part(n))
            for n, ours in enumerate(("query", "key", "value"))
        ),
        rules.Rule(
            "blocks/attention/out",
            _BLOCK + "mh_attn.out_proj.weight",
            (width, width),
            rules.out_of(heads),
        ),
    ]


def _multimolecule(source: sources.Source) -> rules.Plan:
    source.expect(hidden_act="gelu", position_embedding_type="rotary")
    norm_epsilon, notes = multimolecule.epsilon(source)
    layer = multimolecule.LAYER
    _, width = rules.shape(source, multimolecule.EMBEDDING, 2)
    sizes = architecture(
        norm_epsilon=norm_epsilon,
        num_layers=multimolecule.num_layers(source),
        width=width,
        heads=source.integer("num_attention_heads") or NUM_HEADS,
        ffn=rules.shape(source, layer.format(0) + "intermediate.linear.bias", 1)[0],
        token_dropout=TOKEN_DROPOUT if source.settings.get("token_dropout", 1) else 0.0,
    )
    head, head_rules = pair_heads.bottlenecks(
        source,
        first="ss_head.projection",
        blocks="ss_head.convnet.layers.{}.",
        convolutions=("conv1", "conv2", "conv3"),
        last="ss_head.prediction",
        width=width,
    )
    # β is stored as `intermediate.bias`. Output letters may be the input ones.
    output = "lm_head.decoder.weight"
    num_letters, pick = multimolecule.letter_rows(source)
    return rules.Plan(
        family="rinalmo",
        architecture=sizes,
        rules=[
            *multimolecule.letters(source, width),
            *blocks.bert_attention(sizes, layer),
            *rules.norm("blocks/attention_norm", layer + "attention.layer_norm", width),
            *rules.norm("blocks/ffn_norm", layer + "layer_norm", width),
            rules.Rule("blocks/ffn/beta", layer + "intermediate.bias", (1,), _scalar),
            *_ffn(sizes, layer + "intermediate.", layer + "output.dense"),
            *rules.norm("final_norm", "model.encoder.layer_norm", width),
            rules.Rule(
                "head",
                output if output in source.shapes else multimolecule.EMBEDDING,
                (num_letters, width),
                pick,
            ),
            *head_rules,
        ],
        left_out=multimolecule.LEFT_OUT,
        copies=multimolecule.COPIES,
        licence=multimolecule.LICENCE,
        notes=notes,
        head=head,
    )


def architecture(
    *,
    num_layers: int,
    width: int,
    heads: int,
    ffn: int,
    token_dropout: float = TOKEN_DROPOUT,
    norm_epsilon: float = 1e-5,
) -> config.EncoderConfig:
    """Returns RiNALMo's encoder of a size."""
    return config.EncoderConfig(
        norm_epsilon=norm_epsilon,
        num_layers=num_layers,
        width=width,
        num_heads=heads,
        num_kv_heads=heads,
        ffn_width=ffn,
        norm="layer",
        residual_order="normed",
        feed_forward="swiglu_beta",
        biases="ffn",
        letter_head="dense",
        token_dropout=token_dropout,
    )


def _ffn(sizes: config.EncoderConfig, inner: str, outer: str) -> list[rules.Rule]:
    D, F = sizes.width, sizes.ffn_width
    return [
        *rules.linear("blocks/ffn/gate", f"{inner}linear", (F, D)),
        *rules.linear("blocks/ffn/up", f"{inner}linear_gate", (F, D)),
        *rules.linear("blocks/ffn/down", outer, (D, F)),
    ]


def _scalar(values: np.ndarray) -> np.ndarray:
    return values.reshape(())


def _threshold(source: sources.Source) -> float | None:
    """Returns the threshold that stands among the tensors, or None.

    Raises:
      ValueError: it is no probability.
    """
    if "threshold" in source.shapes:
        found = float(source.read("threshold").reshape(()))
    elif "threshold" in source.values:
        try:
            found = float(source.values["threshold"])
        except (TypeError, ValueError):
            found = math.nan
    else:
        return None
    if not (math.isfinite(found) and 0.0 < found < 1.0):
        raise ValueError(f"{source.path}: threshold {found} does not lie in 0..1")
    return found
