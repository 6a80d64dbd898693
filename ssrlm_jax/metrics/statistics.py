"""Bootstrap intervals over sequences.

Sequences are drawn anew, with replacement, as many as there are; the interval holds
the middle 95 % of what the score would have been. Source: Efron and Tibshirani 1993,
An Introduction to the Bootstrap, chapter 13 (percentile intervals).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

NUM_SAMPLES = 1_000
LEVEL = 0.95


class Interval(NamedTuple):
    """A score and where it would lie with other sequences; nan: not defined."""

    value: float
    low: float
    high: float


def times_drawn(num: int, seed: int, num_samples: int = NUM_SAMPLES) -> np.ndarray:
    """Returns how often each of `num` sequences is drawn, int32 (samples, num)."""
    rng = np.random.default_rng((seed, num))
    return rng.multinomial(num, np.full(num, 1 / max(num, 1)), num_samples).astype(
        np.int32
    )


def of_sums(
    columns_NK: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    seed: int,
) -> Interval:
    """Returns a score of sums over sequences, with its interval.

    Args:
      columns_NK: of each sequence, what is added up.
      score: sums_SK to values_S; nan where it is not defined.
      seed: of the draws.
    """
    columns_NK = np.asarray(columns_NK, np.float64)
    value = float(score(columns_NK.sum(0)[None])[0]) if len(columns_NK) else np.nan
    if not len(columns_NK):
        return Interval(np.nan, np.nan, np.nan)
    samples_S = score(times_drawn(len(columns_NK), seed) @ columns_NK)
    return around(value, samples_S)


def of_mean(values_N: np.ndarray, seed: int) -> Interval:
    """Returns the mean of one value for each sequence, with its interval."""
    values_N = np.asarray(values_N, np.float64)
    columns_NK = np.stack([values_N, np.ones_like(values_N)], axis=-1)
    return of_sums(columns_NK, lambda sums_SK: sums_SK[:, 0] / sums_SK[:, 1], seed)


def around(value: float, samples_S: np.ndarray) -> Interval:
    """Returns a value with the middle of samples; those that are nan left out."""
    samples_S = samples_S[~np.isnan(samples_S)]
    if not len(samples_S):
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(samples_S, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))
