import numpy as np
import pytest

from ssrlm_jax.metrics import confidence, statistics


def test_agreement_by_hand():
    plddt_L = np.array([0.05, 0.15, 0.16, 0.95, 1.0, 0.5])
    lddt_L = np.array([0.10, 0.20, 0.30, 0.90, 1.0, np.nan])
    found = confidence.plddt_agreement(plddt_L, lddt_L)
    expected = np.corrcoef(plddt_L[:5], lddt_L[:5])[0, 1]
    assert found.pearson == pytest.approx(expected)
    assert found.mean_absolute_error == pytest.approx((0.05 + 0.05 + 0.14 + 0.05) / 5)
    assert found.count_N.tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    np.testing.assert_allclose(found.lddt_N[[0, 1, 9]], [0.1, 0.25, 0.95])
    assert np.isnan(found.plddt_N[2])


def test_what_does_not_vary_has_no_correlation():
    found = confidence.plddt_agreement(np.full(4, 0.3), np.array([0.1, 0.2, 0.3, 0.4]))
    assert np.isnan(found.pearson)
    assert found.mean_absolute_error == pytest.approx(0.1)


def test_structures_are_drawn_anew_not_nucleotides():
    rng = np.random.default_rng(0)
    lddts = [rng.random(20) for _ in range(12)]
    plddts = [np.clip(one + 0.1 * rng.normal(size=20), 0, 1) for one in lddts]
    value, low, high = confidence.pooled_pearson(plddts, lddts, seed=0)
    expected = np.corrcoef(np.concatenate(plddts), np.concatenate(lddts))[0, 1]
    assert value == pytest.approx(expected)
    assert low < value < high < 1


def test_correlations_of_any_size_leave_unknown_numbers_out():
    x_N = np.array([1e6, 2e6, 3e6, 5e6, np.nan])
    y_N = np.array([4.0, 3.0, 3.5, 1.0, 9.0])
    found = statistics.pearson(x_N, y_N, seed=0)
    assert found.value == pytest.approx(np.corrcoef(x_N[:4], y_N[:4])[0, 1])
    assert np.isnan(statistics.pearson(np.full(3, 7.0), y_N[:3], seed=0).value)


def test_wrong_numbers_are_named():
    with pytest.raises(ValueError, match="pLDDT 80 of nucleotide 1 lies outside"):
        confidence.plddt_agreement(np.array([80.0]), np.array([0.5]))
    with pytest.raises(ValueError, match="are not both"):
        confidence.plddt_agreement(np.zeros(2), np.zeros(3))
