"""Windows → full rows. Best-fit decreasing: nothing is thrown away or cut again.

The longest window is placed first, each into the row with the least room that
still takes it. Rows leave in a seeded random order, so that a shard does not begin
with its longest records.
"""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import fold_unknown, windows
from ssrlm_jax.rna import alphabet

NUM_SPECIAL = 2  # <cls> and <eos> around each window


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """What a row can hold.

    Attributes:
      row_length: tokens.
      max_segments: windows.
      seed: of the order of rows in a shard.
    """

    row_length: int
    max_segments: int
    seed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One shard to write.

    Attributes:
      corpus: directory.
      split, source, shard, num_shards: which one it is.
      parts: number and file of windows of each part that it holds.
      kept: files of dedupe.KEPT, which records stay and in which split.
      folded: of each part, the files of structures of fold_unknown.py.
      shape: of its rows.
    """

    corpus: str
    split: str
    source: str
    shard: int
    num_shards: int
    parts: tuple[tuple[int, str], ...]
    kept: tuple[str, ...]
    folded: tuple[tuple[str, ...], ...]
    shape: Shape


def window_lengths(row_length: int, tail_share: float) -> tuple[int, int]:
    """Returns the nucleotides of the longest window and of the shortest tail."""
    longest = row_length - NUM_SPECIAL
    return longest, max(1, int(tail_share * longest))


def pack(task: Task) -> executor.Counts:
    """Writes one shard.

    Returns:
      shard: its description, a rows.Shard; letters: how many of A C G U N; paired:
      nucleotides with a partner.
    """
    split = rows.SPLITS.index(task.split)
    parts = [
        _chosen(
            fold_unknown.with_structures(windows.load(path), folded),
            number,
            split,
            task.kept,
        )
        for (number, path), folded in zip(task.parts, task.folded, strict=True)
    ]
    name = (task.split, task.source, task.shard, task.num_shards)
    shard = write_shard(task.corpus, name, parts, task.shape)
    letters = np.sum(
        [np.bincount(part.token, minlength=alphabet.SIZE) for part in parts], axis=0
    )
    return {
        "shard": dataclasses.asdict(shard),
        "letters": letters[alphabet.A :].tolist(),
        "paired": sum(int((part.partner >= 0).sum()) for part in parts),
    }


def _chosen(
    part: windows.Windows, number: int, split: int, kept: Sequence[str]
) -> windows.Windows:
    """Returns the windows of a part that are kept in a split."""
    is_kept = np.zeros(int(part.record.max(initial=-1)) + 1, bool)
    for path in kept:
        lines = np.load(path, mmap_mode="r")
        begin, end = np.searchsorted(lines["part"], (number, number + 1))
        mine = lines[begin:end]
        is_kept[mine["record"][mine["split"] == split]] = True
    return part.select(is_kept[part.record])


def fill_rows(sizes: Sequence[int], room: int, max_segments: int) -> list[list[int]]:
    """Returns the items of each row.

    Args:
      sizes: tokens of each item, at most `room`.
      room: tokens of a row.
      max_segments: items of a row, at most.

    Source: best-fit decreasing; Johnson 1973 bounds it at 11/9 of the optimum.
    """
    placed: list[list[int]] = []
    # The least room that is enough is the lowest set bit from `size` on: one operation
    # on an integer, where a search of rows would take their number.
    with_room: list[list[int]] = [[] for _ in range(room + 1)]  # rows by room left
    is_any = 0  # bit r: with_room[r] is not empty
    order = np.argsort(-np.asarray(sizes, np.int64), kind="stable").tolist()
    for item in order:
        size = sizes[item]
        fitting = is_any >> size
        if fitting:
            left = size + (fitting & -fitting).bit_length() - 1
            row = with_room[left].pop()
            if not with_room[left]:
                is_any ^= 1 << left
        else:
            left, row = room, len(placed)
            placed.append([])
        placed[row].append(item)
        left -= size
        # A row that is full of records is not listed any more, whatever its room.
        if left and len(placed[row]) < max_segments:
            with_room[left].append(row)
            is_any |= 1 << left
    return placed


def packed(parts: Sequence[windows.Windows], shape: Shape) -> Iterator[rows.Row]:
    """Yields the rows that hold all windows of `parts`."""
    where = [(part, index) for part in parts for index in range(len(part.length))]
    starts = [
        start
        for part in parts
        for start in (np.cumsum(part.length) - part.length).tolist()
    ]
    sizes = [
        size
        for part in parts
        for size in (part.length.astype(np.int64) + NUM_SPECIAL).tolist()
    ]
    placed = fill_rows(sizes, shape.row_length, shape.max_segments)
    for index in np.random.default_rng(shape.seed).permutation(len(placed)):
        yield _row([(*where[i], starts[i]) for i in placed[index]], shape.row_length)


def _row(items: list[tuple[windows.Windows, int, int]], row_length: int) -> rows.Row:
    """Lays windows side by side."""
    token_L = np.zeros(row_length, np.uint8)
    partner_L = np.full(row_length, -1, np.int16)
    segment_L = np.zeros(row_length, np.uint8)
    names = []
    first = 0
    for number, (part, index, start) in enumerate(items, 1):
        inner, partner = part.nth(index, start)
        begin, end = first + 1, first + 1 + len(inner)
        token_L[first], token_L[end] = alphabet.CLS, alphabet.EOS
        token_L[begin:end] = inner
        segment_L[first : end + 1] = number
        if partner is not None:
            # Windows count partners from their own start; -1 stays -1.
            partner_L[begin:end] = np.where(partner >= 0, partner + begin, -1)
        names.append(part.names[index])
        first = end + 1
    return rows.Row(token_L, partner_L, segment_L, tuple(names))


def write_shard(
    corpus: str | os.PathLike[str],
    name: tuple[str, str, int, int],
    parts: Iterable[windows.Windows],
    shape: Shape,
) -> rows.Shard:
    """Packs windows into one shard.

    Args:
      corpus: directory.
      name: split, source, index of the shard, number of shards.
      parts: what it holds.
      shape: of its rows.
    """
    split, source, index, num_shards = name
    with rows.ShardWriter(corpus, split, source, index, num_shards) as writer:
        for row in packed(list(parts), shape):
            writer.write(row)
    if writer.shard is None:
        raise RuntimeError(f"{corpus}: a shard was closed without a description")
    return writer.shard
