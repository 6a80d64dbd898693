import numpy as np
import pytest
import structures

from ssrlm_jax.rna import atoms, rigid_groups


def test_slots_by_hand():
    assert atoms.SLOTS == 23
    assert [len(atoms.NAMES[letter]) for letter in "ACGU"] == [22, 20, 23, 20]
    assert atoms.slot("A", "N") == atoms.slot("A", "N9") == 12
    assert atoms.slot("C", "N") == atoms.slot("C", "N1") == 12
    assert atoms.slot("G", "C") == atoms.slot("G", "C4")
    assert atoms.slot("U", "C") == atoms.slot("U", "C2")
    assert atoms.encode("ACGUN").tolist() == [0, 1, 2, 3, -1]
    assert atoms.elements()[0, :4].tolist() == ["P", "O", "O", "O"]
    assert atoms.is_atom().sum(1).tolist() == [22, 20, 23, 20]


def test_atoms_go_to_their_slots_whatever_their_order():
    names = np.array(["C1'", "N9", "O1P", "P", "C1'", "XX"])
    residue_N = np.array([0, 0, 0, 1, 1, 1])
    xyz_N3 = np.arange(18, dtype=np.float32).reshape(6, 3)
    xyz_LT3, is_atom_LT = atoms.place("AN", residue_N, names, xyz_N3)
    assert is_atom_LT.sum() == 3  # of N no atom counts
    np.testing.assert_array_equal(xyz_LT3[0, atoms.C1_PRIME], [0, 1, 2])
    np.testing.assert_array_equal(xyz_LT3[0, 12], [3, 4, 5])
    np.testing.assert_array_equal(xyz_LT3[0, atoms.BACKBONE.index("OP1")], [6, 7, 8])


@pytest.mark.parametrize("name", rigid_groups.GEOMETRIES)
def test_every_atom_has_one_place(name):
    tree = rigid_groups.GEOMETRIES[name]
    for letter in atoms.LETTERS:
        assert set(tree.places[letter]) == set(atoms.NAMES[letter])
        groups = [group for group, _ in tree.places[letter].values()]
        assert set(groups) <= set(range(len(tree.torsions) + 1))
    order_VT = atoms.geometry(name).order_VT
    np.testing.assert_array_equal(
        np.sort(order_VT, 1), np.arange(23)[None].repeat(4, 0)
    )


def test_places_keep_the_bonds_of_the_backbone():
    """RhoFold's do not: P-OP is 0.9 to 1.1 instead of 1.485."""
    tree = rigid_groups.GEOMETRIES["base9"]
    for letter in atoms.LETTERS:
        places = tree.places[letter]
        for (first, second), (mean, _) in atoms.BACKBONE_BONDS.items():
            one, two = (atoms.ROLES[letter].get(n, n) for n in (first, second))
            if places[one][0] == places[two][0]:
                gap = np.subtract(places[one][1], places[two][1])
                assert abs(np.linalg.norm(gap) - mean) < 0.03
    far = np.linalg.norm(rigid_groups.GEOMETRIES["rhofold_v5"].places["A"]["OP1"][1])
    assert far > 2.0


def test_an_unknown_geometry_is_an_error():
    with pytest.raises(ValueError, match="'v6' is not one of"):
        atoms.geometry("v6")


def test_letters_of_the_fixture():
    assert structures.chain().letters == "GGUGCUCAGUAUGAGAAGAACCGCACC"
