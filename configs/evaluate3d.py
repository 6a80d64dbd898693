r"""Scores of predicted structures beside an A-form helix, in one run.

    ssrlm evaluate3d --config.models=mine=runs/tertiary/model \
        --config.truth=rna_puzzles/ --config.train=pdb/ --out=scores/puzzles

Files of other programs: `--config.predictions=rhofold=DIR`.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/evaluate3d.py has no variant {variant!r}")
    return config.editable(config.Evaluate3dConfig())
