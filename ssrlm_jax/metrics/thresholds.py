"""Chooses the threshold of a pair's probability that gives the best mean F1.

On validation RNAs only; a test set is scored with what was chosen here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

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
    true_N1 = np.array([d.num_true for d in decoded])[:, None]
    precision_NG = _ratio(right_NG, predicted_NG, true_N1 == 0)
    recall_NG = _ratio(
        right_NG, np.broadcast_to(true_N1, right_NG.shape), predicted_NG == 0
    )
    f1_NG = _ratio(2 * right_NG, predicted_NG + true_N1, True)
    best = int(np.argmax(f1_NG.mean(0)))
    means = (float(of_NG[:, best].mean()) for of_NG in (precision_NG, recall_NG, f1_NG))
    return Choice(GRID[best], *means)


def _above(probability: np.ndarray, grid_G: np.ndarray) -> np.ndarray:
    """Counts the probabilities above each threshold."""
    ordered = np.sort(probability)
    return len(ordered) - np.searchsorted(ordered, grid_G, side="right")


def _ratio(
    above: np.ndarray, below: np.ndarray, if_none: np.ndarray | bool
) -> np.ndarray:
    """Divides; 0 / 0 is 1 where `if_none`, else 0."""
    return np.where(
        below > 0, above / np.maximum(below, 1), np.where(if_none, 1.0, 0.0)
    )
