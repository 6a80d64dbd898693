"""PDB, mmCIF and BinaryCIF files → the residues of each chain of the authors.

Found by their names, and read model by model: PDB here, the others in `mmcif_atoms`.
"""

import pathlib
import re
from collections.abc import Iterator, Sequence

import gemmi

from ssrlm_jax.rna import atom_records, mmcif_atoms, packings, textfile

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


def read(path: textfile.Path) -> atom_records.File:
    """Reads the first model of a file; as `models`."""
    return next(models(path))


def models(path: textfile.Path) -> Iterator[atom_records.File]:
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
        found = (
            _pdb(content) if kind == "PDB" else mmcif_atoms.models(content, kind, path)
        )
        for one in found:
            if one.chains:
                has_chains = True
                yield one
    except (ValueError, RuntimeError, IndexError) as error:
        what = str(error) or f"damaged {kind}"
        raise ValueError(f"{path}: {what.splitlines()[0]}") from error
    if not has_chains:
        raise ValueError(f"{path}: no atoms are found; {kind} is expected")


def not_finite(file: atom_records.File) -> str:
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


def _pdb(content: bytes) -> Iterator[atom_records.File]:
    dates = _REVISION.findall(content)
    date = _day(*dates[0]) if dates else ""
    parts = list(_parts(content.splitlines()))
    for part in parts:
        structure = gemmi.read_pdb_string(_apart(part), split_chain_on_ter=True)
        chains: dict[str, list[atom_records.Residue]] = {}
        for chain in structure[0] if len(structure) else ():
            chains.setdefault(chain.name, []).extend(atom_records.of_chain(chain, ""))
        sequences = {
            entity.name: [gemmi.Entity.first_mon(each) for each in entity.full_sequence]
            for entity in structure.entities
        }
        yield atom_records.File(
            chains, sequences, date, *atom_records.about(structure), len(parts)
        )


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


def _apart(lines: Sequence[bytes]) -> bytes:
    """Returns lines of a model with TER before numbers that start again.

    Gemmi would put a residue's atoms into the one before of its number and name.
    """
    kept: list[bytes] = []
    starts = atom_records.Starts()
    for line in lines:
        if line[:6].upper() in _ATOM_RECORDS:
            # Columns: PDB format 3.3. Of 73 to 76, the segment, atoms of one residue
            # may say different things.
            line = line[:72] + b"    " + line[76:]
            if starts.again(line[21:22], line[17:27], line[12:17]):
                kept.append(b"TER")
        kept.append(line)
    return b"\n".join(kept) + b"\n"
