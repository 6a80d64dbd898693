r"""The paper's Fig. 4: lDDT of structures, and the confidence that goes with it.

    ssrlm paper fig4

No weights that fold in 3-D were published, and none ship: docs/tertiary.md.
Cost: none. Expected score: docs/tertiary.md has what a small training gave.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/fig4.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    evaluate = (
        "ssrlm evaluate3d --config.models=NAME=DIR --config.truth=STRUCTURES "
        "--config.train=TRAIN --out=scores/3d"
    )
    return items.Item(
        title="Fig. 4: lDDT on RNA-Puzzles and CASP",
        pending=tuple(
            items.Pending(
                title=title,
                reason="it needs a network that folds in 3-D, which does not ship",
                command=evaluate,
            )
            for title in (
                "pLDDT against lDDT",
                "lDDT against similarity with what trained",
                "lDDT against length",
            )
        ),
    )
