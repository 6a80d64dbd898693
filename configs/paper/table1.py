r"""The paper's Table 1: secondary structure, methods on four sets.

    ssrlm paper table1 --config.data=../shared/data --dry_run

Needs tables of the sets in `config.data`; TS1 stands in for PDB2023, which
`ssrlm prepare_pdb` makes. Methods that are not here are told with what gets them.
Cost: 5 core hours for ArchiveII by EternaFold, minutes for others; --dry_run says.
Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods, known_sets, paper_numbers


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/table1.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    names = (*known_sets.ARCHIVE, "TS0", "Atom-1", "PDB2023", "TS1")
    return items.Item(
        title="Table 1: secondary structure",
        sets=tuple(known_sets.SETS[name] for name in names),
        methods=tuple(known_methods.METHODS.values()),
        columns=items.SCORES,
        paper=paper_numbers.TABLE1,
        quoted=paper_numbers.TS0,
        note="The paper's set of the PDB is PDB2023; TS1 is another.",
    )
