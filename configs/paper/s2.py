r"""The paper's Fig. S2: embeddings of 27 Rfam families of four types, with numbers.

    ssrlm paper s2 --config.data=../shared/data
    ssrlm paper s2 --config.data=../shared/data --config.models=ssm=DIR,mlm=DIR

The shipped model's encoder, and those of config.models; the picture needs umap-learn.
Which 27 families the paper shows is not known here: these are the largest.
Cost: a minute. Expected score: docs/paper.md.
"""

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.comparisons import items


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/paper/s2.py has no variant {variant!r}")
    return config.editable(config.PaperConfig())


def get_item(settings: config.PaperConfig) -> items.Item:
    del settings
    return items.Item(
        title="Fig. S2: embeddings of Rfam families",
        families=items.Families(
            kinds=("riboswitch", "ribozyme", "snRNA", "rRNA"),
            counts=(9, 8, 8, 2),  # of rRNA two are short and have members
            members=40,
            longest=400,
            table="rfam/families.tsv.gz",
            members_table="rfam/seed_ss.tsv.gz",
            get="tables of families and of their seeds, of `ssrlm download rfam`",
        ),
        note="Neighbours: of the five nearest RNAs, the RNA itself left out, which "
        "family and which type most have; means over RNAs, 95 % of bootstrap samples "
        "in brackets. Members of a family are alike in letters, too: an embedding that "
        "is no better than counts of three letters has learned nothing of families.",
    )
