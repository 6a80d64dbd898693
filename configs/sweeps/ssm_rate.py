"""How many records to hide by structure, on generated families, 3 seeds.

The paper mixes SSM and SM on ncRNA and does not say how; 0.5 is ours.

    ssrlm sweep --config=sweeps/ssm_rate --out=runs/ssm_rate

Cost: 13 minutes on two CPU cores, partly beside other work.
Expected score: docs/ablation.md has what came out.
"""

import os

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains, recipes


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/sweeps/ssm_rate.py has no variant {variant!r}")
    settings = config.editable(config.SweepConfig())
    settings.executor.parallel = min(2, os.cpu_count() or 1)  # a core each
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return recipes.on_families(
        {"pretrain.masking.ssm_rate.ncrna": (0.0, 0.25, 0.5, 0.75, 1.0)},
        "pretrain.masking.ssm_rate.ncrna",
    )
