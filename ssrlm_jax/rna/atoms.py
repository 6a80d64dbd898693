"""Heavy atoms of A C G U: names, slots, bonds, and the rigid groups they move in.

A nucleotide has SLOTS places: 12 atoms of the backbone, which all letters share, then
those of its base, the glycosidic nitrogen first; what a letter lacks is empty. Tables
have one row a letter, in the order of LETTERS. Angstrom and radians.
"""

import dataclasses
import functools

import numpy as np

from ssrlm_jax.rna import rigid_groups

LETTERS = "ACGU"
BACKBONE = (
    *("P", "OP1", "OP2", "O5'", "C5'", "C4'"),
    *("O4'", "C3'", "O3'", "C2'", "O2'", "C1'"),
)
BASES = {
    "A": ("N9", "C8", "N7", "C5", "C6", "N6", "N1", "C2", "N3", "C4"),
    "C": ("N1", "C2", "O2", "N3", "C4", "N4", "C5", "C6"),
    "G": ("N9", "C8", "N7", "C5", "C6", "O6", "N1", "C2", "N2", "N3", "C4"),
    "U": ("N1", "C2", "O2", "N3", "C4", "O4", "C5", "C6"),
}
NAMES = {letter: (*BACKBONE, *BASES[letter]) for letter in LETTERS}
SLOTS = max(map(len, NAMES.values()))  # 23, of G
P, C4_PRIME, C3_PRIME, C1_PRIME = (
    BACKBONE.index(n) for n in ("P", "C4'", "C3'", "C1'")
)
O3_PRIME, O5_PRIME = BACKBONE.index("O3'"), BACKBONE.index("O5'")
GLYCOSIDIC = len(BACKBONE)  # slot of N9 or N1
# Places that are equal in chemistry: deposited models name them either way.
SWAPPED = (BACKBONE.index("OP1"), BACKBONE.index("OP2"))
# Names in tables of torsions that stand for an atom of each base.
ROLES = {
    letter: {"N": BASES[letter][0], "C": "C4" if letter in "AG" else "C2"}
    for letter in LETTERS
}

# Length and its standard deviation. Parkinson et al. 1996, Acta Cryst. D 52; Gelbin et
# al. 1996, J. Am. Chem. Soc. 118.
BACKBONE_BONDS = {
    ("P", "OP1"): (1.485, 0.017),
    ("P", "OP2"): (1.485, 0.017),
    ("P", "O5'"): (1.593, 0.010),
    ("O5'", "C5'"): (1.440, 0.016),
    ("C5'", "C4'"): (1.510, 0.013),
    ("C4'", "C3'"): (1.524, 0.011),
    ("C3'", "C2'"): (1.525, 0.011),
    ("C2'", "C1'"): (1.528, 0.010),
    ("C1'", "O4'"): (1.414, 0.012),
    ("O4'", "C4'"): (1.453, 0.012),
    ("C3'", "O3'"): (1.423, 0.014),
    ("C2'", "O2'"): (1.413, 0.013),
    ("C1'", "N"): (1.470, 0.015),
}
LINK = (1.607, 0.012)  # O3' and the next P
# Cosines of the angles O3'-P-O5' and C3'-O3'-P at that bond.
LINK_COSINES = (-0.243, -0.498)
# Each centre of ribose and three neighbours, in an order in which the bonds to them
# span a positive volume in nature: 2.4 to 2.7 cubic angstrom. "N": the base's first.
CENTRES = (
    ("C1'", ("O4'", "C2'", "N")),
    ("C2'", ("C3'", "C1'", "O2'")),
    ("C3'", ("C4'", "C2'", "O3'")),
    ("C4'", ("C5'", "C3'", "O4'")),
)
# Bondi 1964, J. Phys. Chem. 68.
RADII = {"C": 1.70, "N": 1.55, "O": 1.52, "P": 1.80}


@dataclasses.dataclass(frozen=True, eq=False)
class Geometry:
    """How atoms follow from a frame and torsions; axes: V letters, K torsions.

    Group 0 stands still in the frame, group k turns with torsion k. The frame of a
    group has its origin at the third atom of its torsion, x along the bond from the
    second, and its fourth atom in the half-plane y > 0: a positive turn about x is a
    positive torsion as IUPAC counts it.

    Attributes:
      name: one of GEOMETRIES.
      frame_V3: slots: an atom in the half-plane y > 0, the origin, one on the axis x.
      torsion_VK4: slots of the four atoms of a torsion.
      parent_K: group that the bond of a torsion stands still in.
      turn_VK33: axes of a group at torsion 0 in its parent's coordinates, as columns.
      shift_VK3: its origin there.
      group_VT: group of each slot.
      place_VT3: coordinates of each slot in its group; zeros where empty.
      softening: see `rigid_groups.Tree`.
      is_atom_VT: which slots a letter has.
      order_VT: slots as published weights number them; empty ones last.
      anchor: slot of C1'.
    """

    name: str
    frame_V3: np.ndarray
    torsion_VK4: np.ndarray
    parent_K: np.ndarray
    turn_VK33: np.ndarray
    shift_VK3: np.ndarray
    group_VT: np.ndarray
    place_VT3: np.ndarray
    softening: float
    is_atom_VT: np.ndarray
    order_VT: np.ndarray
    anchor: int

    @property
    def num_torsions(self) -> int:
        """How many torsions a nucleotide has."""
        return len(self.parent_K)


def slot(letter: str, name: str) -> int:
    """Returns the slot of an atom.

    Raises:
      ValueError: the letter has no such atom.
    """
    return NAMES[letter].index(ROLES[letter].get(name, name) if name in "NC" else name)


def is_atom() -> np.ndarray:
    """Returns which slots a letter has, bool (4, SLOTS)."""
    size_V = np.array([len(NAMES[letter]) for letter in LETTERS])
    return np.arange(SLOTS)[None] < size_V[:, None]


def encode(letters: str) -> np.ndarray:
    """Returns places in LETTERS, int32; -1 for others, such as N."""
    return np.array([LETTERS.find(letter) for letter in letters], np.int32)


def elements() -> np.ndarray:
    """Returns the element of each slot, (4, SLOTS) of "C", "N", "O", "P" or ""."""
    found_VT = np.full((len(LETTERS), SLOTS), "", "U1")
    for row, letter in enumerate(LETTERS):
        found_VT[row, : len(NAMES[letter])] = [name[0] for name in NAMES[letter]]
    return found_VT


def place(
    letters: str, residue_N: np.ndarray, name_N: np.ndarray, xyz_N3: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Puts atoms into slots.

    Args:
      letters: of the chain; atoms of others than A C G U are left out.
      residue_N: position of each atom from 0.
      name_N: its name; O1P and O2P are OP1 and OP2. Unknown ones are left out.
      xyz_N3: angstrom.

    Returns:
      xyz_LT3 float32, zeros where there is no atom, and is_atom_LT bool.
    """
    xyz_LT3 = np.zeros((len(letters), SLOTS, 3), np.float32)
    is_atom_LT = np.zeros((len(letters), SLOTS), bool)
    slots = {
        letter: {name: n for n, name in enumerate(NAMES[letter])} for letter in NAMES
    }
    older = {"O1P": "OP1", "O2P": "OP2"}
    for residue, name, xyz_3 in zip(residue_N, name_N, xyz_N3, strict=True):
        found = slots.get(letters[residue], {}).get(older.get(str(name), str(name)))
        if found is not None:
            xyz_LT3[residue, found] = xyz_3
            is_atom_LT[residue, found] = True
    return xyz_LT3, is_atom_LT


@functools.cache
def geometry(name: str) -> Geometry:
    """Returns a geometry by name.

    Args:
      name: "base9": nine torsions from a frame on the base, which rebuild real RNA to
        0.15 angstrom; "rhofold_v5": the four of RhoFold, for its published weights.

    Raises:
      ValueError: there is no such geometry.
    """
    if name not in rigid_groups.GEOMETRIES:
        raise ValueError(
            f"geometry {name!r} is not one of {tuple(rigid_groups.GEOMETRIES)}"
        )
    return build(name, rigid_groups.GEOMETRIES[name])


def build(name: str, tree: rigid_groups.Tree) -> Geometry:
    """Makes the tables of a geometry."""
    K = len(tree.torsions)
    frame_V3 = np.zeros((4, 3), np.int32)
    torsion_VK4 = np.zeros((4, K, 4), np.int32)
    parent_K = np.zeros(K, np.int32)
    turn_VK33, shift_VK3 = np.zeros((4, K, 3, 3)), np.zeros((4, K, 3))
    group_VT, place_VT3 = np.zeros((4, SLOTS), np.int32), np.zeros((4, SLOTS, 3))
    for row, letter in enumerate(LETTERS):
        frame_V3[row] = [slot(letter, atom) for atom in tree.frame]
        for atom, (group, xyz) in tree.places[letter].items():
            group_VT[row, slot(letter, atom)] = group
            place_VT3[row, slot(letter, atom)] = xyz
        # Coordinates of atoms in the frame, with all torsions at 0.
        turns, shifts = [np.eye(3)], [np.zeros(3)]
        for k, atoms in enumerate(tree.torsions):
            torsion_VK4[row, k] = [slot(letter, atom) for atom in atoms]
            a, b, c = torsion_VK4[row, k, :3]
            groups = group_VT[row]
            parent_K[k] = groups[c]
            at = [
                shifts[groups[s]] + turns[groups[s]] @ place_VT3[row, s]
                for s in (a, b, c)
            ]
            turn_33 = _axes(at[2] - at[1], at[0] - at[2], tree.softening)
            turns.append(turn_33)
            shifts.append(at[2])
            back_33 = turns[parent_K[k]].T
            turn_VK33[row, k] = back_33 @ turn_33
            shift_VK3[row, k] = back_33 @ (at[2] - shifts[parent_K[k]])
    return Geometry(
        name=name,
        frame_V3=frame_V3,
        torsion_VK4=torsion_VK4,
        parent_K=parent_K,
        turn_VK33=turn_VK33.astype(np.float32),
        shift_VK3=shift_VK3.astype(np.float32),
        group_VT=group_VT,
        place_VT3=place_VT3.astype(np.float32),
        softening=tree.softening,
        is_atom_VT=is_atom(),
        order_VT=np.stack([_order(letter, tree) for letter in LETTERS]),
        anchor=C1_PRIME,
    )


def _order(letter: str, tree: rigid_groups.Tree) -> np.ndarray:
    """Returns all slots: those of atoms in the order of a tree, then empty ones."""
    named = [slot(letter, name) for name in tree.order.get(letter, NAMES[letter])]
    return np.array([*named, *range(len(named), SLOTS)], np.int32)


def _axes(x_3: np.ndarray, y_3: np.ndarray, softening: float) -> np.ndarray:
    """Returns axes as columns: x along `x_3`, `y_3` in the half-plane y > 0."""
    x_3 = x_3 / (np.linalg.norm(x_3) + softening)
    y_3 = y_3 - x_3 * (x_3 @ y_3)
    y_3 = y_3 / (np.linalg.norm(y_3) + softening)
    return np.stack([x_3, y_3, np.cross(x_3, y_3)], axis=1)
