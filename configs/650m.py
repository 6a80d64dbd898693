"""SSR-LM, 650 M parameters, with the paper's recipe.

    ssrlm pretrain --config=650m \
        --config.data.corpus=corpora/mine --workdir=runs/650m

Variants: `--config=650m:masking=sm` (mlm, sm, ssm).
Cost: 1.8e11 tokens, 8.1e20 FLOPs; `--dry_run` says what that is in days.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.PretrainConfig())  # the defaults are 650m
    return config.with_variant(settings, variant)
