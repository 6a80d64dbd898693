"""SSR-LM_m, 150.9 M parameters, with the paper's recipe.

    ssrlm pretrain --config=150m \
        --config.data.corpus=corpora/mine --workdir=runs/150m

Variants: `--config=150m:masking=sm` (mlm, sm, ssm).
Cost: 1.8e11 tokens, 2.0e20 FLOPs; `--dry_run` says what that is in days.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.PretrainConfig())
    settings.encoder.num_layers = 12
    settings.encoder.width = 1056
    settings.encoder.num_heads = 12
    settings.encoder.num_kv_heads = 12
    settings.encoder.ffn_width = 2560
    return config.with_variant(settings, variant)
