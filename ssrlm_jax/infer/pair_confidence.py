"""How sure a prediction is: the probabilities of its pairs, and the F1 they promise."""

import numpy as np

from ssrlm_jax.rna import probabilities, structures


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


def expected_f1(
    structure: structures.Structure, listed: probabilities.PairProbabilities
) -> float:
    """Returns the F1 that a structure has if the probabilities are right, 0..1.

    Expected right pairs over the mean of chosen and expected pairs: the ratio of
    expectations stands for the expectation of the ratio. A structure without pairs
    that expects none has 1. Source: Hamada et al. 2010, BMC Bioinformatics 11:586
    (pseudo-expected accuracy).

    Args:
      structure: the pairs that were chosen.
      listed: of the same strand; pairs that are not listed count 0.
    """
    num_right = float(of_pairs(structure, listed).sum())
    num_known = float(listed.probability.sum())
    total = len(structure.pairs) + num_known
    if not len(structure.pairs):
        return max(0.0, 1.0 - num_known)  # 1 if there is none, which is so likely
    return 2.0 * num_right / total
