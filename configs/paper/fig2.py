r"""The paper's Fig. 2: F1 by length, and by identity with what trained.

    ssrlm paper fig2 --config.data=../shared/data

Of the predictions of Table 1: what is kept is not predicted again. Identity needs
MMseqs2, and is with the nearest RNA that trained any of the methods, as far as that is
at hand; or with config.train.
Cost: none beside Table 1. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, known_sets


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/fig2.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    names = (*known_sets.ARCHIVE, "TS0", "PDB2023", "TS1")
    return items.Item(
        title="Fig. 2: F1 by length and by identity with what trained",
        sets=tuple(known_sets.SETS[name] for name in names),
        methods=tuple(known_methods.METHODS.values()),
        columns=(items.F1,),
        bins=("length", "identity"),
        note="A column's number is that of its RNAs.",
    )
