"""Tables of RNA: a line for each, columns by what they hold.

Columns are found by their names, in any order; where no name says it, by what stands in
the first row. What is not used is named.
"""

import csv
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import alphabet, formats, strands, structures, textfile

# Columns of tables, by what they hold; of several in a table the first here is read.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "name", "rnaid", "seqid", "seqname", "sequenceid", "sequencename")
    + ("rnaname", "accession", "header", "title", "identifier", "pdbid")
    + ("bprnaid", "rna", "urs", "ursid", "rnacentralid", "uuid", "key", "target")
    + ("targetid", "designname", "designid", "transcript", "transcriptid", "gene")
    + ("geneid", "filename", "file", "description"),
    "sequence": ("sequence", "seq", "rnasequence", "sequences"),
    "dotbracket": ("dotbracket", "structure", "secondarystructure", "ss", "dbn", "db")
    + ("dots", "dotbracketstructure", "secstruct", "secstructure", "structures")
    + ("targetstructure", "predictedstructure", "mfestructure", "prediction"),
    "pairs": ("pairs", "basepairs", "bps", "pairlist", "basepairlist"),
    "family": ("family", "rfam", "rnafamily", "rfamid", "familyid", "familyname"),
}

_NO_STRUCTURE = ("", "-", "na", "nan", "none", "null")  # of a cell
_PAIR = re.compile(r"(\d{1,9})(?:\s*[-:,]\s*|\s+)(\d{1,9})(?!\d)")
_SEPARATOR = re.compile("sep=.", re.I)
_BESIDE_PAIRS = " \t;,|()[]{}"
_LEAST_SHARE = 0.7  # of A C G U T N in what is a sequence though no name says so


def read_table(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a table; errors as `table`, of a record, too."""
    return formats.strict(table(path))


def table(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the records of a table, separated by tabs, commas or semicolons.

    It has a header line, and columns by name, in any order: `id`, `sequence`, and
    where known `family`, `dotbracket` and `pairs`, or what else `COLUMNS` has for
    them; case, blanks, '_' and '-' do not matter. `pairs` (`1-7;2-6` or `[[1, 7], [2,
    6]]`, from 1) holds every pair and is read instead of `dotbracket` where it is
    filled: it can hold base triples. Without ids a record is called `record` and its
    number. Without a header, or a name that says which column is the structure, the
    first row tells.

    Raises:
      ValueError: as `textfile.lines`; no header or no record.
    """
    rows = table_rows(path)
    number, fields = next(rows, (0, []))
    if not fields:
        raise ValueError(f"{path}: the file is empty")
    columns, names = found_columns(fields), fields
    has_names = "sequence" in columns
    if not has_names:
        columns = columns_by_content(fields)
        names = [f"column {number}" for number in range(1, len(fields) + 1)]
        rows = itertools.chain([(number, fields)], rows)
    if "sequence" not in columns:
        raise ValueError(
            f"{path}:{number}: the table needs a column {shown_columns('sequence')}, "
            f"found {', '.join(map(repr, fields))}"
        )
    num_rows, guessed = 0, dict[str, int]()
    for number, row in rows:
        num_rows += 1
        place = f"{path}:{number}"
        while len(row) > len(fields) and not row[-1]:
            row.pop()
        if has_names and num_rows == 1 and len(row) == len(fields) + 1:
            # R writes names of rows, and above them none.
            fields, names = ["", *fields], ["", *names]
            columns = {what: column + 1 for what, column in columns.items()}
        if len(row) != len(fields):
            told = f"{place}: {len(fields)} fields expected, found {len(row)}"
            yield formats.Note(told)
            continue
        if num_rows == 1 and not {"dotbracket", "pairs"} & columns.keys():
            guessed = columns_by_content(row, columns["sequence"])
            columns = guessed | columns
        cells = {what: row[column].strip() for what, column in columns.items()}
        try:
            yield of_cells(cells, f"record{num_rows}", place)
        except ValueError as error:
            yield formats.Note(f"{place}: {error}")
    if not has_names:
        guessed = columns
    if guessed:
        said = ", ".join(f"{names[n]} for {what}" for what, n in guessed.items())
        yield formats.Note(f"{path}: by the first row, took {said}", is_record=False)
    used = set(columns.values())
    others = [
        name or f"column {n + 1}" for n, name in enumerate(names) if n not in used
    ]
    if others:
        told = f"{path}: columns not used: {', '.join(others)}"
        yield formats.Note(told, is_record=False)


def found_columns(names: Iterable[str]) -> dict[str, int]:
    """Returns where the columns of `COLUMNS` are, by their names."""
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    columns = {}
    for what, accepted in COLUMNS.items():
        found = [plain.index(name) for name in accepted if name in plain]
        if what == "dotbracket":  # "true structure" and the like
            found += [n for n, name in enumerate(plain) if name.endswith("structure")]
        if found:
            columns[what] = found[0]
    return columns


def columns_by_content(
    row: Sequence[str], sequence: int | None = None
) -> dict[str, int]:
    """Returns where a sequence and a dot-bracket are that fit each other, and an id.

    Args:
      row: fields of a record.
      sequence: where the sequence is; None: unknown, and so is the id.

    Returns:
      By keys of `COLUMNS`; empty where there is no such pair.
    """
    indices = range(len(row))
    for first in indices if sequence is None else [sequence]:
        letters = row[first]
        num_known = len(letters) - alphabet.num_other(letters)
        if not letters or num_known < _LEAST_SHARE * len(letters):
            continue
        for other in indices:
            if other == first:  # Tt is a sequence, and the brackets of a pseudoknot
                continue
            try:
                formats.folded("", letters, row[other], "")
            except ValueError:
                continue
            found = {"sequence": first, "dotbracket": other}
            names = [n for n in indices if n not in (first, other)]
            return found | ({"id": names[0]} if names and sequence is None else {})
    return {}


def of_cells(cells: Mapping[str, str], name: str, place: str) -> formats.Record:
    """Returns the record of a row.

    Args:
      cells: by keys of `COLUMNS`; those of the structure and `family` may lack.
      name: where there is no `id`.
      place: of the record.

    Raises:
      ValueError: it is malformed; without a place.
    """
    sequence = "".join(cells["sequence"].split())
    if not sequence:
        raise ValueError("a record without a sequence")
    family, name = cells.get("family", ""), cells.get("id") or name
    dots, pairs = (_structure_cell(cells, what) for what in ("dotbracket", "pairs"))
    if not dots and not pairs:
        return formats.Record(name, sequence, None, family, place)
    if not pairs:
        return formats.folded(name, sequence, dots, place, family)
    # Where pairs are given, nothing is read of dots but their length.
    unpaired = "." * len(strands.joined(dots or sequence))
    record = formats.folded(name, sequence, unpaired, place, family)
    structure = _of_pairs(len(record.sequence), pairs)
    return dataclasses.replace(record, structure=structure)


def write_table(path: formats.Path, records: Iterable[formats.Record]) -> None:
    """Writes labelled records as a table that `read_table` reads back.

    Of base triples `dotbracket` has the first pair, `pairs` all.
    """
    rows = [["id", "family", "sequence", "dotbracket", "pairs"]]
    for record in records:
        if record.structure is None:
            raise ValueError(f"{path}: {record.name} has no structure to be written")
        dots = structures.to_dot_bracket(structures.without_triples(record.structure))
        pairs = pairs_cell(record.structure.pairs.tolist())
        rows.append([record.name, record.family, record.sequence, dots, pairs])
    files.write_text(path, "".join("\t".join(row) + "\n" for row in rows))


def pairs_cell(pairs: Iterable[tuple[int, int]]) -> str:
    """Returns pairs, which count from 0, as a cell of a table, from 1: "1-7;2-6"."""
    return ";".join(f"{i + 1}-{j + 1}" for i, j in pairs)


def table_rows(path: formats.Path) -> Iterator[tuple[int, list[str]]]:
    """Yields the fields of every line that is not blank nor, above all, a comment.

    Raises:
      ValueError: as `textfile.lines`.
    """
    mark = ""
    for number, line in textfile.lines(path):
        text = alphabet.as_text(line)
        if text.strip() and (mark or not is_above(text)):
            mark = mark or _mark(text)
            yield number, split_row(text, mark)


def is_above(text: str) -> bool:
    """Tells whether a line above a table is none of it: a comment, `sep=;` of Excel."""
    return text.startswith("#") or bool(_SEPARATOR.fullmatch(text.strip()))


def split_row(text: str, mark: str = "") -> list[str]:
    """Returns the fields of a line of a table.

    Args:
      text: the line.
      mark: what separates fields; "": tabs, commas or semicolons, whatever is most,
        or blanks where there are none. Among commas and semicolons fields may stand in
        double quotes.
    """
    mark = mark or _mark(text)
    if mark in " \t":
        parts = text.split() if mark == " " else text.split(mark)
        return [_unquoted(field.strip()) for field in parts]
    try:
        fields = next(csv.reader([text], delimiter=mark))
    except csv.Error:  # a quote that is not closed, or what is no text
        fields = text.split(mark)
    return [field.strip() for field in fields]


def _unquoted(field: str) -> str:
    """Returns a field without quotes around it, as R writes them."""
    is_quoted = len(field) > 1 and field[0] == field[-1] == '"'
    return field[1:-1] if is_quoted else field


def _mark(text: str) -> str:
    found = max("\t,;", key=text.count)
    return found if found in text.strip() else " "


def without_structure(record: formats.Record) -> str:
    """Says that a record has no structure, and where one would stand."""
    return (
        f"{record.name} has no structure; of a table it stands in a column "
        f"{shown_columns('dotbracket')} or 'pairs'"
    )


def shown_columns(what: str) -> str:
    """Returns a key of `COLUMNS` and what else it is called, for messages."""
    first, *others = COLUMNS[what]
    return f"{first!r} (or {', '.join(others[:4])} ...)"


def _structure_cell(cells: Mapping[str, str], what: str) -> str:
    text = cells.get(what, "").strip()
    text = "".join(text.split()) if what == "dotbracket" else text
    return "" if text.lower() in _NO_STRUCTURE else text


def _of_pairs(length: int, pairs: str) -> structures.Structure:
    """Returns the structure of pairs written as '1-7;2-6' or its like."""
    if set(_PAIR.sub("", pairs)) - set(_BESIDE_PAIRS):
        raise ValueError(f"pairs as '1-7;2-6' are expected, found {pairs[:20]!r}")
    positions = np.array(_PAIR.findall(pairs), np.int64).reshape(-1, 2)
    return structures.Structure(length, positions - 1)
