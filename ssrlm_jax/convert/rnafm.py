"""RNA-FM: own files, with and without the head for pairs, and MultiMolecule's.

Facts: ml4bio/RNA-FM, a copy of ESM-1b's architecture. T and lower case are unknown to
the original; here they are U and upper case, as everywhere in this package. Its loader
zeroes the embedding of <mask>, whatever the file holds.
"""

import pathlib
import re

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.convert import blocks, multimolecule, pair_heads, rules, sources

VOCABULARY = (
    "<cls> <pad> <eos> <unk> A C G U R Y K M S W B D H V N - "
    "<null_1> <null_2> <null_3> <null_4> <mask>"
)
NUM_HEADS = 20
FIRST_POSITION = 2  # rows of the table before it are not used
TOKEN_DROPOUT = 0.15 * 0.8
# Parts of the names of published files -> the threshold that belongs to them.
THRESHOLDS = {"pdb-all": 0.33993712, "pdb-tr1": 0.07595872, "bprna": 0.47729617}

_HEAD = "downstream_modules.pc-resnet_1_sym_first:r-ss."
_LEFT_OUT = {
    r"^contact_head\.": "contact weights that were never trained",
    r"num_batches_tracked$": "counters of batches",
}


def plan(source: sources.Source) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint holds, and the checkpoint with unified names.

    Raises:
      ValueError: it is none of RNA-FM's.
    """
    old = multimolecule.OLD_RESNET
    return multimolecule.either(source, "rnafm", old, _multimolecule, _unified, _own)


def _unified(name: str) -> str:
    return re.sub(r"^(backbone\.)?(encoder\.|sentence_encoder\.)*", "", name)


def _own(source: sources.Source) -> rules.Plan:
    _, width = rules.shape(source, "embed_tokens.weight", 2)
    num_layers = rules.num_layers(source, r"layers\.(\d+)\.")
    heads = NUM_HEADS
    if "contact_head.regression.weight" in source.shapes:
        heads = source.shapes["contact_head.regression.weight"][1] // num_layers
    sizes = architecture(
        num_layers=num_layers,
        width=width,
        heads=heads,
        ffn=rules.shape(source, "layers.0.fc1.bias", 1)[0],
        positions=rules.shape(source, "embed_positions.weight", 2)[0],
        has_embedding_norm="emb_layer_norm_before.weight" in source.shapes,
        is_dropped=bool(source.settings.get("token_dropout", False)),
    )
    head, head_rules = pair_heads.dilated(
        source,
        reduction=f"{_HEAD}pre_reduction",
        first=f"{_HEAD}proj.first.0",
        blocks=f"{_HEAD}proj.resnet.{{}}.",
        last=f"{_HEAD}proj.final",
    )
    order = VOCABULARY.split()
    vocab, letters = len(order), rules.rows_of(order)
    note = "token dropout taken as off: the file has no arguments that say"
    return rules.Plan(
        family="rnafm",
        architecture=sizes,
        rules=[
            rules.Rule("embedding", "embed_tokens.weight", (vocab, width), _maskless),
            _positions("embed_positions.weight", sizes),
            *_embedding_norm("emb_layer_norm_before", sizes),
            *blocks.fairseq(sizes, "layers.{}."),
            *rules.norm("final_norm", "emb_layer_norm_after", width),
            *rules.dense("head_dense", "lm_head.dense", (width, width)),
            *rules.norm("head_norm", "lm_head.layer_norm", width),
            rules.Rule("head_bias", "lm_head.bias", (vocab,), letters),
            *head_rules,
        ],
        left_out=_LEFT_OUT,
        copies={"lm_head.weight": "embed_tokens.weight"},
        head=head,
        threshold=_threshold(source.path) if head else None,
        notes=() if "token_dropout" in source.settings else (note,),
        trained_length=sizes.max_positions - 2,
    )


def _multimolecule(source: sources.Source) -> rules.Plan:
    source.expect(hidden_act="gelu", position_embedding_type="absolute")
    norm_epsilon, notes = multimolecule.epsilon(source)
    layer = multimolecule.LAYER
    positions = "model.embeddings.position_embeddings.weight"
    _, width = rules.shape(source, multimolecule.EMBEDDING, 2)
    sizes = architecture(
        norm_epsilon=norm_epsilon,
        num_layers=multimolecule.num_layers(source),
        width=width,
        heads=source.integer("num_attention_heads") or NUM_HEADS,
        ffn=rules.shape(source, layer.format(0) + "intermediate.dense.bias", 1)[0],
        positions=rules.shape(source, positions, 2)[0],
        has_embedding_norm="model.embeddings.layer_norm.weight" in source.shapes,
        is_dropped=bool(source.settings.get("token_dropout", False)),
    )
    head, head_rules = pair_heads.dilated(
        source,
        reduction="ss_head.reduction",
        first="ss_head.projection",
        blocks="ss_head.convnet.layers.{}.",
        last="ss_head.prediction",
    )
    return rules.Plan(
        family="rnafm",
        architecture=sizes,
        rules=[
            *multimolecule.letters(source, width),
            _positions(positions, sizes),
            *_embedding_norm("model.embeddings.layer_norm", sizes),
            *blocks.bert_attention(sizes, layer),
            *rules.norm("blocks/attention_norm", layer + "attention.layer_norm", width),
            *rules.norm("blocks/ffn_norm", layer + "layer_norm", width),
            *blocks.feed_forward(
                sizes, layer + "intermediate.dense", layer + "output.dense"
            ),
            *rules.norm("final_norm", "model.encoder.layer_norm", width),
            *head_rules,
        ],
        left_out=multimolecule.LEFT_OUT,
        copies=multimolecule.COPIES,
        licence=multimolecule.LICENCE,
        notes=notes,
        head=head,
        trained_length=sizes.max_positions - 2,
    )


def architecture(
    *,
    num_layers: int,
    width: int,
    heads: int,
    ffn: int,
    positions: int,
    has_embedding_norm: bool,
    is_dropped: bool,
    norm_epsilon: float = 1e-5,
) -> config.EncoderConfig:
    """Returns RNA-FM's encoder of a size."""
    return config.EncoderConfig(
        norm_epsilon=norm_epsilon,
        num_layers=num_layers,
        width=width,
        num_heads=heads,
        num_kv_heads=heads,
        ffn_width=ffn,
        is_head_tied=True,
        norm="layer",
        positions="learned",
        max_positions=positions - FIRST_POSITION,
        feed_forward="gelu",
        biases="all",
        letter_head="dense",
        has_embedding_norm=has_embedding_norm,
        token_dropout=TOKEN_DROPOUT if is_dropped else 0.0,
    )


def _maskless(values: np.ndarray) -> np.ndarray:
    """Returns our letters' embeddings; that of <mask> is 0."""
    order = VOCABULARY.split()
    values = values.copy()
    values[order.index("<mask>")] = 0.0
    return rules.rows_of(order)(values)


def _positions(name: str, sizes: config.EncoderConfig) -> rules.Rule:
    rows = sizes.max_positions + FIRST_POSITION
    return rules.Rule(
        "position_embedding",
        name,
        (rows, sizes.width),
        lambda values: values[FIRST_POSITION:],
    )


def _embedding_norm(name: str, sizes: config.EncoderConfig) -> list[rules.Rule]:
    if not sizes.has_embedding_norm:
        return []
    return rules.norm("embedding_norm", name, sizes.width)


def _threshold(path: pathlib.Path) -> float | None:
    """Returns the threshold that belongs to a published file, by its name, or None."""
    name = path.name.lower().replace("_", "-")
    return next((value for part, value in THRESHOLDS.items() if part in name), None)
