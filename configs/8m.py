"""SSR-LM_s, 8.0 M parameters, with the paper's recipe.

    ssrlm pretrain --config=8m \
        --config.data.corpus=corpora/mine --workdir=runs/8m

Variants: `--config=8m:masking=sm` (mlm, sm, ssm).
Cost: 1.8e11 tokens, 1.3e19 FLOPs; `--dry_run` says what that is in days.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.PretrainConfig())
    settings.encoder.num_layers = 6
    settings.encoder.width = 288
    settings.encoder.num_heads = 6
    settings.encoder.num_kv_heads = 6
    settings.encoder.ffn_width = 1152
    return config.with_variant(settings, variant)
