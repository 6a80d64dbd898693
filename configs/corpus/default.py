"""A corpus of your own files; every setting is the default.

ssrlm prepare_corpus --ncrna=mine.tsv --other=coding.fa.gz --out=corpora/mine
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/corpus/default.py has no variant {variant!r}")
    return config.editable(config.CorpusConfig())
