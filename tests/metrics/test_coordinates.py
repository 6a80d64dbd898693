import biotite.structure as bs
import numpy as np
import pytest
import structures

from ssrlm_jax.metrics import coordinates
from ssrlm_jax.rna import atoms


def _noisy(size, seed=0):
    xyz_LT3, _, is_LT = structures.whole()
    noise_LT3 = np.random.default_rng(seed).normal(size=xyz_LT3.shape)
    return xyz_LT3 + size * noise_LT3, is_LT, xyz_LT3, is_LT


def _array(xyz_LT3, is_LT):
    at_N2 = np.argwhere(is_LT)
    array = bs.AtomArray(len(at_N2))
    array.coord = xyz_LT3[is_LT]
    array.res_id = at_N2[:, 0] + 1
    array.chain_id[:] = "A"
    return array


@pytest.mark.parametrize("size", [0.2, 0.7, 2.0])
def test_lddt_is_biotites(size):
    predicted_LT3, is_LT, true_LT3, _ = _noisy(size)
    both = [_array(xyz, is_LT) for xyz in (true_LT3, predicted_LT3)]
    found = coordinates.lddt_all_atom(predicted_LT3, is_LT, true_LT3, is_LT)
    assert found.score == pytest.approx(bs.lddt(*both), abs=1e-4)
    np.testing.assert_allclose(
        found.score_L, bs.lddt(*both, aggregation="residue"), atol=1e-4
    )
    is_c1_LT = is_LT & (np.arange(atoms.SLOTS) == atoms.C1_PRIME)
    of_c1 = [_array(xyz, is_c1_LT) for xyz in (true_LT3, predicted_LT3)]
    c1 = coordinates.lddt_c1(predicted_LT3, is_LT, true_LT3, is_LT)
    each_L = bs.lddt(*of_c1, aggregation="residue")
    np.testing.assert_allclose(c1.score_L, each_L, atol=1e-4)
    assert c1.score == pytest.approx(each_L.mean(), abs=1e-4)


def _c1(xs):
    """Returns nucleotides with nothing but a C1', on a line."""
    xyz_LT3 = np.zeros((len(xs), atoms.SLOTS, 3))
    xyz_LT3[:, atoms.C1_PRIME, 0] = xs
    is_LT = np.broadcast_to(np.arange(atoms.SLOTS) == atoms.C1_PRIME, xyz_LT3.shape[:2])
    return xyz_LT3, is_LT.copy()


def test_lddt_by_hand():
    """Contacts of 0 6 12 40: 0-6, 6-12, 0-12; errors 0.7, 2.5, 3.2."""
    true = _c1([0.0, 6.0, 12.0, 40.0])
    predicted = _c1([0.0, 6.7, 15.2, 40.0])
    found = coordinates.lddt_c1(*predicted, *true)
    first, second, third = 3 / 4, 1 / 4, 1 / 4
    each = [(first + third) / 2, (first + second) / 2, (second + third) / 2, np.nan]
    np.testing.assert_allclose(found.score_L, each)
    assert found.score == pytest.approx(np.mean(each[:3]))
    pooled = coordinates.lddt_all_atom(*predicted, *true).score
    assert pooled == pytest.approx((first + second + third) / 3)


def test_what_a_prediction_lacks_fails_and_what_is_unknown_is_not_scored():
    true, predicted = _c1([0.0, 6.0, 12.0]), _c1([0.0, 6.0, 12.0])
    predicted[1][0] = False
    assert coordinates.lddt_all_atom(*predicted, *true).score == pytest.approx(1 / 3)
    assert coordinates.lddt_c1(*predicted, *true).score == pytest.approx(1 / 3)
    true[1][0] = False
    found = coordinates.lddt_c1(*predicted, *true)
    assert found.score == 1.0
    assert np.isnan(found.score_L[0])
    true[1][:] = False
    assert np.isnan(coordinates.lddt_all_atom(*predicted, *true).score)


def test_neither_a_motion_nor_a_mirror_is_seen_by_lddt():
    predicted_LT3, is_LT, true_LT3, _ = _noisy(0.5)
    expected = coordinates.lddt_all_atom(predicted_LT3, is_LT, true_LT3, is_LT).score
    turn_33 = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    for moved_LT3 in (predicted_LT3 @ turn_33 + 50, -predicted_LT3):
        found = coordinates.lddt_all_atom(moved_LT3, is_LT, true_LT3, is_LT)
        assert found.score == pytest.approx(expected, abs=1e-9)


def test_names_of_phosphate_oxygens_may_be_chosen():
    true_LT3, _, is_LT = structures.whole()
    one, two = atoms.SWAPPED
    swapped_LT3 = true_LT3.copy()
    swapped_LT3[1:8, [one, two]] = true_LT3[1:8, [two, one]]
    both = swapped_LT3, is_LT, true_LT3, is_LT
    assert coordinates.lddt_all_atom(*both).score < 0.999
    assert coordinates.lddt_all_atom(*both, is_renamed=True).score == 1.0


def test_fidelity_by_hand():
    true, predicted = np.array([[0, 9], [1, 8], [2, 7]]), np.array([[9, 0], [1, 7]])
    found = coordinates.interaction_network_fidelity(predicted, true)
    assert found.fidelity == pytest.approx(np.sqrt(1 / 2 * 1 / 3))
    assert found.f1 == pytest.approx(2 / 5)
    none = np.zeros((0, 2), int)
    assert coordinates.interaction_network_fidelity(none, true).f1 == 0.0
    with pytest.raises(ValueError, match="position 2 is paired with itself"):
        coordinates.interaction_network_fidelity(np.array([[1, 1]]), true)


def test_wrong_arrays_are_named():
    good = _c1([0.0, 6.0])
    with pytest.raises(ValueError, match="2 nucleotides, the known structure 3"):
        coordinates.lddt_c1(*good, *_c1([0.0, 6.0, 12.0]))
    with pytest.raises(ValueError, match="predicted coordinates .* are not"):
        coordinates.lddt_c1(good[0][:, :5], good[1], *good)
    bad = _c1([0.0, np.nan])
    with pytest.raises(ValueError, match="of nucleotide 2 are not finite"):
        coordinates.lddt_c1(*bad, *good)
