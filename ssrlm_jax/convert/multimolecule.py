"""What MultiMolecule's files of all families have in common."""

from ssrlm_jax.convert import rules, sources

VOCABULARY = (
    "<pad> <cls> <eos> <unk> <mask> <null> A C G U N R Y S W K M B D H V I X | . * - ?"
)
NUM_LETTERS = len(VOCABULARY.split())
LICENCE = "AGPL-3.0, as MultiMolecule's conversion"
EMBEDDING = "model.embeddings.word_embeddings.weight"
LAYER = "model.encoder.layer.{}."
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


def is_one(source: sources.Source) -> bool:
    """Whether a checkpoint has MultiMolecule's names."""
    return EMBEDDING in source.shapes


def num_layers(source: sources.Source) -> int:
    """Counts layers."""
    return rules.num_layers(source, r"model\.encoder\.layer\.(\d+)\.")


def pick_letters() -> rules.Form:
    """Returns the form that picks our letters' rows."""
    return rules.rows_of(VOCABULARY.split())


def letters(source: sources.Source, width: int) -> list[rules.Rule]:
    """Returns rules for the embedding and the head of letters, without its matrix."""
    # The bias has two names, of which files hold one or both.
    bias = "lm_head.decoder.bias"
    bias = bias if bias in source.shapes else "lm_head.bias"
    return [
        rules.Rule("embedding", EMBEDDING, (NUM_LETTERS, width), pick_letters()),
        *rules.dense("head_dense", "lm_head.transform.dense", (width, width)),
        *rules.norm("head_norm", "lm_head.transform.layer_norm", width),
        rules.Rule("head_bias", bias, (NUM_LETTERS,), pick_letters()),
    ]
