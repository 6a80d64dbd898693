r"""A corpus of ncrna_contrafold.tsv.gz and coding RNA; Rfam families held out whole.

D=../shared/data
ssrlm prepare_corpus --config=corpus/contrafold \
    --ncrna=$D/ncrna_contrafold.tsv.gz --other=$D/fasta/coding \
    --leave_out=$D/secondary/bprna_VL0.tsv.gz,$D/secondary/bprna_TS0.tsv.gz \
    --leave_out=$D/secondary/pdb_VL1.tsv.gz,$D/secondary/pdb_TS1.tsv.gz \
    --leave_out=$D/secondary/archiveII.tsv.gz --out=corpora/contrafold
"""

import pathlib

import ml_collections

from ssrlm_jax import config

# An Rfam accession, else what tells a record's origin; rfam_families.tsv goes on.
_PATTERN = (
    r"RF\d{5}|(?<=^rhofold_example_msas:)\w+|^trna_scrap_hist|^sortmerna_[^:]+"
    r"|_(5|5\.8|18|28)S_"
)


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/corpus/contrafold.py has no variant {variant!r}")
    settings = config.editable(config.CorpusConfig())
    settings.family_pattern = _PATTERN
    families = pathlib.Path(__file__).with_name("rfam_families.tsv")
    settings.families = str(families)
    settings.min_length, settings.min_complexity = 1, 0.0  # all of docs/pretraining.md
    settings.cluster.method = "none"  # homology is kept out of validation by family
    return settings
