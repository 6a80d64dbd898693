import numpy as np
import pytest

from ssrlm_jax.rna import likelihood, probabilities


def _one(p, *others):
    rows = [(0, 5, p), *others]
    i, j, probability = np.array(rows, np.float64).T
    return probabilities.PairProbabilities(i.astype(int), j.astype(int), probability)


def test_a_pair_moves_by_the_odds_of_both_its_letters():
    ratio_L = np.zeros(6)
    ratio_L[[0, 5]] = np.log(2.0), np.log(3.0)  # both are rather unpaired
    found = likelihood.shifted(_one(0.5), ratio_L)
    # No other partners: odds 1 / (2 * 3).
    np.testing.assert_allclose(found.probability, [1 / 7], rtol=1e-5)


def test_a_letter_with_another_partner_for_sure_says_nothing_of_which():
    ratio_L = np.full(6, -5.0)  # all are surely paired
    listed = _one(0.5, (0, 4, 0.5), (1, 5, 0.5))
    found = likelihood.shifted(listed, ratio_L)
    np.testing.assert_allclose(found.probability[0], 0.5, atol=1e-4)
    assert found.probability[1] > 0.9  # 4 has no other partner


def test_nothing_is_said_by_ratios_of_0():
    found = likelihood.shifted(_one(0.3), np.zeros(6))
    np.testing.assert_allclose(found.probability, [0.3], rtol=1e-6)


def test_values_become_ratios_by_the_curve():
    found = likelihood.log_ratio(np.array([-1, 0.5, 3, np.nan]), (0, 1, 2), (-1, 0, 2))
    np.testing.assert_allclose(found, [-1, -0.5, 2, 0])


def test_the_curve_that_is_fitted_is_that_of_the_data():
    rng = np.random.default_rng(0)
    is_paired_N = rng.random(40_000) < 0.6
    # Two values only: low is 4 times as frequent among paired ones.
    is_low_N = rng.random(40_000) < np.where(is_paired_N, 0.8, 0.2)
    value_N = np.where(is_low_N, 0.0, 1.0)
    found = likelihood.fitted(value_N, is_paired_N, (0.0, 1.0))
    np.testing.assert_allclose(found, [-np.log(4), np.log(4)], atol=0.05)
    with pytest.raises(ValueError, match="both paired and unpaired ones are needed"):
        likelihood.fitted(value_N, np.ones(40_000, bool), (0.0, 1.0))
