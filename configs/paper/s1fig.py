r"""The paper's Fig. S1: base pairs of the structures that Fig. 4 folds.

    ssrlm paper s1fig --config.structures=rna_puzzles --config.folded=theirs=DIR

Canonical pairs are found in atoms, known and folded, by the same code. Beside them
stand the methods of Table 1, which predict pairs from letters, on the structures of one
strand.
Cost: a minute beside Fig. 4. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items, known_methods


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/s1fig.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    return items.Item(
        title="Fig. S1: secondary structure of the same targets",
        methods=tuple(known_methods.METHODS.values()),
        columns=items.SCORES,
        structures=items.Structures(
            truth="tertiary/rna_puzzles",
            get="the natives of github.com/RNA-Puzzles/standardized_dataset",
            is_of_pairs=True,
        ),
    )
