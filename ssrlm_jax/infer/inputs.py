"""The RNA that a command is given: a file, standard input, or a sequence.

A stream: what can be used and what cannot comes in the order of the input, and one
bad record does not stop the others. Letters come as `alphabet.spelled` spells them;
IUPAC codes stay as given, models read them as N.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Generator, Iterator

from ssrlm_jax import config
from ssrlm_jax.rna import (
    alphabet,
    fasta,
    formats,
    stockholm,
    strands,
    structure_formats,
    textfile,
)

ARGUMENT_NAME = "sequence"  # of a sequence that is an argument
_STOCKHOLM = stockholm.HEADER.encode()
_BARE = b"ACGUTNacgutn&"  # letters of a file without a header
_SURE = 8  # letters A C G U T from which a word is taken for a sequence without a word


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """A record that cannot be used; as text: where, which and why, in one line.

    Attributes:
      name: of the record; "" where there is none.
      number: of the record in the input, from 1; 0: text above the first header.
      place: file and line of the header; "" where the reason has it.
      reason: what was found and what is accepted.
    """

    name: str
    number: int
    place: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        record = f"record {self.number} ({self.name}): " if self.number else ""
        return f"{place}{record}{self.reason}"


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """What is to be told of an input that can be used, in one line."""

    text: str

    def __str__(self) -> str:
        return self.text


Read = formats.Record | Problem | Note


def records(
    source: str | None,
    max_length: int | None = None,
    letters: config.LettersConfig | None = None,
) -> Iterator[Read]:
    """Yields the records of an input, each with its problem where it has one.

    A record without letters, with a gap, with too many letters that are not of RNA, of
    more than two strands or with more than `max_length` letters is a problem. A header
    without a name gets `record` and its number. Of a record that is too long no more
    than `max_length` letters are held. What is read as something else is told in notes.

    Args:
      source: a file or "-" for standard input, in any packing and encoding that
        `textfile` reads: FASTA, else what `structure_formats` tells apart; letters that
        are no file: one sequence, named `sequence`; None: standard input, unless it is
        a terminal.
      max_length: letters of a record, at most; None: any number.
      letters: how they are taken; None: the defaults.

    Raises:
      ValueError: nothing is given; the file cannot be read, is empty or damaged.
    """
    reader = _Reader(max_length, letters or config.LettersConfig())
    if source is None and sys.stdin.isatty():
        raise ValueError(
            "nothing to read: give a FASTA file, a sequence, or '-' for standard input"
        )
    if source is None or source == textfile.STANDARD_INPUT:
        # Not sys.stdin itself: it reads text, and letters need not be UTF-8.
        with open(sys.stdin.fileno(), "rb", closefd=False) as file:
            lines = textfile.stream_parts(file, textfile.SHOWN_INPUT)
            yield from reader.read(lines, textfile.SHOWN_INPUT)
    elif os.path.isfile(source):  # pathlib's fails on a sequence as long as a path
        yield from reader.read(textfile.parts(source), source)
    elif os.path.exists(source) and not os.path.isdir(source):  # <(zcat my.fa.gz)
        with open(source, "rb") as file:
            lines = textfile.stream_parts(file, source)
            yield from reader.read(lines, source)
    elif os.path.isdir(source) or not _letters(source).isalpha():
        found = "is a directory" if os.path.isdir(source) else "is no file that exists"
        raise ValueError(
            f"{source!r} {found}, nor a sequence of letters A C G U; name a FASTA file"
        )
    else:
        yield from reader.argument(source)


@dataclasses.dataclass(slots=True)
class _Held:
    """A record of which some lines have been read."""

    number: int
    name: str
    place: str
    problem: str = ""
    length: int = 0
    pieces: list[bytes] = dataclasses.field(default_factory=list)

    def add(self, letters: bytes, max_length: int | None) -> None:
        self.length += len(letters)
        if max_length is None or self.length <= max_length:
            self.pieces.append(letters)


def _chained(
    begun: list[textfile.Line], lines: Generator[textfile.Line]
) -> Generator[textfile.Line]:
    """Yields lines that were read already, then the others; closes them."""
    with contextlib.closing(lines):
        yield from begun
        yield from lines


def _letters(source: str) -> str:
    """Returns an argument without blanks, 5' and 3', and what parts strands."""
    letters = alphabet.cleaned(source.encode("utf-8", "replace"))
    return strands.joined(letters.decode("utf-8", "replace"))


def _bare(lines: Generator[textfile.Line]) -> bytes:
    """Returns the letters of a file that has one sequence and no header; b"": not so.

    It is one line, or lines that begin with the positions of their first letters.
    """
    found: list[bytes] = []
    num_before = 0
    with contextlib.closing(lines):
        for _, line in lines:
            if text := line.strip():
                letters = alphabet.cleaned(text)
                if not letters or letters.translate(None, _BARE):
                    return b""
                if found and text.split(None, 1)[0] != b"%d" % (num_before + 1):
                    return b""
                found.append(letters)
                num_before += len(letters)
    return b"".join(found)


class _Reader:
    """Reads one input, and counts what it reads as something else."""

    def __init__(self, max_length: int | None, letters: config.LettersConfig) -> None:
        self._max_length, self._letters = max_length, letters
        self._changed = alphabet.Changed()
        self._first = ""  # record that has a letter that is no letter of RNA
        self._num_structures = 0

    def read(self, lines: Generator[textfile.Line], shown: str) -> Iterator[Read]:
        """Yields the records of lines of any format; `shown` names the file."""
        begun: list[textfile.Line] = []
        for line in lines:
            begun.append(line)
            if text := line[1].strip():
                if text[:1] in b">;":
                    break
                if text[:1] != b"#" or text.startswith(_STOCKHOLM):
                    yield from self._other(_chained(begun, lines), shown)
                    return
        yield from self._fasta(_chained(begun, lines), shown)

    def _other(self, lines: Generator[textfile.Line], shown: str) -> Iterator[Read]:
        """Yields the records of lines that do not begin as FASTA."""
        kept = textfile.kept(lines, shown)
        try:
            structure_formats.kind(kept)
        except ValueError:
            if bare := _bare(textfile.parts(kept)):
                held = _Held(1, ARGUMENT_NAME, f"{shown}:1")
                held.add(bare, self._max_length)
                yield from self._finish(held)
                yield from self._notes(shown)
            else:  # says what FASTA looks like
                yield from self._fasta(textfile.parts(kept), shown)
            return
        num_records = 0
        for one in formats.first_of_each(structure_formats.each(kept)):
            num_records += isinstance(one, formats.Record) or one.is_record
            if isinstance(one, formats.Note):
                yield Problem("", 0, "", one.text) if one.is_record else Note(one.text)
                continue
            held = _Held(num_records, one.name, one.place)
            letters = strands.marked(one.sequence, one.breaks)
            held.add(letters.encode(), self._max_length)
            yield from self._finish(held)
        if not num_records:
            yield Problem("", 0, shown, "no records")
        yield from self._notes(shown)

    def _fasta(self, lines: Generator[textfile.Line], shown: str) -> Iterator[Read]:
        """Yields the records of lines of FASTA."""
        held: _Held | None = None
        for part in fasta.parts(lines, shown, is_lenient=True):
            if part.name is not None:
                if held is not None:
                    yield from self._finish(held)
                count = held.number + 1 if held is not None else 1
                held = _Held(count, part.name, f"{shown}:{part.line}")
            elif part.problem == fasta.STRUCTURE:
                self._num_structures += 1
            elif held is None:
                yield Problem("", 0, f"{shown}:{part.line}", part.problem)
            else:
                held.problem = part.problem
                held.add(part.letters, self._max_length)
        if held is not None:
            yield from self._finish(held)
        yield from self._notes(shown)

    def argument(self, source: str) -> Iterator[Read]:
        """Yields the one record of letters that are no file."""
        held = _Held(1, ARGUMENT_NAME, "argument")
        letters = alphabet.cleaned(source.encode("utf-8", "replace"))
        held.add(letters, self._max_length)
        shown = repr(source[:40])
        for one in self._finish(held):
            if isinstance(one, Problem):
                reason = f"{one.reason}; nor is {shown} a file"
                yield dataclasses.replace(one, reason=reason)
                return
            if isinstance(one, formats.Record):
                num_other = alphabet.num_other(one.sequence)
                if num_other or len(one.sequence) < _SURE:
                    yield Note(
                        f"there is no file {shown}: these {len(one.sequence)} letters "
                        "are taken for a sequence"
                    )
            yield one
        yield from self._notes("argument")

    def _finish(self, held: _Held) -> Iterator[formats.Record | Problem | Note]:
        """Yields what is to be told of a record, and the record."""
        try:
            if held.problem:
                raise ValueError(held.problem)
            record, warning = self._record(held)
        except alphabet.GapError as error:
            reason = f"{error} (--remove-gaps)"
            yield Problem(held.name, held.number, held.place, reason)
        except ValueError as error:
            yield Problem(held.name, held.number, held.place, str(error))
        else:
            if warning:
                yield Note(f"warning: {held.place}: {held.name}: {warning}")
            yield record

    def _record(self, held: _Held) -> tuple[formats.Record, str]:
        """Returns a record, and what there is to warn of."""
        most = self._max_length
        if most is not None and held.length > most:
            raise ValueError(f"{held.length:,} letters, at most {most:,} are accepted")
        text = alphabet.as_text(b"".join(held.pieces))
        if self._letters.remove_gaps:
            text = alphabet.without_gaps(text)
        given, breaks = strands.split(text)
        if len(breaks) >= strands.MOST:
            raise ValueError(
                f"{len(breaks) + 1} strands; up to {strands.MOST} are accepted"
            )
        if not given:
            raise ValueError("a sequence of gaps only")
        sequence, changed = alphabet.spelled(given)
        num_other = alphabet.num_other(given)
        told = f"{num_other:,} of {len(given):,} letters are not A C G U T: is it RNA?"
        if num_other > self._letters.max_unknown * len(given):
            raise ValueError(f"{told} (--max-unknown {self._letters.max_unknown:g})")
        self._changed = alphabet.total([self._changed, changed])
        if changed.unknown and not self._first:
            self._first = f"{held.place}: {held.name}"
        is_odd = num_other > self._letters.warn_unknown * len(given)
        record = formats.Record(held.name, sequence, place=held.place, breaks=breaks)
        return record, told if is_odd else ""

    def _notes(self, shown: str) -> Iterator[Note]:
        """Yields what was read as something else in the whole input."""
        if self._num_structures:
            yield Note(
                f"{shown}: {self._num_structures:,} lines of structures left out"
            )
        if self._changed.modified:
            yield Note(
                f"{shown}: {self._changed.modified:,} letters of modified nucleotides "
                "were read as their parent (inosine as N)"
            )
        if self._changed.unknown:
            yield Note(
                f"{shown}: {self._changed.unknown:,} letters that are not of RNA were "
                f"read as N, the first in {self._first}"
            )
