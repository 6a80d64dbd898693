import biotite.structure as bs
import numpy as np
import pytest
import structures

from ssrlm_jax.metrics import superposition
from ssrlm_jax.rna import atoms

TURN_33 = np.array([[0.0, -0.6, 0.8], [1.0, 0.0, 0.0], [0.0, 0.8, 0.6]])
SHIFT_3 = np.array([20.0, -3.0, 8.0])


def test_a_motion_is_found_and_a_mirror_image_is_not():
    xyz_N3 = np.random.default_rng(0).normal(size=(9, 3))
    found = superposition.fit(xyz_N3, xyz_N3 @ TURN_33.T + SHIFT_3)
    np.testing.assert_allclose(found.turn_33, TURN_33, atol=1e-9)
    np.testing.assert_allclose(found.shift_3, SHIFT_3, atol=1e-9)
    mirrored = superposition.fit(xyz_N3, -xyz_N3)
    assert np.linalg.det(mirrored.turn_33) == pytest.approx(1.0)
    away_N3 = xyz_N3 @ mirrored.turn_33.T + mirrored.shift_3 + xyz_N3
    assert np.abs(away_N3).max() > 0.5


def test_rmsd_is_biotites():
    xyz_LT3, _, is_LT = structures.whole()
    noise_LT3 = np.random.default_rng(1).normal(size=xyz_LT3.shape)
    moved_LT3 = (xyz_LT3 + noise_LT3) @ TURN_33.T + SHIFT_3
    fixed_N3, moving_N3 = xyz_LT3[is_LT], moved_LT3[is_LT]
    fitted_N3, _ = bs.superimpose(fixed_N3, moving_N3)
    expected = bs.rmsd(fixed_N3, fitted_N3)
    found = superposition.rmsd(moved_LT3, is_LT, xyz_LT3, is_LT)
    assert found == pytest.approx(expected, abs=1e-3)
    only_c1 = superposition.rmsd(moved_LT3, is_LT, xyz_LT3, is_LT, atoms.C1_PRIME)
    assert 0.5 < only_c1 < 2.5
    nothing_LT = np.zeros_like(is_LT)
    assert np.isnan(superposition.rmsd(moved_LT3, nothing_LT, xyz_LT3, is_LT))
    with pytest.raises(ValueError, match="slot=99"):
        superposition.rmsd(moved_LT3, is_LT, xyz_LT3, is_LT, 99)


def test_tm_score_of_the_same_of_half_and_of_none():
    xyz_LT3, _, is_LT = structures.whole()
    moved_LT3 = xyz_LT3 @ TURN_33.T + SHIFT_3
    assert superposition.tm_score(moved_LT3, is_LT, xyz_LT3, is_LT) == pytest.approx(1)
    half = len(xyz_LT3) // 2
    broken_LT3 = moved_LT3.copy()
    broken_LT3[half:] += 100.0
    found = superposition.tm_score(broken_LT3, is_LT, xyz_LT3, is_LT)
    assert found == pytest.approx(0.5, abs=0.03)
    lacking_LT = is_LT.copy()
    lacking_LT[:5, atoms.C3_PRIME] = False
    found = superposition.tm_score(moved_LT3, lacking_LT, xyz_LT3, is_LT)
    assert found == pytest.approx(1 - 5 / len(xyz_LT3))
    assert np.isnan(
        superposition.tm_score(moved_LT3, is_LT, xyz_LT3, np.zeros_like(is_LT))
    )


@pytest.mark.parametrize(
    ("length", "scale"),
    [(8, 0.3), (12, 0.4), (16, 0.5), (20, 0.6), (24, 0.7), (100, 3.485)],
)
def test_scales_are_those_of_rna(length, scale):
    assert superposition.tm_scale(length) == pytest.approx(scale, abs=1e-3)


def test_rmsd_of_one_atom_is_biotites_and_only_of_those_both_have():
    true_LT3, _, is_LT = structures.whole()
    noise_LT3 = np.random.default_rng(2).normal(size=true_LT3.shape)
    predicted_LT3 = (true_LT3 + noise_LT3) @ TURN_33.T + SHIFT_3
    is_predicted_LT, is_true_LT = is_LT.copy(), is_LT.copy()
    is_predicted_LT[:4, atoms.C1_PRIME] = False
    is_true_LT[-4:, atoms.C1_PRIME] = False
    fixed_N3 = true_LT3[4:-4, atoms.C1_PRIME]
    moving_N3 = predicted_LT3[4:-4, atoms.C1_PRIME]
    expected = bs.rmsd(fixed_N3, bs.superimpose(fixed_N3, moving_N3)[0])
    found = superposition.rmsd(
        predicted_LT3, is_predicted_LT, true_LT3, is_true_LT, atoms.C1_PRIME
    )
    assert found == pytest.approx(expected, abs=1e-3)


def test_a_mirror_image_is_neither_close_nor_similar():
    xyz_LT3, _, is_LT = structures.whole()
    assert superposition.rmsd(-xyz_LT3, is_LT, xyz_LT3, is_LT) > 3
    assert superposition.tm_score(-xyz_LT3, is_LT, xyz_LT3, is_LT) < 0.5


def test_without_points_nothing_is_moved():
    found = superposition.fit(np.zeros((0, 3)), np.zeros((0, 3)))
    np.testing.assert_array_equal(found.turn_33, np.eye(3))
    np.testing.assert_array_equal(found.shift_3, np.zeros(3))


def test_points_on_a_line_are_turned_not_mirrored():
    line_N3 = np.arange(4)[:, None] * np.array([[1.0, 0.0, 0.0]])
    found = superposition.fit(line_N3, line_N3 @ TURN_33.T + SHIFT_3)
    assert np.linalg.det(found.turn_33) == pytest.approx(1.0)
    np.testing.assert_allclose(
        line_N3 @ found.turn_33.T + found.shift_3,
        line_N3 @ TURN_33.T + SHIFT_3,
        atol=1e-9,
    )


@pytest.mark.parametrize("shapes", [((2, 3), (3, 3)), ((2, 2), (2, 2)), ((3,), (3,))])
def test_points_of_other_shapes_are_named(shapes):
    with pytest.raises(ValueError, match=r"not both of one shape \(N, 3\)"):
        superposition.fit(*map(np.zeros, shapes))


def _c3(xs):
    """Returns nucleotides with nothing but a C3', on a line."""
    xyz_LT3 = np.zeros((len(xs), atoms.SLOTS, 3))
    xyz_LT3[:, atoms.C3_PRIME, 0] = xs
    is_LT = np.broadcast_to(np.arange(atoms.SLOTS) == atoms.C3_PRIME, xyz_LT3.shape[:2])
    return xyz_LT3, is_LT.copy()


def test_tm_score_by_hand():
    """Two C3' 0.3 too far apart: each lies 0.15 off, at a scale of 0.3."""
    true, predicted = _c3([0.0, 10.0]), _c3([0.0, 10.3])
    found = superposition.tm_score(*predicted, *true)
    assert found == pytest.approx(1 / (1 + 0.5**2))
    # A third that the prediction lacks scores 0, and counts in the mean.
    more = _c3([0.0, 10.3, 0.0])
    more[1][2] = False
    found = superposition.tm_score(*more, *_c3([0.0, 10.0, 20.0]))
    assert found == pytest.approx(2 / 3 / (1 + 0.5**2))


def test_tm_score_does_not_count_what_is_unknown():
    true, predicted = _c3([0.0, 10.0, 20.0]), _c3([0.0, 10.0, 99.0])
    true[1][2] = False
    assert superposition.tm_score(*predicted, *true) == pytest.approx(1)
    predicted[1][:] = False
    assert superposition.tm_score(*predicted, *true) == 0.0


@pytest.mark.parametrize("domain", [slice(None, 13), slice(13, None)])
def test_half_a_chain_that_turned_away_keeps_the_score_of_the_other(domain):
    xyz_LT3, _, is_LT = structures.whole()
    bent_LT3 = xyz_LT3.copy()
    bent_LT3[domain] = bent_LT3[domain] @ TURN_33.T + SHIFT_3
    found = superposition.tm_score(bent_LT3, is_LT, xyz_LT3, is_LT)
    assert 0.49 < found < 0.65


@pytest.mark.parametrize(
    ("length", "scale"),
    [(11, 0.3), (15, 0.4), (19, 0.5), (23, 0.6), (29, 0.7), (30, 0.7589)],
)
def test_scales_step_behind_these_lengths(length, scale):
    assert superposition.tm_scale(length) == pytest.approx(scale, abs=1e-4)
