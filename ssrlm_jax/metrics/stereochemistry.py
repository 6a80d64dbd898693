"""Violations of chemistry in coordinates: clashes, lengths of bonds, handedness.

Of one strand, known or predicted, its atoms in the slots of `rna.atoms`. Atoms that are
missing are never violations. Angstrom.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import coordinate_scores
from ssrlm_jax.rna import atoms

MAX_OVERLAP = 0.4  # of van der Waals spheres, as MolProbity counts clashes
MIN_HYDROGEN_BOND = 2.4  # between N or O; shorter ones clash
NUM_DEVIATIONS = 4.0
# Bonds between an atom and the end of its nucleotide that is bonded to the next; atoms
# up to three bonds apart are no clash.
_FROM_O3 = {"O3'": 0, "C3'": 1, "C4'": 2, "C2'": 2}
_FROM_P = {"P": 0, "OP1": 1, "OP2": 1, "O5'": 1, "C5'": 2}
_MAX_BONDS = 3


class Clashes(NamedTuple):
    """Atoms too close to each other.

    Attributes:
      pair_N4: int64; nucleotide and slot of one atom, then of the other, from 0.
      num_atoms: of the strand.
      per_thousand: clashes per 1,000 atoms; nan without atoms. Hydrogens are not
        seen, so it is not MolProbity's clashscore.
    """

    pair_N4: np.ndarray
    num_atoms: int
    per_thousand: float


class BondOutliers(NamedTuple):
    """Bonds far from their usual length.

    Attributes:
      num_outliers: within nucleotides and between them.
      num_bonds: bonds whose two atoms are there.
      share: outliers of all bonds; nan without bonds.
      num_link_outliers: those of `num_outliers` that are between nucleotides.
      num_links: those of `num_bonds` that are between nucleotides.
    """

    num_outliers: int
    num_bonds: int
    share: float
    num_link_outliers: int
    num_links: int


class Chirality(NamedTuple):
    """Handedness of ribose.

    Attributes:
      num_wrong: centres with a volume that is not positive.
      num_centres: those whose atoms are there.
      volume_L4: cubic angstrom at each of `atoms.CENTRES`; nan where an atom is
        missing.
    """

    num_wrong: int
    num_centres: int
    volume_L4: np.ndarray


class Violations(NamedTuple):
    """Numbers of what chemistry does not allow."""

    clashes: int
    bond_outliers: int
    wrong_chirality: int


def violations(
    letters: str,
    xyz_LT3: np.ndarray,
    is_atom_LT: np.ndarray,
    breaks: Sequence[int] = (),
) -> Violations:
    """Counts clashes, outliers of bonds and wrong centres; arguments of `clashes`."""
    own = xyz_LT3, is_atom_LT
    return Violations(
        len(clashes(letters, *own, breaks).pair_N4),
        bond_outliers(*own, breaks).num_outliers,
        chirality(*own).num_wrong,
    )


def clashes(
    letters: str,
    xyz_LT3: np.ndarray,
    is_atom_LT: np.ndarray,
    breaks: Sequence[int] = (),
) -> Clashes:
    """Finds atoms whose van der Waals spheres overlap by more than MAX_OVERLAP.

    Not counted: atoms of one nucleotide, and those up to three bonds apart across the
    bond to the next. Two of N and O may share a hydrogen, so they clash only where
    closer than MIN_HYDROGEN_BOND.

    Args:
      letters: of the strand.
      xyz_LT3: angstrom; not read where there is no atom.
      is_atom_LT: bool, which slots hold an atom.
      breaks: positions from 0 behind which no bond leads on.

    Raises:
      ValueError: shapes differ, a coordinate is not finite, an atom is in a slot its
        letter does not have, or a break lies outside.

    Source: Word et al. 1999, J. Mol. Biol. 285, for the limit; RADII for the spheres.
    """
    from scipy import spatial  # type: ignore[import-untyped]  # a fifth of a second

    xyz_LT3, is_atom_LT = coordinate_scores.checked("strand", xyz_LT3, is_atom_LT)
    element_LT = _elements(letters, is_atom_LT)
    is_linked_L = _linked(len(is_atom_LT), breaks)
    at_N2 = np.argwhere(is_atom_LT)
    element_N, xyz_N3 = element_LT[is_atom_LT], xyz_LT3[is_atom_LT]
    radius_N = np.array([atoms.RADII[element] for element in element_N.tolist()])
    reach = 2 * max(atoms.RADII.values()) - MAX_OVERLAP
    found_P2 = spatial.cKDTree(xyz_N3).query_pairs(reach, output_type="ndarray")
    found_P2 = found_P2[np.lexsort(found_P2.T[::-1])]
    first_P, second_P = found_P2.T
    apart_P = np.linalg.norm(xyz_N3[first_P] - xyz_N3[second_P], axis=-1)
    is_polar_N = np.isin(element_N, ("N", "O"))
    limit_P = np.where(
        is_polar_N[first_P] & is_polar_N[second_P],
        MIN_HYDROGEN_BOND,
        radius_N[first_P] + radius_N[second_P] - MAX_OVERLAP,
    )
    # Atoms are in the order of the strand: the first belongs to the earlier nucleotide.
    step_P = at_N2[second_P, 0] - at_N2[first_P, 0]
    from_O3_T, from_P_T = _bonds_from(_FROM_O3), _bonds_from(_FROM_P)
    num_bonds_P = from_O3_T[at_N2[first_P, 1]] + 1 + from_P_T[at_N2[second_P, 1]]
    is_near_P = (step_P == 1) & is_linked_L[at_N2[first_P, 0]]
    is_bonded_P = (step_P == 0) | (is_near_P & (num_bonds_P <= _MAX_BONDS))
    found_P2 = found_P2[(apart_P < limit_P) & ~is_bonded_P]
    num_atoms = len(xyz_N3)
    return Clashes(
        pair_N4=at_N2[found_P2].reshape(-1, 4),
        num_atoms=num_atoms,
        per_thousand=1000 * len(found_P2) / num_atoms if num_atoms else np.nan,
    )


def bond_outliers(
    xyz_LT3: np.ndarray, is_atom_LT: np.ndarray, breaks: Sequence[int] = ()
) -> BondOutliers:
    """Counts bonds of the backbone more than NUM_DEVIATIONS from their usual length.

    Args:
      xyz_LT3: angstrom; not read where there is no atom.
      is_atom_LT: bool, which slots hold an atom.
      breaks: positions from 0 behind which no bond leads on.

    Raises:
      ValueError: shapes differ, a coordinate is not finite, or a break lies outside.

    Source: lengths and deviations of `atoms.BACKBONE_BONDS` and `atoms.LINK`.
    """
    xyz_LT3, is_atom_LT = coordinate_scores.checked("strand", xyz_LT3, is_atom_LT)
    is_linked_L = _linked(len(is_atom_LT), breaks)
    num_outliers = num_bonds = 0
    for (first, second), (mean, deviation) in atoms.BACKBONE_BONDS.items():
        a, b = _slot(first), _slot(second)
        is_bond_L = is_atom_LT[:, a] & is_atom_LT[:, b]
        length_L = np.linalg.norm(xyz_LT3[:, a] - xyz_LT3[:, b], axis=-1)
        is_outlier_L = np.abs(length_L - mean) > NUM_DEVIATIONS * deviation
        num_outliers += int((is_bond_L & is_outlier_L).sum())
        num_bonds += int(is_bond_L.sum())
    mean, deviation = atoms.LINK
    behind_N = np.flatnonzero(is_linked_L)
    has_O3_N = is_atom_LT[behind_N, atoms.O3_PRIME]
    behind_N = behind_N[has_O3_N & is_atom_LT[behind_N + 1, atoms.P]]
    step_N3 = xyz_LT3[behind_N, atoms.O3_PRIME] - xyz_LT3[behind_N + 1, atoms.P]
    is_outlier_N = (
        np.abs(np.linalg.norm(step_N3, axis=-1) - mean) > NUM_DEVIATIONS * deviation
    )
    num_link_outliers, num_links = int(is_outlier_N.sum()), len(behind_N)
    num_outliers, num_bonds = num_outliers + num_link_outliers, num_bonds + num_links
    return BondOutliers(
        num_outliers=num_outliers,
        num_bonds=num_bonds,
        share=num_outliers / num_bonds if num_bonds else np.nan,
        num_link_outliers=num_link_outliers,
        num_links=num_links,
    )


def chirality(xyz_LT3: np.ndarray, is_atom_LT: np.ndarray) -> Chirality:
    """Compares the handedness of ribose with that of nature.

    Of a mirror image all centres are wrong, while its lDDT is 1.

    Args:
      xyz_LT3: angstrom; not read where there is no atom.
      is_atom_LT: bool, which slots hold an atom.

    Raises:
      ValueError: shapes differ, or a coordinate is not finite.
    """
    xyz_LT3, is_atom_LT = coordinate_scores.checked("strand", xyz_LT3, is_atom_LT)
    volume_L4 = np.full((len(xyz_LT3), len(atoms.CENTRES)), np.nan)
    for column, (centre, neighbours) in enumerate(atoms.CENTRES):
        slots = [_slot(name) for name in (centre, *neighbours)]
        is_whole_L = is_atom_LT[:, slots].all(1)
        xyz_N43 = xyz_LT3[is_whole_L][:, slots]
        bond_N33 = xyz_N43[:, 1:] - xyz_N43[:, :1]
        volume_L4[is_whole_L, column] = np.linalg.det(bond_N33)
    is_known_L4 = ~np.isnan(volume_L4)
    return Chirality(
        num_wrong=int((volume_L4[is_known_L4] <= 0).sum()),
        num_centres=int(is_known_L4.sum()),
        volume_L4=volume_L4,
    )


def _slot(name: str) -> int:
    """Returns the slot of an atom of the backbone, or "N" of the base's first."""
    return atoms.GLYCOSIDIC if name == "N" else atoms.BACKBONE.index(name)


def _bonds_from(bonds: dict[str, int]) -> np.ndarray:
    """Returns bonds to each slot, (SLOTS,); too many where not listed."""
    bonds_T = np.full(atoms.SLOTS, _MAX_BONDS + 1)
    for name, num in bonds.items():
        bonds_T[_slot(name)] = num
    return bonds_T


def _elements(letters: str, is_atom_LT: np.ndarray) -> np.ndarray:
    if len(letters) != len(is_atom_LT):
        raise ValueError(
            f"{len(letters)} letters and coordinates of {len(is_atom_LT)} nucleotides"
        )
    code_L = atoms.encode(letters)
    element_LT = np.where(code_L[:, None] >= 0, atoms.elements()[code_L], "")
    wrong_N = np.flatnonzero((is_atom_LT & (element_LT == "")).any(1))
    if len(wrong_N):
        at = wrong_N[0]
        slot = np.flatnonzero(is_atom_LT[at] & (element_LT[at] == ""))[0]
        raise ValueError(
            f"nucleotide {at + 1}: {letters[at]!r} has no atom in slot {slot}"
        )
    return element_LT


def _linked(length: int, breaks: Sequence[int]) -> np.ndarray:
    """Returns behind which nucleotides a bond leads on, bool (L,)."""
    is_linked_L = np.arange(length) < length - 1
    for position in breaks:
        if not 0 <= position < length:
            raise ValueError(f"break {position} lies outside 0..{length - 1}")
        is_linked_L[position] = False
    return is_linked_L
