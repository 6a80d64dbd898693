"""Files → batches of records as tokens: many short records at a time, flat.

Most of a corpus is FASTA of short records, read in blocks. A FASTA file that is odd in
any way (a record of many millions, a letter that is not IUPAC, blanks in a line) is
read again line by line, which reads all that can be and names the line of what cannot.
"""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

import numpy as np

from ssrlm_jax.rna import (
    alphabet,
    fasta,
    formats,
    packings,
    structure_formats,
    structures,
    textfile,
)

_BATCH = 2**20  # nucleotides of records that are gathered
_SPOOL = 2**24  # nucleotides of a record that are held in memory
_LINE_ENDS = b"\r\n"


Tell = Callable[[str], None]  # gets a line


class OddFastaError(ValueError):
    """A FASTA file that cannot be read in blocks."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Records one after the other.

    Attributes:
      names: one for each record.
      token: uint8 (sum of lengths,); of one long record perhaps a file in memory.
      length: int64 (records,).
      partner: int32, as `token`; places in the record, -1: none or unknown. None
        where no record has a structure.
      has_structure: bool (records,).
      families: one for each record, "" where unknown; None: all unknown.
      changed: letters that were read as another.
      num_triples: pairs of base triples that were dropped.
    """

    names: list[str]
    token: np.ndarray
    length: np.ndarray
    partner: np.ndarray | None
    has_structure: np.ndarray
    families: list[str] | None = None
    changed: alphabet.Changed = alphabet.Changed()
    num_triples: int = 0

    @property
    def start(self) -> np.ndarray:
        """Where each record begins."""
        return np.cumsum(self.length) - self.length

    def nth(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns tokens and partners of one record."""
        begin = int(self.start[index])
        inside = slice(begin, begin + int(self.length[index]))
        if self.partner is None or not self.has_structure[index]:
            return self.token[inside], None
        return self.token[inside], self.partner[inside]


class _Bad(NamedTuple):
    """How records are taken that are not as they should be."""

    tell: Tell
    note: Tell
    remove_gaps: bool

    def told(self, place: str, error: ValueError) -> None:
        is_gap = isinstance(error, alphabet.GapError)
        self.tell(f"{place}: {error}{' (remove_gaps=True)' * is_gap}")


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """A record as tokens; a long sequence lies in a temporary file."""

    name: str
    token_L: np.ndarray
    changed: alphabet.Changed
    structure: structures.Structure | None = None
    family: str = ""


def stop(problem: str) -> None:
    """Raises what is wrong with a record."""
    raise ValueError(problem)


def ignore(note: str) -> None:
    """Says nothing."""


def read(
    path: str,
    directory: pathlib.Path,
    is_in_blocks: bool = True,
    *,
    remove_gaps: bool = False,
    on_bad: Tell = stop,
    on_note: Tell = ignore,
) -> Iterator[Batch]:
    """Yields the records of a file of any format.

    Args:
      path: of the file.
      directory: for temporary files.
      is_in_blocks: read FASTA fast, and raise OddFastaError where that fails.
      remove_gaps: read aligned sequences, too.
      on_bad: gets file, line and reason of each record that cannot be read.
      on_note: gets what else of a file is not used.

    Raises:
      ValueError: bad input, with file and line.
    """
    bad = _Bad(on_bad, on_note, remove_gaps)
    kind = structure_formats.kind(path)
    if kind != "fasta":
        return _gathered(_records(path, bad))
    if is_in_blocks:
        return _blocks(path)
    return _gathered(_fasta(path, directory, bad))


def _blocks(path: str) -> Iterator[Batch]:
    try:
        for text in fasta.blocks(path):
            yield _of_block(text)
    except (ValueError, *packings.DAMAGED) as error:
        raise OddFastaError(path) from error


def _of_block(text: bytes) -> Batch:
    """Returns the records of whole FASTA records, the first '>' included."""
    headers, sequences = [], []
    for record in text[1:].split(b"\n>"):
        header, _, body = record.partition(b"\n")
        headers.append(header)
        sequences.append(body.translate(None, _LINE_ENDS))
    names = [header.split(None, 1)[0] for header in headers if header.strip()]
    length = np.fromiter(map(len, sequences), np.int64, len(sequences))
    if text[:1] != b">" or len(names) < len(headers) or not length.all():
        raise OddFastaError
    token, changed = alphabet.encode(b"".join(sequences))
    if changed.modified or changed.unknown:  # perhaps a comment, a number, a '*'
        raise OddFastaError
    return Batch(
        b"\n".join(names).decode("utf-8", "replace").split("\n"),
        token,
        length,
        None,
        np.zeros(len(names), bool),
        changed=changed,
    )


def _gathered(records: Iterator[_Read]) -> Iterator[Batch]:
    """Yields records in batches; one that is longer than a batch alone."""
    held: list[_Read] = []
    size = 0
    for record in records:
        if held and size + len(record.token_L) > _BATCH:
            yield _joined(held)
            held, size = [], 0
        held.append(record)
        size += len(record.token_L)
    if held:
        yield _joined(held)


def _joined(reads: list[_Read]) -> Batch:
    has_structure = np.array([read.structure is not None for read in reads])
    partners, num_triples = [], 0
    for one in reads if has_structure.any() else ():
        if one.structure is None:
            partners.append(np.full(len(one.token_L), -1, np.int32))
            continue
        partner_L, num_dropped = structures.partners(one.structure)
        partners.append(partner_L)
        num_triples += num_dropped
    tokens = [one.token_L for one in reads]
    return Batch(
        [one.name for one in reads],
        tokens[0] if len(tokens) == 1 else np.concatenate(tokens),
        np.array([len(token_L) for token_L in tokens], np.int64),
        np.concatenate(partners) if partners else None,
        has_structure,
        [one.family for one in reads],
        alphabet.total(one.changed for one in reads),
        num_triples,
    )


def _records(path: str, bad: _Bad) -> Iterator[_Read]:
    for record in formats.first_of_each(structure_formats.each(path)):
        if isinstance(record, formats.Note):
            if record.is_record:
                bad.tell(record.text)
            else:
                bad.note(record.text)
            continue
        if record.breaks:
            several = "several strands; give each a record of its own"
            bad.tell(f"{record.place}: {record.name}: {several}")
            continue
        letters = record.sequence
        if bad.remove_gaps and record.structure is None:
            letters = alphabet.without_gaps(letters)
        try:
            token_L, changed = alphabet.encode(letters)
        except ValueError as error:
            bad.told(record.place, error)
        else:
            yield _Read(record.name, token_L, changed, record.structure, record.family)


def _fasta(path: str, directory: pathlib.Path, bad: _Bad) -> Iterator[_Read]:
    """Yields the records of a FASTA file, however long they are."""
    with contextlib.closing(_Held(path, directory, bad)) as held:
        for part in fasta.parts(textfile.parts(path), path, is_lenient=True):
            if part.name is None:
                held.add(part)
            else:
                yield from held.take()
                held.begin(part)
        yield from held.take()


class _Held:
    """The sequence of one record; what is long goes to a temporary file."""

    def __init__(self, path: str, directory: pathlib.Path, bad: _Bad) -> None:
        self._path, self._directory, self._bad = path, directory, bad
        self._header: fasta.Part | None = None  # of a record that can be read so far
        self._spool: IO[bytes] | None = None
        self._forget()

    def close(self) -> None:
        """Forgets the sequence."""
        if self._spool is not None:
            self._spool.close()
        self._spool = None

    def _forget(self) -> None:
        self.close()
        self._pieces: list[fasta.Part] = []
        self._size, self._changed = 0, alphabet.Changed()

    def begin(self, header: fasta.Part) -> None:
        """Begins a record."""
        self._forget()
        self._header = header

    def add(self, piece: fasta.Part) -> None:
        """Takes a piece of the sequence, or what is wrong with it."""
        if piece.problem:
            self._wrong(f"{self._path}:{piece.line}", ValueError(piece.problem))
        elif self._header is not None:
            letters = piece.letters
            if self._bad.remove_gaps:
                letters = alphabet.without_gaps(letters)
            self._pieces.append(piece._replace(letters=letters))
            self._size += len(letters)
            if self._size > _SPOOL:
                self._spooled()

    def _wrong(self, place: str, error: ValueError) -> None:
        self._header = None
        self._bad.told(place, error)

    def _spooled(self) -> None:
        """Writes what is held to a temporary file."""
        token_L = self._encoded()
        if token_L is not None:
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115
            self._spool.write(token_L.data)

    def _encoded(self) -> np.ndarray | None:
        """Reads the pieces; None, and an error with the line, where one is wrong."""
        try:
            token_L, changed = alphabet.encode(
                b"".join(p.letters for p in self._pieces)
            )
        except ValueError as error:
            self._wrong(*self._first_wrong(error))
            return None
        self._changed = alphabet.total([self._changed, changed])
        self._pieces, self._size = [], 0
        return token_L

    def _first_wrong(self, error: ValueError) -> tuple[str, ValueError]:
        """Returns file and line of a wrong letter, and the error in that line."""
        for piece in self._pieces:
            try:
                alphabet.encode(piece.letters)
            except ValueError as own:
                return f"{self._path}:{piece.line}", own
        return self._path, error

    def take(self) -> Iterator[_Read]:
        """Yields the record, if there is one that can be read."""
        header = self._header
        if header is None or header.name is None:
            return
        token_L = self._encoded()
        if token_L is None:
            return
        if self._spool is not None:
            self._spool.write(token_L.data)
            self._spool.flush()
            token_L = np.memmap(self._spool, np.uint8, "r")
        if not len(token_L):
            error = ValueError("a sequence of gaps only")
            self._wrong(f"{self._path}:{header.line}", error)
            return
        yield _Read(header.name, token_L, self._changed)
