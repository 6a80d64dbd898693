"""Which objective teaches pairs? mlm, sm and ssm on generated RNA families, 3 seeds.

    ssrlm sweep --config=sweeps/demo --config.executor.parallel=2

Needs nothing but the package. All models are scored on the same held-out members of
the families, with one mask (policy `sm`), beside Markov chains, which know no pairs.
Cost: under 12 minutes on two CPU cores.
Expected score: docs/ablation.md has what came out.
"""

from collections.abc import Iterator, Mapping

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains

CORPUS = chains.Step(
    name="corpus",
    command="generate",
    config="demo",
    settings={"data.families.num_validation_members": 36},
)
TRAINED = {
    "data.is_generated": False,
    "encoder.num_layers": 2,
    "encoder.width": 64,
    "encoder.num_heads": 4,
    "encoder.num_kv_heads": 4,
    "encoder.ffn_width": 192,
    "loop.num_steps": 1_500,
    "loop.evaluate_every": 300,
    "loop.save_every": 300,
}
MEASURES = tuple(
    chains.Measure(
        name=f"{score}, {part}",
        step="held_out",
        column=f"{score}_{part}",
        is_lower_better=score == "loss",
    )
    for part in ("paired", "unpaired")
    for score in ("loss", "accuracy")
)


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/sweeps/demo.py has no variant {variant!r}")
    return config.editable(config.SweepConfig())


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return chains.Sweep(
        axes={"objective": config.MASKING_POLICIES, "seed": (0, 1, 2)},
        chain=chain,
        measures=MEASURES,
        compared="objective",
        baselines=baselines(),
    )


def chain(cell: Mapping[str, chains.Value]) -> Iterator[chains.Step]:
    yield from pretrained(cell, {"masking.policy": cell["objective"]})


def pretrained(
    cell: Mapping[str, chains.Value], changed: Mapping[str, chains.Value]
) -> Iterator[chains.Step]:
    """Yields a corpus, a run on it and its scores; the other sweeps here share it."""
    corpus = chains.Output("corpus", "corpus")
    yield CORPUS
    yield chains.Step(
        name="pretrain",
        command="pretrain",
        config="demo",
        settings={**TRAINED, **changed, "data.corpus": corpus, "seed": cell["seed"]},
    )
    yield chains.Step(
        name="held_out",
        command="held_out",
        settings={"corpus": corpus, "model": chains.Output("pretrain")},
    )


def baselines() -> tuple[chains.Baseline, ...]:
    """Returns Markov chains on the same corpus."""
    step = chains.Step(
        name="chains",
        command="held_out",
        settings={"corpus": chains.Output("corpus", "corpus"), "chains": "0,3"},
    )
    return tuple(
        chains.Baseline(
            name=f"Markov, order {n}", chain=(CORPUS, step), method=f"order{n}"
        )
        for n in (0, 3)
    )
