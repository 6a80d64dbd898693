r"""Contacts of a pre-trained model from its attention maps, without fine-tuning.

    ssrlm fit_contacts --config.model=models/650m \
        --config.table=pdb2023.tsv
    ssrlm fit_contacts --config.model=models/650m --config.train=pdb_TR1.tsv.gz \
        --config.validation=pdb_VL1.tsv.gz --config.test=pdb_TS1.tsv.gz

The paper's recipe: 20 RNAs train, 20 validate, the others test; ten draws.
Cost: two minutes for 8m and 216 RNAs of 77 nt on two CPU cores.
Expected score: not measured yet at full size; docs/secondary.md has a small model's.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/contacts.py has no variant {variant!r}")
    return config.editable(config.ContactsConfig())
