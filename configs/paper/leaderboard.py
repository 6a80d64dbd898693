r"""Methods on sets, with and without what is near in training, and what each costs.

    ssrlm paper leaderboard --config.data=../shared/data
    ssrlm paper leaderboard --config.data=../shared/data --add mine --predictions DIR

Of the predictions of Table 1: what is kept is not predicted again. Needs MMseqs2.
Cost: none beside Table 1. Expected score: docs/leaderboard.md is what it made.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, known_sets, table_rows


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/leaderboard.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    names = ("TS0", "TS1", *known_sets.ARCHIVE, "PDB2023", "CASP16")
    return items.Item(
        title="Leaderboard",
        sets=tuple(known_sets.SETS[name] for name in names),
        methods=tuple(known_methods.METHODS.values()),
        columns=(items.F1,),
        bins=(table_rows.NEAR,),
        is_leaderboard=True,
    )
