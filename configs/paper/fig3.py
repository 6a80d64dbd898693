r"""The paper's Fig. 3: families that nothing trained on; pairs without labels.

    ssrlm paper fig3 --config.sweep=runs/table3

(a) is fine-tuned on ten folds of Rfam families of the PDB, (b) is the sweep's scatter.
Cost: that of the sweep, and of ten fine-tunings. Expected score: none was measured.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, sweep_reports


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/fig3.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    folds = items.Pending(
        title="Fig. 3a: F1 on ten folds of unseen Rfam families of the PDB",
        reason="it needs chains of the PDB with their families (folds.tsv), and ten "
        "fine-tunings",
        command="ssrlm prepare_pdb --config=pdb2023 --files=MMCIF --out=pdb2023; "
        "ssrlm finetune --config=secondary/pdb_families:fold=0 "
        "--config.model=MODEL --config.data.table=pdb2023/folds.tsv",
    )
    return items.Item(
        title="Fig. 3: unseen families, and pairs without labels",
        pending=(folds, *sweep_reports.pending("Fig. 3b", settings.sweep)),
        note=sweep_reports.note(settings.sweep),
    )
