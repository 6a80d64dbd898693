r"""Base pairs from letters alone, the paper's method at the size of two CPU cores.

    ssrlm finetune --config=secondary/letters --config.model=runs/pre/model \
        --config.data.train=sets/train.tsv --workdir=runs/letters \
        --config.data.validation=sets/validation.tsv

A pre-trained encoder, trained along, and a published head; no energies, no relatives.
launch/shipped.sh has the whole recipe of the model that ships.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.FinetuneConfig())
    config.with_head(settings, variant or "head=rnafm")
    settings.head.num_blocks = 6
    settings.head.channels = 32
    settings.head.projection = 64
    settings.head.dropout = 0.0
    settings.compute.dtype = "float32"
    settings.compute.remat = "none"
    settings.data.max_length = 200
    settings.data.batch_size = 4
    settings.epochs = 1
    settings.warmup_epochs = 0
    settings.evaluations_per_epoch = 4
    settings.optimizer.learning_rate = 1e-3
    settings.loop.ema_decay = 0.999
    return settings
