r"""The paper's Fig. 3a: base pairs of Rfam families of the PDB that nothing trained on.

    ssrlm prepare_pdb --config=pdb2023 --files=MMCIF --out=DATA/pdb2023
    ssrlm sweep --config=sweeps/pdb_families --config.data=DATA
    ssrlm paper fig3 --config.folds=runs/pdb_families

Whole families are dealt to ten folds; fold N tests, fold N + 1 validates, the others
train the shipped recipe from scratch, without relatives: a family that was left out has
none. DATA/pdb2023/folds.tsv is any table with columns id, sequence, dotbracket and
family. Variants: `:small`, a head of 4 blocks and one epoch.
Cost: a minute of a core for each fold of 200 short chains, `:small` a third of it.
Expected score: docs/paper.md.
"""

from collections.abc import Iterator, Mapping

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains

FOLDS = 10
SMALL: Mapping[str, chains.Setting] = {"head.num_blocks": 4, "epochs": 1}
FULL: Mapping[str, chains.Setting] = {"epochs": 4}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant not in ("", "small"):
        raise ValueError(f"configs/sweeps/pdb_families.py has no variant {variant!r}")
    settings = config.editable(config.SweepConfig())
    settings.variant = variant
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    table = f"{settings.data}/pdb2023/folds.tsv"
    own = SMALL if settings.variant else FULL

    def chain(cell: Mapping[str, chains.Value]) -> Iterator[chains.Step]:
        yield chains.Step(
            name="tune",
            command="finetune",
            config=f"secondary/{cell['recipe']}",
            settings={
                "data.table": table,
                "data.num_folds": FOLDS,
                "data.fold": cell["fold"],
                "head.energy": "vienna,andronescu,langdon",
                "evaluations_per_epoch": 1,
                "loop.ema_decay": 0.9,
                **own,
            },
        )
        yield chains.Step(
            name="families",
            command="evaluate",
            settings={
                "model": chains.Output("tune"),
                "truth": chains.Output("tune", "test"),
                "programs": "vienna",
            },
        )

    return chains.Sweep(
        axes={"recipe": ("energies",), "fold": tuple(range(FOLDS))},
        chain=chain,
        measures=(
            chains.Measure(name="F1", step="families", column="f1"),
            chains.Measure(
                name="F1, ViennaRNA", step="families", column="f1", method="vienna"
            ),
        ),
        compared="recipe",
        note="A fold is families that nothing trained on; ViennaRNA trains on none.",
    )
