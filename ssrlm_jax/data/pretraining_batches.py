"""Rows of a corpus as masked, mixed batches, for one process of several.

Every step is a map from a global index to an element, so order and masks depend
on the seed and the index alone: not on workers, processes, or where a run was
stopped. A run resumes by slicing, with one integer.
"""

import bisect
import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import cast

import grain
import numpy as np
from absl import flags
from array_record.python import array_record_module

from ssrlm_jax import config, types
from ssrlm_jax.data import masking, rows
from ssrlm_jax.rna import alphabet

_READ_BYTES = 2**15  # a row of 1,024 tokens is packed into 1,400
_VALIDATION_SEED = 20_260_101  # one for all runs, so that their scores compare


def batches(
    corpus: str | os.PathLike[str],
    manifest: rows.Manifest,
    settings: config.PretrainConfig,
    *,
    seed: int,
    process: int,
    num_processes: int,
    start: int = 0,
) -> Iterator[types.Batch]:
    """Yields one process's share of batches, without end.

    The shares of all processes, joined in order, are the same global batch for any
    number of processes and workers. Rows of a source are shuffled anew in every
    pass over it, and masked anew.

    Args:
      corpus: directory, as written by data/rows.py.
      manifest: of it, as `rows.open_corpus` returns it.
      settings: `data` and `masking` are read.
      seed: decides order and masks.
      process: which one, from 0.
      num_processes: how many share a global batch.
      start: number of global batches to leave out, as a stopped run had them.

    Returns:
      For B = `rows_per_batch` / `num_processes` rows of L tokens:
        token: uint8 (B, L), what the model reads.
        target: uint8 (B, L), the true letter of hidden nucleotides, else `<pad>`.
        segment: uint8 (B, L), records of the row from 1; 0: padding.
        partner: int16 (B, L), paired position in the row; -1: none or unknown.
        source: uint8 (B,), place in rows.SOURCES.

    Raises:
      ValueError: a damaged shard, no rows in the sources of `data.mix`, or a batch
        that the processes do not divide.
    """
    num_rows = _rows_each(settings.data.rows_per_batch, num_processes)
    datasets, weights = [], []
    for source in rows.SOURCES:
        weight = getattr(settings.data.mix, source)
        if weight > 0 and manifest.totals("train", source)["num_rows"]:
            datasets.append(
                _masked_rows(corpus, manifest, source, settings.masking, seed)
            )
            weights.append(weight)
    if not datasets:
        asked = [s for s in rows.SOURCES if getattr(settings.data.mix, s) > 0]
        raise ValueError(
            f"{corpus} has no training rows of data.mix's {' and '.join(asked)}; "
            f"change data.mix or add a source with: {rows.HOW_TO_MAKE}{corpus}"
        )
    dataset = grain.MapDataset.mix(datasets, weights)
    dataset = dataset.batch(num_rows, drop_remainder=True)
    dataset = dataset[start * num_processes + process :: num_processes]
    # Threads only wait for each other here: 16, Grain's default, take 4 times as long.
    stream = dataset.to_iter_dataset(
        grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
    )
    if settings.data.num_workers:
        stream = _on_workers(stream, settings.data.num_workers)
    return iter(stream)


def validation(
    corpus: str | os.PathLike[str],
    manifest: rows.Manifest,
    settings: config.PretrainConfig,
    *,
    process: int,
    num_processes: int,
) -> list[types.Batch]:
    """Returns one process's share of the held-out rows, masked once.

    Up to `data.validation_rows` rows of each source that has some, in an order and
    with masks that are the same for every run: policy `sm` and the defaults of
    `masking`, whatever the run is trained on. They are drawn from all shards. A
    batch has as many rows as one micro-batch of training; every process has as many
    batches, and rows missing from the last are empty (all padding, source 0).

    Arguments, keys and errors as in `batches`; without held-out rows, no batches.
    """
    micro_batch = settings.data.rows_per_batch // settings.loop.micro_batches
    num_rows = _rows_each(micro_batch, num_processes, " / loop.micro_batches")
    members = []
    for source in rows.SOURCES:
        if manifest.totals("validation", source)["num_rows"]:
            dataset = _held_out_rows(corpus, manifest, source)
            size = min(settings.data.validation_rows, len(dataset))
            members += [(dataset, index) for index in range(size)]
    num_batches = -(-len(members) // micro_batch)
    empty = _empty_row(manifest.row_length)
    shares = []
    for first in range(process * num_rows, num_batches * micro_batch, micro_batch):
        # Grain has None where a filter left nothing out; there is no filter.
        elements = [
            cast(types.Batch, dataset[i])
            for dataset, i in members[first : first + num_rows]
        ]
        elements += [empty] * (num_rows - len(elements))
        shares.append({key: np.stack([e[key] for e in elements]) for key in empty})
    return shares


def stored_rows(
    corpus: str | os.PathLike[str], manifest: rows.Manifest, split: str, source: str
) -> grain.MapDataset[bytes]:
    """Returns the rows of one split and source as bytes, in the order of shards.

    Raises:
      ValueError: on reading a row that is damaged; the message names its shard.
    """
    paths = rows.shard_paths(corpus, manifest, split, source)
    sizes = [shard.num_rows for shard in manifest.select(split, source)]
    return grain.MapDataset.source(_Shards(paths, sizes))


@dataclasses.dataclass(frozen=True)
class _Mask(grain.transforms.RandomMap):
    """Reads one row and hides some of its nucleotides."""

    source: str
    settings: config.MaskingConfig

    def random_map(self, data: bytes, rng: np.random.Generator) -> types.Batch:
        token_L, partner_L, segment_L, _ = rows.decode_row(data)
        hidden_L = masking.POLICIES[self.settings.policy](
            token_L,
            partner_L,
            segment_L,
            rng,
            self.settings,
            getattr(self.settings.ssm_rate, self.source),
        )
        return {
            "token": masking.replace(token_L, hidden_L, rng, self.settings),
            "target": np.where(hidden_L, token_L, np.uint8(alphabet.PAD)),
            "segment": segment_L,
            "partner": partner_L,
            "source": np.array(rows.SOURCES.index(self.source), np.uint8),
        }


class _Shards:
    """The rows of several shards as bytes, by one index; shards open when needed.

    Stands in for Grain's ArrayRecordDataSource, which asks the reader for a list of
    indices: that takes time in proportion to the shard, 26 microseconds in 4,000
    rows and 370 in 64,000; asking for a range takes 10 in either.
    """

    def __init__(self, paths: Sequence[str], sizes: Sequence[int]) -> None:
        self._paths = paths
        self._ends = list(itertools.accumulate(sizes))
        self._readers: dict[int, array_record_module.ArrayRecordReader] = {}

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> bytes:
        shard = bisect.bisect_right(self._ends, index)
        first = index - (self._ends[shard - 1] if shard else 0)
        try:
            if shard not in self._readers:
                self._readers[shard] = array_record_module.ArrayRecordReader(
                    self._paths[shard],
                    options="readahead_buffer_size:0,max_parallelism:0",
                    file_reader_buffer_size=_READ_BYTES,
                )
            return self._readers[shard].read(first, first + 1)[0]
        except (RuntimeError, IndexError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"{self._paths[shard]}: row {first + 1} cannot be read: {reason}; "
                f"{rows.MAKE_AGAIN.format('the corpus')}"
            ) from error

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_readers": {}}  # for workers, which open their own


def _empty_row(length: int) -> types.Batch:
    return {
        "token": np.full(length, alphabet.PAD, np.uint8),
        "target": np.full(length, alphabet.PAD, np.uint8),
        "segment": np.zeros(length, np.uint8),
        "partner": np.full(length, -1, np.int16),
        "source": np.array(0, np.uint8),
    }


def _held_out_rows(
    corpus: str | os.PathLike[str], manifest: rows.Manifest, source: str
) -> grain.MapDataset[types.Batch]:
    order_seed, mask_seed = _seeds(_VALIDATION_SEED, source)
    return (
        stored_rows(corpus, manifest, "validation", source)
        .shuffle(seed=order_seed)
        .random_map(_Mask(source, config.MaskingConfig(policy="sm")), seed=mask_seed)
    )


def _masked_rows(
    corpus: str | os.PathLike[str],
    manifest: rows.Manifest,
    source: str,
    settings: config.MaskingConfig,
    seed: int,
) -> grain.MapDataset[types.Batch]:
    order_seed, mask_seed = _seeds(seed, source)
    return (
        stored_rows(corpus, manifest, "train", source)
        .shuffle(seed=order_seed)
        .repeat()
        .random_map(_Mask(source, settings), seed=mask_seed)
    )


def _seeds(seed: int, source: str) -> tuple[int, int]:
    """Returns seeds of 32 bits for the order and the masks of a source."""
    sequence = np.random.SeedSequence([seed, rows.SOURCES.index(source)])
    order_seed, mask_seed = sequence.generate_state(2)
    return int(order_seed), int(mask_seed)


def _rows_each(num_rows: int, num_processes: int, of_what: str = "") -> int:
    """Returns how many of a batch's rows each process holds."""
    if num_rows % num_processes:
        raise ValueError(
            f"data.rows_per_batch{of_what}={num_rows} is not a multiple of the "
            f"{num_processes} processes"
        )
    return num_rows // num_processes


def _on_workers(
    stream: grain.IterDataset[types.Batch], num_workers: int
) -> grain.IterDataset[types.Batch]:
    """Computes batches in processes of their own."""
    if not flags.FLAGS.is_parsed():  # in notebooks; Grain reads flags of its own
        flags.FLAGS.mark_as_parsed()
    return stream.mp_prefetch(
        grain.MultiprocessingOptions(num_workers=num_workers, per_worker_buffer_size=2)
    )
