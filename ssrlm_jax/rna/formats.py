"""Text files of sequences and structures: FASTA, tables, dot-bracket, Stockholm.

Plain or gz, told apart by content. Readers are streams: they hold one record, and
`fasta_parts` not even that. Every complaint is a ValueError that begins with the
file and the line, counted from 1.
"""

import dataclasses
import gzip
import io
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import stockholm
from ssrlm_jax.rna import structure as structures

READABLE = (
    "FASTA, a table with the columns id and sequence, a dot-bracket file or a "
    "Stockholm alignment"
)

_GZIP = b"\x1f\x8b"
_BLOCK_BYTES = 2**21
_PART_BYTES = 2**20  # a line is read in parts of at most this size
_RETURN = ord("\r")  # as a number it is found nine times as fast
_ENERGY = re.compile(r"\s+\(?\s*[-+]?\d+(\.\d+)?\s*\)?$")  # RNAfold: "(( )) (-1.20)"

Path = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One named sequence.

    Attributes:
      name: the first word of a FASTA header; not always unique.
      sequence: letters as in the file.
      structure: None where nothing is known.
      family: "" where nothing is known.
      place: file and line, for messages.
    """

    name: str
    sequence: str
    structure: structures.Structure | None = None
    family: str = ""
    place: str = ""


class FastaPart(NamedTuple):
    """A header, or a piece of the sequence below it.

    Attributes:
      line: in the file, from 1.
      name: the first word of the header; None: this is a piece of sequence.
      letters: the piece; without white space.
    """

    line: int
    name: str | None
    letters: bytes = b""


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields line numbers and lines of a file; as `numbered`.

    Raises:
      ValueError: the file cannot be read, or its gz is cut off or damaged.
    """
    try:
        return numbered(_open(path), path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error


def numbered(file: io.BufferedIOBase, path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields line numbers and lines of an open file, without their ends.

    Lines end in LF, CR LF, or CR alone, as on old Macs. One longer than 1 MiB comes in
    parts with one number. Closes the file. Errors, which name `path`, are as `lines`.
    """
    number = 1
    try:
        while part := file.readline(_PART_BYTES):
            if _RETURN in part:
                while part.endswith(b"\r") and (more := file.readline(1)):
                    part += more  # it was cut, maybe before its LF
                text = part.rstrip(b"\r\n")
                *ended, last = text.split(b"\r")
                for line in ended:
                    yield number, line
                    number += 1
                part = last + part[len(text) :]
            yield number, part.rstrip(b"\r\n")
            number += part.endswith((b"\n", b"\r"))
    except EOFError as error:
        raise ValueError(f"{path}:{number}: the gz file ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}:{number}: damaged gz ({error})") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ValueError(f"{path}: cannot be read ({reason})") from error
    finally:
        file.close()


def _open(path: Path) -> gzip.GzipFile:
    """Opens a plain or gz file as bytes."""
    with open(path, "rb") as file:
        is_gzip = file.read(2) == _GZIP
    return gzip.open(path, "rb") if is_gzip else open(path, "rb")  # type: ignore


def fasta_parts(path: Path) -> Iterator[FastaPart]:
    """Yields the headers of a FASTA file and the sequence below each in pieces.

    Blank lines and white space at the ends of a line do not count. Letters are not
    looked at.

    Raises:
      ValueError: as `lines`; no record; letters above the first header; a header
        without a name or without a sequence.
    """
    header, is_empty = 0, False
    in_header = 0  # the line number of a header longer than a part
    for number, text in lines(path):
        text = text.strip()
        if not text or in_header == number:
            continue
        if text[:1] == b">":
            if is_empty:
                raise ValueError(f"{path}:{header}: a header without a sequence")
            name = text[1:].split(None, 1)[:1]
            if not name:
                raise ValueError(f"{path}:{number}: a header without a name")
            header, in_header, is_empty = number, number, True
            yield FastaPart(number, name[0].decode("utf-8", "replace"))
            continue
        if not header:
            shown = text[:20].decode("latin-1")
            raise ValueError(
                f"{path}:{number}: not FASTA; a header '>name' is expected, "
                f"found {shown!r}"
            )
        is_empty = False
        yield FastaPart(number, None, text)
    if is_empty:
        raise ValueError(f"{path}:{header}: a header without a sequence")
    if not header:
        raise ValueError(f"{path}: the file is empty")


def fasta_blocks(path: Path) -> Iterator[bytes]:
    """Yields a FASTA file in blocks of whole records, as they are in the file.

    Raises:
      ValueError: a record is longer than a block, 2 MiB.
      EOFError, OSError, zlib.error: the file cannot be read.
    """
    with _open(path) as file:
        held = b""
        while part := file.read(_BLOCK_BYTES):
            held += part
            cut = held.rfind(b"\n>") + 1
            if cut:
                yield held[:cut]
                held = held[cut:]
            elif len(held) > _BLOCK_BYTES:
                raise ValueError(f"{path}: a record is longer than a block")
        if held:
            yield held


def read_fasta(path: Path) -> Iterator[Record]:
    """Yields the records of a FASTA file; errors as `fasta_parts`."""
    name, place, letters = "", "", b""
    pieces: list[bytes] = []
    for part in fasta_parts(path):
        if part.name is None:
            pieces.append(part.letters)
            continue
        if pieces:
            letters = b"".join(pieces)
            yield Record(name, letters.decode("latin-1"), place=place)
        name, place, pieces = part.name, f"{path}:{part.line}", []
    yield Record(name, b"".join(pieces).decode("latin-1"), place=place)


def read_table(path: Path) -> Iterator[Record]:
    """Yields the records of a table, separated by tabs, with a header line.

    Columns by name, in any order: `id`, `sequence`, and where known `family`,
    `dotbracket` and `pairs`. `pairs` (`1-7;2-6`, from 1) holds every pair and is
    read instead of `dotbracket` where it is filled: it can hold base triples.

    Raises:
      ValueError: as `lines`; no header or no record; a row with another number of
        fields; a malformed structure, or one of another length than its sequence.
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
    begun = 0
    pieces: list[bytes] = []
    for number, text in lines(path):
        if pieces and number != begun:
            yield from _fields(begun, pieces)
            pieces = []
        begun = number
        pieces.append(text)
    yield from _fields(begun, pieces)


def _fields(number: int, pieces: list[bytes]) -> Iterator[tuple[int, list[str]]]:
    text = b"".join(pieces).decode("utf-8", "replace")
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
      ValueError: as `lines`; another order of lines; a malformed structure, or one
        of another length than its sequence.
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
      ValueError: as `lines`; no `# STOCKHOLM` line or no `//`; a malformed alignment.
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
      ValueError: as `lines`; the file is empty, or is none of these.
    """
    first: list[bytes] = []
    for _, text in lines(path):
        if text.strip():
            first.append(text.strip())
        if len(first) == 3:
            break
    if not first:
        raise ValueError(f"{path}: the file is empty")
    if first[0].startswith(stockholm.HEADER.encode()):
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
    """Yields the records of a file of any format that `kind` knows."""
    return READERS[kind(path)](path)
