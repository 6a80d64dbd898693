"""Records of RNA, what readers give of them, and FASTA.

Files are read through `rna.textfile`. Readers are streams: they hold one record. A
complaint begins with the file and the line, counted from 1. Readers of every other
format are told apart in `structure_formats`, and give what is given here: records, and
notes on what they left out, which a strict caller has raised (`strict`).
"""

import dataclasses
import logging
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ssrlm_jax.rna import alphabet, fasta, strands, structures, textfile

_log = logging.getLogger(__name__)

_ENERGY = re.compile(
    r"\b(ENERGY|dG|MFE|Score)\s*[=:]\s*[-+.\d]+\s*(kcal/mol)?\s*(\[[^]]*\])?", re.I
)
_NUMBER = re.compile(r"[-+]?\d+\.\d+")
_BRACKETED = re.compile(r"\[([^]\s]+)\]|'([^'\s]+)'")  # a name of DSSR's
_UNPAIRED = str.maketrans(dict.fromkeys(":,-_~", "."))  # of WUSS
_LINKER = re.compile("(?<![Ii])[Ii]{3}(?![Ii])")  # RNAstructure's, of two strands

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
