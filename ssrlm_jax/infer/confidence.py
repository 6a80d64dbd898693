"""How sure a prediction is: the probabilities of the pairs that were chosen."""

import numpy as np

from ssrlm_jax.rna import probabilities
from ssrlm_jax.rna import structure as structures


def of_pairs(
    structure: structures.Structure, listed: probabilities.PairProbabilities
) -> np.ndarray:
    """Returns the probability of every pair, float32 (P,); 0 where it is not listed.

    Args:
      structure: the pairs that were chosen.
      listed: of a strand of the same length.
    """
    length = np.int64(structure.length)
    listed_P = listed.i * length + listed.j  # sorted, as they are
    chosen_P = structure.pairs[:, 0] * length + structure.pairs[:, 1]
    place_P = np.searchsorted(listed_P, chosen_P)
    is_listed_P = np.append(listed_P, -1)[place_P] == chosen_P
    found_P = np.append(listed.probability, 0.0)[place_P]
    return np.where(is_listed_P, found_P, 0.0).astype(np.float32)
