r"""The model that comes with the package, from raw files: a sweep with one cell.

    export JAX_CPU_ENABLE_ASYNC_DISPATCH=false
    ssrlm sweep --config=sweeps/shipped --config.data=../shared/data
    ssrlm sweep --config=sweeps/shipped:letters --config.data=../shared/data

`energies`: an encoder from scratch with a head that reads energies and relatives;
`letters`: the paper's method, an encoder pre-trained with hidden stems. Needs MMseqs2.
Then `ssrlm ship --model=DIR --card=configs/shipped/NAME.json`, of the step "contacts"
or, of letters, "rule". Test sets are scored once.
Cost: 14 hours on two CPU cores. Expected score: docs/models.md.
"""

import pathlib
from collections.abc import Callable, Iterator, Mapping

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains

Settings = Mapping[str, chains.Setting]
Chain = Callable[[Mapping[str, chains.Value]], Iterator[chains.Step]]
# Half of the long RNA, a sixth of bpRNA's short again, all of the PDB.
LONG = "TR1*,*:201-:1/2,bpRNA*:-200:0/6"
LAST = "TR1*,*:201-:0/8,bpRNA*:-200:1/5"  # a little of all
SETS = {n: chains.Output("sets", n) for n in ("train", "validation", "held_out")}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.SweepConfig())
    settings.variant = variant or "energies"
    recipe(settings.variant)
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return chains.Sweep(
        axes={"model": (settings.variant,)},
        chain=recipe(settings.variant)(pathlib.Path(settings.data)),
        measures=(
            chains.Measure(name="bpRNA TS0, F1", step="TS0", column="f1"),
            chains.Measure(name="TS1, F1", step="TS1", column="f1"),
        ),
        compared="model",
    )


def recipe(variant: str) -> Callable[[pathlib.Path], Chain]:
    known = {"energies": energies, "letters": letters}
    if variant not in known:
        raise ValueError(f"config variant {variant!r} is not one of energies, letters")
    return known[variant]


def tests(data: pathlib.Path) -> str:
    names = ("bprna_TS0", "pdb_TS1", "archiveII", "pdb_VL1")
    return ",".join(f"{data}/secondary/{name}.tsv.gz" for name in names)


def sets(data: pathlib.Path) -> chains.Step:
    s = f"{data}/secondary"
    return chains.Step(
        name="sets",
        command="training_sets",
        flags={
            "labelled": f"{s}/bprna_TR0.tsv.gz,{s}/pdb_TR1.tsv.gz",
            "validation": f"{s}/bprna_VL0.tsv.gz",
            "tests": tests(data),
            "consensus": f"{data}/rfam/seed_ss.tsv.gz",
            "families": f"{data}/rfam/benchmark_family_map.tsv.gz",
        },
    )


def subset(name: str, table: chains.Setting, rules: str) -> chains.Step:
    return chains.Step(
        name=name, command="subset", flags={"table": table, "keep": rules}
    )


def tuned(name: str, kind: str, data: pathlib.Path, settings: Settings) -> chains.Step:
    shared: Settings = {
        "data.validation": SETS["validation"],
        "data.leave_out": tests(data),
    }
    return chains.Step(
        name=name,
        command="finetune",
        config=f"secondary/{kind}",
        settings={**shared, **settings},
    )


def rule(model: str) -> chains.Step:
    return chains.Step(
        name="rule",
        command="thresholds",
        settings={
            "model": chains.Output(model),
            "validation": SETS["validation"],
            "methods": "greedy,nested",
        },
    )


def scored(data: pathlib.Path, model: str, programs: str) -> Iterator[chains.Step]:
    for name, table in (("TS0", "bprna_TS0"), ("TS1", "pdb_TS1")):
        yield chains.Step(
            name=name,
            command="evaluate",
            settings={
                "model": chains.Output(model),
                "truth": f"{data}/secondary/{table}.tsv.gz",
                "train": SETS["train"],
                "programs": programs,
                "is_own_rule": True,
            },
        )


def energies(data: pathlib.Path) -> Chain:
    def chain(cell: Mapping[str, chains.Value]) -> Iterator[chains.Step]:
        assert cell["model"]
        known: Settings = {"relatives": SETS["train"]}
        long: Settings = {**known, "data.max_length": 500, "epochs": 1}
        yield sets(data)
        yield subset("half", SETS["train"], LONG)
        yield subset("few", SETS["train"], LAST)
        yield tuned("short", "energies", data, {**known, "data.train": SETS["train"]})
        yield tuned(
            "long",
            "energies",
            data,
            {
                **long,
                "data.train": chains.Output("half", "table"),
                "model": chains.Output("short"),
                "evaluations_per_epoch": 2,
                "optimizer.learning_rate": 6e-4,
                "loop.ema_decay": 0.998,
            },
        )
        yield tuned(
            "last",
            "energies",
            data,
            {
                **long,
                "data.train": chains.Output("few", "table"),
                "model": chains.Output("long"),
                "evaluations_per_epoch": 1,
                "optimizer.learning_rate": 4e-4,
                "loop.ema_decay": 0.995,
            },
        )
        yield rule("last")
        yield chains.Step(
            name="contacts",
            command="fit_contacts",
            settings={
                "model": chains.Output("rule"),
                "max_length": 200,
                "train": f"{data}/secondary/pdb_TR1.tsv.gz",
                "validation": f"{data}/secondary/pdb_VL1.tsv.gz",
                "test": SETS["held_out"],
            },
        )
        yield from scored(data, "contacts", "vienna,relatives")

    return chain


def corpus(data: pathlib.Path, unseen: chains.Setting) -> chains.Step:
    return chains.Step(
        name="corpus",
        command="prepare_corpus",
        config="corpus/contrafold",
        settings={"row_length": 512},
        flags={
            "ncrna": f"{data}/ncrna_contrafold.tsv.gz",
            "other": f"{data}/fasta/coding",
            "leave_out": unseen,
        },
    )


def letters(data: pathlib.Path) -> Chain:
    unseen: chains.Setting = (
        f"{data}/secondary/bprna_VL0.tsv.gz",
        SETS["held_out"],
        tests(data),
    )

    def chain(cell: Mapping[str, chains.Value]) -> Iterator[chains.Step]:
        assert cell["model"]
        yield sets(data)
        yield subset("half", SETS["train"], LONG)
        yield subset("quarter", f"{data}/ncrna_contrafold.tsv.gz", "*::1/4")
        yield corpus(data, unseen)
        yield chains.Step(
            name="pre", command="pretrain", config="8m:masking=ssm", settings=PRE
        )
        yield tuned(
            "predicted",
            "letters",
            data,
            {
                "data.train": chains.Output("quarter", "table"),
                "data.leave_out": unseen,
                "model": chains.Output("pre"),
                "data.max_length": 90,
                "data.batch_size": 8,
            },
        )
        yield tuned(
            "short",
            "letters",
            data,
            {"data.train": SETS["train"], "model": chains.Output("predicted")},
        )
        yield tuned(
            "long",
            "letters",
            data,
            {
                "data.train": chains.Output("half", "table"),
                "model": chains.Output("short"),
                "data.max_length": 500,
                "evaluations_per_epoch": 2,
                "optimizer.learning_rate": 5e-4,
                "loop.ema_decay": 0.998,
            },
        )
        yield rule("long")
        yield from scored(data, "rule", "vienna")

    return chain


PRE: Settings = {
    "data.corpus": chains.Output("corpus", "corpus"),
    "data.row_length": 512,
    "data.rows_per_batch": 4,
    "data.validation_rows": 64,
    "data.mix.other": 0,
    "encoder.num_layers": 4,
    "encoder.width": 192,
    "encoder.num_heads": 6,
    "encoder.num_kv_heads": 6,
    "encoder.ffn_width": 512,
    "compute.remat": "none",
    "optimizer.learning_rate": 2e-3,
    "optimizer.warmup_steps": 200,
    "loop.num_steps": 2_500,
    "loop.evaluate_every": 500,
    "loop.save_every": 500,
}
