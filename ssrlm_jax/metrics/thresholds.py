"""Chooses the threshold of a pair's probability that gives the best mean F1.

On validation RNAs only; a test set is scored with what was chosen here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import pairs

GRID = tuple(n / 100 for n in range(1, 100))


class Decoded(NamedTuple):
    """A structure that was decoded without a threshold.

    The greedy rule takes pairs from the most probable one down, so that a threshold
    cuts its list off and changes nothing before: one decoding serves all thresholds.

    Attributes:
      probability: float (P,), of each pair.
      is_true: bool (P,), whether the known structure has it.
      num_true: pairs of the known structure.
    """

    probability: np.ndarray
    is_true: np.ndarray
    num_true: int


class Choice(NamedTuple):
    """A threshold and the means over sequences that it gives, strict, 0..1."""

    threshold: float
    precision: float
    recall: float
    f1: float


def choose(decoded: Sequence[Decoded]) -> Choice:
    """Returns the threshold of `GRID` with the highest mean F1, the first of equals.

    A sequence without pairs has an F1 of 1 where none is predicted, else 0.

    Raises:
      ValueError: there are no sequences.
    """
    if not decoded:
        raise ValueError("a threshold needs at least one sequence to be chosen on")
    grid_G = np.array(GRID)
    predicted_NG = np.stack([_above(d.probability, grid_G) for d in decoded])
    right_NG = np.stack([_above(d.probability[d.is_true], grid_G) for d in decoded])
    known_N1 = np.array([d.num_true for d in decoded])[:, None]
    known_NG = np.broadcast_to(known_N1, right_NG.shape)
    counts_NG4 = np.stack([right_NG, predicted_NG, right_NG, known_NG], axis=-1)
    means_3G = [
        score(counts_NG4).mean(0) for score in (pairs.precision, pairs.recall, pairs.f1)
    ]
    best = int(np.argmax(means_3G[-1]))
    return Choice(GRID[best], *(float(mean_G[best]) for mean_G in means_3G))


def _above(probability: np.ndarray, grid_G: np.ndarray) -> np.ndarray:
    """Counts the probabilities above each threshold."""
    ordered = np.sort(probability)
    return len(ordered) - np.searchsorted(ordered, grid_G, side="right")
