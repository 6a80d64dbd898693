"""Files of sequences and structures of any format: told apart, read, and written.

Formats are told by content; where that does not tell, by suffix. docs/formats.md has a
table of all. A nucleotide has one partner at most in CT, BPSEQ and dot-bracket: none of
these can hold a base triple, and writing one is an error.
"""

import itertools
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import (
    alphabet,
    dot_bracket,
    dot_lines,
    drawing,
    formats,
    json_lines,
    pair_tables,
    record_tables,
    stockholm,
    strands,
    structures,
    textfile,
)

READABLE = (
    "FASTA, dot-bracket, CT, BPSEQ, bpRNA's .st, Stockholm, a table with the columns "
    "id, sequence and dotbracket, or lines of JSON"
)

_SAMPLE_LINES, _SAMPLE_BYTES = 1_000, 2**18  # by which a format is told


def structure_of(record: formats.Record) -> structures.Structure:
    """Returns the structure of a record.

    Raises:
      ValueError: it has none.
    """
    if record.structure is None:
        raise ValueError(f"{record.name}: a record with a structure is expected")
    return record.structure


READERS: dict[str, formats.Reader] = {
    "fasta": formats.read_fasta,
    "table": record_tables.table,
    "dot_bracket": dot_bracket.records,
    "st": dot_bracket.st,
    "ct": pair_tables.ct,
    "bpseq": pair_tables.bpseq,
    "stockholm": stockholm.records,
    "json": json_lines.records,
    "drawing": drawing.records,
}
SUFFIXES = {".ct": "ct", ".bpseq": "bpseq", ".st": "st", ".dbn": "dot_bracket"}


def suffix(path: formats.Path) -> str:
    """Returns a file's suffix in lower case, without that of its packing."""
    return pathlib.PurePath(textfile.name_of(path).lower()).suffix


def kind(path: formats.Path) -> str:
    """Tells a file's format; it is a key of READERS.

    Raises:
      ValueError: as `textfile.lines`; the file is empty, or is none of these.
    """
    sample = _sample(path)
    if not sample:
        raise ValueError(f"{path}: the file is empty")
    by_content, by_suffix = _by_content(sample), SUFFIXES.get(suffix(path), "")
    is_short_st = by_suffix == "st" and by_content == "dot_bracket"
    if by_content in ("", "fasta") or is_short_st:
        by_content = by_suffix or by_content
    if not by_content:
        shown = sample[0][:20]
        raise ValueError(f"{path}:1: expected {READABLE}; found {shown!r}")
    return by_content


def each(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the records of a file or a pipe, and notes on what had to be left out.

    Raises:
      ValueError: as `kind`, and as the reader of the format.
    """
    held = textfile.again(path)
    return READERS[kind(held)](held)


def read(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a file or a pipe.

    Raises:
      ValueError: as `each`; a record cannot be read.
    """
    return formats.strict(each(path))


def _sample(path: formats.Path) -> list[str]:
    """Returns the first lines that are not blank; a long one in part."""
    found: dict[int, str] = {}
    num_bytes = 0
    for number, part in textfile.parts(path):
        num_bytes += len(part)
        if number not in found and (text := alphabet.as_text(part).strip()):
            found[number] = text
        if len(found) == _SAMPLE_LINES or num_bytes > _SAMPLE_BYTES:
            break
    return list(found.values())


def _by_content(sample: Sequence[str]) -> str:
    """Returns a key of READERS, "" where the first lines do not tell."""
    first = sample[0]
    if first.startswith(stockholm.HEADER):
        return "stockholm"
    if first.startswith(drawing.HEADER):
        return "drawing"
    if json_lines.is_json(first):
        return "json"
    rows = [text for text in sample if text[0] not in "#;" or pair_tables.is_row(text)]
    rows = rows[rows[:1] != [] and record_tables.is_above(rows[0]) :]
    if not rows:
        return ""
    fields = record_tables.split_row(rows[0])
    if record_tables.columns_by_content(fields):  # which may begin as labels do
        return "table"
    if found := _by_rows(rows):
        return found
    if _names_columns(rows[0], fields):
        return "table"
    if _is_dot_bracket(rows):
        return "st" if _is_st(rows) else "dot_bracket"
    return "fasta" if rows[0][0] == ">" else ""


def _names_columns(header: str, fields: Sequence[str]) -> bool:
    """Tells whether a line names columns; among blanks, one name may be a word."""
    columns = record_tables.found_columns(fields)
    is_clear = len(columns) > 1 or any(mark in header for mark in "\t,;")
    return "sequence" in columns and is_clear and not fields[0].endswith(":")


def _by_rows(rows: Sequence[str]) -> str:
    """Tells CT and BPSEQ by their first line of a nucleotide."""
    for before, text in zip(["", *rows], rows, strict=False):
        if pair_tables.is_row(text) and pair_tables.is_first(text):
            is_ct = pair_tables.is_ct_header(before) or pair_tables.is_ct_row(text)
            return "ct" if is_ct else "bpseq"
        if not pair_tables.is_label(text) and not pair_tables.is_ct_header(text):
            return ""
    return ""


def _is_dot_bracket(rows: Sequence[str]) -> bool:
    """Tells whether half of the records have structures.

    These are brackets; or, below the first sequence, dots. A header that stands above a
    structure is not that of a record.
    """
    below = zip(rows, [*rows[1:], ""], strict=True)
    num_headers = sum(
        text[0] == ">" and not dot_lines.is_structure(after) for text, after in below
    )
    num_folded = sum(text[0] != ">" and dot_lines.has_brackets(text) for text in rows)
    if num_folded and 2 * num_folded >= num_headers:
        return True
    body = list(
        itertools.takewhile(lambda text: text[0] != ">", rows[rows[0][0] == ">" :])
    )
    return len(body) > 1 and body[1][0] == "." and dot_lines.is_structure(body[1])


def _is_st(rows: Sequence[str]) -> bool:
    """Tells whether a line of loop types stands below the first structure."""
    index = next(n for n, text in enumerate(rows) if dot_lines.is_structure(text))
    below = rows[index + 1 : index + 2]
    return any(
        len(text) == len(rows[index]) and not set(text) - set("SEHIMBX")
        for text in below
    )


def write_ct(path: formats.Path, record: formats.Record) -> None:
    """Writes a CT file of one structure.

    Raises:
      ValueError: no structure, or a base triple; an empty sequence; a name with white
        space, or none.
    """
    partner_L = _partners(path, record)
    length = len(partner_L)
    rows = [
        f"{i} {letter} {i - 1} {(i + 1) % (length + 1)} {partner} {i}"
        for i, (letter, partner) in enumerate(_rows(record, partner_L), 1)
    ]
    _write(path, [f"{length} {record.name}", *rows])


def write_bpseq(path: formats.Path, record: formats.Record) -> None:
    """Writes a BPSEQ file; errors as `write_ct`."""
    rows = enumerate(_rows(record, _partners(path, record)), 1)
    lines = [f"{i} {letter} {partner}" for i, (letter, partner) in rows]
    _write(path, [f"#Name: {record.name}", *lines])


def write_dbn(path: formats.Path, record: formats.Record) -> None:
    """Writes a .dbn file, '&' between strands; errors as `write_ct`, or crossings."""
    structure = _checked(path, record)
    try:
        dots = structures.to_dot_bracket(structure)
    except ValueError as error:
        raise ValueError(f"{path}: {record.name}: {error}") from error
    shown = (strands.marked(text, record.breaks) for text in (record.sequence, dots))
    _write(path, [f">{record.name}", *shown])


def _checked(path: formats.Path, record: formats.Record) -> structures.Structure:
    """Returns the structure of a record that can be written."""
    if record.structure is None or not record.sequence:
        raise ValueError(f"{path}: a sequence with a structure is expected")
    if record.structure.length != len(record.sequence):
        raise ValueError(
            f"{path}: the structure has {record.structure.length} positions, "
            f"the sequence {len(record.sequence)}"
        )
    if record.name.split() != [record.name]:
        raise ValueError(f"{path}: a name of one word expected, found {record.name!r}")
    return record.structure


def _partners(path: formats.Path, record: formats.Record) -> np.ndarray:
    """Returns partners from 1, 0 where there is none."""
    partner_L, num_dropped = structures.partners(_checked(path, record))
    if num_dropped:
        raise ValueError(
            f"{path}: {record.name} has {num_dropped} pairs of nucleotides that are "
            f"paired already; one partner for each is expected"
        )
    return partner_L + 1


def _rows(record: formats.Record, partner_L: np.ndarray) -> Iterator[tuple[str, int]]:
    return zip(record.sequence, partner_L.tolist(), strict=True)


def _write(path: formats.Path, lines: list[str]) -> None:
    files.write_text(path, "\n".join(lines) + "\n")
