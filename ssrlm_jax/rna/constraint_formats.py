"""Files of constraints → statements, of one RNA or several.

Lines are told apart one by one, so that a file may hold several forms. Below `>name`
stands what is known of that RNA, above the first one what is known of the only one: a
constraint string (with its sequence above it or not), `F i j k` and `P i j k` as in
ViennaRNA's command files, `i j`, a pair, and the sections of RNAstructure's .con.
Positions count from 1. Every complaint is a ValueError that begins with the file and
the line.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence

from ssrlm_jax.rna import constraints, textfile

_SECTIONS = {  # of a .con file, in lower case; -1 ends each
    "ds": constraints.PAIRED,
    "ss": constraints.UNPAIRED,
    "mod": constraints.MODIFIED,
    "pairs": constraints.PAIR,
    "fmn": constraints.WOBBLE,
    "forbids": constraints.NO_PAIR,
}
_OF_TWO = (constraints.PAIR, constraints.NO_PAIR)
_STRING = frozenset("()[]{}<>|x.")
_ORIENTATIONS = {"D": constraints.DOWNSTREAM, "U": constraints.UPSTREAM}
_ACCEPTED = (
    "a string of ( ) [ ] { } < > | x ., 'F i j k', 'P i j k', 'P i-j k-l', a pair "
    "'i j' or a section of RNAstructure's .con (DS: SS: Mod: Pairs: FMN: Forbids:)"
)


@dataclasses.dataclass
class Block:
    """What a file says of one RNA.

    Attributes:
      name: "" where the file does not say.
      place: file and line where it begins.
      sequence: "" where the file has none.
      statements: in the order of the file.
      length: of constraint strings; None: there is none.
    """

    name: str
    place: str
    sequence: str = ""
    statements: list[constraints.Statement] = dataclasses.field(default_factory=list)
    length: int | None = None

    def of(self, sequence: str, max_span: int = 0) -> constraints.Constraints:
        """Returns what is known of a sequence.

        Raises:
          ValueError: it has another length than a constraint string; as
            `constraints.Constraints`.
        """
        if self.length not in (None, len(sequence)):
            raise ValueError(
                f"{self.place}: {self.length} characters of constraints, the sequence "
                f"has {len(sequence)} nucleotides"
            )
        return constraints.Constraints(sequence, tuple(self.statements), max_span)


def read(path: textfile.Path) -> list[Block]:
    """Returns what a file says of each RNA.

    Raises:
      ValueError: the file cannot be read or is empty; a line of another form, a section
        without its end.
    """
    blocks: list[Block] = []
    lines = iter(_lines(path))
    for number, text in lines:
        place = f"{path}:{number}"
        if text.startswith(">"):
            words = text[1:].split()
            blocks.append(Block(words[0] if words else "", place))
            continue
        if not blocks:
            blocks.append(Block("", place))
        block = blocks[-1]
        section = text.removesuffix(":").strip().lower()
        if text.endswith(":") and section in _SECTIONS:
            block.statements += _section(path, place, _SECTIONS[section], lines)
        elif set(text) <= _STRING:
            block.statements += constraints.of_dot_bracket(text, place)
            block.length = len(text)
        elif re.fullmatch("[A-Za-z]{3,}", text):
            block.sequence = text.upper().replace("T", "U")
        else:
            block.statements += _command(place, text.split())
    if not blocks:
        raise ValueError(f"{path}: the file is empty")
    return blocks


def chosen(blocks: Sequence[Block], name: str, sequence: str) -> Block | None:
    """Returns what is known of an RNA: by name, then by letters; None: nothing.

    A file of one RNA without a name and without letters is of any.
    """
    letters = sequence.upper().replace("T", "U")
    for block in blocks:
        if block.name and block.name == name:
            return block
    for block in blocks:
        if block.sequence and block.sequence == letters:
            return block
    if len(blocks) == 1 and not blocks[0].name and not blocks[0].sequence:
        return blocks[0]
    return None


def _lines(path: textfile.Path) -> Iterator[tuple[int, str]]:
    """Yields lines that are neither blank nor comments."""
    for number, line in textfile.lines(path):
        text = line.decode("utf-8", "replace").strip()
        if text and not text.startswith("#"):
            yield number, text


def _section(
    path: textfile.Path, begun: str, kind: str, lines: Iterator[tuple[int, str]]
) -> Iterator[constraints.Statement]:
    """Yields the statements of a section of a .con file, up to its -1."""
    size = 2 if kind in _OF_TWO else 1
    for number, text in lines:
        place, fields = f"{path}:{number}", text.split()
        if fields[0] == "-1":
            return
        if len(fields) != size:
            raise ValueError(
                f"{place}: {size} positions, or -1 at the end, expected, found "
                f"{text[:20]!r}"
            )
        i, j = sorted([_position(place, one) for one in fields] + [-1] * (2 - size))
        yield constraints.Statement(kind, *((i, j) if size == 2 else (j, -1)), place)
    raise ValueError(f"{begun}: the section does not end with -1")


def _command(place: str, fields: Sequence[str]) -> list[constraints.Statement]:
    """Returns the statements of `F i j k`, `P i j k`, `P i-j k-l` or `i j`."""
    if len(fields) == 2 and all(field.isdecimal() for field in fields):
        i, j = sorted(_position(place, field) for field in fields)
        return [constraints.Statement(constraints.PAIR, i, j, place)]
    is_range = len(fields) == 3 and all("-" in field for field in fields[1:])
    if fields[0] == "P" and is_range:
        first, second = (_range(place, field) for field in fields[1:])
        pairs = {
            (min(pair), max(pair))
            for pair in itertools.product(first, second)
            if pair[0] != pair[1]
        }
        return [
            constraints.Statement(constraints.NO_PAIR, i, j, place)
            for i, j in sorted(pairs)
        ]
    is_command = fields[0] in ("F", "P") and len(fields) in (4, 5)
    if not is_command or not all(field.isdecimal() for field in fields[1:4]):
        raise ValueError(f"{place}: {_ACCEPTED} expected, found {' '.join(fields)!r}")
    return _helix_or_region(place, fields)


def _helix_or_region(place: str, fields: Sequence[str]) -> list[constraints.Statement]:
    """Returns the statements of `F i j k` and `P i j k`; j = 0: of k positions."""
    is_forced, (second, count) = fields[0] == "F", map(int, fields[2:4])
    first = _position(place, fields[1])
    kind = constraints.PAIR if is_forced else constraints.NO_PAIR
    option = fields[4] if len(fields) == 5 else ""
    if second:
        if option not in ("", "A"):
            raise ValueError(
                f"{place}: pairs of one kind of loop ({option!r}) are not read; leave "
                "the last field out"
            )
        return [
            constraints.Statement(
                kind,
                min(first + step, second - 1 - step),
                max(first + step, second - 1 - step),
                place,
            )
            for step in range(count)
        ]
    if option and (not is_forced or option not in _ORIENTATIONS):
        raise ValueError(f"{place}: U or D behind 'F i 0 k' expected, found {option!r}")
    kind = constraints.PAIRED if is_forced else constraints.UNPAIRED
    kind = _ORIENTATIONS.get(option, kind)
    return [
        constraints.Statement(kind, position, -1, place)
        for position in range(first, first + count)
    ]


def _range(place: str, text: str) -> range:
    first, _, last = text.partition("-")
    return range(_position(place, first), _position(place, last) + 1)


def _position(place: str, text: str) -> int:
    """Reads a position from 1; returns it from 0."""
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise ValueError(f"{place}: a position from 1 expected, found {text[:20]!r}")
    return int(text) - 1
