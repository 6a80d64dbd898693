"""Base pairs of RNA chains, found by their atoms, and by which edges they pair.

Source: Lu et al. 2015, Nucleic Acids Research 43(21), for the criteria of a pair, as
biotite implements them; Leontis and Westhof 2001, RNA 7(4), for edges.
"""

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax.rna import coordinates, pair_kinds

if TYPE_CHECKING:
    import biotite.structure as bs

_REACH = 3.6  # angstrom between N or O of two edges, at most
_EMPTY = 20.0  # angstrom without an atom along an axis, at most
_MOST_CELLS = 10**8  # of a cube of 1,600 angstrom
# The atoms of Watson-Crick, Hoogsteen and sugar edge that bond.
_EDGES: dict[str, dict[str, tuple[str, ...]]] = {
    "A": {"W": ("N1", "N6"), "H": ("N6", "N7"), "S": ("N3", "O2'")},
    "C": {"W": ("N3", "N4", "O2"), "H": ("N4",), "S": ("O2", "O2'")},
    "G": {"W": ("N1", "N2", "O6"), "H": ("N7", "O6"), "S": ("N2", "N3", "O2'")},
    "U": {"W": ("N3", "O2", "O4"), "H": ("O4",), "S": ("O2", "O2'")},
}
_RING = ("N1", "C2", "N3", "C4", "C5", "C6")
_GLYCOSIDIC = {"A": "N9", "C": "N1", "G": "N9", "U": "N1"}

_log = logging.getLogger(__name__)


def annotate(chains: Sequence[coordinates.Chain]) -> list[pair_kinds.Pair]:
    """Finds base pairs by biotite, without hydrogens, and names their edges.

    biotite looks only for pairs whose faces are turned against each other, so it
    misses the Leontis-Westhof classes of parallel faces.

    Args:
      chains: of one structure; nucleotides whose parent is unknown have no pairs.

    Returns:
      Sorted, distinct; bases may have several partners. None, and a warning, of atoms
      that are strewn over more room than could be looked through.
    """
    import biotite.structure as bs  # a third of a second, and few need it

    array, index_N = _atom_array(chains)
    if not len(array):
        return []
    num_cells = np.prod(np.ptp(array.coord, axis=0).astype(np.float64) / _REACH + 1)
    if not num_cells < _MOST_CELLS:
        _log.warning("atoms are strewn too far to look for base pairs: none are found")
        return []
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", Warning)  # bases with missing atoms
        try:
            found = bs.base_pairs(array, unique=False)
        except (ValueError, IndexError):  # no two nucleotides are near
            if _has_contacts(array, index_N):
                raise
            return []
    bases = _bases(chains)
    reached: dict[pair_kinds.Pair, int] = {}
    for first, second in np.reshape(found, (-1, 2)):
        (a, i), (b, j) = index_N[first].tolist(), index_N[second].tolist()
        edges, number = _facing(
            chains[a].letters[i], bases[a, i], chains[b].letters[j], bases[b, j]
        )
        if edges:
            reached[pair_kinds.ordered(a, i, b, j, edges)] = number
    return _without_neighbours(reached, chains)


def _without_neighbours(
    reached: dict[pair_kinds.Pair, int], chains: Sequence[coordinates.Chain]
) -> list[pair_kinds.Pair]:
    """Drops pairs whose Watson-Crick edge a better canonical pair takes.

    In a helix the next nucleotide across is near as well, with fewer contacts.
    """
    kinds = {
        pair: pair_kinds.kind(
            chains[pair.chain].letters[pair.i],
            chains[pair.other].letters[pair.j],
            pair.edges,
        )
        for pair in reached
    }
    taken: set[tuple[int, int]] = set()
    kept = []
    for pair in sorted(
        reached,
        key=lambda p: (
            kinds[p] == pair_kinds.KINDS[2],
            -reached[p],
            pair_kinds.KINDS.index(kinds[p]),
            p,
        ),
    ):
        ends = [(pair.chain, pair.i), (pair.other, pair.j)]
        used = [
            end for end, edge in zip(ends, pair.edges[1:], strict=True) if edge == "W"
        ]
        if taken.intersection(used):
            continue
        if kinds[pair] != pair_kinds.KINDS[2]:
            taken.update(used)
        kept.append(pair)
    return sorted(kept)


def edges_of(
    first: str,
    atoms: dict[str, np.ndarray],
    second: str,
    others: dict[str, np.ndarray],
) -> str:
    """Names orientation and edges of two bases that pair.

    Args:
      first: letter of the one, A C G U.
      atoms: its atoms by name, each (3,).
      second: letter of the other.
      others: its atoms.

    Returns:
      Such as "cWW" or "tHS": the two edges with most pairs of N and O within 3.6
      angstrom, of equals Watson-Crick, then Hoogsteen; "" where there are none or
      the bond to the sugar was not seen.
    """
    return _facing(first, atoms, second, others)[0]


def _facing(
    first: str,
    atoms: dict[str, np.ndarray],
    second: str,
    others: dict[str, np.ndarray],
) -> tuple[str, int]:
    """Returns orientation and edges, and how many contacts they have."""
    best, edges = 0, ""
    for one, mine in _EDGES.get(first, {}).items():
        for two, theirs in _EDGES.get(second, {}).items():
            number = sum(
                bool(np.linalg.norm(atoms[a] - others[b]) <= _REACH)
                for a in mine
                for b in theirs
                if a in atoms and b in others and not a == b == "O2'"
            )
            if number > best:
                best, edges = number, one + two
    turn = _orientation(first, atoms, second, others) if edges else ""
    return (turn + edges, best) if turn else ("", 0)


def _orientation(
    first: str,
    atoms: dict[str, np.ndarray],
    second: str,
    others: dict[str, np.ndarray],
) -> str:
    """Returns c or t; "" where a sugar or a ring is not seen."""
    ends, bonds = [], []
    for letter, base in ((first, atoms), (second, others)):
        nitrogen, sugar = base.get(_GLYCOSIDIC[letter]), base.get("C1'")
        ring = [xyz for name, xyz in base.items() if name in _RING]
        if nitrogen is None or sugar is None or not ring:
            return ""
        ends.append(np.mean(ring, axis=0))
        bonds.append(sugar - nitrogen)
    line = ends[1] - ends[0]
    same_side = np.dot(np.cross(line, bonds[0]), np.cross(line, bonds[1]))
    return "c" if same_side > 0 else "t"


def _bases(
    chains: Sequence[coordinates.Chain],
) -> dict[tuple[int, int], dict[str, np.ndarray]]:
    """Returns the atoms of every nucleotide by chain and position, then name."""
    found: dict[tuple[int, int], dict[str, np.ndarray]] = {}
    for number, chain in enumerate(chains):
        rows = zip(
            chain.residue_N.tolist(), chain.name_N.tolist(), chain.xyz_N3, strict=True
        )
        for position, name, xyz_3 in rows:
            found.setdefault((number, position), {})[name] = xyz_3
    return found


def _atom_array(
    chains: Sequence[coordinates.Chain],
) -> "tuple[bs.AtomArray, np.ndarray]":
    """Returns biotite's atoms, with parents as names, and chain and position."""
    import biotite.structure as bs

    parts = []
    for number, chain in enumerate(chains):
        letters = np.array(list(chain.letters))[chain.residue_N]
        is_known = letters != "N"
        parts.append(
            (
                letters[is_known],
                chain.name_N[is_known],
                chain.xyz_N3[is_known],
                np.full(int(is_known.sum()), number),
                chain.residue_N[is_known],
            )
        )
    letters, names, xyz_N3, chain_N, residue_N = (
        np.concatenate([part[n] for part in parts]) if parts else np.empty(0)
        for n in range(5)
    )
    array = bs.AtomArray(len(letters))
    if len(letters):
        array.coord = _drawn_near(xyz_N3)
        array.res_name, array.atom_name = letters, names
        array.chain_id, array.res_id = chain_N.astype("U4"), residue_N + 1
        array.element = np.array([str(name).lstrip("0123456789")[:1] for name in names])
    return array, np.stack([chain_N, residue_N], axis=-1).astype(int)


def _drawn_near(xyz_N3: np.ndarray) -> np.ndarray:
    """Returns places with empty room narrowed, as biotite divides all room in cells.

    What is near stays as it was.
    """
    xyz_N3 = np.array(xyz_N3, np.float64)
    for axis in range(3):
        order = np.argsort(xyz_N3[:, axis], kind="stable")
        steps = np.diff(xyz_N3[order, axis])
        xyz_N3[order[1:], axis] -= np.cumsum(np.maximum(steps - _EMPTY, 0))
    return xyz_N3.astype(np.float32)


def _has_contacts(array: "bs.AtomArray", index_N: np.ndarray) -> bool:
    """Tells whether N or O of two nucleotides are in reach."""
    import biotite.structure as bs

    is_polar = np.isin(array.element, ["N", "O"])
    # biotite has it in Cython, without types.
    cells = bs.CellList(array, _REACH, selection=is_polar)  # type: ignore[attr-defined]
    near = cells.get_atoms(array.coord[is_polar], _REACH)
    mine = index_N[is_polar][:, None]
    return bool(((near >= 0) & (index_N[near] != mine).any(-1)).any())
