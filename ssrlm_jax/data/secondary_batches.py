"""Labelled RNA -> batches of nearly equal lengths; pure functions of the seed.

A batch is padded to the length of its bucket, so that few shapes are compiled.
Batches are numbered through all epochs: batch n is the same whatever was read before,
so a run goes on from any of them. Where a head reads energies, whoever puts the parts
together hands in what gives them (external/energies.py).
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import grain
import numpy as np

from ssrlm_jax import config, types
from ssrlm_jax.data import labelled_records
from ssrlm_jax.rna import batches, formats, probabilities

# Sequences in, what each source of energies says of their pairs out.
Energies = Callable[[Sequence[str]], list[tuple[probabilities.PairProbabilities, ...]]]


@dataclasses.dataclass(frozen=True)
class Buckets:
    """Records in buckets of length.

    Attributes:
      records: labelled.
      settings: sizes.
      lengths: of `rna.batches.lengths`; only those in use.
      members: indices in `records` of each bucket.
      energies: of the records, for a head that reads them; None: it reads none.
    """

    records: Sequence[formats.Record]
    settings: config.LabelledConfig
    lengths: Sequence[int]
    members: Sequence[np.ndarray]
    energies: Energies | None = None

    def __str__(self) -> str:
        """Says what a log should: records, shapes and padding."""
        return (
            f"{len(self.records):,} RNAs in {self.batches_per_epoch:,} batches of "
            f"{len(self.lengths)} shapes, {self.lengths[0]} to {self.lengths[-1]} nt; "
            f"padding {self.padding:.1%}"
        )

    @functools.cached_property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has, whatever the order."""
        return len(self.layout(0, 0))

    @functools.cached_property
    def padding(self) -> float:
        """Share of the positions of an epoch's batches that hold no nucleotide."""
        slots = sum(len(m) * L for L, m in self.layout(0, 0, is_full=True))
        return 1.0 - sum(len(r.sequence) for r in self.records) / slots

    def layout(
        self, seed: int, epoch: int, is_full: bool = False
    ) -> list[tuple[int, np.ndarray]]:
        """Returns the batches of an epoch: padded length, indices in `records`.

        Every record is in one batch. What is left over of a bucket joins the next
        longer one; the last batch may be short (`is_full`: filled up with -1).
        """
        rng = np.random.default_rng((seed, epoch))
        size = self.settings.batch_size
        found: list[tuple[int, np.ndarray]] = []
        rest = np.empty(0, np.int64)
        for length, members in zip(self.lengths, self.members, strict=True):
            order = np.concatenate([rest, rng.permutation(members)])
            whole = len(order) - len(order) % size
            found += [(length, order[n : n + size]) for n in range(0, whole, size)]
            rest = order[whole:]
        if len(rest):
            if is_full:
                rest = np.pad(rest, (0, size - len(rest)), constant_values=-1)
            found.append((self.lengths[-1], rest))
        return [found[n] for n in rng.permutation(len(found))]

    def batches(
        self, seed: int, process: int, num_processes: int, start: int
    ) -> Iterator[types.Batch]:
        """Yields one process's share of the batches from number `start` on, forever."""
        shares = grain.MapDataset.source(_Shares(self, seed, process, num_processes))
        threads = grain.ReadOptions(
            num_threads=self.settings.num_threads,
            prefetch_buffer_size=2 * self.settings.num_threads,
        )
        return iter(shares[start:].to_iter_dataset(threads))

    def longest(self, size: int) -> types.Batch:
        """Returns a batch of the longest records, as often as needed to fill it."""
        members = np.resize(self.members[-1], size)
        return self.make(members, self.lengths[-1])

    def make(self, indices: Iterable[int], length: int) -> types.Batch:
        """Returns the records at `indices` as a batch; see `make`; -1: an empty one."""
        return make([self._at(n) for n in indices], length, self.energies)

    def ordered(self) -> Iterator[tuple[list[int], types.Batch]]:
        """Yields every record once: indices in `records` and their batch, short first.

        For validation; all batches have the same size, empty examples fill the last.
        """
        for length, members in zip(self.lengths, self.members, strict=True):
            for first in range(0, len(members), self.settings.batch_size):
                chosen = members[first : first + self.settings.batch_size].tolist()
                fill = [-1] * (self.settings.batch_size - len(chosen))
                yield chosen, self.make(chosen + fill, length)

    def _at(self, index: int) -> formats.Record | None:
        return self.records[index] if index >= 0 else None


class _Shares:
    """One process's share of every batch, by the batch's number."""

    def __init__(
        self, buckets: Buckets, seed: int, process: int, num_processes: int
    ) -> None:
        size = buckets.settings.batch_size // num_processes
        self._buckets, self._seed = buckets, seed
        self._mine = slice(process * size, (process + 1) * size)
        # The epoch that is read, and the next one, which threads may have begun.
        self._layout = functools.lru_cache(2)(self._laid_out)

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, number: int) -> types.Batch:
        epoch, index = divmod(number, self._buckets.batches_per_epoch)
        length, members = self._layout(epoch)[index]
        return self._buckets.make(members[self._mine], length)

    def _laid_out(self, epoch: int) -> list[tuple[int, np.ndarray]]:
        return self._buckets.layout(self._seed, epoch, is_full=True)


def into_buckets(
    records: Sequence[formats.Record],
    settings: config.LabelledConfig,
    energies: Energies | None = None,
) -> Buckets:
    """Puts records into buckets.

    Args:
      records: labelled.
      settings: sizes.
      energies: see `Buckets`.

    Raises:
      ValueError: a record is empty or longer than `max_length`, or has a letter that
        is not of RNA; the message names it.
    """
    step, ratio = settings.step, settings.ratio
    lengths = np.array(batches.lengths(settings.max_length, step, ratio))
    for record in records:
        if not 0 < len(record.sequence) <= settings.max_length:
            raise ValueError(
                f"{record.place or record.name}: {len(record.sequence)} nucleotides; "
                f"1..data.max_length={settings.max_length} are accepted"
            )
        labelled_records.letters_of(record)
    bucket_N = np.searchsorted(lengths, [len(r.sequence) for r in records])
    used = np.unique(bucket_N)
    return Buckets(
        records,
        settings,
        [int(lengths[number]) for number in used],
        [np.flatnonzero(bucket_N == number) for number in used],
        energies,
    )


def make(
    records: Sequence[formats.Record | None],
    length: int,
    energies: Energies | None = None,
) -> types.Batch:
    """Returns records as a padded batch.

    Args:
      records: None for an empty example.
      length: nucleotides to pad to.
      energies: see `Buckets`.

    Returns:
      `token` and `segment` uint8 (B, length + 2) with <cls> and <eos> around each
      record, `length` int32 (B,), `pair` bool (B, length, length), symmetric; with
      energies `energy` float16 (B, length, length, S) of S sources, symmetric.
    """
    letters = [record.sequence if record else "" for record in records]
    token_BL, segment_BL, length_B = batches.pad(letters, length)
    pair_BLM = np.zeros((len(records), length, length), bool)
    for row, record in enumerate(records):
        if record is not None and record.structure is not None:
            i, j = record.structure.pairs.T
            pair_BLM[row, i, j] = pair_BLM[row, j, i] = True
    batch = {
        "token": token_BL,
        "segment": segment_BL,
        "length": length_B,
        "pair": pair_BLM,
    }
    if energies is not None:
        batch["energy"] = probabilities.to_maps(energies(letters), length)
    return batch
