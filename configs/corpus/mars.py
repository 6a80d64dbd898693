r"""The paper's corpus: MARS at 80 % identity, ncRNA folded by CONTRAfold.

ssrlm prepare_corpus --config=corpus/mars \
    --ncrna=rnacentral_active.fasta.gz --other='mars/*.fa.gz' \
    --leave_out=bpRNA/TS0,bpRNA/VL0 --out=/scratch/mars \
    --config.executor.kind=slurm --config.executor.partition=cpu

Not run: 1.7e9 records. docs/corpora.md computes from measured stages what they take.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/corpus/mars.py has no variant {variant!r}")
    settings = config.editable(config.CorpusConfig())
    settings.fold.program = "contrafold"
    settings.num_buckets = 4096
    return settings
