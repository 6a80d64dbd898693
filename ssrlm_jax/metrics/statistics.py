"""Bootstrap intervals over sequences.

Sequences are drawn anew, with replacement, as many as there are; the interval holds
the middle 95 % of what the score would have been. Source: Efron and Tibshirani 1993,
An Introduction to the Bootstrap, chapter 13 (percentile intervals).
"""

import math
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


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def plain(interval: Interval) -> list[float | None]:
    """Returns value, low and high for JSON, which has no nan.

    Example:
      >>> plain(Interval(0.123456789, math.nan, 1.0))
      [0.123457, None, 1.0]
    """
    return [None if math.isnan(value) else round(value, 6) for value in interval]


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
    return of_sums(columns_NK, ratio, seed)


def ratio(sums_S2: np.ndarray) -> np.ndarray:
    """Returns the first of two sums over the second; nan where that is 0."""
    top_S, bottom_S = sums_S2.T
    return np.where(bottom_S > 0, top_S / np.where(bottom_S > 0, bottom_S, 1.0), np.nan)


class Difference(NamedTuple):
    """How far one method is above another on the same sequences.

    Attributes:
      interval: of the difference.
      probability: share of the draws in which it is above 0; a tie counts half.
    """

    interval: Interval
    probability: float


def difference(
    first_NK: np.ndarray,
    second_NK: np.ndarray,
    score: Callable[[np.ndarray], np.ndarray],
    seed: int,
) -> Difference:
    """Returns a score of sums less that of another method, drawn together.

    Args:
      first_NK: of each sequence, what is added up; the same sequences as
      second_NK: of the other method.
      score: as for `of_sums`.
      seed: of the draws.

    Raises:
      ValueError: they are not as many.
    """
    first_NK, second_NK = (np.asarray(n, np.float64) for n in (first_NK, second_NK))
    if first_NK.shape != second_NK.shape:
        raise ValueError(
            f"{len(first_NK)} and {len(second_NK)} sequences: the same are expected"
        )
    if not len(first_NK):
        return Difference(Interval(np.nan, np.nan, np.nan), np.nan)
    drawn_SN = times_drawn(len(first_NK), seed)
    samples_S = score(drawn_SN @ first_NK) - score(drawn_SN @ second_NK)
    value = score(first_NK.sum(0)[None]) - score(second_NK.sum(0)[None])
    known_S = samples_S[~np.isnan(samples_S)]
    above = (known_S > 0).mean() + (known_S == 0).mean() / 2 if len(known_S) else np.nan
    return Difference(around(float(value[0]), samples_S), float(above))


def pearson(x_N: np.ndarray, y_N: np.ndarray, seed: int) -> Interval:
    """Returns Pearson's correlation, with its interval; what is nan is left out."""
    x_N, y_N = np.asarray(x_N, np.float64), np.asarray(y_N, np.float64)
    is_known_N = ~(np.isnan(x_N) | np.isnan(y_N))
    x_N, y_N = _standardised(x_N[is_known_N]), _standardised(y_N[is_known_N])
    return of_sums(_products(x_N, y_N), pearson_of_sums, seed)


def moments(x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """Returns the sums that a correlation is made of; they can be added up."""
    return _products(x_N, y_N).sum(0)


def pearson_of_sums(sums_S6: np.ndarray) -> np.ndarray:
    """Returns Pearson's correlations; nan where something does not vary.

    Args:
      sums_S6: as `moments` returns them, of numbers whose size is about 1.
    """
    num, x, y, xx, yy, xy = sums_S6.T
    varied_S = (num * xx - x * x) * (num * yy - y * y)
    # Numbers that do not vary leave what rounding leaves.
    is_varied_S = varied_S > (1e-9 * num * num) ** 2
    root_S = np.sqrt(np.where(is_varied_S, varied_S, 1.0))
    return np.where(is_varied_S, (num * xy - x * y) / root_S, np.nan)


def around(value: float, samples_S: np.ndarray) -> Interval:
    """Returns a value with the middle of samples; those that are nan left out."""
    samples_S = samples_S[~np.isnan(samples_S)]
    if not len(samples_S):
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(samples_S, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def _standardised(value_N: np.ndarray) -> np.ndarray:
    """Returns numbers of mean 0 and deviation 1; all 0 where they do not vary."""
    if not len(value_N):
        return value_N
    centred_N = value_N - value_N.mean()
    deviation = centred_N.std()
    if deviation <= 1e-12 * max(1.0, np.abs(value_N).max()):
        return np.zeros_like(centred_N)
    return centred_N / deviation


def _products(x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    columns = (np.ones_like(x_N), x_N, y_N, x_N * x_N, y_N * y_N, x_N * y_N)
    return np.stack(columns, axis=-1)
