"""RDAT, the files of the RNA Mapping Database: the fields that hold reactivities.

Read are NAME, SEQUENCE, OFFSET, SEQPOS, what is said of a row of data and its values,
of versions 0.2 to 0.4 and later; the rest (errors, traces, comments) is passed over.
Source: Cordero et al. 2012, Bioinformatics 28(22), and the form that rdat-kit writes.
"""

import dataclasses
import re
from collections.abc import Sequence
from typing import NamedTuple

from ssrlm_jax.rna import textfile

HEADER = "RDAT_VERSION"
_UNMODIFIED = frozenset({"none", "nomod", "no mod", "unmodified", ""})
_FIELD = re.compile(r"([A-Z_]+)[:\s]?(.*)")
_VALUES = ("REACTIVITY", "AREA_PEAK", "DATA")  # by age, the newest last
_ABOUT = ("ANNOTATION_DATA", "DATA_ANNOTATION")


class Trace(NamedTuple):
    """Values of one row of data.

    Attributes:
      name: of the construct, or of the row where it says.
      sequence: of the whole construct, or of the row.
      positions: from 1, of the values.
      values: as written.
      line: of the values.
    """

    name: str
    sequence: str
    positions: tuple[int, ...]
    values: tuple[str, ...]
    line: int


@dataclasses.dataclass
class _Construct:
    name: str = ""
    sequence: str = ""
    offset: int = 0
    seqpos: tuple[int, ...] = ()
    modifier: str = ""
    about: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    rows: dict[str, tuple[int, tuple[str, ...]]] = dataclasses.field(
        default_factory=dict
    )


def read(
    path: textfile.Path, lines: Sequence[tuple[int, str]], modifier: str
) -> list[Trace]:
    """Returns the rows of data of one modifier.

    Args:
      path: for messages.
      lines: that are not blank, with their numbers.
      modifier: such as "1M7"; "": the only one; rows without one are left out.

    Raises:
      ValueError: a field of another form; several modifiers, or not the one asked for;
        other numbers of positions and values; a position outside the sequence.
    """
    found: list[tuple[str, Trace]] = []
    for construct in _constructs(path, lines):
        found += _traces(path, construct)
    modifiers = sorted({one for one, _ in found if one.lower() not in _UNMODIFIED})
    asked = [one for one in modifiers if one.lower() == modifier.lower()]
    if modifier and not asked:
        raise ValueError(
            f"{path}: no data of the modifier {modifier!r}; there are "
            f"{', '.join(modifiers) or 'none'}"
        )
    if not modifier and len(modifiers) > 1:
        raise ValueError(
            f"{path}: data of several modifiers: {', '.join(modifiers)}; name one"
        )
    if not modifiers:  # nothing is said, or nothing but controls is there
        return [trace for one, trace in found if not one]
    return [trace for one, trace in found if one == (asked or modifiers)[0]]


def _constructs(
    path: textfile.Path, lines: Sequence[tuple[int, str]]
) -> list[_Construct]:
    found: list[_Construct] = []
    for number, text in lines:
        match = _FIELD.match(text.strip())
        field, rest = match.groups() if match else ("", "")
        rest = rest.strip()
        if field == "NAME":
            found.append(_Construct(rest))
            continue
        if not found:
            found.append(_Construct())
        construct, place = found[-1], f"{path}:{number}"
        if field == "SEQUENCE":
            construct.sequence = rest.split()[-1] if rest.split() else ""
        elif field == "OFFSET":
            construct.offset = _whole(place, rest)
        elif field == "SEQPOS":
            construct.seqpos = tuple(
                _whole(place, re.sub(r"^[A-Za-z]", "", word))
                for word in re.split(r"[\s,]+", rest)
                if word
            )
        elif field == "ANNOTATION":
            construct.modifier = _said(rest).get("modifier", construct.modifier)
        elif field in _ABOUT:
            row, _, said = rest.replace("\t", " ").partition(" ")
            construct.about[row] = _said(said)
        elif field in _VALUES:
            row, *values = re.split(r"[\s,]+", rest)
            construct.rows[row] = number, tuple(value for value in values if value)
    if len(found) > 1 and not found[0].rows:  # lines above the first NAME are of all
        for construct in found[1:]:
            construct.modifier = construct.modifier or found[0].modifier
    return found


def _traces(path: textfile.Path, construct: _Construct) -> list[tuple[str, Trace]]:
    """Returns the modifier of each row of data, and its values."""
    found = []
    for row, (number, values) in construct.rows.items():
        said = construct.about.get(row, {})
        sequence = said.get("sequence", construct.sequence)
        positions = tuple(one - construct.offset for one in construct.seqpos)
        if not construct.seqpos:
            positions = tuple(range(1, len(sequence) + 1))
        if len(positions) != len(values):
            raise ValueError(
                f"{path}:{number}: {len(positions)} values expected, as SEQPOS has "
                f"positions, found {len(values)}"
            )
        wrong = [one for one in positions if not 1 <= one <= len(sequence)]
        if wrong:
            raise ValueError(
                f"{path}:{number}: SEQPOS has position {wrong[0] + construct.offset}, "
                f"with OFFSET {construct.offset} outside the {len(sequence)} letters"
            )
        name = said.get("name", construct.name)
        modifier = said.get("modifier", construct.modifier)
        found.append((modifier, Trace(name, sequence, positions, values, number)))
    return found


def _said(text: str) -> dict[str, str]:
    """Reads `key:value` words; the first of each key."""
    said: dict[str, str] = {}
    for word in text.split():
        key, colon, value = word.partition(":")
        if colon:
            said.setdefault(key, value)
    return said


def _whole(place: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{place}: a number expected, found {text[:20]!r}") from error
