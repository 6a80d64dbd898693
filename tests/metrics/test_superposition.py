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
