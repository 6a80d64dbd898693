"""Raw files → windows and keys: the first stage, one task for each file.

A file becomes parts of a bounded number of nucleotides. Beside the windows of a
part stand its keys: one line for each record with the hash of its sequence, which
is all that later stages need to decide what is kept, and where.
"""

import collections
import dataclasses
import hashlib
import pathlib
import re

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import record_batches, windows
from ssrlm_jax.rna import alphabet

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
SHORT = "too short"
UNKNOWN = "too many unknown letters"
SIMPLE = "low complexity"
BAD = "cannot be read"
MODIFIED = "letters of modified nucleotides read as their parent"
FOREIGN = "letters that are not of RNA read as N"

_WORD = 3  # letters
_NUM_WORDS = 4**_WORD
_CHUNK = 2**16  # nucleotides that are looked at together
_MOST_SHOWN = 5  # bad records of a file that are told with their places
_LENGTH_BINS = 32  # of the histogram: lengths from 2^n on


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One file to read.

    Attributes:
      path: of the file.
      source: of its records, or `LEFT_OUT`: of these none is dropped as too short,
        unknown or simple.
      out: parts are written to `out`-00000.windows and `out`-00000.keys.
      longest, shortest_tail: of a window, in nucleotides.
      part_nucleotides: a part holds no more.
      on_bad, remove_gaps, max_file_unknown, min_length, max_unknown, min_complexity,
        keep_structures: as config.CorpusConfig.
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
    on_bad: str = "stop"
    remove_gaps: bool = False
    max_file_unknown: float = 1.0
    min_length: int = 1
    max_unknown: float = 1.0
    min_complexity: float = 0.0
    keep_structures: bool = True
    family_pattern: str = ""
    families: dict[str, str] = dataclasses.field(default_factory=dict)


def standardise(task: Task) -> executor.Counts:
    """Reads one file, writes its parts and returns the counts.

    Returns:
      num_in, num_out, dropped and changed by reason, num_parts, nucleotides (kept),
      lengths (records kept, by power of two), families (name → records, in the
      order of the keys), bad (where the first records are that cannot be read), notes
      (on what else is not used).

    Raises:
      ValueError: bad input, with file and line; too few letters of RNA in a file.
    """
    directory = pathlib.Path(task.out).parent
    try:
        return _standardised(task, directory, is_in_blocks=True)
    except record_batches.OddFastaError:
        return _standardised(task, directory, is_in_blocks=False)


def _standardised(
    task: Task, directory: pathlib.Path, is_in_blocks: bool
) -> executor.Counts:
    parts = _Parts(task)
    bad = record_batches.stop if task.on_bad == "stop" else parts.leave_out
    for batch in record_batches.read(
        task.path,
        directory,
        is_in_blocks,
        remove_gaps=task.remove_gaps,
        on_bad=bad,
        on_note=parts.note,
    ):
        parts.add(batch)
    if parts.is_empty:
        bad(f"{task.path}: no records")
    return parts.finish()


class _Parts:
    """Collects the windows and keys of one file and writes them part by part."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._pattern = re.compile(task.family_pattern)
        self._num_in = self._num_out = self._num_nucleotides = 0
        self._num_letters = self._num_other = 0
        self._bad: list[str] = []
        self._notes: list[str] = []
        self._dropped: collections.Counter[str] = collections.Counter()
        self._changed: collections.Counter[str] = collections.Counter()
        self._lengths = np.zeros(_LENGTH_BINS, np.int64)
        self._family_of: dict[str, int] = {}
        self._family_counts: collections.Counter[int] = collections.Counter()
        self._collector = windows.Collector()
        self._keys: list[np.ndarray] = []
        self._num_keys = self._num_parts = 0

    def add(self, batch: record_batches.Batch) -> None:
        """Takes the records of a batch."""
        if not self._task.keep_structures:
            none = np.zeros(len(batch.names), bool)
            batch = dataclasses.replace(batch, partner=None, has_structure=none)
        self._num_in += len(batch.names)
        self._num_letters += len(batch.token)
        self._num_other += sum(batch.changed)
        self._changed["letters read as N"] += batch.changed.codes
        self._changed[MODIFIED] += batch.changed.modified
        self._changed[FOREIGN] += batch.changed.unknown
        self._changed["pairs of base triples dropped"] += batch.num_triples
        is_kept = self._kept(batch)
        kept_P = np.flatnonzero(is_kept)
        self._num_out += len(kept_P)
        self._num_nucleotides += int(batch.length[kept_P].sum())
        bins = np.log2(batch.length[kept_P]).astype(int)
        self._lengths += np.bincount(bins, minlength=_LENGTH_BINS)
        keys = self._keyed(batch, kept_P)
        is_short = keys["num_nucleotides"] <= self._task.longest
        self._add_short(batch, kept_P[is_short], keys[is_short])
        for index, key in zip(kept_P[~is_short], keys[~is_short], strict=True):
            self._add_long(batch, int(index), key)

    @property
    def is_empty(self) -> bool:
        """Whether no record has come."""
        return self._num_in == 0

    def leave_out(self, problem: str) -> None:
        """Counts a record that cannot be read."""
        self._num_in += 1
        self._dropped[BAD] += 1
        if len(self._bad) < _MOST_SHOWN:
            self._bad.append(problem)

    def note(self, text: str) -> None:
        """Takes what else is not used of the file."""
        if len(self._notes) < _MOST_SHOWN:
            self._notes.append(text)

    def _check_letters(self) -> None:
        """Raises a ValueError if what was read looks like something else than RNA."""
        most = self._task.max_file_unknown
        if self._num_other > most * self._num_letters:
            raise ValueError(
                f"{self._task.path}: {self._num_other:,} of {self._num_letters:,} "
                "letters are not A C G U T or N: is it RNA? "
                f"(max_file_unknown={most:g})"
            )

    def _kept(self, batch: record_batches.Batch) -> np.ndarray:
        """Tells which records are kept, and counts the others by reason."""
        task = self._task
        num_known, complexity = _statistics(batch)
        reasons = {NO_NUCLEOTIDE: num_known == 0}
        if task.source != LEFT_OUT:
            reasons |= {
                SHORT: batch.length < task.min_length,
                UNKNOWN: num_known < (1.0 - task.max_unknown) * batch.length,
                SIMPLE: complexity < task.min_complexity,
            }
        is_kept = np.ones(len(batch.names), bool)
        for reason, is_dropped in reasons.items():
            self._dropped[reason] += int((is_kept & is_dropped).sum())
            # A record has one reason, the first: the counts add up to what is dropped.
            is_kept &= ~is_dropped
        return is_kept

    def _keyed(self, batch: record_batches.Batch, kept_P: np.ndarray) -> np.ndarray:
        """Returns the keys of records; `record` is not set yet."""
        start = batch.start
        view = batch.token.data
        # Of letters by number: lower case, T and modified nucleotides are equal
        # already.
        digests = b"".join(
            hashlib.blake2b(view[begin : begin + size], digest_size=16).digest()
            for begin, size in zip(
                start[kept_P].tolist(), batch.length[kept_P].tolist(), strict=True
            )
        )
        high_low = np.frombuffer(digests, "<u8").reshape(-1, 2)
        keys = np.zeros(len(kept_P), KEY)
        keys["high"], keys["low"] = high_low.T
        keys["num_nucleotides"] = batch.length[kept_P]
        keys["has_structure"] = batch.has_structure[kept_P]
        keys["is_first"] = True
        keys["family"] = -1
        if batch.families or self._task.family_pattern or self._task.families:
            keys["family"] = [self._family(batch, i) for i in kept_P.tolist()]
        return keys

    def _family(self, batch: record_batches.Batch, index: int) -> int:
        """Counts a record's family and returns its number in the file; -1: unknown."""
        found = batch.families[index] if batch.families else ""
        name = batch.names[index]
        if self._task.family_pattern:
            match = self._pattern.search(found) or self._pattern.search(name)
            found = match[0] if match else ""
        found = self._task.families.get(found) or found
        found = self._task.families.get(name) or found
        if not found:
            return -1
        number = self._family_of.setdefault(found, len(self._family_of))
        self._family_counts[number] += 1
        return number

    def _add_short(
        self, batch: record_batches.Batch, index_P: np.ndarray, keys: np.ndarray
    ) -> None:
        """Takes records that fit in a window, as many at once as fit in a part."""
        end_P = np.cumsum(batch.length[index_P])
        begin = 0
        while begin < len(index_P):
            used = end_P[begin - 1] if begin else 0
            room = self._task.part_nucleotides - self._collector.num_nucleotides
            # As many as fit, found at once: a loop over records would be the
            # slowest part.
            end = int(np.searchsorted(end_P, used + room, side="right"))
            if end == begin:
                self._flush()
                continue
            some = keys[begin:end]
            some["record"] = np.arange(self._num_keys, self._num_keys + len(some))
            chosen = index_P[begin:end]
            self._collector.add_whole(batch, chosen, some["record"])
            self._keys.append(some)
            self._num_keys += len(some)
            begin = end

    def _add_long(
        self, batch: record_batches.Batch, index: int, key: np.ndarray
    ) -> None:
        """Takes a record that is cut into windows, and if it is very long, pieces."""
        task = self._task
        token_L, partner_L = batch.nth(index)
        ends = windows.cuts(len(token_L), task.longest, task.shortest_tail)
        self._changed["records cut into windows"] += 1
        step = max(1, task.part_nucleotides // task.longest)
        is_first = True
        for piece, begin in enumerate(range(0, len(ends) - 1, step)):
            inner = ends[begin : begin + step + 1]
            size = int(inner[-1] - inner[0])
            if self._collector.num_nucleotides + size > task.part_nucleotides:
                self._flush()
            if not self._collector.add(
                batch.names[index], token_L, partner_L, inner, self._num_keys
            ):
                continue
            own = np.array([key], KEY)
            # A piece of a long record has a key of its own, near that of the record:
            # equal records stay equal piece by piece.
            own["low"] += np.uint64(piece)
            own["record"], own["is_first"] = self._num_keys, is_first
            own["num_nucleotides"] = size
            self._keys.append(own)
            self._num_keys += 1
            is_first = False

    def _flush(self) -> None:
        if not self._num_keys:
            return
        out = f"{self._task.out}-{self._num_parts:05d}"
        windows.save(f"{out}.windows", self._collector.windows())
        keys = np.concatenate(self._keys)
        with files.whole(f"{out}.keys") as part, part.open("wb") as file:
            np.save(file, keys[np.argsort(keys["high"], kind="stable")])
        self._num_parts += 1
        self._collector.clear()
        self._keys, self._num_keys = [], 0

    def finish(self) -> executor.Counts:
        """Writes what is left and returns the counts."""
        self._check_letters()
        self._flush()
        changed = self._changed + self._collector.counts
        return {
            "num_in": self._num_in,
            "num_out": self._num_out,
            "dropped": dict(+self._dropped),
            "changed": dict(+changed),
            "bad": self._bad,
            "notes": self._notes,
            "num_parts": self._num_parts,
            "nucleotides": self._num_nucleotides,
            "lengths": self._lengths.tolist(),
            "families": {
                name: self._family_counts[number]
                for name, number in self._family_of.items()
            },
        }


def _statistics(batch: record_batches.Batch) -> tuple[np.ndarray, np.ndarray]:
    """Returns the A C G U of each record, and its complexity, 0..1.

    Complexity is the entropy of the record's words of three letters over the
    largest that as many words can have; 1 where there are fewer than two words.

    Source: Wootton and Federhen 1993, Computers Chem. 17:149, for entropy as
    complexity; they count letters, for which UAUAUA is not simple.
    """
    num_records = len(batch.names)
    num_known = np.zeros(num_records, np.int64)
    words = np.zeros((num_records, _NUM_WORDS), np.int64)
    end_R = np.cumsum(batch.length)
    for begin in range(0, len(batch.token), _CHUNK):
        token = batch.token[begin : begin + _CHUNK]
        end = begin + len(token)
        first, last = np.searchsorted(end_R, (begin, end - 1), side="right").tolist()
        here = slice(first, last + 1)
        inside = np.diff(np.clip(end_R[here], begin, end), prepend=begin)
        num_here = len(inside)
        record = np.repeat(np.arange(num_here), inside)
        is_known = alphabet.is_nucleotide(token)
        num_known[here] += np.bincount(record[is_known], minlength=num_here)
        letter = token.astype(np.int64) - alphabet.A
        word = letter[:-2] * 16 + letter[1:-1] * 4 + letter[2:]
        is_word = is_known[:-2] & is_known[1:-1] & is_known[2:]
        is_word &= record[:-2] == record[2:]
        place = record[:-2][is_word] * _NUM_WORDS + word[is_word]
        words[here] += np.bincount(place, minlength=num_here * _NUM_WORDS).reshape(
            num_here, _NUM_WORDS
        )
    total = words.sum(axis=1)
    share = words / np.maximum(total, 1)[:, None]
    entropy = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    most = np.log2(np.clip(total, 2, _NUM_WORDS))
    return num_known, np.where(total < 2, 1.0, entropy / most)


def hash_of(data: str) -> bytes:
    """Returns the BLAKE2b-128 of a text."""
    return hashlib.blake2b(data.encode(), digest_size=16).digest()
