r"""Base pairs of ArchiveII, one family left out: train on the others, test on it.

    ssrlm finetune --config=secondary/archiveii:family=5s \
        --config.model=models/650m --config.data.table=archiveII.tsv.gz \
        --workdir=runs/5s
    ssrlm evaluate --config.model=runs/5s/model \
        --config.truth=runs/5s/test.tsv

A run for each family of the table's column; a tenth of the other families' records,
drawn by the seed, validates. The held-out records, of any length, go to
WORKDIR/test.tsv. Variants: `:family=5s,head=rnafm`.
The paper's recipe, as configs/secondary/bprna.py.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.FinetuneConfig())
    held_out, _, head = variant.partition(",")
    name, _, family = held_out.partition("=")
    if variant and (name != "family" or not family):
        raise ValueError(f"config variant {variant!r} is not family=NAME[,head=KIND]")
    settings.data.held_out = family
    settings.data.max_length = 600  # most 16S and 23S are in parts; group II is longer
    return config.with_head(settings, head)
