"""Which objective teaches pairs? mlm, sm and ssm on generated RNA families, 3 seeds.

    ssrlm sweep

Needs nothing but the package. All models are scored on the same held-out members of
the families, with one mask (policy `sm`), beside Markov chains, which know no pairs.
Cost: 6 minutes on two CPU cores.
Expected score: docs/ablation.md has what came out.
"""

import os

import ml_collections

from ssrlm_jax import config
from ssrlm_jax.sweeps import chains, recipes


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    if variant:
        raise ValueError(f"configs/sweeps/demo.py has no variant {variant!r}")
    settings = config.editable(config.SweepConfig())
    settings.executor.parallel = min(2, os.cpu_count() or 1)  # a core each
    return settings


def get_sweep(settings: config.SweepConfig) -> chains.Sweep:
    return recipes.on_families({"objective": config.MASKING_POLICIES}, "objective")
