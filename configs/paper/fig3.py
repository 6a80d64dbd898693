r"""The paper's Fig. 3: families that nothing trained on; pairs without labels.

    ssrlm sweep --config=sweeps/pdb_families --config.data=DATA
    ssrlm paper fig3 --config.folds=runs/pdb_families --config.sweep=runs/table3

(a) is fine-tuned on ten folds of Rfam families of the PDB, (b) is Table 3's scatter.
Cost: that of the sweeps. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/fig3.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    return items.Item(
        title="Fig. 3: unseen families, and pairs without labels",
        sweeps=(
            items.Sweep(
                title="Fig. 3a: F1 on ten folds of unseen Rfam families of the PDB",
                setting="folds",
                place=settings.folds,
                command="ssrlm prepare_pdb --config=pdb2023 --files=MMCIF "
                "--out=DATA/pdb2023; ssrlm sweep --config=sweeps/pdb_families "
                "--config.data=DATA",
                is_averaged=True,
            ),
            items.Sweep(
                title="Fig. 3b",
                setting="sweep",
                place=settings.sweep,
                command="ssrlm sweep --config=sweeps/table3 --config.corpus=CORPUS",
            ),
        ),
    )
