"""PDB, mmCIF and BinaryCIF files → the residues of each chain of the authors.

One rule: what a file lists stays apart. Residues whose numbers start again are other
residues, though chain, number and name are those of residues before. Models are read
one by one; of data blocks the first with atoms.
"""

import logging
import math
import pathlib
import re
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import gemmi

from ssrlm_jax.rna import binary_cif, packings, residues, textfile

ENDINGS = (".pdb", ".pdb1", ".ent", ".cif", ".mmcif", ".bcif")
_NAME = re.compile(
    r"(?P<id>.+)\.(?:pdb\d*|ent\d*|(?P<cif>cif|mmcif)|(?P<bcif>bcif)|(?P<mmtf>mmtf))"
    r"(?:\.(?:gz|bz2|xz|zip|zst|Z|7z|tar|tgz))?",  # not all are unpacked
    re.IGNORECASE,
)
_REVISION = re.compile(rb"^REVDAT   1\s+(\d\d)-([A-Z]{3})-(\d\d)", re.MULTILINE)
_FARTHEST = 9999.0  # angstrom; CHARMM writes it where an atom has no place
_MODEL_ENDS = (b"MODEL", b"ENDMDL", b"END")  # the last of files put together, too
_ASCII = bytes(range(128)) + b"?" * 128
_ATOM_RECORDS = (b"ATOM  ", b"HETATM")
_MONTHS = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
_ATOMS = "atom_site"
_CODES = re.compile(r"\(([^()\s]+)\)|([A-Za-z])")  # of one-letter sequences

_log = logging.getLogger(__name__)


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


def is_structure(name: str) -> bool:
    """Tells whether a file's name is one of a structure, also of one not read."""
    return bool(_NAME.fullmatch(name))


def find(names: Sequence[str]) -> list[pathlib.Path]:
    """Returns structure files in a fixed order, each once.

    Args:
      names: files, or directories, which are searched to the bottom.

    Raises:
      ValueError: a name stands for nothing or for no structure, or there is none.
    """
    found: list[pathlib.Path] = []
    read = f"{', '.join(ENDINGS)} are read, plain or packed"
    for name in names:
        path = pathlib.Path(name)
        if not path.exists():
            raise ValueError(f"{name}: there is no such file or directory")
        if not path.is_dir() and not is_structure(path.name):
            raise ValueError(f"{name}: not the ending of a structure; {read}")
        inside = packings.files_in(path) if path.is_dir() else [path]
        found += [one for one in inside if is_structure(one.name)]
    if not found:
        raise ValueError(f"{','.join(names)}: no structure is found; {read}")
    return list(dict.fromkeys(found))


def id_of(path: textfile.Path) -> str:
    """Returns a file's name without what tells its format: rp.out.1 of rp.out.1.pdb."""
    name = pathlib.Path(path).name
    found = _NAME.fullmatch(name)
    return found["id"] if found else name


def read(path: textfile.Path) -> File:
    """Reads the first model of a file; as `models`."""
    return next(models(path))


def models(path: textfile.Path) -> Iterator[File]:
    """Yields the models of a file, read by its ending; as PDB if it is none of ours.

    Raises:
      ValueError: the file cannot be read, or has no atoms.
    """
    ending = _NAME.fullmatch(pathlib.Path(path).name)
    if ending and ending["mmtf"]:
        raise ValueError(f"{path}: MMTF is not read; get the entry as mmCIF")
    kind = "BinaryCIF" if ending and ending["bcif"] else "PDB"
    kind = "mmCIF" if ending and ending["cif"] else kind
    if kind == "BinaryCIF":
        content = textfile.content(path)
    else:
        # Columns are counted in bytes, and what is not ASCII has no meaning in them.
        texts = (text.translate(_ASCII) for _, text in textfile.lines(path))
        content = b"\n".join(texts) + b"\n"
    has_chains = False
    try:
        found = _pdb(content) if kind == "PDB" else _cif(_block(content, kind, path))
        for one in found:
            if one.chains:
                has_chains = True
                yield one
    except (ValueError, RuntimeError, IndexError) as error:
        what = str(error) or f"damaged {kind}"
        raise ValueError(f"{path}: {what.splitlines()[0]}") from error
    if not has_chains:
        raise ValueError(f"{path}: no atoms are found; {kind} is expected")


def not_finite(file: File) -> str:
    """Returns which atom's place is none, such as nan or 9999; "" where all are."""
    for chain, listed in file.chains.items():
        for residue in listed:
            for name, atom in residue.atoms.items():
                if not all(abs(x) < _FARTHEST for x in atom.xyz):
                    return (
                        f"chain {chain}, {residue.name} {residue.number}: the place of "
                        f"{name} is {list(atom.xyz)}; finite numbers below "
                        f"{_FARTHEST:g} are expected"
                    )
    return ""


def _pdb(content: bytes) -> Iterator[File]:
    dates = _REVISION.findall(content)
    date = _day(*dates[0]) if dates else ""
    parts = list(_parts(content.splitlines()))
    for part in parts:
        structure = gemmi.read_pdb_string(_apart(part), split_chain_on_ter=True)
        chains: dict[str, list[Residue]] = {}
        for chain in structure[0] if len(structure) else ():
            chains.setdefault(chain.name, []).extend(_residues(chain, ""))
        sequences = {
            entity.name: [gemmi.Entity.first_mon(each) for each in entity.full_sequence]
            for entity in structure.entities
        }
        yield File(chains, sequences, date, *_about(structure), len(parts))


def _parts(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yields the lines of each model, behind those that stand above the first.

    Or above its own, where there is a sequence among them: files put together.
    """
    head: list[bytes] = []
    held: list[bytes] = []
    has_atoms = False
    for line in (*lines, _MODEL_ENDS[-1]):
        record = line[:6].upper()
        if record.rstrip() in _MODEL_ENDS:
            if has_atoms:
                yield head + held
            elif not head or any(one.startswith(b"SEQRES") for one in held):
                head = held
            held, has_atoms = [], False
            continue
        is_atom = record in _ATOM_RECORDS
        if is_atom and not has_atoms and any(x.startswith(b"SEQRES") for x in held):
            head, held = held, []
        has_atoms |= is_atom
        held.append(line)


def _day(day: bytes, month: bytes, year: bytes) -> str:
    index = _MONTHS.find(month.decode())
    if index % 3:
        return ""
    century = 19 if int(year) > 70 else 20  # the PDB began in 1971
    return f"{century}{int(year):02d}-{index // 3 + 1:02d}-{int(day):02d}"


def _about(structure: gemmi.Structure) -> tuple[float, str]:
    """Returns resolution and method."""
    method = "_exptl.method"
    said = structure.info[method].strip() if method in structure.info else ""
    return structure.resolution or math.nan, said


def _apart(lines: Sequence[bytes]) -> bytes:
    """Returns lines of a model with TER before numbers that start again.

    Gemmi would put a residue's atoms into the one before of its number and name.
    """
    kept: list[bytes] = []
    starts = _Starts()
    for line in lines:
        if line[:6].upper() in _ATOM_RECORDS:
            # Columns: PDB format 3.3. Of 73 to 76, the segment, atoms of one residue
            # may say different things.
            line = line[:72] + b"    " + line[76:]
            if starts.again(line[21:22], line[17:27], line[12:17]):
                kept.append(b"TER")
        kept.append(line)
    return b"\n".join(kept) + b"\n"


class _Starts:
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


def _block(content: bytes, kind: str, path: textfile.Path) -> gemmi.cif.Block:
    """Returns the first block with atoms."""
    document = (
        binary_cif.read(content)
        if kind == "BinaryCIF"
        else gemmi.cif.read_string(content)
    )
    blocks = [block for block in document if _column(block, "Cartn_x")]
    if not blocks:
        raise ValueError(
            f"no atoms are found in {len(document)} data blocks; {kind} is expected"
        )
    if len(blocks) > 1:
        _log.warning(
            "%s: %d data blocks have atoms; the first, %s, is read",
            path,
            len(blocks),
            blocks[0].name,
        )
    return blocks[0]


def _column(block: gemmi.cif.Block, *names: str) -> list[str]:
    """Returns a column of the atoms, the first that there is of names."""
    for name in names:
        if found := block.find_values(f"_{_ATOMS}.{name}"):
            return [gemmi.cif.as_string(cell) for cell in found]
    return []


def _cif(block: gemmi.cif.Block) -> Iterator[File]:
    named = _name_apart(block)
    structure = gemmi.make_structure_from_block(block)
    codes = _codes(block)
    about = (_cif_date(block), *_about(structure), len(structure))
    for model in structure:
        sequences: dict[str, list[str]] = {}
        chains: dict[str, list[Residue]] = {}
        for part in model:
            name, label = named[int(part.name)]
            entity = structure.get_entity(part[0].entity_id)
            names = _sequence(entity) or codes.get(part[0].entity_id, [])
            if names:
                sequences[label] = names
            polymer = label if names or _is_polymer(part, entity) else ""
            chains.setdefault(name, []).extend(_residues(part, polymer))
        yield File(chains, sequences, *about)


def _sequence(entity: gemmi.Entity | None) -> list[str]:
    full = entity.full_sequence if entity else []
    return [gemmi.Entity.first_mon(each) for each in full]


def _is_polymer(part: gemmi.Chain, entity: gemmi.Entity | None) -> bool:
    """Tells whether a chain is one; if the file does not say it, by HETATM."""
    kind = entity.entity_type if entity else gemmi.EntityType.Unknown
    num_others = sum(residue.het_flag != "H" for residue in part)
    is_unknown = kind == gemmi.EntityType.Unknown
    return kind == gemmi.EntityType.Polymer or (is_unknown and num_others > 1)


def _name_apart(block: gemmi.cif.Block) -> dict[int, tuple[str, str]]:
    """Gives a number as a name to each chain of a label, and again as it starts again.

    Gemmi would put a residue's atoms into the one before of its number and name, also
    if that is of another polymer.

    Returns:
      The authors' name and the label, by number.
    """
    is_author = bool(block.find_values(f"_{_ATOMS}.auth_asym_id"))
    column = "auth_asym_id" if is_author else "label_asym_id"
    chain_N = _column(block, column)
    label_N = _column(block, "label_asym_id") or chain_N
    residue_N = zip(
        _column(block, "auth_seq_id", "label_seq_id"),
        _column(block, "pdbx_PDB_ins_code") or [""] * len(chain_N),
        _column(block, "label_comp_id", "auth_comp_id"),
        strict=True,
    )
    atom_N = zip(
        _column(block, "label_atom_id", "auth_atom_id"),
        _column(block, "label_alt_id") or [""] * len(chain_N),
        strict=True,
    )
    model_N = _column(block, "pdbx_PDB_model_num") or [""] * len(chain_N)
    starts = _Starts()
    number_of: dict[Hashable, int] = {}
    named: dict[int, tuple[str, str]] = {}
    cells = block.find_values(f"_{_ATOMS}.{column}")
    rows = zip(model_N, chain_N, label_N, residue_N, atom_N, strict=True)
    for index, (model, chain, label, residue, atom) in enumerate(rows):
        strand = (model, chain, label)
        starts.again(strand, residue, atom)
        number = number_of.setdefault((strand, starts.times(strand)), len(named))
        named[number] = (chain, label)
        cells[index] = str(number)
    return named


def _codes(block: gemmi.cif.Block) -> dict[str, list[str]]:
    """Returns names of residues by entity, of sequences in one-letter codes."""
    columns = ["entity_id", "type", "pdbx_seq_one_letter_code"]
    rows = [
        [gemmi.cif.as_string(cell) for cell in row]
        for row in block.find("_entity_poly.", columns)
    ]
    return {
        entity: [long or short for long, short in _CODES.findall(text)]
        for entity, kind, text in rows
        if "ribonucleotide" in kind
    }


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


def _residues(part: gemmi.Chain, polymer: str) -> list[Residue]:
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
