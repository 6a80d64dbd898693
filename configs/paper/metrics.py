r"""One set by several metrics: which of them a published number can be.

    ssrlm paper metrics --config.data=../shared/data

Mean over RNAs or pooled over pairs, exact or with a slack of one position, all known
pairs, canonical ones alone, or those of them that cross no other: papers differ, and
seldom say. Of the predictions of Table 1: what
is kept is not predicted again.
Cost: none beside Table 1. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, known_sets, paper_numbers


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/metrics.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    columns = list(items.SCORES[:3])
    for slack in ("strict", "slack"):
        for how in ("mean", "pooled"):
            if (slack, how) != ("strict", "mean"):
                named = "exact" if slack == "strict" else "slack of one"
                path = (slack, "f1", how)
                columns.append(items.Column(f"F1, {named}, {how}", path))
    names = ("TS0", "TS0-canonical", "TS0-nested", "TS1")
    return items.Item(
        title="One set by several metrics",
        sets=tuple(known_sets.SETS[name] for name in names),
        methods=tuple(known_methods.METHODS.values()),
        columns=tuple(columns),
        paper={
            key: value
            for key, value in paper_numbers.TABLE1.items()
            if key[1] == "TS0" and key[2] == "F1"
        },
        note="Precision, recall and F1 are exact, and means over RNAs.",
    )
