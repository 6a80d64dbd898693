r"""Base pairs of Rfam families of the PDB that were never trained on (Fig. 3a).

    for fold in 0 1 2 3 4 5 6 7 8 9; do
      ssrlm finetune --config=secondary/pdb_families:fold=$fold \
          --config.model=models/650m --config.data.table=pdb2023.tsv \
          --workdir=runs/fold$fold
    done

Whole families are dealt to 10 folds; fold N tests, fold N + 1 validates, the others
train. The table's column "family" decides, or `data.families`, a table "id family"; a
record without a family is a family of its own. The records of the test fold go to
WORKDIR/test.tsv. Variants: `:fold=0,head=rnafm`.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.FinetuneConfig())
    settings.data.num_folds = 10
    part, _, head = variant.partition(",")
    name, _, fold = part.partition("=")
    if variant and (name != "fold" or not fold.isdecimal()):
        raise ValueError(f"config variant {variant!r} is not fold=0..9[,head=KIND]")
    settings.data.fold = int(fold or 0)
    return config.with_head(settings, head)
