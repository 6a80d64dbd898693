"""Chains that several files of configs/sweeps share.

`on_families`: pre-training on generated RNA families, scored on held-out members.
`of_paper`: the paper's Table 3, from pre-training to base pairs of two test sets.
"""

import pathlib
from collections.abc import Iterator, Mapping, Sequence

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains

Cell = Mapping[str, chains.Value]
Settings = Mapping[str, chains.Setting]

_CORPUS = chains.Output("corpus", "corpus")
_FAMILIES = chains.Step(
    name="corpus",
    command="generate",
    config="demo",
    settings={"data.families.num_validation_members": 36},
)
# Two minutes on one core.
_SMALL: Settings = {
    "data.is_generated": False,
    "encoder.num_layers": 2,
    "encoder.width": 64,
    "encoder.num_heads": 4,
    "encoder.num_kv_heads": 4,
    "encoder.ffn_width": 192,
    "loop.num_steps": 2_000,
    "loop.evaluate_every": 250,
    "loop.save_every": 250,
}
_HELD_OUT = (
    "All are scored on the same held-out members of the families with one mask: policy "
    "sm, 15 %, whatever was trained. Losses in nats, over hidden nucleotides."
)
CONTACTS, TS0, TS1 = "contacts, P at the number of pairs", "bpRNA TS0, F1", "TS1, F1"


def on_families(
    axes: Mapping[str, tuple[chains.Value, ...]],
    compared: str,
    seeds: Sequence[int] = (0, 1, 2),
) -> chains.Sweep:
    """Returns a sweep of small models on generated RNA families.

    Args:
      axes: "objective", the masking policy, where that is one; else settings of
        "pretrain".
      compared: of the axes.
      seeds: of runs; the corpus is one for all.
    """

    def chain(cell: Cell) -> Iterator[chains.Step]:
        policy = {"masking.policy": cell["objective"]} if "objective" in cell else {}
        yield _FAMILIES
        yield chains.Step(
            name="pretrain",
            command="pretrain",
            config="demo",
            settings={**_SMALL, **policy, "data.corpus": _CORPUS, "seed": cell["seed"]},
        )
        yield chains.Step(
            name="held_out",
            command="held_out",
            settings={"corpus": _CORPUS, "model": chains.Output("pretrain")},
        )

    measures = tuple(
        chains.Measure(
            name=f"{score}, {part}",
            step="held_out",
            column=f"{score}_{part}",
            is_lower_better=score == "loss",
        )
        for part in ("paired", "unpaired")
        for score in ("loss", "accuracy")
    )
    return chains.Sweep(
        axes={**axes, chains.SEED: tuple(seeds)},
        chain=chain,
        measures=measures,
        compared=compared,
        baselines=tuple(_markov(order) for order in (0, 3)),
        note=_HELD_OUT,
    )


def _markov(order: int) -> chains.Baseline:
    """Returns a line of Markov chains, which know no pairs."""
    step = chains.Step(
        name="held_out",
        command="held_out",
        settings={"corpus": _CORPUS, "chains": "0,3"},
    )
    return chains.Baseline(
        name=f"Markov, order {order}", chain=(_FAMILIES, step), method=f"order{order}"
    )


def of_paper(
    settings: config.SweepConfig,
    *,
    sizes: tuple[str, ...],
    seeds: tuple[int, ...],
    pretrain: Settings,
    tune: Settings,
    contacts: Settings,
    has_pdb: bool,
    paper: Mapping[tuple[chains.Value, ...], float],
    note: str,
) -> chains.Sweep:
    """Returns a sweep of objectives at some sizes: contacts, bpRNA and the PDB.

    Args:
      settings: name the corpus and the folder of tables.
      sizes: configs of pre-training.
      seeds: of runs.
      pretrain: settings of pre-training that differ from these configs.
      tune: settings of fine-tuning that differ from secondary/bprna and secondary/pdb.
      contacts: settings of the regression that differ from its config.
      has_pdb: whether models are fine-tuned on the PDB, too.
      paper: as of `chains.Sweep`.
      note: the same.

    Raises:
      ValueError: there is no corpus, and the message says how to make one.
    """
    if not settings.corpus:
        raise ValueError(
            "config.corpus is empty: name a corpus; make one with ssrlm prepare_corpus "
            "--config=corpus/contrafold --out=DIR"
        )
    table = pathlib.Path(settings.data, "secondary")
    corpus = settings.corpus

    def chain(cell: Cell) -> Iterator[chains.Step]:
        yield chains.Step(
            name="pretrain",
            command="pretrain",
            config=str(cell["size"]),
            settings={
                **pretrain,
                "masking.policy": cell["objective"],
                "seed": cell["seed"],
                "data.corpus": corpus,
            },
        )
        yield _contacts(table, contacts)
        shared: Settings = {**tune, "seed": cell["seed"]}
        yield from _tuned("bprna", "pretrain", table, shared, ("TR0", "VL0", "TS0"))
        if has_pdb:
            yield from _tuned("pdb", "bprna", table, shared, ("TR1", "VL1", "TS1"))

    columns = {CONTACTS: ("contacts", "all P@true"), TS0: ("TS0", "f1")}
    columns |= {TS1: ("TS1", "f1")} if has_pdb else {}
    return chains.Sweep(
        axes={"size": sizes, "objective": config.MASKING_POLICIES, chains.SEED: seeds},
        chain=chain,
        measures=tuple(
            chains.Measure(name=name, step=step, column=column)
            for name, (step, column) in columns.items()
        ),
        compared="objective",
        paper=paper,
        scatter=CONTACTS,
        baselines=(_vienna(table, ("TS0", "TS1") if has_pdb else ("TS0",)),),
        note=note,
    )


def _contacts(table: pathlib.Path, settings: Settings) -> chains.Step:
    """Returns contacts of a pre-trained model without labels, tested on TS1."""
    return chains.Step(
        name="contacts",
        command="fit_contacts",
        settings={
            **settings,
            "model": chains.Output("pretrain"),
            "train": f"{table}/pdb_TR1.tsv.gz",
            "validation": f"{table}/pdb_VL1.tsv.gz",
            "test": f"{table}/pdb_TS1.tsv.gz",
        },
    )


def _tuned(
    name: str, before: str, table: pathlib.Path, settings: Settings, sets: Sequence[str]
) -> Iterator[chains.Step]:
    """Yields fine-tuning, the choice of a rule on validation, and scores on the test.

    Args:
      name: of the data: "bprna" or "pdb".
      before: step whose model is fine-tuned.
      table: folder of tables.
      settings: of fine-tuning.
      sets: which train, validate and test.
    """
    train, validation, test = (f"{table}/{name}_{one}.tsv.gz" for one in sets)
    yield chains.Step(
        name=name,
        command="finetune",
        config=f"secondary/{name}",
        settings={
            **settings,
            "model": chains.Output(before),
            "data.train": train,
            "data.validation": validation,
        },
    )
    yield chains.Step(
        name=f"{name}_rule",
        command="thresholds",
        settings={
            "model": chains.Output(name),
            "validation": validation,
            "methods": "greedy",
        },
    )
    yield chains.Step(
        name=sets[-1],
        command="evaluate",
        settings={
            "model": chains.Output(f"{name}_rule"),
            "truth": test,
            "programs": "",
            "is_own_rule": True,
        },
    )


def _vienna(table: pathlib.Path, sets: Sequence[str]) -> chains.Baseline:
    """Returns a line of ViennaRNA on the test sets."""
    files = {"TS0": f"{table}/bprna_TS0.tsv.gz", "TS1": f"{table}/pdb_TS1.tsv.gz"}
    steps = tuple(
        chains.Step(
            name=name,
            command="evaluate",
            settings={"truth": files[name], "programs": "vienna"},
        )
        for name in sets
    )
    return chains.Baseline(name="ViennaRNA", chain=steps, method="vienna")
