import numpy as np
import pytest
import structures

from ssrlm_jax.infer import atom_methods
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
    xyz_LT3, is_LT = atom_methods.helix_atoms(letters)
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


def _two(letters, first, second, apart):
    """Returns a strand of two atoms, each a nucleotide and a slot."""
    xyz_LT3 = np.zeros((len(letters), atoms.SLOTS, 3))
    is_LT = np.zeros(xyz_LT3.shape[:2], bool)
    is_LT[first] = is_LT[second] = True
    xyz_LT3[second] = [apart, 0.0, 0.0]
    return xyz_LT3, is_LT


def _at(nucleotide, name):
    return nucleotide, atoms.slot("A", name)


@pytest.mark.parametrize(
    ("names", "limit"),
    [
        (("C1'", "C2'"), 1.70 + 1.70 - 0.4),
        (("P", "C2'"), 1.80 + 1.70 - 0.4),
        (("O2'", "C8"), 1.52 + 1.70 - 0.4),
        (("P", "N7"), 1.80 + 1.55 - 0.4),
        (("OP1", "N6"), 2.4),
        (("O2'", "O4'"), 2.4),
    ],
)
def test_two_atoms_clash_below_their_limit(names, limit):
    first, second = _at(0, names[0]), _at(2, names[1])
    near = stereochemistry.clashes("AAA", *_two("AAA", first, second, limit - 0.01))
    assert near.pair_N4.tolist() == [[*first, *second]]
    assert near.per_thousand == 500.0
    far = stereochemistry.clashes("AAA", *_two("AAA", first, second, limit + 0.01))
    assert far.per_thousand == 0.0


@pytest.mark.parametrize(
    ("first", "second", "num"),
    [
        (_at(0, "C4'"), _at(0, "C8"), 0),  # of one nucleotide
        (_at(0, "O3'"), _at(1, "C5'"), 0),  # three bonds
        (_at(0, "C3'"), _at(1, "O5'"), 0),
        (_at(0, "C4'"), _at(1, "P"), 0),
        (_at(0, "C2'"), _at(1, "P"), 0),
        (_at(0, "C3'"), _at(1, "OP1"), 0),
        (_at(0, "C3'"), _at(1, "OP2"), 0),
        (_at(0, "C4'"), _at(1, "O5'"), 1),  # four
        (_at(0, "C3'"), _at(1, "C5'"), 1),
        (_at(0, "C2'"), _at(1, "O5'"), 1),
        (_at(0, "C5'"), _at(1, "C3'"), 1),  # not along that bond
        (_at(0, "O3'"), _at(2, "P"), 1),  # not the next
    ],
)
def test_atoms_up_to_three_bonds_apart_do_not_clash(first, second, num):
    two = _two("AAA", first, second, 1.5)
    assert len(stereochemistry.clashes("AAA", *two).pair_N4) == num


def test_behind_a_break_all_atoms_can_clash():
    two = _two("AAA", _at(0, "O3'"), _at(1, "P"), 1.6)
    assert len(stereochemistry.clashes("AAA", *two, breaks=(1,)).pair_N4) == 0
    assert len(stereochemistry.clashes("AAA", *two, breaks=(0,)).pair_N4) == 1


@pytest.mark.parametrize("bond", atoms.BACKBONE_BONDS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_bonds_of_a_nucleotide_are_outliers_beyond_four_deviations(bond, sign):
    mean, deviation = atoms.BACKBONE_BONDS[bond]
    for num_deviations, num in ((3.9, 0), (4.1, 1)):
        apart = mean + sign * num_deviations * deviation
        two = _two("A", _at(0, bond[0]), _at(0, bond[1]), apart)
        found = stereochemistry.bond_outliers(*two)
        assert found == (num, 1, num, 0, 0)


@pytest.mark.parametrize("apart", [1.607 - 0.05, 1.607 + 0.05])
def test_a_link_is_an_outlier_beyond_four_deviations(apart):
    two = _two("AA", _at(0, "O3'"), _at(1, "P"), apart)
    assert stereochemistry.bond_outliers(*two) == (1, 1, 1, 1, 1)
    two = _two("AA", _at(0, "O3'"), _at(1, "P"), 1.607 + 0.046)
    assert stereochemistry.bond_outliers(*two) == (0, 1, 0, 0, 1)


def test_one_moved_oxygen_is_one_outlier_within_its_nucleotide():
    _, xyz_LT3, is_LT = _chain()
    before = stereochemistry.bond_outliers(xyz_LT3, is_LT)
    o2 = atoms.BACKBONE.index("O2'")
    moved_LT3 = xyz_LT3.copy()
    moved_LT3[5, o2] += 0.5 * (xyz_LT3[5, o2] - xyz_LT3[5, atoms.BACKBONE.index("C2'")])
    found = stereochemistry.bond_outliers(moved_LT3, is_LT)
    assert found.num_outliers == before.num_outliers + 1
    assert found.num_link_outliers == before.num_link_outliers


@pytest.mark.parametrize("column", range(len(atoms.CENTRES)))
def test_a_centre_on_the_other_side_of_its_neighbours_is_wrong(column):
    _, xyz_LT3, is_LT = _chain()
    centre, names = atoms.CENTRES[column]
    at = atoms.BACKBONE.index(centre)
    a_3, b_3, c_3 = (
        xyz_LT3[7, atoms.GLYCOSIDIC if n == "N" else atoms.BACKBONE.index(n)]
        for n in names
    )
    normal_3 = np.cross(b_3 - a_3, c_3 - a_3)
    normal_3 = normal_3 / np.linalg.norm(normal_3)
    moved_LT3 = xyz_LT3.copy()
    moved_LT3[7, at] -= 2 * normal_3 * (normal_3 @ (xyz_LT3[7, at] - a_3))
    before = stereochemistry.chirality(xyz_LT3, is_LT).volume_L4
    found = stereochemistry.chirality(moved_LT3, is_LT)
    assert found.volume_L4[7, column] == pytest.approx(-before[7, column], rel=1e-4)
    assert found.num_wrong >= 1
    is_other_L = np.arange(len(before)) != 7
    np.testing.assert_array_equal(found.volume_L4[is_other_L], before[is_other_L])


def test_a_centre_that_lacks_an_atom_is_not_judged():
    _, xyz_LT3, is_LT = _chain()
    lacking_LT = is_LT.copy()
    lacking_LT[3, atoms.GLYCOSIDIC] = False
    found = stereochemistry.chirality(-xyz_LT3, lacking_LT)
    assert np.isnan(found.volume_L4[3]).tolist() == [True, False, False, False]
    assert found.num_wrong == found.num_centres == 4 * len(xyz_LT3) - 1


@pytest.mark.parametrize("letters", ["", "A", "NNN"])
def test_without_atoms_there_are_no_violations(letters):
    nothing = (
        np.zeros((len(letters), atoms.SLOTS, 3)),
        np.zeros((len(letters), atoms.SLOTS), bool),
    )
    clashes = stereochemistry.clashes(letters, *nothing)
    assert clashes.pair_N4.shape == (0, 4)
    assert np.isnan(clashes.per_thousand)
    bonds = stereochemistry.bond_outliers(*nothing)
    assert (bonds.num_outliers, bonds.num_bonds, bonds.num_links) == (0, 0, 0)
    assert np.isnan(bonds.share)
    assert stereochemistry.chirality(*nothing)[:2] == (0, 0)


def test_other_wrong_input_is_named_too():
    letters, xyz_LT3, is_LT = _chain()
    with pytest.raises(ValueError, match="break -1 lies outside 0..26"):
        stereochemistry.clashes(letters, xyz_LT3, is_LT, breaks=(-1,))
    with pytest.raises(ValueError, match="nucleotide 1: 'N' has no atom in slot"):
        stereochemistry.clashes("N" + letters[1:], xyz_LT3, is_LT)
    with pytest.raises(ValueError, match="strand coordinates .* are not"):
        stereochemistry.chirality(xyz_LT3, is_LT[1:])
    bad_LT3 = xyz_LT3.copy()
    bad_LT3[4] = np.nan
    with pytest.raises(ValueError, match="strand coordinates of nucleotide 5 are not"):
        stereochemistry.bond_outliers(bad_LT3, is_LT)
