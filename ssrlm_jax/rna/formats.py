"""Records of RNA, and the text files that are lists of them: FASTA and tables.

Files are read through `rna.textfile`. Readers are streams: they hold one record. A
complaint begins with the file and the line, counted from 1. Readers of every other
format are told apart in `structure_formats`, and give what is given here: records, and
notes on what they left out, which a strict caller has raised (`strict`).
"""

import csv
import dataclasses
import logging
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import alphabet, fasta, strands, structures, textfile

_log = logging.getLogger(__name__)

# Columns of tables, by what they hold; of several in a table the first here is read.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "name", "rnaid", "seqid", "seqname", "sequenceid", "sequencename")
    + ("rnaname", "accession", "header", "title", "identifier", "pdbid"),
    "sequence": ("sequence", "seq", "rnasequence", "sequences"),
    "dotbracket": ("dotbracket", "structure", "secondarystructure", "ss", "dbn", "db")
    + ("dots", "dotbracketstructure", "secstruct", "secstructure", "structures")
    + ("targetstructure", "predictedstructure", "mfestructure", "prediction"),
    "pairs": ("pairs", "basepairs", "bps"),
    "family": ("family", "rfam", "rnafamily"),
}

_ENERGY = re.compile(
    r"\b(ENERGY|dG|MFE|Score)\s*[=:]\s*[-+.\d]+\s*(kcal/mol)?\s*(\[[^]]*\])?", re.I
)
_NUMBER = re.compile(r"[-+]?\d+\.\d+")
_BRACKETED = re.compile(r"\[([^]\s]+)\]|'([^'\s]+)'")  # a name of DSSR's
_UNPAIRED = str.maketrans(dict.fromkeys(":,-_~", "."))  # of WUSS
_LINKER = re.compile("(?<![Ii])[Ii]{3}(?![Ii])")  # RNAstructure's, of two strands
_NO_STRUCTURE = ("", "-", "na", "nan", "none", "null")  # of a table's cell

Path = textfile.Path


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One named sequence.

    Attributes:
      name: the first word of a FASTA header; not always unique.
      sequence: letters as in the file, without gaps.
      structure: None where nothing is known.
      family: "" where nothing is known.
      place: file and line, for messages.
      breaks: positions, from 0, at which a second strand begins, and further ones.
      rank: of a structure among those that a file gives for one sequence, from 0.
    """

    name: str
    sequence: str
    structure: structures.Structure | None = None
    family: str = ""
    place: str = ""
    breaks: tuple[int, ...] = ()
    rank: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """What a reader left out, and why; in one line, from file and line on.

    Attributes:
      text: the line.
      is_record: whether a record is left out; else it is something beside records.
    """

    text: str
    is_record: bool = True


Read = Record | Note
Reader = Callable[[Path], Iterator[Read]]


def first_of_each(found: Iterable[Read]) -> Iterator[Read]:
    """Yields what is found, of each sequence one structure, and a note on others."""
    others = []
    for one in found:
        if isinstance(one, Record) and one.rank:
            others.append(one.place)
        else:
            yield one
    if others:
        text = f"{others[0]}: {len(others)} further structures of a sequence not used"
        yield Note(text, is_record=False)


def strict(found: Iterable[Read]) -> Iterator[Record]:
    """Yields records, of each sequence one; what else is there goes to the log.

    Raises:
      ValueError: a record had to be left out.
    """
    for one in first_of_each(found):
        if isinstance(one, Record):
            yield one
        elif one.is_record:
            raise ValueError(one.text)
        else:
            _log.info("%s", one.text)


def folded(name: str, sequence: str, dots: str, place: str, family: str = "") -> Record:
    """Returns the record of a sequence and its dot-bracket, as files have them.

    Columns in which the sequence has a gap are taken out, with their pairs, where the
    structure has them. Strands
    that `&` or `+` part, in either of both, are joined, and so are those that
    RNAstructure joins by a linker III.

    Args:
      name: of the record.
      sequence: letters, perhaps with `alphabet.GAPS` and `alphabet.STRANDS`.
      dots: dot-bracket; `: , - _ ~` are unpaired, too.
      place: of the record.
      family: of the record.

    Raises:
      ValueError: they do not fit, or the structure is malformed; without a place.
    """
    (letters, breaks), (marks, marked) = strands.split(sequence), strands.split(dots)
    if len(marks) == len(alphabet.without_gaps(letters)) and not breaks:
        letters = alphabet.without_gaps(letters)
    if len(marks) != len(letters):
        raise ValueError(
            f"dot-bracket of {len(letters)} positions expected, found {len(marks)}: "
            f"{dots[:20]!r}"
        )
    if breaks and marked and breaks != marked:
        raise ValueError(
            f"strands begin after {breaks} letters, in the structure after {marked}"
        )
    try:
        structure = structures.from_dot_bracket(marks.translate(_UNPAIRED))
    except ValueError as error:
        if "," in marks or "|" in marks:
            raise ValueError(
                f"{error}; with ',' and '|' it is RNAfold's sketch of all structures, "
                "not one of them"
            ) from error
        raise
    is_letter = np.array([letter not in alphabet.GAPS for letter in letters], bool)
    if not is_letter.any():
        raise ValueError("a sequence expected, found gaps only")
    kept = alphabet.without_gaps(letters)
    ends = [int(is_letter[:end].sum()) for end in breaks or marked]
    starts = tuple(dict.fromkeys(end for end in ends if 0 < end < len(kept)))
    structure = structures.projected(structure, is_letter)
    return unlinked(Record(name, kept, structure, family, place, starts))


def unlinked(record: Record) -> Record:
    """Returns a record without the linker III that joins two strands in RNAstructure.

    A linker is three unpaired I, no more nor less, between letters, once in a record.
    """
    found = list(_LINKER.finditer(record.sequence))
    if len(found) != 1 or record.structure is None or record.breaks:
        return record
    first, end = found[0].span()
    in_linker = (record.structure.pairs >= first) & (record.structure.pairs < end)
    if first == 0 or end == len(record.sequence) or in_linker.any():
        return record
    is_kept = np.ones(len(record.sequence), bool)
    is_kept[first:end] = False
    return dataclasses.replace(
        record,
        sequence=record.sequence[:first] + record.sequence[end:],
        structure=structures.projected(record.structure, is_kept),
        breaks=(first,),
    )


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
    """Yields the records of a table; errors as `table`, of a record, too."""
    return strict(table(path))


def table(path: Path) -> Iterator[Read]:
    """Yields the records of a table, separated by tabs, commas or semicolons.

    It has a header line, and columns by name, in any order: `id`, `sequence`, and
    where known `family`, `dotbracket` and `pairs`, or what else `COLUMNS` has for
    them; case, blanks, '_' and '-' do not matter. `pairs` (`1-7;2-6`, from 1) holds
    every pair and is read instead of `dotbracket` where it is filled: it can hold base
    triples. Without ids a record is called `record` and its number.

    Raises:
      ValueError: as `textfile.lines`; no header or no record.
    """
    rows = table_rows(path)
    number, fields = next(rows, (0, []))
    if not fields:
        raise ValueError(f"{path}: the file is empty")
    columns, others = found_columns(fields)
    if "sequence" not in columns:
        raise ValueError(
            f"{path}:{number}: the table needs a column {shown_columns('sequence')}, "
            f"found {', '.join(map(repr, fields))}"
        )
    num_rows = 0
    for number, row in rows:
        num_rows += 1
        place = f"{path}:{number}"
        if len(row) != len(fields):
            yield Note(f"{place}: {len(fields)} fields expected, found {len(row)}")
            continue
        cells = {what: row[column].strip() for what, column in columns.items()}
        try:
            yield of_cells(cells, f"record{num_rows}", place)
        except ValueError as error:
            yield Note(f"{place}: {error}")
    if others:
        yield Note(f"{path}: columns not used: {', '.join(others)}", is_record=False)


def found_columns(names: Iterable[str]) -> tuple[dict[str, int], list[str]]:
    """Returns where the columns of `COLUMNS` are, and the names of the others."""
    names = list(names)
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    columns = {}
    for what, accepted in COLUMNS.items():
        found = [plain.index(name) for name in accepted if name in plain]
        if what == "dotbracket":  # "true structure" and the like
            found += [n for n, name in enumerate(plain) if name.endswith("structure")]
        if found:
            columns[what] = found[0]
    used = set(columns.values())
    return columns, [name for place, name in enumerate(names) if place not in used]


def of_cells(cells: Mapping[str, str], name: str, place: str) -> Record:
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
        return Record(name, sequence, None, family, place)
    if not pairs:
        return folded(name, sequence, dots, place, family)
    # Where pairs are given, nothing is read of dots but their length.
    unpaired = "." * len(strands.joined(dots or sequence))
    record = folded(name, sequence, unpaired, place, family)
    structure = _of_pairs(len(record.sequence), pairs)
    return dataclasses.replace(record, structure=structure)


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


def titled(text: str) -> str:
    """Returns the name in a title: its first word that is no energy; "" without one.

    Example:
      >>> titled("ENERGY = -5.0  hp of two"), titled("ENERGY = 0.0 [1msy] -- by DSSR")
      ('hp', '1msy')
    """
    words = _ENERGY.sub("", text).replace("seq name:", "").split()
    if "DSSR" in text and words[1:] and (found := _BRACKETED.search(text)):
        return found[1] or found[2]
    if len(words) > 1 and _NUMBER.fullmatch(words[0]):  # an energy without its name
        words = words[1:]
    return words[0] if words else ""


def numbered(name: str, number: int) -> str:
    """Returns the name of the nth record of a file that gives it none."""
    return name if number == 1 else f"{name}-{number}"


def stem(path: Path) -> str:
    """Returns a file's name without folder, suffix and that of its packing."""
    return pathlib.PurePath(textfile.name_of(path)).stem


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines that are not blank, without white space at their ends.

    Raises:
      ValueError: as `textfile.lines`.
    """
    for number, line in textfile.lines(path):
        if text := alphabet.as_text(line).strip():
            yield number, text


def table_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields the fields of every line that is not blank nor, above all, a comment.

    Raises:
      ValueError: as `textfile.lines`.
    """
    mark = ""
    for number, line in textfile.lines(path):
        text = alphabet.as_text(line)
        if text.strip() and (mark or not text.startswith("#")):
            mark = mark or _mark(text)
            yield number, split_row(text, mark)


def split_row(text: str, mark: str = "") -> list[str]:
    """Returns the fields of a line of a table.

    Args:
      text: the line.
      mark: what separates fields; "": tabs, commas or semicolons, whatever is most,
        or blanks where there are none. Among commas and semicolons fields may stand in
        double quotes.
    """
    mark = mark or _mark(text)
    if mark == " ":
        return text.split()
    if mark == "\t":
        return [field.strip() for field in text.split(mark)]
    try:
        fields = next(csv.reader([text], delimiter=mark))
    except csv.Error:  # a quote that is not closed, or what is no text
        fields = text.split(mark)
    return [field.strip() for field in fields]


def _mark(text: str) -> str:
    found = max("\t,;", key=text.count)
    return found if found in text.strip() else " "


def shown_columns(what: str) -> str:
    """Returns a key of `COLUMNS` and what else it is called, for messages."""
    first, *others = COLUMNS[what]
    return f"{first!r} (or {', '.join(others[:4])} ...)"


def _structure_cell(cells: Mapping[str, str], what: str) -> str:
    text = "".join(cells.get(what, "").split())
    return "" if text.lower() in _NO_STRUCTURE else text


def _of_pairs(length: int, pairs: str) -> structures.Structure:
    """Returns the structure of pairs written as '1-7;2-6'."""
    try:
        read = [pair.split("-") for pair in pairs.strip(";").split(";")]
        positions = np.array([(int(i), int(j)) for i, j in read], np.int64)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"pairs as '1-7;2-6' are expected, found {pairs[:20]!r}"
        ) from error
    return structures.Structure(length, positions - 1)
