"""Raw files → windows and keys: the first stage, one task for each file.

A file becomes parts of a bounded number of nucleotides. Beside the windows of a
part stand its keys: one line for each record with the hash of its sequence, which
is all that later stages need to decide what is kept, and where.
"""

import collections
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import re
import struct
import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np

from ssrlm_jax.prepare import executor, windows
from ssrlm_jax.rna import alphabet, formats
from ssrlm_jax.rna import structure as structures

LEFT_OUT = "left_out"  # the source of files whose sequences are removed

# high, low: BLAKE2b-128 of the tokens. A record that is longer than a part comes in
# pieces, which count up in `low`: they are told apart and decided alike.
KEY = np.dtype(
    [
        ("high", "<u8"),
        ("low", "<u8"),
        ("record", "<i4"),
        ("family", "<i4"),  # in the file's list of families; -1: unknown
        ("num_nucleotides", "<i8"),
        ("has_structure", "?"),
        ("is_first", "?"),  # piece of its record
    ]
)
NO_NUCLEOTIDE = "no A C G U"

_SPOOL = 2**24  # nucleotides of a record that are held in memory


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One file to read.

    Attributes:
      path: of the file.
      source: of its records, or `LEFT_OUT`.
      out: parts are written to `out`-00000.windows and `out`-00000.keys.
      longest, shortest_tail: of a window, in nucleotides.
      part_nucleotides: a part holds no more.
      family_pattern: regular expression; what it finds, first in a table's family,
        then in the name, is the family. "": the table's family is.
      families: what was found → family.
    """

    path: str
    source: str
    out: str
    longest: int
    shortest_tail: int
    part_nucleotides: int
    family_pattern: str = ""
    families: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """A record as tokens; a long sequence lies in a temporary file."""

    name: str
    token_L: np.ndarray
    num_changed: int
    structure: structures.Structure | None = None
    family: str = ""


def standardise(task: Task) -> executor.Counts:
    """Reads one file, writes its parts and returns the counts.

    Returns:
      num_in, num_out, dropped and changed by reason, num_parts, families (name →
      records, in the order of the keys).

    Raises:
      ValueError: bad input, with file and line.
    """
    parts = _Parts(task)
    for read in _records(task):
        parts.add(read)
    return parts.finish()


class _Parts:
    """Collects the windows and keys of one file and writes them part by part."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._pattern = re.compile(task.family_pattern)
        self._counts: collections.Counter[str] = collections.Counter()
        self._changed: collections.Counter[str] = collections.Counter()
        self._family_of: dict[str, int] = {}
        self._family_counts: list[int] = []
        self._collector = windows.Collector()
        self._keys: list[tuple[int, int, int, int, int, bool, bool]] = []
        self._num_parts = 0

    def add(self, read: _Read) -> None:
        """Takes a record."""
        self._counts["in"] += 1
        self._changed["letters read as N"] += read.num_changed
        digest = hashlib.blake2b(read.token_L.data, digest_size=16).digest()
        high, low = struct.unpack("<QQ", digest)
        partner_L = None
        if read.structure is not None:
            partner_L, num_dropped = structures.partners(read.structure)
            self._changed["pairs of base triples dropped"] += num_dropped
        length = len(read.token_L)
        ends = windows.cuts(length, self._task.longest, self._task.shortest_tail)
        self._changed["records cut into windows"] += len(ends) > 2
        step = max(1, self._task.part_nucleotides // self._task.longest)
        family = self._family(read)
        is_first = True
        for piece, begin in enumerate(range(0, len(ends) - 1, step)):
            inner = ends[begin : begin + step + 1]
            size = int(inner[-1] - inner[0])
            if self._collector.num_nucleotides + size > self._task.part_nucleotides:
                self._flush()
            index = len(self._keys)
            if not self._collector.add(
                read.name, read.token_L, partner_L, inner, index
            ):
                continue
            key = (high, (low + piece) % 2**64, index, family, size)
            self._keys.append((*key, partner_L is not None, is_first))
            is_first = False
        if is_first:
            self._counts["without"] += 1
        elif family >= 0:
            self._family_counts[family] += 1

    def _family(self, read: _Read) -> int:
        """Returns the number of a record's family in the file; -1: unknown."""
        found = read.family
        if self._task.family_pattern:
            match = self._pattern.search(found) or self._pattern.search(read.name)
            found = match[0] if match else ""
        found = self._task.families.get(found) or found
        found = self._task.families.get(read.name) or found
        if not found:
            return -1
        if found not in self._family_of:
            self._family_of[found] = len(self._family_counts)
            self._family_counts.append(0)
        return self._family_of[found]

    def _flush(self) -> None:
        if not self._keys:
            return
        out = f"{self._task.out}-{self._num_parts:05d}"
        if self._task.source != LEFT_OUT:
            windows.save(f"{out}.windows", self._collector.windows())
        keys = np.array(self._keys, KEY)
        with open(f"{out}.keys.unfinished", "wb") as file:
            np.save(file, keys[np.argsort(keys["high"], kind="stable")])
        os.replace(f"{out}.keys.unfinished", f"{out}.keys")
        self._num_parts += 1
        self._collector.clear()
        self._keys = []

    def finish(self) -> executor.Counts:
        """Writes what is left and returns the counts."""
        self._flush()
        num_in, num_without = self._counts["in"], self._counts["without"]
        changed = self._changed + self._collector.counts
        return {
            "num_in": num_in,
            "num_out": num_in - num_without,
            "dropped": {NO_NUCLEOTIDE: num_without} if num_without else {},
            "changed": dict(changed),
            "num_parts": self._num_parts,
            "families": dict(zip(self._family_of, self._family_counts, strict=True)),
        }


def _records(task: Task) -> Iterator[_Read]:
    """Yields the records of a file as tokens."""
    kind = formats.kind(task.path)
    if kind == "fasta":
        yield from _fasta(task.path, pathlib.Path(task.out).parent)
        return
    for record in formats.READERS[kind](task.path):
        try:
            token_L, num_changed = alphabet.encode(record.sequence)
        except ValueError as error:
            raise ValueError(f"{record.place}: {error}") from error
        yield _Read(record.name, token_L, num_changed, record.structure, record.family)


def _fasta(path: str, directory: pathlib.Path) -> Iterator[_Read]:
    """Yields the records of a FASTA file, however long they are."""
    name = ""
    with contextlib.closing(_Held(path, directory)) as held:
        for part in formats.fasta_parts(path):
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
        self._pieces: list[formats.FastaPart] = []
        self._size = self._num_changed = 0
        self._spool: IO[bytes] | None = None

    def close(self) -> None:
        """Forgets the sequence."""
        if self._spool is not None:
            self._spool.close()
        self._spool = None
        self._pieces, self._size, self._num_changed = [], 0, 0

    def add(self, piece: formats.FastaPart) -> None:
        self._pieces.append(piece)
        self._size += len(piece.letters)
        if self._size > _SPOOL:
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115
            self._spool.write(self._encoded().data)

    def _encoded(self) -> np.ndarray:
        token_L, num_changed = _encode(self._path, self._pieces)
        self._num_changed += num_changed
        self._pieces, self._size = [], 0
        return token_L

    def take(self, name: str) -> _Read:
        """Returns the record and begins the next."""
        token_L = self._encoded()
        if self._spool is not None:
            self._spool.write(token_L.data)
            self._spool.flush()
            token_L = np.memmap(self._spool, np.uint8, "r")
        read = _Read(name, token_L, self._num_changed)
        self.close()
        return read


def _encode(path: str, pieces: list[formats.FastaPart]) -> tuple[np.ndarray, int]:
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


def hash_of(data: str) -> bytes:
    """Returns the BLAKE2b-128 of a text."""
    return hashlib.blake2b(data.encode(), digest_size=16).digest()
