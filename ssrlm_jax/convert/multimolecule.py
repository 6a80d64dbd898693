"""What MultiMolecule's files of all families have in common.

Facts: files of its versions 0.0.8, 0.0.9 and 0.2 differ in the names of tensors, the
letters and the epsilon of norms.
"""

import re
from collections.abc import Callable, Mapping

from ssrlm_jax.convert import rules, sources

# By the number of letters: up to version 0.1, and from 0.2 on.
_SPECIAL = "<pad> <cls> <eos> <unk> <mask> <null> "
VOCABULARIES = {
    26: _SPECIAL + "A C G U N R Y S W K M B D H V . X * - I",
    28: _SPECIAL + "A C G U N R Y S W K M B D H V I X | . * - ?",
}
EPSILON = 1e-5  # of the originals' norms
OLD_EPSILON = 1e-12  # which versions before 0.2 had instead
LICENCE = "AGPL-3.0, as MultiMolecule's conversion"
EMBEDDING = "model.embeddings.word_embeddings.weight"
LAYER = "model.encoder.layer.{}."
OLD_RESNET = {r"^ss_head\.convnet\.(\d+)\.": r"ss_head.convnet.layers.\1."}
LEFT_OUT = {
    r"^(model\.)?pooler\.": "a pooler, which no published result uses",
    r"^ss_head\.decoder\.": "contact weights that were never trained",
    r"num_batches_tracked$": "counters of batches",
    r"position_ids$": "numbers of positions, computed here",
}
COPIES = {
    "lm_head.bias": "lm_head.decoder.bias",
    "lm_head.decoder.weight": EMBEDDING,
}


def unified(
    source: sources.Source, family: str, old: Mapping[str, str]
) -> sources.Source | None:
    """Returns a checkpoint with the names of today; None if it is not MultiMolecule's.

    Args:
      source: a checkpoint.
      family: what the encoder is called up to version 0.0.8, then "model".
      old: patterns of names up to version 0.0.9 -> what is called so since.
    """
    patterns = {rf"^{family}\.": "model.", **old}

    def today(name: str) -> str:
        for pattern, new in patterns.items():
            name = re.sub(pattern, new, name)
        return name

    renamed = source.renamed(today)
    return renamed if EMBEDDING in renamed.shapes else None


def either(
    source: sources.Source,
    family: str,
    old: Mapping[str, str],
    plan: Callable[[sources.Source], rules.Plan],
    own_name: Callable[[str], str],
    own_plan: Callable[[sources.Source], rules.Plan],
) -> tuple[rules.Plan, sources.Source]:
    """Returns what a checkpoint of a family holds, and it with unified names.

    Args:
      source: a checkpoint, MultiMolecule's or the authors' own.
      family: as for `unified`.
      old: as for `unified`.
      plan: of MultiMolecule's files.
      own_name: a name in the authors' files to the one that `own_plan` knows.
      own_plan: of the authors' files.

    Raises:
      ValueError: it is none of both.
    """
    theirs = unified(source, family, old)
    if theirs:
        return plan(theirs), theirs
    source = source.renamed(own_name)
    return own_plan(source), source


def epsilon(source: sources.Source) -> tuple[float, list[str]]:
    """Returns what norms add to the variance, and a note if the file says otherwise."""
    found = source.number("layer_norm_eps", EPSILON)
    if found != OLD_EPSILON:
        return found, []
    return EPSILON, [
        f"layer_norm_eps={OLD_EPSILON} of older versions of MultiMolecule: the "
        f"original's {EPSILON} is taken"
    ]


def num_layers(source: sources.Source) -> int:
    """Counts layers."""
    return rules.num_layers(source, r"model\.encoder\.layer\.(\d+)\.")


def letter_rows(source: sources.Source) -> tuple[int, rules.Form]:
    """Returns how many letters there are, and the form that picks our letters' rows.

    Raises:
      ValueError: they are none of its letters of RNA; codons have more.
    """
    rows, _ = rules.shape(source, EMBEDDING, 2)
    if rows not in VOCABULARIES:
        raise ValueError(
            f"{source.path}: embeddings of {rows} letters found, MultiMolecule has "
            f"{' or '.join(map(str, VOCABULARIES))} of single nucleotides"
        )
    return rows, rules.rows_of(VOCABULARIES[rows].split())


def letters(source: sources.Source, width: int) -> list[rules.Rule]:
    """Returns rules for the embedding and the head of letters, without its matrix."""
    rows, pick = letter_rows(source)
    # The bias has two names, of which files hold one or both.
    bias = "lm_head.decoder.bias"
    bias = bias if bias in source.shapes else "lm_head.bias"
    return [
        rules.Rule("embedding", EMBEDDING, (rows, width), pick),
        *rules.dense("head_dense", "lm_head.transform.dense", (width, width)),
        *rules.norm("head_norm", "lm_head.transform.layer_norm", width),
        rules.Rule("head_bias", bias, (rows,), pick),
    ]
