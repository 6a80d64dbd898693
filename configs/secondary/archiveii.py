r"""Base pairs of ArchiveII, one family left out: train on the others, test on it.

    python launch/finetune.py --config=configs/secondary/archiveii.py:family=5s \
        --config.model=models/650m --config.data.table=archiveII.tsv.gz \
        --workdir=runs/5s
    python launch/evaluate.py --config.model=runs/5s/model \
        --config.truth=runs/5s/test.tsv

A run for each family of the table's column; a tenth of the other families' records,
drawn by the seed, validates. The held-out records go to WORKDIR/test.tsv.
The paper's recipe, as configs/secondary/bprna.py.
Expected score: not measured yet.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.FinetuneConfig())
    name, _, family = variant.partition("=")
    if variant and (name != "family" or not family):
        raise ValueError(f"config variant {variant!r} is not family=NAME")
    settings.data.held_out = family
    settings.data.max_length = 600  # leaves out 23S, most of 16S and some group I
    return settings
