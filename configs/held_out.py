r"""Scores of a pre-trained model on held-out rows of a corpus, RNA by RNA.

    ssrlm held_out --config.model=runs/demo/model \
        --config.corpus=runs/demo/corpus --out=scores/demo

Beside it: `--config.chains=0,3`, Markov chains, which know no pairs.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/held_out.py has no variant {variant!r}")
    return config.editable(config.HeldOutConfig())
