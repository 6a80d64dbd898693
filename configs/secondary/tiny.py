r"""A tiny encoder and head from scratch: the whole of fine-tuning in a minute.

    ssrlm finetune --config=secondary/tiny \
        --config.data.train=train.tsv --config.data.validation=validation.tsv

For tests, and to try a table (columns id, sequence, dotbracket) before a long run.
Variants: `:head=rnafm`.
Cost: a minute for 100 RNAs of 50 nt on two CPU cores.
Expected score: none; nothing is learned in so few steps.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.FinetuneConfig())
    settings.model = config.RANDOM
    settings.encoder.num_layers = 2
    settings.encoder.width = 16
    settings.encoder.num_heads = 2
    settings.encoder.num_kv_heads = 2
    settings.encoder.ffn_width = 32
    settings.head.channels = 4
    settings.head.projection = 8
    settings.compute.dtype = "float32"
    settings.compute.remat = "none"
    settings.data.max_length = 64
    settings.data.ratio = 1.5
    settings.epochs = 2
    settings.warmup_epochs = 0
    settings.optimizer.learning_rate = 3e-3
    settings.loop.log_every = 10
    config.with_head(settings, variant)
    settings.head.num_blocks = min(settings.head.num_blocks, 3)
    return settings
