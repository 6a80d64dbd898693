"""Whether ssm may hide both sides of a pair, on generated families, 3 seeds.

The paper is silent; here a nucleotide whose partner is hidden stays visible.

    ssrlm sweep --config=sweeps/protect_partner --out=runs/protect_partner

Cost: 9 minutes on two CPU cores, partly beside other work.
Expected score: docs/ablation.md has what came out.
"""

import os

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains, recipes


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(
            f"configs/sweeps/protect_partner.py has no variant {variant!r}"
        )
    settings = config.editable(config.SweepConfig())
    settings.executor.parallel = min(2, os.cpu_count() or 1)  # a core each
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return recipes.on_families(
        {
            "pretrain.masking.ssm_rate.ncrna": (0.5, 1.0),
            "pretrain.masking.protect_partner": (False, True),
        },
        "pretrain.masking.protect_partner",
    )
