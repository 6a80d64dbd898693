r"""The paper's Table 3: mlm, sm and ssm at three sizes; a sweep makes it.

    ssrlm sweep --config=sweeps/table3 --config.corpus=corpora/mars --dry_run
    ssrlm paper table3 --config.sweep=runs/table3

Cost: that of the sweep. Expected score: docs/ablation.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/table3.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    return items.Item(
        title="Table 3: what the objective of pre-training brings",
        sweeps=(
            items.Sweep(
                title="Table 3",
                setting="sweep",
                place=settings.sweep,
                command="ssrlm sweep --config=sweeps/table3 --config.corpus=CORPUS",
            ),
        ),
    )
