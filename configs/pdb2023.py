r"""The paper's PDB set: RNA chains released before April 2023, split 424 : 61 : 117.

ssrlm prepare_pdb --config=pdb2023 --files=mmcif --out=pdb2023 \
    --config.rfam.models=Rfam.cm --config.rfam.types=families.tsv

Cost: about 0.2 s of a core for a chain of 100 nucleotides. The paper's 16,110 entries
were not run; docs/pdb.md has what was.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/pdb2023.py has no variant {variant!r}")
    return config.editable(config.PdbConfig())
