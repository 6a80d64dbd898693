"""How much to hide: the rate of ssm, on generated families, 3 seeds.

The paper hides 15 % and does not say why.

    ssrlm sweep --config=sweeps/masking_rate --out=runs/masking_rate

Cost: 13 minutes on two CPU cores, partly beside other work.
Expected score: docs/ablation.md has what came out.
"""

import os

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains, recipes


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/sweeps/masking_rate.py has no variant {variant!r}")
    settings = config.editable(config.SweepConfig())
    settings.executor.parallel = min(2, os.cpu_count() or 1)  # a core each
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return recipes.on_families(
        {"pretrain.masking.rate": (0.05, 0.1, 0.15, 0.25, 0.4)}, "pretrain.masking.rate"
    )
