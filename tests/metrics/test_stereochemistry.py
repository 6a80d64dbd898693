import numpy as np
import pytest
import structures

from ssrlm_jax.infer import helix
from ssrlm_jax.metrics import stereochemistry
from ssrlm_jax.rna import atoms


def _chain():
    one = structures.chain()
    return one.letters, one.xyz_LT3, one.is_atom_LT


def test_a_real_chain_is_nearly_free_of_violations():
    letters, *own = _chain()
    clashes = stereochemistry.clashes(letters, *own)
    assert clashes.num_atoms == own[1].sum()
    assert clashes.per_thousand < 10
    bonds = stereochemistry.bond_outliers(*own)
    assert bonds.share < 0.03
    assert bonds.num_links == len(letters) - 1
    handed = stereochemistry.chirality(*own)
    assert handed.num_wrong == 0
    assert handed.num_centres == 4 * len(letters)
    assert np.nanmin(handed.volume_L4) > 1.5


def test_a_mirror_image_has_no_centre_right():
    _, xyz_LT3, is_LT = _chain()
    handed = stereochemistry.chirality(-xyz_LT3, is_LT)
    assert handed.num_wrong == handed.num_centres > 100


def test_one_atom_upon_another_is_one_clash_and_no_neighbour_is():
    letters = "GGGGGGGGGGGG"
    xyz_LT3, is_LT = helix.atoms_of(letters)
    assert len(stereochemistry.clashes(letters, xyz_LT3, is_LT).pair_N4) == 0
    op1 = atoms.BACKBONE.index("OP1")
    far_LT3 = xyz_LT3.copy()
    far_LT3[0] += 100.0
    far_LT3[0, op1] = far_LT3[9, op1] + np.array([0.0, 0.0, 1.0])
    alone_LT = is_LT.copy()
    alone_LT[9] = False
    alone_LT[9, op1] = True
    found = stereochemistry.clashes(letters, far_LT3, alone_LT).pair_N4
    assert [0, op1, 9, op1] in found.tolist()
    polar_LT3 = far_LT3.copy()
    polar_LT3[0, op1] = far_LT3[9, op1] + np.array([0.0, 0.0, 2.6])  # a hydrogen bond
    found = stereochemistry.clashes(letters, polar_LT3, alone_LT).pair_N4
    assert [0, op1, 9, op1] not in found.tolist()


def test_a_broken_link_is_one_outlier_unless_the_chain_ends_there():
    _, xyz_LT3, is_LT = _chain()
    before = stereochemistry.bond_outliers(xyz_LT3, is_LT)
    moved_LT3 = xyz_LT3.copy()
    moved_LT3[14:] += 5.0
    found = stereochemistry.bond_outliers(moved_LT3, is_LT)
    assert found.num_outliers == before.num_outliers + 1
    assert found.num_link_outliers == before.num_link_outliers + 1
    ended = stereochemistry.bond_outliers(moved_LT3, is_LT, breaks=(13,))
    assert ended.num_outliers == before.num_outliers
    assert ended.num_links == found.num_links - 1


def test_wrong_input_is_named():
    letters, xyz_LT3, is_LT = _chain()
    with pytest.raises(ValueError, match="26 letters and coordinates of 27"):
        stereochemistry.clashes(letters[1:], xyz_LT3, is_LT)
    with pytest.raises(ValueError, match="break 27 lies outside 0..26"):
        stereochemistry.bond_outliers(xyz_LT3, is_LT, breaks=(27,))
    pyrimidine = letters.index("U")
    more_LT = is_LT.copy()
    more_LT[pyrimidine] = True
    with pytest.raises(ValueError, match=f"nucleotide {pyrimidine + 1}: 'U' has no"):
        stereochemistry.clashes(letters, xyz_LT3, more_LT)
