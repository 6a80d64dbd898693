r"""Base pairs of the PDB: TR1 trains, VL1 validates, TS1 is scored once.

    ssrlm finetune --config=secondary/pdb \
        --config.model=runs/bprna/model --config.data.train=pdb_TR1.tsv.gz \
        --config.data.validation=pdb_VL1.tsv.gz --workdir=runs/pdb

Starts from encoder and head as they were fine-tuned on bpRNA; the head's settings must
be those of that model. The paper's recipe, as configs/secondary/bprna.py.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    return config.with_head(config.editable(config.FinetuneConfig()), variant)
