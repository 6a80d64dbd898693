"""Files → batches of records as tokens: many short records at a time, flat.

Most of a corpus is FASTA of short records, read in blocks. A FASTA file that is odd in
any way (a record of many millions, a letter that is not IUPAC, blanks in a line) is
read again line by line, which reads all that can be and names the line of what cannot.
"""

import contextlib
import dataclasses
import pathlib
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO

import numpy as np

from ssrlm_jax.rna import alphabet, fasta, formats, structures, textfile

_BATCH = 2**20  # nucleotides of records that are gathered
_SPOOL = 2**24  # nucleotides of a record that are held in memory
_LINE_ENDS = b"\r\n"


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


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """A record as tokens; a long sequence lies in a temporary file."""

    name: str
    token_L: np.ndarray
    changed: alphabet.Changed
    structure: structures.Structure | None = None
    family: str = ""


def read(
    path: str, directory: pathlib.Path, is_in_blocks: bool = True
) -> Iterator[Batch]:
    """Yields the records of a file of any format.

    Args:
      path: of the file.
      directory: for temporary files.
      is_in_blocks: read FASTA fast, and raise OddFastaError where that fails.

    Raises:
      ValueError: bad input, with file and line.
    """
    kind = formats.kind(path)
    if kind != "fasta":
        return _gathered(_records(path, kind))
    if is_in_blocks:
        return _blocks(path)
    return _gathered(_fasta(path, directory))


def _blocks(path: str) -> Iterator[Batch]:
    try:
        for text in fasta.blocks(path):
            yield _of_block(text)
    except (ValueError, EOFError, OSError, zlib.error) as error:
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


def _records(path: str, kind: str) -> Iterator[_Read]:
    for record in formats.READERS[kind](path):
        try:
            token_L, changed = alphabet.encode(record.sequence)
        except ValueError as error:
            raise ValueError(f"{record.place}: {error}") from error
        yield _Read(record.name, token_L, changed, record.structure, record.family)


def _fasta(path: str, directory: pathlib.Path) -> Iterator[_Read]:
    """Yields the records of a FASTA file, however long they are."""
    name = ""
    with contextlib.closing(_Held(path, directory)) as held:
        for part in fasta.parts(textfile.parts(path), path):
            if part.name is None:
                held.add(part)
                continue
            if name:
                yield held.take(name)
            name = part.name
        yield held.take(name)


class _Held:
    """The sequence of one record; what is long goes to a temporary file."""

    def __init__(self, path: str, directory: pathlib.Path) -> None:
        self._path = path
        self._directory = directory
        self._pieces: list[fasta.Part] = []
        self._size, self._changed = 0, alphabet.Changed()
        self._spool: IO[bytes] | None = None

    def close(self) -> None:
        """Forgets the sequence."""
        if self._spool is not None:
            self._spool.close()
        self._spool = None
        self._pieces, self._size = [], 0
        self._changed = alphabet.Changed()

    def add(self, piece: fasta.Part) -> None:
        self._pieces.append(piece)
        self._size += len(piece.letters)
        if self._size > _SPOOL:
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115
            self._spool.write(self._encoded().data)

    def _encoded(self) -> np.ndarray:
        token_L, changed = _encode(self._path, self._pieces)
        self._changed = alphabet.total([self._changed, changed])
        self._pieces, self._size = [], 0
        return token_L

    def take(self, name: str) -> _Read:
        """Returns the record and begins the next."""
        token_L = self._encoded()
        if self._spool is not None:
            self._spool.write(token_L.data)
            self._spool.flush()
            token_L = np.memmap(self._spool, np.uint8, "r")
        read = _Read(name, token_L, self._changed)
        self.close()
        return read


def _encode(path: str, pieces: list[fasta.Part]) -> tuple[np.ndarray, alphabet.Changed]:
    """Reads the letters of consecutive pieces; an error names the line."""
    try:
        return alphabet.encode(b"".join(piece.letters for piece in pieces))
    except ValueError:
        for piece in pieces:
            try:
                alphabet.encode(piece.letters)
            except ValueError as error:
                raise ValueError(f"{path}:{piece.line}: {error}") from error
        raise
