"""Text files of sequences and structures: FASTA, tables, dot-bracket, Stockholm.

Packed or not, told apart by content. Readers are streams: they hold one record. Every
complaint is a ValueError that begins with the file and the line, counted from 1.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import alphabet, fasta, stockholm, structures, textfile

READABLE = (
    "FASTA, a table with the columns id and sequence, a dot-bracket file or a "
    "Stockholm alignment"
)

_ENERGY = re.compile(r"\s+\(?\s*[-+]?\d+(\.\d+)?\s*\)?$")  # RNAfold: "(( )) (-1.20)"

_STOCKHOLM = stockholm.HEADER.encode()

Path = textfile.Path


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One named sequence.

    Attributes:
      name: the first word of a FASTA header; not always unique.
      sequence: letters as in the file.
      structure: None where nothing is known.
      family: "" where nothing is known.
      place: file and line, for messages.
      breaks: positions, from 0, at which a second strand begins, and further ones.
    """

    name: str
    sequence: str
    structure: structures.Structure | None = None
    family: str = ""
    place: str = ""
    breaks: tuple[int, ...] = ()


def read_fasta(path: Path) -> Iterator[Record]:
    """Yields the records of a FASTA file; errors as `fasta.parts`."""
    name, place = "", ""
    pieces: list[bytes] = []
    for part in fasta.parts(textfile.parts(path), path):
        if part.name is None:
            pieces.append(part.letters)
            continue
        if pieces:
            yield Record(name, alphabet.as_text(b"".join(pieces)), place=place)
        name, place, pieces = part.name, f"{path}:{part.line}", []
    yield Record(name, alphabet.as_text(b"".join(pieces)), place=place)


def read_table(path: Path) -> Iterator[Record]:
    """Yields the records of a table, separated by tabs, with a header line.

    Columns by name, in any order: `id`, `sequence`, and where known `family`,
    `dotbracket` and `pairs`. `pairs` (`1-7;2-6`, from 1) holds every pair and is
    read instead of `dotbracket` where it is filled: it can hold base triples.

    Raises:
      ValueError: as `textfile.lines`; no header or no record; a row with another
        number of fields; a malformed structure, or one of another length than its
        sequence.
    """
    columns: list[str] = []
    number = 0
    for number, fields in _table_rows(path):
        if not columns:
            columns = _columns(path, number, fields)
            continue
        if len(fields) != len(columns):
            raise ValueError(
                f"{path}:{number}: {len(columns)} fields expected, found {len(fields)}"
            )
        row = dict(zip(columns, fields, strict=True))
        place = f"{path}:{number}"
        if not row["sequence"]:
            raise ValueError(f"{place}: a record without a sequence")
        structure = _structure(
            place, row["sequence"], row.get("dotbracket", ""), row.get("pairs", "")
        )
        yield Record(
            row["id"], row["sequence"], structure, row.get("family", ""), place
        )
    if not columns:
        raise ValueError(f"{path}: the file is empty")


def write_table(path: Path, records: Iterable[Record]) -> None:
    """Writes labelled records as a table that `read_table` reads back.

    Of base triples `dotbracket` has the first pair, `pairs` all.
    """
    rows = [["id", "family", "sequence", "dotbracket", "pairs"]]
    for record in records:
        if record.structure is None:
            raise ValueError(f"{path}: {record.name} has no structure to be written")
        dots = structures.to_dot_bracket(structures.without_triples(record.structure))
        pairs = ";".join(f"{i + 1}-{j + 1}" for i, j in record.structure.pairs.tolist())
        rows.append([record.name, record.family, record.sequence, dots, pairs])
    files.write_text(path, "".join("\t".join(row) + "\n" for row in rows))


def without_energy(dots: str) -> str:
    """Returns a dot-bracket line without the energy that RNAfold puts behind it."""
    return _ENERGY.sub("", dots)


def _table_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields the fields of every line that is not blank."""
    for number, line in textfile.lines(path):
        text = line.decode("utf-8", "replace")
        if text.strip():
            yield number, text.split("\t")


def _columns(path: Path, number: int, fields: list[str]) -> list[str]:
    columns = [field.strip().lower() for field in fields]
    for needed in ("id", "sequence"):
        if columns.count(needed) != 1:
            raise ValueError(
                f"{path}:{number}: the table needs one column {needed!r}, "
                f"found {', '.join(map(repr, columns))}"
            )
    return columns


def _structure(
    place: str, sequence: str, dot_bracket: str, pairs: str = ""
) -> structures.Structure | None:
    """Returns the structure of a record, checked against its sequence."""
    if not dot_bracket and not pairs:
        return None
    if dot_bracket and len(dot_bracket) != len(sequence):
        raise ValueError(
            f"{place}: the structure has {len(dot_bracket)} positions, "
            f"the sequence {len(sequence)}"
        )
    try:
        if not pairs:
            return structures.from_dot_bracket(dot_bracket)
        read = [pair.split("-") for pair in pairs.strip(";").split(";")]
        positions = np.array([(int(i), int(j)) for i, j in read], np.int64)
        return structures.Structure(len(sequence), positions - 1)
    except (ValueError, OverflowError) as error:
        reason = str(error)
        if "dot-bracket" not in reason and "position" not in reason:
            reason = f"pairs as '1-7;2-6' are expected, found {pairs[:20]!r}"
        raise ValueError(f"{place}: {reason}") from error


def read_dot_bracket(path: Path) -> Iterator[Record]:
    """Yields the records of a file of `>name`, sequence, structure lines.

    An energy after the structure, as RNAfold writes it, is dropped.

    Raises:
      ValueError: as `textfile.lines`; another order of lines; a malformed structure,
        or one of another length than its sequence.
    """
    held: list[tuple[int, str]] = []
    for number, fields in _table_rows(path):
        held.append((number, "\t".join(fields).strip()))
        if (len(held) == 1) != held[-1][1].startswith(">"):
            expected = ("'>name'", "a sequence", "a structure")[len(held) - 1]
            raise ValueError(
                f"{path}:{number}: {expected} is expected, found {held[-1][1][:20]!r}"
            )
        if len(held) == 3:
            (_, header), (line, sequence), (below, dots) = held
            dots = without_energy(dots)
            structure = _structure(f"{path}:{below}", sequence, dots)
            name = header[1:].split(None, 1)[:1]
            if not name:
                raise ValueError(f"{path}:{line - 1}: a header without a name")
            yield Record(name[0], sequence, structure, place=f"{path}:{line}")
            held = []
    if held:
        raise ValueError(f"{path}:{held[0][0]}: the last record is not complete")


def read_stockholm(path: Path) -> Iterator[Record]:
    """Yields the sequences of Stockholm alignments; see rna/stockholm.py.

    Raises:
      ValueError: as `textfile.lines`; no `# STOCKHOLM` line or no `//`; a malformed
        alignment.
    """
    block: stockholm.Alignment | None = None
    begun = 0
    for number, fields in _table_rows(path):
        text = "\t".join(fields).strip()
        try:
            if text.startswith(stockholm.HEADER):
                block, begun = stockholm.Alignment(), number
            elif block is None:
                raise ValueError(
                    f"'{stockholm.HEADER}0' is expected, found {text[:20]!r}"
                )
            elif text == "//":
                for row in block.sequences():
                    yield Record(*row[:4], f"{path}:{row.line}")
                block = None
            else:
                block.add(number, text)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
    if block is not None:
        raise ValueError(f"{path}:{begun}: the alignment does not end with '//'")


def kind(path: Path) -> str:
    """Tells a file's format from its first lines; it is a key of READERS.

    Raises:
      ValueError: as `textfile.lines`; the file is empty, or is none of these.
    """
    found: dict[int, bytes] = {}
    for number, part in textfile.parts(path):
        text = part.strip()
        is_comment = text[:1] == b";" or (text[:1] == b"#" and b"\t" not in text)
        if text and (found or not is_comment or text.startswith(_STOCKHOLM)):
            found.setdefault(number, text)
        if len(found) == 3:
            break
    first = list(found.values())
    if not first:
        raise ValueError(f"{path}: the file is empty")
    if first[0].startswith(_STOCKHOLM):
        return "stockholm"
    if first[0][:1] == b">":
        is_structure = len(first) == 3 and first[2][:1] in b".([{<"
        return "dot_bracket" if is_structure else "fasta"
    if b"sequence" in first[0].lower().split(b"\t"):
        return "table"
    shown = first[0][:20].decode("latin-1")
    raise ValueError(f"{path}:1: expected {READABLE}; found {shown!r}")


READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    "fasta": read_fasta,
    "table": read_table,
    "dot_bracket": read_dot_bracket,
    "stockholm": read_stockholm,
}


def read(path: Path) -> Iterator[Record]:
    """Yields the records of a file or pipe of any format that `kind` knows."""
    held = textfile.again(path)
    return READERS[kind(held)](held)
