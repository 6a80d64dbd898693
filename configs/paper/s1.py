r"""The paper's Table S1: F1 by Watson-Crick, wobble and non-canonical pairs.

    ssrlm paper s1 --config.data=../shared/data

Of the predictions of Table 1: what is kept is not predicted again.
Cost: none beside Table 1. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, known_sets


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/s1.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    names = (*known_sets.ARCHIVE, "TS0", "Atom-1", "PDB2023", "TS1")
    parts = ("watson-crick", "wobble", "non-canonical", "pseudoknotted")
    return items.Item(
        title="Table S1: F1 by class of pairs",
        sets=tuple(known_sets.SETS[name] for name in names),
        methods=tuple(known_methods.METHODS.values()),
        columns=tuple(items.Column(p, ("parts", p, "f1", "mean")) for p in parts),
        note="Mean over the RNAs that have such a pair in either structure; the rank "
        "is by F1 of all pairs.",
    )
