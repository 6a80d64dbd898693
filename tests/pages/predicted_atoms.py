"""Atoms as if a model had predicted them: a chain of the PDB, without a model."""

import numpy as np
import structures

from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.infer import atom_predictor, results3d

ORIGIN = results3d.Origin(
    {"ssrlm-jax": "0"}, {"model": "mine", "training data until": "2024-01-01"}
)


def prediction(chain=None):
    """Returns a prediction of 1Q96; pLDDT rises along it from 0.4 to 0.95."""
    chain = chain or structures.chain()
    length = len(chain.letters)
    pair_LM = np.zeros((length, length), np.float32)
    pairs = tertiary_crops.record(chain).structure.pairs
    for n, (i, j) in enumerate(pairs):
        pair_LM[i, j] = pair_LM[j, i] = 0.95 - 0.3 * n / len(pairs)
    return atom_predictor.Prediction(
        letters=chain.letters,
        xyz_LT3=chain.xyz_LT3.astype(np.float32),
        is_atom_LT=chain.is_atom_LT,
        plddt_L=np.linspace(0.4, 0.95, length, dtype=np.float32),
        pair_LM=pair_LM,
        distance_3LM=np.zeros((3, length, length), np.float32),
        num_cycles=4,
        change=0.25,
        seconds=1.0,
    )
