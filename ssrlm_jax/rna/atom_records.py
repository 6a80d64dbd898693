"""What structure files hold, of any format: residues by chain, with their atoms.

One rule: what a file lists stays apart. Residues whose numbers start again are other
residues, though chain, number and name are those of residues before.
"""

import math
from collections.abc import Hashable
from typing import NamedTuple

import gemmi

from ssrlm_jax.rna import residues


class Atom(NamedTuple):
    """Where an atom lies, in angstrom, its occupancy and its B column."""

    xyz: tuple[float, float, float]
    occupancy: float
    b: float


class Residue(NamedTuple):
    """A residue as the file has it.

    Attributes:
      name: in the file.
      number: of the authors, with insertion code.
      whole: the number without it.
      is_hetero: the file says so, by HETATM.
      polymer: of mmCIF, the label of its chain where that is a polymer; else "".
      position: in the polymer's sequence, from 1; 0 where unknown.
      atoms: heavy ones by the names of today's PDB; of alternatives the one of the
        highest occupancy.
    """

    name: str
    number: str
    whole: int
    is_hetero: bool
    polymer: str
    position: int
    atoms: dict[str, Atom]


class File(NamedTuple):
    """What a file holds, of one model.

    Attributes:
      chains: residues by the authors' chain, in the order of the file.
      sequences: names of residues of whole polymers, by chain in PDB files and by
        label in mmCIF; what is not there is not known.
      date: of release, "" where unknown.
      resolution: angstrom, nan where unknown.
      method: "" where unknown.
      num_models: with atoms, in the file.
    """

    chains: dict[str, list[Residue]]
    sequences: dict[str, list[str]]
    date: str
    resolution: float
    method: str
    num_models: int


class Starts:
    """Finds where the residues of a chain start again."""

    def __init__(self) -> None:
        self._last: Hashable = None
        self._known: set[Hashable] = set()
        self._times: dict[Hashable, int] = {}

    def again(self, chain: Hashable, residue: Hashable, atom: Hashable) -> bool:
        """Takes the next atom; tells whether its residue begins a chain anew.

        That is another residue than that of the atom before, which has had this atom
        already.
        """
        times = self._times.get(chain, 0)
        is_next = self._last != (chain, residue)
        is_again = is_next and (chain, times, residue, atom) in self._known
        if is_again:
            self._times[chain] = times + 1
        self._last = (chain, residue)
        self._known.add((chain, self.times(chain), residue, atom))
        return is_again

    def times(self, chain: Hashable) -> int:
        """Returns how often a chain began anew."""
        return self._times.get(chain, 0)


def about(structure: gemmi.Structure) -> tuple[float, str]:
    """Returns resolution and method."""
    method = "_exptl.method"
    said = structure.info[method].strip() if method in structure.info else ""
    return structure.resolution or math.nan, said


def of_chain(part: gemmi.Chain, polymer: str) -> list[Residue]:
    """Returns the residues of a chain, whose polymer has this label."""
    return [
        Residue(
            name=residue.name,
            number=str(residue.seqid).strip(),
            whole=residue.seqid.num or 0,
            is_hetero=residue.het_flag == "H",
            polymer=polymer,
            position=(residue.label_seq or 0) if polymer else 0,
            atoms=_atoms(residue),
        )
        for residue in part
    ]


def _atoms(residue: gemmi.Residue) -> dict[str, Atom]:
    """Returns heavy atoms by name; none of amino acids and water."""
    kind = gemmi.find_tabulated_residue(residue.name)
    if kind.is_amino_acid() or kind.is_water():
        return {}
    best: dict[str, Atom] = {}
    for atom in residue:
        name = residues.atom_name(atom.name)
        if atom.is_hydrogen() or name.lstrip("0123456789")[:1] in "HD":
            continue
        xyz = atom.pos.tolist()
        if name not in best or atom.occ > best[name].occupancy:
            best[name] = Atom((xyz[0], xyz[1], xyz[2]), atom.occ, atom.b_iso)
    return best
