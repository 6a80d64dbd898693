r"""The paper's Fig. S1: base pairs of the structures that Fig. 4 folds.

    ssrlm paper s1fig

Cost: none. Expected score: none was measured.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/s1fig.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    return items.Item(
        title="Fig. S1: secondary structure of the same targets",
        pending=(
            items.Pending(
                title="F1 of base pairs in folded structures",
                reason="it needs a network that folds in 3-D, which does not ship",
                command="ssrlm fold3d TARGETS -m MODEL -o folded; "
                "ssrlm evaluate --predictions=folded --truth=PAIRS",
            ),
        ),
    )
