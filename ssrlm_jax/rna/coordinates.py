"""Structure files → RNA chains with their atoms.

One rule: every nucleotide of a chain keeps its place, whether it was seen or not, so
pairs and atoms count along the same letters. Of alternative places of an atom the one
of highest occupancy is read. Coordinates in angstrom.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ssrlm_jax.rna import atom_files, atom_records, formats, nucleic_chains, residues

LeftOut = nucleic_chains.LeftOut
find = atom_files.find
id_of = atom_files.id_of
is_structure = atom_files.is_structure


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """One RNA strand.

    Attributes:
      name: as the authors call it.
      letters: A C G U, N where the parent is unknown; one for each nucleotide, also
        for those not seen where the file says which they are.
      numbers: of the authors, with insertion code; "" where not seen.
      is_seen_L: bool; false where the file names a nucleotide without atoms.
      gaps: position from 0 behind which the strand is broken, and how many numbers
        of the authors are missing there; what was cut out is not in `letters`.
      modified: position from 0 and name in the file, of all but A C G U.
      residue_N: int32, the position of each atom from 0, rising.
      name_N: names of atoms, such as C1'.
      xyz_N3: float32, angstrom.
      b_N: float32, the B column of each atom; None where nothing is said.
      label: of mmCIF, where the authors have several strands under one name; or "".
    """

    name: str
    letters: str
    numbers: tuple[str, ...]
    is_seen_L: np.ndarray
    gaps: tuple[tuple[int, int], ...]
    modified: tuple[tuple[int, str], ...]
    residue_N: np.ndarray
    name_N: np.ndarray
    xyz_N3: np.ndarray
    b_N: np.ndarray | None = None
    label: str = ""

    @property
    def own_name(self) -> str:
        """What no other strand of the file is called: "A", or "A-B" with a label."""
        return f"{self.name}-{self.label}" if self.label else self.name


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """What a file holds, of one model.

    Attributes:
      id: the file's name without its ending.
      date: of release, such as "2023-03-29"; "" where the file does not say.
      resolution: angstrom; nan where the file does not say, as of NMR.
      method: such as "X-RAY DIFFRACTION"; "" where the file does not say.
      chains: of RNA, in the order of the file.
      others: chains that are no RNA or cannot be used, and single nucleotides and
        ligands that are left out, with the reason.
      num_models: with atoms, in the file.
      wrong: which place is no number; "" where all are.
    """

    id: str
    date: str
    resolution: float
    method: str
    chains: tuple[Chain, ...]
    others: tuple[LeftOut, ...]
    num_models: int = 1
    wrong: str = ""


def read(path: formats.Path) -> Entry:
    """Reads the first model of a PDB, mmCIF or BinaryCIF file, plain or packed.

    Raises:
      ValueError: the file cannot be read, or is none of these; a place is no number.
    """
    found = next(models(path))
    if found.wrong:
        raise ValueError(f"{path}: {found.wrong}")
    return found


def models(path: formats.Path) -> Iterator[Entry]:
    """Yields the models of a file, also with places that are no numbers.

    Raises:
      ValueError: the file cannot be read, or is none of these.
    """
    return (_entry(path, file) for file in atom_files.models(path))


def _entry(path: formats.Path, file: atom_records.File) -> Entry:
    chains: list[Chain] = []
    others: list[LeftOut] = []
    for name, listed in file.chains.items():
        found, left_out = nucleic_chains.of_chain(name, listed, file.sequences)
        chains += [_chain(name, strand) for strand in found]
        others += left_out
    return Entry(
        id=id_of(path),
        date=file.date,
        resolution=file.resolution,
        method=file.method,
        chains=tuple(chains),
        others=tuple(others),
        num_models=file.num_models,
        wrong=atom_files.not_finite(file),
    )


def _chain(name: str, strand: nucleic_chains.Strand) -> Chain:
    rows = [
        (position, atom, held.xyz, held.b)
        for position, residue in enumerate(strand.seen)
        if residue
        for atom, held in residue.atoms.items()
    ]
    return Chain(
        name=name,
        letters=strand.letters,
        numbers=tuple(residue.number if residue else "" for residue in strand.seen),
        is_seen_L=np.array([residue is not None for residue in strand.seen]),
        gaps=strand.gaps,
        modified=tuple(
            (position, residue)
            for position, residue in enumerate(strand.names)
            if residue not in residues.LETTERS and residue != "N"
        ),
        residue_N=np.array([row[0] for row in rows], np.int32),
        name_N=np.array([row[1] for row in rows], "U4"),
        xyz_N3=np.array([row[2] for row in rows], np.float32).reshape(-1, 3),
        b_N=np.array([row[3] for row in rows], np.float32),
        label=strand.label,
    )
