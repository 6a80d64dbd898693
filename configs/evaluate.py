r"""Scores of a fine-tuned model beside ViennaRNA, in one run.

    ssrlm evaluate --config.model=runs/bprna/model \
        --config.truth=bprna_TS0.tsv.gz --out=scores/TS0

Other programs: `--config.programs=vienna,contrafold`; "" for none. By similarity to
the training set (needs MMseqs2): `--config.train=bprna_TR0.tsv.gz`.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/evaluate.py has no variant {variant!r}")
    settings = config.editable(config.EvaluateConfig())
    settings.programs = "vienna"
    return settings
