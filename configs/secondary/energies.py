r"""Base pairs from letters, energies and relatives: the model that ships.

    ssrlm finetune --config=secondary/energies \
        --config.data.train=sets/train.tsv --config.data.validation=sets/held_out.tsv \
        --workdir=runs/energies

A small encoder from scratch; the head reads pair probabilities of ViennaRNA with three
sets of parameters, and what known structures say that align with a sequence (those that
it trains on, or --config.relatives). For CPUs: an epoch of 14,000 RNAs up to 200 nt
takes half an hour on two cores. launch/shipped.sh has the whole recipe, docs/models.md
the scores.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.FinetuneConfig())
    config.with_head(settings, variant or "head=rnafm")
    settings.model = config.RANDOM
    settings.encoder.num_layers = 3
    settings.encoder.width = 128
    settings.encoder.num_heads = 4
    settings.encoder.num_kv_heads = 4
    settings.encoder.ffn_width = 384
    settings.head.num_blocks = 8
    settings.head.channels = 32
    settings.head.projection = 64
    settings.head.dropout = (
        0.0  # two epochs of 16,000 RNAs; and numbers at random cost a fifth
    )
    settings.head.energy = "vienna,andronescu,langdon,relatives"
    settings.compute.dtype = "float32"
    settings.compute.remat = "none"
    settings.data.max_length = 200
    settings.data.batch_size = 4
    settings.epochs = 1
    settings.warmup_epochs = 0
    settings.evaluations_per_epoch = 4
    settings.optimizer.learning_rate = 1.5e-3
    settings.loop.ema_decay = 0.999
    return settings
