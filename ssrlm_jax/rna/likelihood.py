"""Reactivities → how probabilities of pairs change, by Bayes' rule.

A nucleotide's log ratio is the logarithm of how much more often unpaired than paired
nucleotides have its reactivity; 0 says nothing.
"""

from collections.abc import Sequence

import numpy as np

from ssrlm_jax.rna import probabilities

_Listed = probabilities.PairProbabilities
_SURE = 1e-6  # a probability is that far from 0 and 1, so that it can change


def log_ratio(
    value_L: np.ndarray, knots: Sequence[float], ratios: Sequence[float]
) -> np.ndarray:
    """Returns float64 (L,), linear between knots and constant outside; nan gives 0.

    Example:
      >>> log_ratio(np.array([0.0, 0.5, 9.0, np.nan]), (0.0, 1.0), (-1.0, 1.0)).tolist()
      [-1.0, 0.0, 1.0, 0.0]
    """
    found_L = np.interp(np.nan_to_num(value_L), knots, ratios)
    return np.where(np.isnan(value_L), 0.0, found_L)


def fitted(
    value_N: np.ndarray, is_paired_N: np.ndarray, knots: Sequence[float]
) -> list[float]:
    """Returns log ratios at knots that fit nucleotides of known structures.

    Monotone regression of what is paired on reactivity, less the odds without data; no
    more than three units either way, as few nucleotides stand behind the ends.

    Args:
      value_N: reactivities; nan is left out.
      is_paired_N: of the same nucleotides.
      knots: ascending.

    Raises:
      ValueError: no nucleotide is paired, or none is unpaired.
    """
    from sklearn import isotonic  # a second

    is_known = ~np.isnan(value_N)
    value_N, is_unpaired_N = value_N[is_known], ~is_paired_N[is_known]
    share = is_unpaired_N.mean() if len(is_unpaired_N) else 0.0
    if not 0 < share < 1:
        raise ValueError(
            f"{len(is_unpaired_N)} nucleotides with data, {is_unpaired_N.sum()} "
            "unpaired: both paired and unpaired ones are needed"
        )
    curve = isotonic.IsotonicRegression(y_min=0.02, y_max=0.98, out_of_bounds="clip")
    curve.fit(np.maximum(value_N, 0.0), is_unpaired_N)
    chance = curve.predict(np.asarray(knots))
    odds = np.log(chance / (1 - chance)) - np.log(share / (1 - share))
    return np.clip(odds, -3.0, 3.0).round(2).tolist()


def shifted(listed: _Listed, log_ratio_L: np.ndarray) -> _Listed:
    """Returns probabilities of pairs after reactivities were seen.

    The odds of a pair are multiplied, for each of its two nucleotides, by how much more
    probable the reactivity is if it pairs so than if it does not: then it is unpaired,
    or has another partner, as probable as the list says. Reactivities are taken as
    independent of each other.

    Args:
      listed: probabilities before.
      log_ratio_L: 0 changes nothing.
    """
    i, j = listed.i, listed.j
    p = np.clip(listed.probability.astype(np.float64), _SURE, 1 - _SURE)
    paired_L = np.zeros(len(log_ratio_L))
    for side in (i, j):
        np.add.at(paired_L, side, p)
    logit = np.log(p / (1 - p))
    for side in (i, j):
        unpaired = np.clip(1 - paired_L[side], 0.0, None) / (1 - p)
        unpaired = np.clip(unpaired, 0.0, 1.0)
        logit = logit - np.log1p(unpaired * np.expm1(log_ratio_L[side]))
    found = 1 / (1 + np.exp(-logit))
    return listed._replace(probability=found.astype(np.float32))
