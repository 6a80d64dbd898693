r"""The paper's Table 2: CASP16, the eight targets of appendix A.1.2.

    ssrlm paper table2 --config.data=../shared/data

Section 4.1 says nine targets, the appendix lists eight. What the assessors measured, of
canonical pairs alone, stands in the column of these.
Cost: under a minute. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, known_sets, paper_numbers


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/table2.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    return items.Item(
        title="Table 2: CASP16",
        sets=(known_sets.SETS["CASP16"],),
        methods=tuple(known_methods.METHODS.values()),
        columns=(items.F1, items.CANONICAL, *items.SCORES[1:]),
        paper=paper_numbers.TABLE2,
        quoted=paper_numbers.CASP16,
        note="The known pairs of these eight are canonical: the column of canonical "
        "pairs leaves out what a method predicts beside them, as the assessors did. "
        "Theirs of the same programs are higher for another reason, which is not known "
        "here. R1296 is R1209 with one letter changed. Two fifths of R1283v1 "
        "are unresolved; what is predicted there counts as wrong.",
    )
