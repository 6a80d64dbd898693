"""Files of reactivities → profiles.

Columns or lines of values (.shape, .dat, .map, .react), tables with a header (CSV,
ShapeMapper's profiles) or with a line for each RNA (Ribonanza's), JSON (OpenVaccine's),
RNA Framework's XML and RDAT, plain or packed, told apart by content. Every complaint is
a ValueError that begins with the file and, but for XML, the line.

nan, NA, an empty field and what lies below -500 (files say -999) are no data, as in
RNAstructure.
"""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ssrlm_jax.rna import json_lines, rdat, reactivities, textfile

_LEAST = -500.0  # below it there is no data
_NOTHING = frozenset({"", "na", "nan", "n/a", "null", "-"})
_LETTERS = frozenset("ACGUTN")
# Columns of tables by what they hold, in the order in which they are looked for.
_WIDE = re.compile(r"reactivity_0*(\d+)", re.I)  # a column for each position
_EXPERIMENT = "experiment_type"  # which says the modifier, such as 2A3_MaP
_LONG_WORD = 10  # letters of a sequence below a header
_COLUMNS = {
    "name": ("name", "id", "rna", "transcript", "reference", "sequence_id"),
    "position": ("position", "pos", "nucleotide", "index", "i", "n"),
    "letter": ("letter", "base", "nt", "sequence"),
    "value": ("reactivity", "norm_profile", "reactivity_profile", "value", "shape"),
}


def read(
    path: textfile.Path, *, column: str = "", modifier: str = ""
) -> list[reactivities.Profile]:
    """Returns the profiles of a file.

    Args:
      path: of the file.
      column: of a table, that holds the values; "": one of the usual names.
      modifier: of an RDAT file, or of a table with a line for each RNA, such as "1M7";
        "": there is one only.

    Raises:
      ValueError: the file cannot be read, has another form or no profile, a number
        that is none or infinite, or a position twice; no such column or modifier.
    """
    lines = [
        (number, line.decode("utf-8", "replace").rstrip())
        for number, line in textfile.lines(path)
    ]
    shown = [(number, text) for number, text in lines if text.strip()]
    if not shown:
        raise ValueError(f"{path}: the file is empty")
    first = shown[0][1].lstrip()
    if first.startswith("<"):
        found = _from_xml(path, "\n".join(text for _, text in lines))
    elif first.startswith(rdat.HEADER):
        found = _from_rdat(path, shown, modifier)
    elif json_lines.is_json(first):
        found = _from_json(path)
    elif any(map(_WIDE.fullmatch, _plain_fields(first))):
        found = _from_wide_table(path, shown, modifier)
    elif len(_fields(first)) > 1 and _columns(_fields(first), column):
        found = _from_table(path, shown, column)
    else:
        found = _from_columns(path, [row for row in shown if row[1].strip()[0] != "#"])
    if not found:
        raise ValueError(f"{path}: the file has no reactivities")
    return found


@dataclasses.dataclass
class _Block:
    """A profile of which some lines were read."""

    name: str
    line: int
    positions: list[int] = dataclasses.field(default_factory=list)
    values: list[float] = dataclasses.field(default_factory=list)
    lines: list[int] = dataclasses.field(default_factory=list)
    letters: list[str] = dataclasses.field(default_factory=list)
    length: int | None = None
    sequence: str = ""

    def add_all(self, place: str, values: Sequence[str], line: int) -> None:
        """Adds the values of positions from 1 on."""
        for position, value in enumerate(values, 1):
            letter = self.sequence[position - 1 : position]
            self.add(f"{place}: value {position}", str(position), value, letter, line)

    def add(
        self, place: str, position: str, value: str, letter: str, line: int
    ) -> None:
        if not position.isdecimal() or not 0 < int(position) < 10**9:
            raise ValueError(f"{place}: a position from 1 expected, found {position!r}")
        self.positions.append(int(position) - 1)
        self.values.append(_number(place, value))
        self.letters.append(reactivities.plain(letter) or "N")
        self.lines.append(line)

    def finish(self, path: textfile.Path) -> reactivities.Profile:
        order = np.argsort(np.array(self.positions, np.int64), kind="stable")
        position_P = np.array(self.positions, np.int64)[order]
        line_P = np.array(self.lines, np.int64)[order]
        twice = np.flatnonzero(position_P[1:] == position_P[:-1])
        if len(twice):
            row = int(twice[0])
            raise ValueError(
                f"{path}:{line_P[row + 1]}: position {position_P[row] + 1} was in line "
                f"{line_P[row]} already"
            )
        letters = "".join(self.letters[row] for row in order)
        return reactivities.Profile(
            self.name,
            f"{path}:{self.line}",
            position_P,
            np.array(self.values, np.float32)[order],
            line_P,
            letters if set(letters) != {"N"} else "",
            self.length,
        )


def _from_columns(
    path: textfile.Path, rows: Sequence[tuple[int, str]]
) -> list[reactivities.Profile]:
    """Reads `position value [error]`, `position letter value`, or a line of values.

    A header (`>name`, or a line of one word as in StructureFold2's .react) begins
    another RNA; below `>name` may stand its sequence. ShapeMapper's .map has a letter
    behind the error.
    """
    blocks: list[_Block] = []
    before = 0  # the line of a header with '>'
    for number, text in rows:
        place, fields = f"{path}:{number}", _fields(text.strip())
        is_word = len(fields) == 1 and not textfile.is_number(text)
        if is_word and blocks and blocks[-1].line == before and _is_sequence(text):
            blocks[-1].sequence = text.strip()
            continue
        is_name = text.startswith(">") or is_word
        if is_name:
            before = number if text.startswith(">") else 0
            words = text.lstrip(">").split()
            blocks.append(_Block(words[0] if words else "", number))
            continue
        if not blocks:
            blocks.append(_Block("", number))
        block = blocks[-1]
        if len(fields) > 4 or block.length is not None:
            if block.positions:
                raise ValueError(f"{place}: one line of values for an RNA expected")
            block.add_all(place, fields, number)
            block.length = len(fields)
        elif len(fields) > 1 and fields[1].upper() in _LETTERS:
            block.add(place, fields[0], (fields[2:] or [""])[0], fields[1], number)
        elif len(fields) > 1:
            block.add(place, fields[0], fields[1], (fields[3:] or [""])[0], number)
        else:
            raise ValueError(f"{place}: 'position value' expected, found {text[:20]!r}")
    empty = [block for block in blocks if not block.positions]
    if empty:
        raise ValueError(f"{path}:{empty[0].line}: {empty[0].name} has no values below")
    return [block.finish(path) for block in blocks]


def _is_sequence(text: str) -> bool:
    word = text.strip().upper()
    return len(word) >= _LONG_WORD and not set(word) - _LETTERS


def _from_json(path: textfile.Path) -> list[reactivities.Profile]:
    """Reads objects with `sequence` and `reactivity`, which may end before it does."""
    found = []
    for number, fields in json_lines.objects(path):
        place = f"{path}:{number}"
        values = fields.get("reactivity") if isinstance(fields, Mapping) else None
        if not isinstance(values, list):
            raise ValueError(
                f"{place}: an object with 'reactivity', a list, is expected, found "
                f"{str(fields)[:40]!r}"
            )
        name, sequence = fields.get("id") or fields.get("name"), fields.get("sequence")
        block = _Block(str(name or ""), number, sequence=str(sequence or ""))
        texts = ["" if one is None else str(one) for one in values]
        block.add_all(place, texts, number)
        block.length = len(block.sequence) or len(values)
        found.append(block.finish(path))
    return found


def _from_wide_table(
    path: textfile.Path, rows: Sequence[tuple[int, str]], modifier: str
) -> list[reactivities.Profile]:
    """Reads a line for each RNA, with a column for each position."""
    (_, header), *body = rows
    names = _plain_fields(header)
    matches = [(index, _WIDE.fullmatch(name)) for index, name in enumerate(names)]
    columns = {int(match[1]): index for index, match in matches if match}
    one_of = {
        what: next((names.index(one) for one in known if one in names), None)
        for what, known in (*_COLUMNS.items(), ("type", (_EXPERIMENT,)))
    }
    types: dict[str, None] = {}
    found = []
    for number, text in body:
        fields = [field.strip('"') for field in _fields(text)]
        if len(fields) != len(names):
            raise ValueError(
                f"{path}:{number}: {len(names)} fields expected, found {len(fields)}"
            )
        said = {what: fields[n] for what, n in one_of.items() if n is not None}
        kind = said.get("type", "")
        if modifier and modifier.lower() not in kind.lower():
            continue
        types[kind] = None
        block = _Block(said.get("name", ""), number, sequence=said.get("letter", ""))
        values = [fields[columns[position]] for position in sorted(columns)]
        block.length = len(block.sequence) or None
        block.add_all(f"{path}:{number}", values[: block.length], number)
        found.append(block.finish(path))
    if len(types) > 1:
        raise ValueError(
            f"{path}: data of several modifiers: {', '.join(types)}; name one"
        )
    return found


def _plain_fields(header: str) -> list[str]:
    return [field.strip().strip('"').lower() for field in _fields(header)]


def _columns(header: Sequence[str], column: str) -> dict[str, int]:
    """Returns where a table's columns are; empty where this is no header."""
    names = [field.strip().strip('"').lower() for field in header]
    found: dict[str, int] = {}
    for what, known in _COLUMNS.items():
        if what == "value" and column:
            known = (column.lower(),)
        place = next((names.index(name) for name in known if name in names), None)
        if place is not None:
            found[what] = place
    is_header = "position" in found and not any(map(textfile.is_number, names))
    return found if is_header else {}


def _from_table(
    path: textfile.Path, rows: Sequence[tuple[int, str]], column: str
) -> list[reactivities.Profile]:
    """Reads a line for each nucleotide, below a header that names the columns."""
    (first, header), *body = rows
    columns = _columns(_fields(header), column)
    if "value" not in columns:
        wanted = repr(column) if column else " or ".join(map(repr, _COLUMNS["value"]))
        raise ValueError(
            f"{path}:{first}: no column {wanted}; there are "
            f"{', '.join(map(repr, _fields(header)))}"
        )
    blocks: dict[str, _Block] = {}
    for number, text in body:
        fields = [field.strip().strip('"') for field in _fields(text)]
        if len(fields) <= max(columns.values()):
            raise ValueError(
                f"{path}:{number}: {len(_fields(header))} fields expected, found "
                f"{len(fields)}"
            )
        name = fields[columns["name"]] if "name" in columns else ""
        letter = fields[columns["letter"]] if "letter" in columns else ""
        block = blocks.setdefault(name, _Block(name, number))
        position, value = fields[columns["position"]], fields[columns["value"]]
        block.add(f"{path}:{number}", position, value, letter, number)
    return [block.finish(path) for block in blocks.values()]


def _from_xml(path: textfile.Path, text: str) -> list[reactivities.Profile]:
    """Reads RNA Framework's XML: transcripts with a sequence and reactivities."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}:{error.position[0]}: not XML ({error})") from error
    found = []
    for transcript in root.iter("transcript"):
        name = transcript.get("id", "")
        place = f"{path}: transcript {name}"
        block = _Block(name, 0)
        sequence = "".join((transcript.findtext("sequence") or "").split())
        values = "".join((transcript.findtext("reactivity") or "").split())
        fields = values.split(",") if values else []
        if len(fields) != len(sequence) or not fields:
            raise ValueError(
                f"{place}: {len(sequence)} reactivities expected, as many as letters, "
                f"found {len(fields)}"
            )
        for position, (letter, field) in enumerate(
            zip(sequence, fields, strict=True), 1
        ):
            at = f"{place}: value {position}"
            block.add(at, str(position), field, letter, 0)
        block.length = len(sequence)
        found.append(dataclasses.replace(block.finish(path), place=place))
    return found


def _from_rdat(
    path: textfile.Path, rows: Sequence[tuple[int, str]], modifier: str
) -> list[reactivities.Profile]:
    """Returns what `rdat.read` finds of one modifier."""
    found = []
    for trace in rdat.read(path, rows, modifier):
        block = _Block(trace.name, trace.line, length=len(trace.sequence))
        for position, value in zip(trace.positions, trace.values, strict=True):
            letter = trace.sequence[position - 1]
            place = f"{path}:{trace.line}"
            block.add(place, str(position), value, letter, trace.line)
        found.append(block.finish(path))
    return found


def _fields(text: str) -> list[str]:
    """Returns the fields of a line: by commas, else tabs, else white space."""
    for delimiter in (",", "\t"):
        if delimiter in text:
            return [field.strip() for field in text.split(delimiter)]
    return text.split()


def _number(place: str, text: str) -> float:
    """Reads a value; nan where there is no data."""
    if text.strip().lower() in _NOTHING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(
            f"{place}: a reactivity, or -999 or nan where there is none, expected, "
            f"found {text[:20]!r}"
        )
    return value if value >= _LEAST else math.nan
