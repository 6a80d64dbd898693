"""How long spans are: of sm, and of loops in ssm, on generated families, 3 seeds.

The paper's j is 3 here; it does not say.

    ssrlm sweep --config=sweeps/span_length --out=runs/span_length

Cost: 17 minutes on two CPU cores, partly beside other work.
Expected score: docs/ablation.md has what came out.
"""

import os

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains, recipes


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/sweeps/span_length.py has no variant {variant!r}")
    settings = config.editable(config.SweepConfig())
    settings.executor.parallel = min(2, os.cpu_count() or 1)  # a core each
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return recipes.on_families(
        {"objective": ("sm", "ssm"), "pretrain.masking.span_length": (1, 3, 6)},
        "pretrain.masking.span_length",
    )
