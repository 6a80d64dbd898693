"""The RNA that a command is given: a FASTA file, standard input, or a sequence.

A stream: what can be used and what cannot comes in the order of the input, and one
bad record does not stop the others. Letters come upper-cased with U for T; IUPAC
codes stay as given, models read them as N.
"""

import dataclasses
import os
import sys
from collections.abc import Generator, Iterator

from ssrlm_jax.rna import alphabet, fasta, formats, textfile

ARGUMENT_NAME = "sequence"  # of a sequence that is an argument


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """A record that cannot be used; as text: where, which and why, in one line.

    Attributes:
      name: of the record; "" where there is none.
      number: of the record in the input, from 1; 0: text above the first header.
      place: file and line of the header.
      reason: what was found and what is accepted.
    """

    name: str
    number: int
    place: str
    reason: str

    def __str__(self) -> str:
        record = f"record {self.number} ({self.name}): " if self.number else ""
        return f"{self.place}: {record}{self.reason}"


def records(
    source: str | None, max_length: int | None = None
) -> Iterator[formats.Record | Problem]:
    """Yields the records of an input, each with its problem where it has one.

    A record without letters, with letters that are not IUPAC or with more than
    `max_length` letters is a problem. A header without a name gets `record` and its
    number. Of a record that is too long no more than `max_length` letters are held.

    Args:
      source: a FASTA file, plain or gz; "-": standard input, plain or gz; letters
        that are no file: one sequence, named `sequence`; None: standard input,
        unless it is a terminal.
      max_length: letters of a record, at most; None: any number.

    Raises:
      ValueError: nothing is given; the file cannot be read, is empty or damaged.
    """
    if source is None and sys.stdin.isatty():
        raise ValueError(
            "nothing to read: give a FASTA file, a sequence, or '-' for standard input"
        )
    if source is None or source == textfile.STANDARD_INPUT:
        # Not sys.stdin itself: it reads text, and letters need not be UTF-8.
        with open(sys.stdin.fileno(), "rb", closefd=False) as file:
            lines = textfile.stream_parts(file, textfile.SHOWN_INPUT)
            yield from _parse(lines, textfile.SHOWN_INPUT, max_length)
    elif os.path.isfile(source):  # pathlib's fails on a sequence as long as a path
        yield from _parse(textfile.parts(source), source, max_length)
    elif os.path.exists(source) and not os.path.isdir(source):  # <(zcat my.fa.gz)
        with open(source, "rb") as file:
            lines = textfile.stream_parts(file, source)
            yield from _parse(lines, source, max_length)
    elif os.path.isdir(source) or not source.isalpha():
        raise ValueError(
            f"{source!r} is neither a FASTA file nor a sequence of letters A C G U"
        )
    else:
        yield _argument(source, max_length)


def _argument(source: str, max_length: int | None) -> formats.Record | Problem:
    held = _Held(1, ARGUMENT_NAME, "argument")
    held.add(source.encode("utf-8", "replace"), max_length)
    record = held.finish(max_length)
    if isinstance(record, Problem):
        reason = f"{record.reason}; nor is {source[:40]!r} a file"
        return dataclasses.replace(record, reason=reason)
    return record


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

    def finish(self, max_length: int | None) -> formats.Record | Problem:
        letters = b"".join(self.pieces)
        reason = self.problem
        if max_length is not None and self.length > max_length:
            reason = f"{self.length:,} letters, at most {max_length:,} are accepted"
        elif not reason:
            try:
                sequence, _ = alphabet.spelled(letters)
            except ValueError as error:
                reason = str(error)
        if reason:
            return Problem(self.name, self.number, self.place, reason)
        return formats.Record(self.name, sequence, place=self.place)


def _parse(
    lines: Generator[textfile.Line], shown: str, max_length: int | None
) -> Iterator[formats.Record | Problem]:
    """Yields the records of lines of FASTA; `shown` names the file."""
    held: _Held | None = None
    for part in fasta.parts(lines, shown, is_lenient=True):
        if part.name is not None:
            if held is not None:
                yield held.finish(max_length)
            count = held.number + 1 if held is not None else 1
            held = _Held(count, part.name, f"{shown}:{part.line}")
        elif held is None:
            yield Problem("", 0, f"{shown}:{part.line}", part.problem)
        else:
            held.problem = part.problem
            held.add(part.letters, max_length)
    if held is not None:
        yield held.finish(max_length)
