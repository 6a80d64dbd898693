r"""A corpus of ncRNA FASTA and Rfam's seed, folded by ViennaRNA, and coding RNA.

D=../shared/data
ssrlm prepare_corpus --config=corpus/rfam_vienna \
    --ncrna=$D/fasta/ncrna,$D/rfam/seed_ss.tsv.gz --other=$D/fasta/coding \
    --leave_out=$D/secondary/bprna_VL0.tsv.gz,$D/secondary/bprna_TS0.tsv.gz \
    --leave_out=$D/secondary/pdb_VL1.tsv.gz,$D/secondary/pdb_TS1.tsv.gz \
    --leave_out=$D/secondary/archiveII.tsv.gz --out=corpora/rfam_vienna

Rfam's own structures are left behind, as they would leak the labels of test sets.
Needs MMseqs2. Result: docs/corpora.md.
"""

import ml_collections

from ssrlm_jax import config


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/corpus/rfam_vienna.py has no variant {variant!r}")
    settings = config.editable(config.CorpusConfig())
    settings.keep_structures = False
    settings.family_pattern = r"RF\d{5}"
    return settings
