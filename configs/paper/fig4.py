r"""The paper's Fig. 4: lDDT of structures, and the confidence that goes with it.

    ssrlm paper fig4 --config.structures=rna_puzzles --config.models=mine=MODEL
    ssrlm paper fig4 --config.structures=rna_puzzles --config.folded=theirs=DIR
    ssrlm paper fig4 --config.structures=rna_puzzles --add mine --predictions DIR

Models are those that `ssrlm tertiary` trained; DIR has PDB or mmCIF files of `ssrlm
fold3d` or of any program, matched by sequence. With config.structures_train lDDT is
also set against identity with what trained. No weights that fold in 3-D were
published, and none ship: docs/tertiary.md.
Cost: a second for each structure and method. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/fig4.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    return items.Item(
        title="Fig. 4: lDDT on RNA-Puzzles and CASP",
        structures=items.Structures(
            truth="tertiary/rna_puzzles",
            get="the natives of github.com/RNA-Puzzles/standardized_dataset",
        ),
    )
