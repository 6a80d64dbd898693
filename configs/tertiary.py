r"""Atoms from frozen embeddings, without an alignment: RhoFold's network.

    ssrlm tertiary --config=tertiary \
        --config.model=models/650m --config.data.structures=pdb/ \
        --config.data.away_from=rna_puzzles/ --config.embeddings=embeddings/

The paper's recipe: chains of 16 to 256 nt, up to 4 angstrom, clusters at 80 %
identity, 3e-4, 300,000 steps. Batch size, crops and the losses' weights are ours.
Variants: `:small` (0.5 M parameters) and `:tiny` (for tests).
Cost and expected score: docs/tertiary.md has a small model's.
"""

import ml_collections

from ssrlm_jax import config

SMALL = {
    "single_width": 64,
    "pair_width": 32,
    "structure_width": 96,
    "num_blocks": 4,
    "num_heads": 4,
    "head_size": 16,
    "num_pair_heads": 2,
    "pair_head_size": 16,
    "outer_width": 8,
    "triangle_width": 32,
    "transition_factor": 2,
    "num_structure_layers": 6,
    "num_point_heads": 6,
    "torsion_width": 64,
}
TINY = SMALL | {
    "single_width": 16,
    "pair_width": 8,
    "structure_width": 16,
    "num_blocks": 1,
    "num_heads": 2,
    "head_size": 8,
    "pair_head_size": 4,
    "outer_width": 4,
    "triangle_width": 8,
    "num_structure_layers": 2,
    "num_point_heads": 2,
    "torsion_width": 16,
    "num_cycles": 2,
}


def get_config(variant: str = "") -> ml_collections.ConfigDict:
    settings = config.editable(config.TertiaryConfig())
    if variant not in ("", "small", "tiny"):
        raise ValueError(f"config variant {variant!r} is not one of small, tiny")
    if variant:
        settings.folding.update(SMALL if variant == "small" else TINY)
        settings.compute.dtype = "float32"
        settings.data.batch_size = 4
        settings.data.crop = 48
        settings.data.step = 16
        settings.loop.num_steps = 1_500
        settings.loop.evaluate_every = 250
        settings.loop.save_every = 250
        settings.loop.keep_every = 0
        settings.loop.ema_decay = 0.99
        settings.optimizer.warmup_steps = 200
        settings.optimizer.learning_rate = 1e-3
        settings.loss.local = 4.0
    return settings
