r"""Thresholds of a fine-tuned model for every rule of decoding, from validation RNA.

    ssrlm thresholds --config.model=runs/bprna/model \
        --config.validation=bprna_VL0.tsv.gz

Cost: as folding the set once, and some minutes for 1,000 RNAs of 100 nt and each of
`nested` and `matching` (`--config.methods=greedy,nested`).
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/decoding.py has no variant {variant!r}")
    return config.editable(config.DecodingsConfig())
