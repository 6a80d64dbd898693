import biotite.structure as bs
import numpy as np
import pytest
import structures

from ssrlm_jax.metrics import coordinate_scores
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
    found = coordinate_scores.lddt_all_atom(predicted_LT3, is_LT, true_LT3, is_LT)
    assert found.score == pytest.approx(bs.lddt(*both), abs=1e-4)
    np.testing.assert_allclose(
        found.score_L, bs.lddt(*both, aggregation="residue"), atol=1e-4
    )
    is_c1_LT = is_LT & (np.arange(atoms.SLOTS) == atoms.C1_PRIME)
    of_c1 = [_array(xyz, is_c1_LT) for xyz in (true_LT3, predicted_LT3)]
    c1 = coordinate_scores.lddt_c1(predicted_LT3, is_LT, true_LT3, is_LT)
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
    found = coordinate_scores.lddt_c1(*predicted, *true)
    first, second, third = 3 / 4, 1 / 4, 1 / 4
    each = [(first + third) / 2, (first + second) / 2, (second + third) / 2, np.nan]
    np.testing.assert_allclose(found.score_L, each)
    assert found.score == pytest.approx(np.mean(each[:3]))
    pooled = coordinate_scores.lddt_all_atom(*predicted, *true).score
    assert pooled == pytest.approx((first + second + third) / 3)


def test_what_a_prediction_lacks_fails_and_what_is_unknown_is_not_scored():
    true, predicted = _c1([0.0, 6.0, 12.0]), _c1([0.0, 6.0, 12.0])
    predicted[1][0] = False
    assert coordinate_scores.lddt_all_atom(*predicted, *true).score == pytest.approx(
        1 / 3
    )
    assert coordinate_scores.lddt_c1(*predicted, *true).score == pytest.approx(1 / 3)
    true[1][0] = False
    found = coordinate_scores.lddt_c1(*predicted, *true)
    assert found.score == 1.0
    assert np.isnan(found.score_L[0])
    true[1][:] = False
    assert np.isnan(coordinate_scores.lddt_all_atom(*predicted, *true).score)


def test_neither_a_motion_nor_a_mirror_is_seen_by_lddt():
    predicted_LT3, is_LT, true_LT3, _ = _noisy(0.5)
    expected = coordinate_scores.lddt_all_atom(
        predicted_LT3, is_LT, true_LT3, is_LT
    ).score
    turn_33 = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    for moved_LT3 in (predicted_LT3 @ turn_33 + 50, -predicted_LT3):
        found = coordinate_scores.lddt_all_atom(moved_LT3, is_LT, true_LT3, is_LT)
        assert found.score == pytest.approx(expected, abs=1e-9)


def test_names_of_phosphate_oxygens_may_be_chosen():
    true_LT3, _, is_LT = structures.whole()
    one, two = atoms.SWAPPED
    swapped_LT3 = true_LT3.copy()
    swapped_LT3[1:8, [one, two]] = true_LT3[1:8, [two, one]]
    both = swapped_LT3, is_LT, true_LT3, is_LT
    assert coordinate_scores.lddt_all_atom(*both).score < 0.999
    assert coordinate_scores.lddt_all_atom(*both, is_renamed=True).score == 1.0


def test_fidelity_by_hand():
    true, predicted = np.array([[0, 9], [1, 8], [2, 7]]), np.array([[9, 0], [1, 7]])
    found = coordinate_scores.interaction_network_fidelity(predicted, true)
    assert found.fidelity == pytest.approx(np.sqrt(1 / 2 * 1 / 3))
    assert found.f1 == pytest.approx(2 / 5)
    none = np.zeros((0, 2), int)
    assert coordinate_scores.interaction_network_fidelity(none, true).f1 == 0.0
    with pytest.raises(ValueError, match="position 2 is paired with itself"):
        coordinate_scores.interaction_network_fidelity(np.array([[1, 1]]), true)


def test_wrong_arrays_are_named():
    good = _c1([0.0, 6.0])
    with pytest.raises(ValueError, match="2 nucleotides, the known structure 3"):
        coordinate_scores.lddt_c1(*good, *_c1([0.0, 6.0, 12.0]))
    with pytest.raises(ValueError, match="predicted coordinates .* are not"):
        coordinate_scores.lddt_c1(good[0][:, :5], good[1], *good)
    bad = _c1([0.0, np.nan])
    with pytest.raises(ValueError, match="of nucleotide 2 are not finite"):
        coordinate_scores.lddt_c1(*bad, *good)


def test_lddt_is_biotites_where_the_prediction_lacks_atoms():
    predicted_LT3, is_LT, true_LT3, _ = _noisy(0.5)
    is_seen_LT = is_LT & (np.random.default_rng(1).random(is_LT.shape) < 0.8)
    subject = _array(np.where(is_seen_LT[..., None], predicted_LT3, np.nan), is_LT)
    expected = bs.lddt(_array(true_LT3, is_LT), subject)
    found = coordinate_scores.lddt_all_atom(predicted_LT3, is_seen_LT, true_LT3, is_LT)
    assert found.score == pytest.approx(expected, abs=1e-4)
    whole = coordinate_scores.lddt_all_atom(predicted_LT3, is_LT, true_LT3, is_LT)
    assert found.score < whole.score - 0.2


def test_a_mirror_image_of_the_truth_has_full_lddt():
    true_LT3, _, is_LT = structures.whole()
    both = -true_LT3, is_LT, true_LT3, is_LT
    assert coordinate_scores.lddt_all_atom(*both).score == 1.0
    assert coordinate_scores.lddt_c1(*both).score == 1.0


@pytest.mark.parametrize(
    ("apart", "error", "expected"),
    [
        (14.75, 0.25, 1.0),
        (14.75, 0.5, 0.75),  # a threshold itself is not below
        (14.75, 4.0, 0.0),
        (15.0, 0.0, np.nan),  # nor is the radius
    ],
)
def test_limits_of_lddt_are_not_part_of_it(apart, error, expected):
    both = *_c1([0.0, apart + error]), *_c1([0.0, apart])
    for lddt in (coordinate_scores.lddt_all_atom, coordinate_scores.lddt_c1):
        np.testing.assert_array_equal(lddt(*both).score, expected)


def test_atoms_of_one_nucleotide_are_no_contact():
    true, predicted = _c1([0.0, 6.0]), _c1([0.0, 6.0])
    for (xyz_LT3, is_LT), x in ((true, 3.0), (predicted, 5.0)):
        xyz_LT3[0, atoms.P, 0] = x
        is_LT[0, atoms.P] = True
    # C1'-C1' is kept; P-C1' of the next is 2 angstrom too short: 1 of 4 thresholds.
    found = coordinate_scores.lddt_all_atom(*predicted, *true)
    assert found.score == pytest.approx((1 + 1 / 4) / 2)


def test_oxygens_that_fit_as_they_are_named_stay():
    predicted_LT3, is_LT, true_LT3, _ = _noisy(0.1)
    both = predicted_LT3, is_LT, true_LT3, is_LT
    named = coordinate_scores.lddt_all_atom(*both)
    renamed = coordinate_scores.lddt_all_atom(*both, is_renamed=True)
    np.testing.assert_array_equal(renamed.score_L, named.score_L)
    assert named.score < 1.0


def test_oxygens_that_fit_neither_way_better_stay():
    """Of phosphates alone no name is certain; the second has but one oxygen."""
    xyz_LT3, is_LT = _c1([0.0, 6.0])
    is_LT[:] = False
    for at, x in (((0, 1), 0.0), ((0, 2), 2.0), ((1, 1), 6.0)):
        xyz_LT3[at] = [x, 0.0, 0.0]
        is_LT[at] = True
    both = xyz_LT3, is_LT, xyz_LT3, is_LT
    assert coordinate_scores.lddt_all_atom(*both, is_renamed=True).score == 1.0


@pytest.mark.parametrize("length", [0, 1, 3])
def test_without_atoms_there_is_no_lddt(length):
    nothing = _c1(np.zeros(length))
    nothing[1][:] = False
    for lddt in (coordinate_scores.lddt_all_atom, coordinate_scores.lddt_c1):
        found = lddt(*nothing, *nothing)
        assert np.isnan(found.score)
        np.testing.assert_array_equal(found.score_L, np.full(length, np.nan))


def test_places_without_an_atom_are_not_read():
    predicted_LT3, is_LT, true_LT3, _ = _noisy(0.5)
    expected = coordinate_scores.lddt_all_atom(predicted_LT3, is_LT, true_LT3, is_LT)
    filled = [np.where(is_LT[..., None], x, np.nan) for x in (predicted_LT3, true_LT3)]
    found = coordinate_scores.lddt_all_atom(filled[0], is_LT, filled[1], is_LT)
    assert found.score == expected.score


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [([], [], 1.0), ([[0, 3]], [], 0.0), ([], [[0, 3]], 0.0)],
)
def test_fidelity_of_empty_structures(predicted, true, expected):
    found = coordinate_scores.interaction_network_fidelity(np.array(predicted), true)
    assert found == (expected, expected)


def test_pairs_given_twice_count_once():
    twice = np.array([[0, 3], [3, 0], [0, 3]])
    found = coordinate_scores.interaction_network_fidelity(
        twice, np.array([[0, 3], [1, 2]])
    )
    assert found == pytest.approx((np.sqrt(1 / 2), 2 / 3))


def test_wrong_arrays_of_the_known_structure_are_named_too():
    xyz_LT3, is_LT = _c1([0.0, 6.0])
    with pytest.raises(ValueError, match="true coordinates .* are not"):
        coordinate_scores.lddt_all_atom(xyz_LT3, is_LT, xyz_LT3, is_LT[:, :5])
    with pytest.raises(ValueError, match="true coordinates of nucleotide 1 are not"):
        coordinate_scores.lddt_all_atom(xyz_LT3, is_LT, *_c1([np.inf, 6.0]))
