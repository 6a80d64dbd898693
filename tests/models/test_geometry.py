import jax
import jax.numpy as jnp
import numpy as np
import pytest
import structures

from ssrlm_jax.metrics import coordinate_scores
from ssrlm_jax.models import geometry
from ssrlm_jax.rna import atoms


@pytest.fixture(scope="module")
def motion():
    q_4 = jnp.array([0.3, -0.7, 0.5, 0.4])
    return geometry.Frames(geometry.from_quaternion(q_4), jnp.array([7.0, -20.0, 3.0]))


def test_a_quarter_turn_by_hand():
    half = np.sqrt(0.5)
    turn_33 = geometry.from_quaternion(jnp.array([half, 0.0, 0.0, half]))  # about z
    np.testing.assert_allclose(
        geometry.rotate(turn_33, jnp.array([1.0, 0, 0])), [0, 1, 0], atol=1e-6
    )


def test_both_quaternions_of_a_rotation_and_any_length_are_one():
    q_4 = jnp.array([0.1, -0.9, 0.3, 0.2])
    turn_33 = geometry.from_quaternion(q_4)
    np.testing.assert_allclose(geometry.from_quaternion(-3 * q_4), turn_33, atol=1e-6)
    np.testing.assert_allclose(turn_33 @ turn_33.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(turn_33) == pytest.approx(1.0, abs=1e-6)


def test_a_turn_of_a_quaternion_is_a_product_of_rotations():
    q_4, update_3 = jnp.array([0.5, 0.5, -0.5, 0.5]), jnp.array([0.2, -0.1, 0.4])
    update_4 = jnp.append(jnp.ones(1), update_3)
    expected = geometry.matmul(
        geometry.from_quaternion(q_4), geometry.from_quaternion(update_4)
    )
    found = geometry.from_quaternion(geometry.turned(q_4, update_3))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_torsions_have_iupacs_sign():
    """Seen along b-c, d is turned clockwise from a by 90 degrees."""
    a, b, c = [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]
    for d, expected in (
        ([1.0, 0.0, 1.0], 90),
        ([1.0, 1.0, 0.0], 0),
        ([1, 0, -1.0], -90),
    ):
        cos, sin = geometry.torsion(jnp.array([a, b, c, d]))
        assert np.degrees(np.arctan2(sin, cos)) == pytest.approx(expected, abs=1e-3)


def test_frames_undo_themselves_and_compose(motion):
    x_N3 = jnp.arange(12.0).reshape(4, 3)
    frames = motion.at(-1)
    np.testing.assert_allclose(frames.inverse(frames.apply(x_N3)), x_N3, atol=1e-5)
    twice = motion.compose(motion).at(-1)
    np.testing.assert_allclose(
        twice.apply(x_N3), frames.apply(frames.apply(x_N3)), atol=1e-4
    )


@pytest.mark.parametrize(
    ("name", "rmsd", "lddt"), [("base9", 0.2, 0.99), ("rhofold_v5", 0.6, 0.93)]
)
def test_a_real_chain_is_rebuilt_from_its_frames_and_torsions(name, rmsd, lddt):
    xyz_LT3, kind_L, is_LT = structures.whole()
    groups = structures.groups(name)
    frames = geometry.frames_of(xyz_LT3, kind_L, groups)
    torsion_LK2 = geometry.torsions_of(xyz_LT3, kind_L, groups)
    found_LT3 = np.array(geometry.atoms_of(frames, torsion_LK2, kind_L, groups))
    gap_LT = np.square(found_LT3 - xyz_LT3).sum(-1)
    assert np.sqrt(gap_LT[is_LT].mean()) < rmsd
    score = coordinate_scores.lddt_all_atom(found_LT3, is_LT, xyz_LT3, is_LT).score
    assert score >= lddt


def test_atoms_are_carried_along_by_a_rigid_motion(motion):
    xyz_LT3, kind_L, is_LT = structures.whole()
    groups = structures.groups()
    moved_LT3 = motion.at(-1, -1).apply(xyz_LT3)
    torsion_LK2 = geometry.torsions_of(moved_LT3, kind_L, groups)
    np.testing.assert_allclose(
        torsion_LK2, geometry.torsions_of(xyz_LT3, kind_L, groups), atol=2e-4
    )
    frames = geometry.frames_of(xyz_LT3, kind_L, groups)
    expected = motion.at(-1, -1).apply(
        geometry.atoms_of(frames, torsion_LK2, kind_L, groups)
    )
    frames = geometry.frames_of(moved_LT3, kind_L, groups)
    found = geometry.atoms_of(frames, torsion_LK2, kind_L, groups)
    np.testing.assert_allclose(found[is_LT], expected[is_LT], atol=1e-3)


def test_a_mirror_image_has_other_torsions():
    xyz_LT3, kind_L, _ = structures.whole()
    groups = structures.groups()
    mirrored = geometry.torsions_of(xyz_LT3 * np.array([[[-1, 1, 1]]]), kind_L, groups)
    expected = geometry.torsions_of(xyz_LT3, kind_L, groups) * jnp.array([[[1, -1]]])
    np.testing.assert_allclose(mirrored, expected, atol=1e-3)


def test_gradients_are_finite_where_points_coincide():
    def total(x_N3):
        frames = geometry.from_points(x_N3[0], x_N3[1], x_N3[2])
        found = geometry.distances(x_N3, x_N3).sum() + frames.turn_33.sum()
        return found + geometry.torsion(x_N3[:4]).sum() + geometry.unit(x_N3).sum()

    assert np.isfinite(jax.grad(total)(jnp.zeros((5, 3)))).all()
    assert atoms.geometry("base9").num_torsions == 9
