"""Structure files → RNA chains with their atoms.

One rule: every nucleotide of a chain keeps its place, whether it was seen or not, so
pairs and atoms count along the same letters. The first model is read; of alternative
places of an atom the one of highest occupancy. Coordinates in angstrom.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Sequence

import gemmi
import numpy as np

from ssrlm_jax.rna import formats, textfile

ENDINGS = (".pdb", ".ent", ".cif", ".mmcif")
_SUGAR = frozenset({"C1'", "C3'", "C4'"})
_BOND = 2.5  # angstrom between O3' and the next P, at most
_MONTHS = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"


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


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """What a file holds.

    Attributes:
      id: the file's name up to the first dot.
      date: of release, such as "2023-03-29"; "" where the file does not say.
      resolution: angstrom; nan where the file does not say, as of NMR.
      method: such as "X-RAY DIFFRACTION"; "" where the file does not say.
      chains: of RNA, in the order of the file.
      others: chains that are no RNA, with the reason.
    """

    id: str
    date: str
    resolution: float
    method: str
    chains: tuple[Chain, ...]
    others: tuple[tuple[str, str], ...]


def read(path: formats.Path) -> Entry:
    """Reads a PDB or mmCIF file, plain or gz.

    Raises:
      ValueError: the file cannot be read, or is neither.
    """
    name = pathlib.Path(path).name
    text = "\n".join(line.decode("latin-1") for _, line in textfile.lines(path)) + "\n"
    is_cif = name.removesuffix(".gz").lower().endswith((".cif", ".mmcif"))
    try:
        if is_cif:
            block = _block(gemmi.cif.read_string(text))
            structure = gemmi.make_structure_from_block(block)
            date = _cif_date(block)
        else:
            structure = gemmi.read_pdb_string(text)
            date = _pdb_date(text)
    except (ValueError, RuntimeError, IndexError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error
    if not len(structure) or not len(structure[0]):
        kind = "mmCIF" if is_cif else "PDB"
        raise ValueError(f"{path}: no atoms are found; a {kind} file is expected")
    structure.setup_entities()
    structure.assign_label_seq_id()
    chains, others = [], []
    for chain in structure[0]:
        found = _chain(structure, chain)
        if isinstance(found, Chain):
            chains.append(found)
        elif found:
            others.append((chain.name, found))
    return Entry(
        id=name.partition(".")[0],
        date=date,
        resolution=structure.resolution or float("nan"),
        method=structure.info["_exptl.method"].strip()
        if "_exptl.method" in structure.info
        else "",
        chains=tuple(chains),
        others=tuple(others),
    )


@functools.cache
def parent(name: str) -> str:
    """Returns the letter of a residue's parent: A C G U, or N.

    Source: the PDB's chemical component dictionary, as biotite brings it.
    """
    if name in {"A", "C", "G", "U"}:
        return name
    from biotite.structure import info  # a third of a second

    letter = info.one_letter_code(name) or "N"
    letter = letter.replace("T", "U")
    return letter if letter in {"A", "C", "G", "U"} else "N"


def _block(document: gemmi.cif.Document) -> gemmi.cif.Block:
    if len(document) != 1:
        raise ValueError(f"one data block is expected, found {len(document)}")
    return document[0]


def _cif_date(block: gemmi.cif.Block) -> str:
    for category, column in (
        ("_pdbx_audit_revision_history.", "revision_date"),
        ("_database_PDB_rev.", "date"),
    ):
        dates = [gemmi.cif.as_string(row[0]) for row in block.find(category, [column])]
        dates = [date for date in dates if re.fullmatch(r"\d{4}-\d\d-\d\d", date)]
        if dates:
            return min(dates)
    return ""


def _pdb_date(text: str) -> str:
    """Returns the date of the first REVDAT, which is the release."""
    found = re.search(r"^REVDAT   1\s+(\d\d)-([A-Z]{3})-(\d\d)", text, re.MULTILINE)
    if not found or _MONTHS.find(found[2]) % 3:
        return ""
    century = 19 if int(found[3]) > 70 else 20  # the PDB began in 1971
    return f"{century}{found[3]}-{_MONTHS.index(found[2]) // 3 + 1:02d}-{found[1]}"


def _chain(structure: gemmi.Structure, chain: gemmi.Chain) -> Chain | str:
    """Returns an RNA chain, or why it is none; "" of one without a polymer."""
    polymer = [r for r in chain.first_conformer() if _is_nucleotide(r)]
    residues = [r for r in polymer if _belongs(r, polymer)]
    if not residues:
        return "protein" if len(chain.get_polymer()) else ""
    num_ribose = sum("O2'" in r or r.name in "ACGU" for r in residues)
    if 2 * num_ribose <= len(residues):
        return "DNA"
    placed = _placed(structure, residues)
    length = placed[-1][0] + 1
    letters, numbers = ["N"] * length, [""] * length
    full = _full_sequence(structure, residues)
    if full:
        letters = [parent(name) for name in full]
    names = list(full or ["N"] * length)
    for position, residue in placed:
        letters[position] = parent(residue.name)
        names[position] = residue.name
        numbers[position] = str(residue.seqid).strip()
    if full:
        numbers += [""] * (len(full) - length)
    residue_N, name_N, xyz_N3, b_N = _atoms(placed)
    return Chain(
        name=chain.name,
        letters="".join(letters),
        numbers=tuple(numbers),
        is_seen_L=np.array([bool(number) for number in numbers]),
        gaps=() if full else tuple(_gaps([residue for _, residue in placed])),
        modified=tuple(
            (position, name)
            for position, name in enumerate(names)
            if name not in {"A", "C", "G", "U", "N"}
        ),
        residue_N=residue_N,
        name_N=name_N,
        xyz_N3=xyz_N3,
        b_N=b_N,
    )


def _is_nucleotide(residue: gemmi.Residue) -> bool:
    return {atom.name.replace("*", "'") for atom in residue} >= _SUGAR


def _belongs(residue: gemmi.Residue, near: Sequence[gemmi.Residue]) -> bool:
    """Tells a nucleotide of the strand from a ligand such as GTP or SAM."""
    if residue.name in {"A", "C", "G", "U", "DA", "DC", "DG", "DT", "N"}:
        return True
    if residue.entity_type == gemmi.EntityType.Polymer and residue.label_seq:
        return True
    return any(_is_bonded(residue, r) or _is_bonded(r, residue) for r in near)


def _is_bonded(first: gemmi.Residue, second: gemmi.Residue) -> bool:
    end, start = first.find_atom("O3'", "*"), second.find_atom("P", "*")
    return bool(end and start and end.pos.dist(start.pos) <= _BOND)


def _full_sequence(
    structure: gemmi.Structure, residues: Sequence[gemmi.Residue]
) -> list[str]:
    """Returns the names of SEQRES or entity_poly_seq, where all residues fit."""
    entity = structure.get_entity_of(structure[0].get_subchain(residues[0].subchain))
    full = (
        [gemmi.Entity.first_mon(names) for names in entity.full_sequence]
        if (entity)
        else []
    )
    numbers = [residue.label_seq or 0 for residue in residues]
    is_rising = all(a < b for a, b in zip(numbers, numbers[1:], strict=False))
    fits = full and is_rising and numbers[0] >= 1 and numbers[-1] <= len(full)
    return full if fits else []


def _placed(
    structure: gemmi.Structure, residues: Sequence[gemmi.Residue]
) -> list[tuple[int, gemmi.Residue]]:
    """Returns residues with their positions from 0."""
    if _full_sequence(structure, residues):
        return [((residue.label_seq or 1) - 1, residue) for residue in residues]
    return list(enumerate(residues))


def _gaps(residues: Sequence[gemmi.Residue]) -> list[tuple[int, int]]:
    """Returns where a strand without a known sequence is broken."""
    found = []
    for position, (first, second) in enumerate(
        zip(residues, residues[1:], strict=False)
    ):
        skipped = (second.seqid.num or 0) - (first.seqid.num or 0) - 1
        has_ends = first.find_atom("O3'", "*") and second.find_atom("P", "*")
        is_broken = skipped > 0 if not has_ends else not _is_bonded(first, second)
        if is_broken:
            found.append((position, max(skipped, 0)))
    return found


def _atoms(
    placed: Sequence[tuple[int, gemmi.Residue]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns position, name, place and B column of the heavy atoms."""
    rows: list[tuple[int, str, list[float], float]] = []
    for position, residue in placed:
        best: dict[str, gemmi.Atom] = {}
        for atom in residue:
            name = atom.name.replace("*", "'")
            if atom.is_hydrogen() or name.lstrip("0123456789")[:1] in "HD":
                continue
            if name not in best or atom.occ > best[name].occ:
                best[name] = atom
        rows += [(position, n, a.pos.tolist(), a.b_iso) for n, a in best.items()]
    return (
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], "U4"),
        np.array([row[2] for row in rows], np.float32).reshape(-1, 3),
        np.array([row[3] for row in rows], np.float32),
    )
