"""Whether probabilities of pairs mean what they say, on RNA of known structure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import threshold_choice

NUM_BINS = 10


class Reliability(NamedTuple):
    """Probabilities and what came of them.

    Attributes:
      error: expected calibration error, 0..1: the mean over listed pairs of the
        distance between probability and share of true pairs in their bin; nan where
        no pair is listed.
      probability_N: mean probability in each of NUM_BINS bins, equally wide; nan in an
        empty one.
      share_N: share of pairs that are true in it; nan in an empty one.
      count_N: int64, pairs in it.
    """

    error: float
    probability_N: np.ndarray
    share_N: np.ndarray
    count_N: np.ndarray


def reliability(known: Sequence[threshold_choice.Known]) -> Reliability:
    """Compares the listed probabilities of all RNAs with their known pairs.

    Pairs that are not listed, below `rna.probabilities.LEAST`, do not count: nearly
    all pairs are among them, and would make any error small. Source: Guo et al. 2017,
    On Calibration of Modern Neural Networks, arXiv:1706.04599.
    """
    probability_P = np.concatenate([one.listed.probability for one in known])
    is_true_P = np.concatenate(
        [
            threshold_choice.labels(one.structure, one.listed.i, one.listed.j)
            for one in known
        ]
    )
    bin_P = np.minimum((probability_P * NUM_BINS).astype(int), NUM_BINS - 1)
    count_N = np.bincount(bin_P, minlength=NUM_BINS)
    with np.errstate(invalid="ignore"):  # of an empty bin
        mean_N = np.bincount(bin_P, probability_P, NUM_BINS) / count_N
        share_N = np.bincount(bin_P, is_true_P, NUM_BINS) / count_N
    distance_N = np.where(count_N > 0, np.abs(mean_N - share_N), 0.0)
    total = count_N.sum()
    error = float((distance_N * count_N).sum() / total) if total else np.nan
    return Reliability(error, mean_N, share_N, count_N)
