"""Base-pair probabilities of one RNA strand, sparse: pairs that matter, no matrix.

Every program and model gives them in this form; a dense symmetric matrix exists only
at the edges. Positions count from 0.
"""

from typing import NamedTuple

import numpy as np

LEAST = 0.01  # of a pair that is listed


class PairProbabilities(NamedTuple):
    """Probabilities of base pairs; pairs below `LEAST` are left out.

    Attributes:
      i: int32 (P,), from 0; rows are sorted by i, then j.
      j: int32 (P,), from 0; i < j.
      probability: float32 (P,), 0..1.
    """

    i: np.ndarray
    j: np.ndarray
    probability: np.ndarray


def from_matrix(probability_LL: np.ndarray, least: float = LEAST) -> PairProbabilities:
    """Lists the pairs of a matrix that are at least as probable as `least`.

    Args:
      probability_LL: 0..1; the upper triangle is read.
      least: 0 lists every pair.
    """
    i, j = np.nonzero(np.triu(np.asarray(probability_LL) >= least, 1))
    probability = np.asarray(probability_LL)[i, j].astype(np.float32)
    return PairProbabilities(i.astype(np.int32), j.astype(np.int32), probability)


def to_matrix(probabilities: PairProbabilities, length: int) -> np.ndarray:
    """Returns a symmetric float32 matrix (length, length); unlisted pairs are 0."""
    matrix_LL = np.zeros((length, length), np.float32)
    i, j, probability = probabilities
    matrix_LL[i, j] = matrix_LL[j, i] = probability
    return matrix_LL
