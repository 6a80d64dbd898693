import numpy as np
import pytest

from ssrlm_jax.metrics import confidence, statistics


def test_pearson_by_hand():
    # Steps from the means: -2 0 2 and -2 2 0, in tenths: 4 / sqrt(8 * 8).
    found = confidence.plddt_agreement([0.2, 0.4, 0.6], [0.1, 0.5, 0.3])
    assert found.pearson == pytest.approx(0.5)


def test_bins_are_a_tenth_wide_and_hold_their_lower_end():
    edges_L = np.arange(11) / 10
    found = confidence.plddt_agreement(edges_L, 1 - edges_L)
    assert found.count_N.tolist() == [*[1] * 9, 2]
    np.testing.assert_allclose(found.plddt_N, [*edges_L[:9], 0.95])
    np.testing.assert_allclose(found.lddt_N, [*(1 - edges_L[:9]), 0.05])


def test_nucleotides_without_either_change_nothing():
    plddt_L, lddt_L = np.array([0.2, 0.4, 0.9]), np.array([0.1, 0.5, 0.7])
    expected = confidence.plddt_agreement(plddt_L, lddt_L)
    found = confidence.plddt_agreement(
        [*plddt_L, np.nan, 0.3, np.nan], [*lddt_L, 0.9, np.nan, np.nan]
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("known", [[], [np.nan]])
def test_without_nucleotides_there_is_no_agreement(known):
    found = confidence.plddt_agreement(known, known)
    assert np.isnan([found.pearson, found.mean_absolute_error]).all()
    assert found.count_N.tolist() == [0] * confidence.NUM_BINS
    assert np.isnan([found.plddt_N, found.lddt_N]).all()


def test_nucleotides_alike_within_a_structure_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    plddt_N = rng.random(12)
    lddt_N = (plddt_N + rng.random(12)) / 2
    once = [list(column[:, None]) for column in (plddt_N, lddt_N)]
    often = [[np.repeat(one, 50) for one in column] for column in once]
    expected = confidence.pooled_pearson(*once, seed=0)
    assert expected.low < expected.value < expected.high
    np.testing.assert_allclose(confidence.pooled_pearson(*often, seed=0), expected)


@pytest.mark.parametrize("structures", [[], [np.full(3, 0.3)] * 2])
def test_without_structures_or_variation_nothing_is_pooled(structures):
    found = confidence.pooled_pearson(structures, structures, seed=0)
    assert np.isnan(found).all()


def test_wrong_numbers_are_named_by_what_and_where():
    with pytest.raises(ValueError, match="lDDT -0.1 of nucleotide 2 lies outside 0..1"):
        confidence.plddt_agreement([0.5, 0.5], [0.5, -0.1])
    with pytest.raises(ValueError, match="pLDDT of 2 structures, lDDT of 1"):
        confidence.pooled_pearson([[0.5], [0.5]], [[0.5]], seed=0)
    with pytest.raises(ValueError, match="pLDDT 1.5 of nucleotide 1 lies outside"):
        confidence.pooled_pearson([[0.5], [1.5]], [[0.5], [0.5]], seed=0)


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


def test_correlations_of_any_size_leave_unknown_numbers_out():
    x_N = np.array([1e6, 2e6, 3e6, 5e6, np.nan])
    y_N = np.array([4.0, 3.0, 3.5, 1.0, 9.0])
    found = statistics.pearson(x_N, y_N, seed=0)
    assert found.value == pytest.approx(np.corrcoef(x_N[:4], y_N[:4])[0, 1])
    assert np.isnan(statistics.pearson(np.full(3, 7.0), y_N[:3], seed=0).value)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_b_columns_hold_confidence_in_either_scale(scale):
    """Two strands; the first nucleotide has two atoms, one of the last has none."""
    values = [np.array([0.2, 0.4, 0.5]) * scale, np.array([0.9]) * scale]
    residues = [np.array([0, 0, 1]), np.array([0])]
    found = confidence.of_column(values, residues, [2, 2])
    np.testing.assert_allclose(found, [0.3, 0.5, 0.9, np.nan])


@pytest.mark.parametrize(
    "values", [[0.0, 0.0], [1.0, 1.0], [50, 120], [-1, 50], [np.nan, 50], None]
)
def test_columns_that_say_nothing_hold_no_confidence(values):
    given = None if values is None else np.array(values, np.float32)
    assert confidence.of_column([given], [np.array([0, 1])], [2]) is None
