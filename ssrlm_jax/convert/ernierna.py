"""ERNIE-RNA: own files, with and without the head for pairs, and MultiMolecule's.

Facts: Bruce-ywj/ERNIE-RNA. Attention starts from scores of the letters of a pair, and
every layer adds its own to those of the layer before. The scripts of the original read
N as unknown; here it is the N of its dictionary, which it was trained with.

The head reads one head's scores of the last layer. The original then runs 100 steps of
an optimiser over the whole map with the offset 1.5 on logits; here the probability of
that offset is the threshold, and rna/decode.py decides.
"""

import math

from ssrlm_jax import config
from ssrlm_jax.convert import blocks, multimolecule, pair_heads, rules, sources

VOCABULARY = (
    "<s> <pad> </s> <unk> G A U C N Y R S K W M D H V B X I "
    "madeupword0000 madeupword0001 madeupword0002 <mask>"
)
THRESHOLD = 1 / (1 + math.exp(-1.5))
TRAINED_LENGTH = 1_022

_OLD_NAMES = {  # of MultiMolecule's
    r"\bpairwise_bias_proj\.0\.": "pairwise_bias_proj.dense1.",
    r"\bpairwise_bias_proj\.2\.": "pairwise_bias_proj.dense2.",
    r"^ss_head\.convnet\.\d+\.(weight|bias)$": r"ss_head.convnet.projection.\1",
    r"^ss_head\.convnet\.(\d+)\.": r"ss_head.convnet.blocks.\1.",
}
_LEFT_OUT = {
    r"^masked_lm_pooler\.": "a pooler, which no published result uses",
    r"^sentence_projection_layer\.": "a classifier of sentences, never trained",
    r"segment_embeddings\.": "embeddings of sentence pairs, which RNA has not",
    r"embed_positions\._float_tensor$": "an empty tensor of the position module",
    r"num_batches_tracked$": "counters of batches",
}


def plan(source: sources.Source) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint holds, and the checkpoint with unified names.

    Raises:
      ValueError: it is none of ERNIE-RNA's.
    """
    old = _OLD_NAMES
    return multimolecule.either(source, "ernierna", old, _multimolecule, _unified, _own)


def _unified(name: str) -> str:
    """Returns an own name without the wrapper that training put around it."""
    if name.startswith("module."):  # with a head: that is beside the encoder
        return name.removeprefix("module.").removeprefix("sentence_encoder.")
    return name.removeprefix("encoder.")


def _own(source: sources.Source) -> rules.Plan:
    body = "sentence_encoder."
    layer = body + "layers.{}."
    _, width = rules.shape(source, f"{body}embed_tokens.weight", 2)
    heads = rules.shape(source, "twod_proj.linear2.weight", 2)[0]
    sizes = architecture(
        num_layers=rules.num_layers(source, r"sentence_encoder\.layers\.(\d+)\."),
        width=width,
        heads=heads,
        ffn=rules.shape(source, f"{layer.format(0)}fc1.bias", 1)[0],
    )
    head, head_rules = pair_heads.scores(
        source,
        start=("conv1", "conv2"),
        blocks="proj.resnet.{}.",
        norm="bn1",
        last="proj.final",
    )
    order = VOCABULARY.split()
    vocab, letters = len(order), rules.rows_of(order)
    return rules.Plan(
        family="ernierna",
        architecture=sizes,
        rules=[
            rules.Rule(
                "embedding", f"{body}embed_tokens.weight", (vocab, width), letters
            ),
            *rules.norm("embedding_norm", f"{body}emb_layer_norm", width),
            *_pair_bias("twod_proj.linear1", "twod_proj.linear2", heads),
            *blocks.fairseq(sizes, layer),
            *rules.dense("head_dense", "lm_head_transform_weight", (width, width)),
            *rules.norm("head_norm", "layer_norm", width),
            rules.Rule("head_bias", "lm_output_learned_bias", (vocab,), letters),
            *head_rules,
        ],
        left_out=_LEFT_OUT,
        head=head,
        threshold=THRESHOLD if head else None,
        trained_length=TRAINED_LENGTH,
    )


def _multimolecule(source: sources.Source) -> rules.Plan:
    source.expect(
        hidden_act="gelu", position_embedding_type="sinusoidal", pairwise_alpha=0.8
    )
    norm_epsilon, notes = multimolecule.epsilon(source)
    layer = multimolecule.LAYER
    _, width = rules.shape(source, multimolecule.EMBEDDING, 2)
    heads = rules.shape(source, "model.pairwise_bias_proj.dense2.weight", 2)[0]
    sizes = architecture(
        norm_epsilon=norm_epsilon,
        num_layers=multimolecule.num_layers(source),
        width=width,
        heads=heads,
        ffn=rules.shape(source, layer.format(0) + "intermediate.dense.bias", 1)[0],
    )
    head, head_rules = pair_heads.scores(
        source,
        start=("ss_head.conv1", "ss_head.conv2"),
        blocks="ss_head.convnet.blocks.{}.",
        norm="norm",
        last="ss_head.convnet.projection",
    )
    projection = "model.pairwise_bias_proj.dense"
    return rules.Plan(
        family="ernierna",
        architecture=sizes,
        rules=[
            *multimolecule.letters(source, width),
            *rules.norm("embedding_norm", "model.embeddings.layer_norm", width),
            *_pair_bias(f"{projection}1", f"{projection}2", heads),
            *blocks.bert_attention(sizes, layer),
            *rules.norm(
                "blocks/attention_norm", f"{layer}attention.output.layer_norm", width
            ),
            *rules.norm("blocks/ffn_norm", f"{layer}output.layer_norm", width),
            *blocks.feed_forward(
                sizes, f"{layer}intermediate.dense", f"{layer}output.dense"
            ),
            *head_rules,
        ],
        left_out=multimolecule.LEFT_OUT
        | {"token_type_embeddings": "embeddings of sentence pairs, which RNA has not"},
        copies=multimolecule.COPIES,
        licence=multimolecule.LICENCE,
        notes=notes,
        head=head,
        threshold=THRESHOLD if head else None,
        trained_length=TRAINED_LENGTH,
    )


def architecture(
    *,
    num_layers: int,
    width: int,
    heads: int,
    ffn: int,
    norm_epsilon: float = 1e-5,
) -> config.EncoderConfig:
    """Returns ERNIE-RNA's encoder of a size."""
    return config.EncoderConfig(
        norm_epsilon=norm_epsilon,
        num_layers=num_layers,
        width=width,
        num_heads=heads,
        num_kv_heads=heads,
        ffn_width=ffn,
        is_head_tied=True,
        norm="layer",
        residual_order="post",
        positions="sinusoidal",
        feed_forward="gelu",
        biases="all",
        letter_head="dense",
        has_embedding_norm=True,
        has_pair_bias=True,
    )


def _pair_bias(first: str, second: str, heads: int) -> list[rules.Rule]:
    return [
        *rules.dense("pair_bias/first", first, (heads // 2, 1)),
        *rules.dense("pair_bias/second", second, (heads, heads // 2)),
    ]
