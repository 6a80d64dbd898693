r"""The paper's Fig. 3: families that nothing trained on; pairs without labels.

    ssrlm sweep --config=sweeps/pdb_families --config.data=DATA
    ssrlm paper fig3 --config.folds=runs/pdb_families --config.sweep=runs/table3

(a) is fine-tuned on ten folds of Rfam families of the PDB, (b) is Table 3's scatter.
Cost: that of the sweeps. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, sweep_reports


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/fig3.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    folds = sweep_reports.pending(
        "Fig. 3a: F1 on ten folds of unseen Rfam families of the PDB",
        "folds",
        settings.folds,
        "ssrlm prepare_pdb --config=pdb2023 --files=MMCIF --out=DATA/pdb2023; "
        "ssrlm sweep --config=sweeps/pdb_families --config.data=DATA",
    )
    notes = (
        sweep_reports.over_lines(settings.folds, settings.seed),
        sweep_reports.note("Fig. 3a", "folds", settings.folds),
        sweep_reports.note("Fig. 3b", "sweep", settings.sweep),
    )
    return items.Item(
        title="Fig. 3: unseen families, and pairs without labels",
        pending=(*folds, *sweep_reports.pending("Fig. 3b", "sweep", settings.sweep)),
        note="\n\n".join(filter(None, notes)),
        sweeps=tuple(filter(None, [settings.folds, settings.sweep])),
    )
