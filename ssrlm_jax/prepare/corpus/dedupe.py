"""Keys → which records are kept, and in which split: one task for each bucket.

Equal sequences meet in one bucket, whatever files they come from, and a bucket is
all that is held in memory. Of equal sequences one is kept: the first of those with
a structure, or the first. None is kept where one of them is to be left out. All
that is decided depends on the sequences, families and the seed, not on the order
of files, except which of equal records is "the first".
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import standardise

# A record that is kept.
KEPT = np.dtype([("part", "<i4"), ("record", "<i4"), ("split", "u1")])
EQUAL = "equal to another record"
LEFT_OUT = "in a file that is left out"

_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a file, as the first stage wrote it.

    Attributes:
      path: of its keys.
      source: of its records.
      is_validation: of each family of the file, by number: held out?
    """

    path: str
    source: str
    is_validation: tuple[bool, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One bucket of keys: those from `bucket` / `num_buckets` of their range on."""

    parts: tuple[Part, ...]
    bucket: int
    num_buckets: int
    out: str
    validation_share: float
    seed: int


def hold_out(counts: Mapping[str, int], share: float, seed: int) -> set[str]:
    """Chooses the families that are held out whole.

    Families are tried in an order that follows from their names and the seed, and
    taken while they fit into the share: a family larger than that is never taken.

    Args:
      counts: records of each family.
      share: of the records of all families, at most.
      seed: another seed, another choice.
    """
    order = sorted(counts, key=lambda name: standardise.hash_of(f"{seed}:{name}"))
    room = int(share * sum(counts.values()))
    chosen = set()
    for name in order:
        if counts[name] <= room:
            chosen.add(name)
            room -= counts[name]
    return chosen


def is_drawn(high: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Tells which hashes a seed draws; each with probability `share`.

    Source: Steele et al. 2014, OOPSLA, for the mixing (SplitMix64).
    """
    mixed = high + np.uint64(_MIX[0] * (seed + 1) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_MIX[1])
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_MIX[2])
    mixed ^= mixed >> np.uint64(31)
    return mixed.astype(np.float64) < share * 2.0**64


def dedupe(task: Task) -> executor.Counts:
    """Decides one bucket; writes the kept records and returns the counts.

    Returns:
      dropped: by source and reason; nucleotides: kept, by part and split.
    """
    keys, part = _bucket(task)
    # The last key counts most: equal sequences side by side, those with a known
    # structure first, then in the order of files, so that the one that is kept does
    # not depend on buckets or workers.
    order = np.lexsort(
        (keys["record"], part, ~keys["has_structure"], keys["low"], keys["high"])
    )
    keys, part = keys[order], part[order]
    is_new = np.ones(len(keys), bool)
    # A hash of 128 bits is in two halves; a sequence is new if either differs.
    for name in ("high", "low"):
        same = keys[name][1:] == keys[name][:-1]
        is_new[1:] = ~same if name == "high" else is_new[1:] | ~same
    group = np.cumsum(is_new) - 1
    is_left_out = np.array(
        [one.source == standardise.LEFT_OUT for one in task.parts], bool
    )[part]
    is_group_out = _any_of(is_left_out, group)
    split = _split(task, keys, part, group)

    is_kept = is_new & ~is_group_out[group]
    kept = np.zeros(int(is_kept.sum()), KEPT)
    kept["part"], kept["record"] = part[is_kept], keys["record"][is_kept]
    kept["split"] = split[group][is_kept]
    with files.whole(task.out) as beside, beside.open("wb") as file:
        np.save(file, kept[np.argsort(kept["part"], kind="stable")])

    nucleotides = np.zeros((len(task.parts), len(rows.SPLITS)), np.int64)
    # Not by an index on the left, which adds once where a place comes twice.
    np.add.at(
        nucleotides, (kept["part"], kept["split"]), keys["num_nucleotides"][is_kept]
    )
    reasons = {
        LEFT_OUT: is_group_out[group] & ~is_left_out,
        EQUAL: ~is_new & ~is_group_out[group],
    }
    return {
        "dropped": _count(task.parts, part, keys["is_first"], reasons),
        "nucleotides": nucleotides.tolist(),
    }


def load_kept(paths: Sequence[str]) -> np.ndarray:
    """Returns what files of KEPT hold, sorted by part and record."""
    kept = np.concatenate([np.zeros(0, KEPT), *(np.load(path) for path in paths)])
    return kept[np.lexsort((kept["record"], kept["part"]))]


def _bucket(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Returns the keys of a bucket and the part that each comes from."""
    edges = [
        # By the high half of the hash: what is equal meets in one bucket, whatever
        # the file.
        np.uint64(min(2**64 * edge // task.num_buckets, 2**64 - 1))
        for edge in (task.bucket, task.bucket + 1)
    ]
    is_last = task.bucket + 1 == task.num_buckets
    chosen = [np.zeros(0, standardise.KEY)]
    for part in task.parts:
        # Keys are sorted by hash: a bucket is one stretch, and no more of a file
        # is read.
        keys = np.load(part.path, mmap_mode="r")
        begin = np.searchsorted(keys["high"], edges[0])
        end = len(keys) if is_last else np.searchsorted(keys["high"], edges[1])
        chosen.append(np.array(keys[begin:end]))
    sizes = [len(keys) for keys in chosen[1:]]
    return np.concatenate(chosen), np.repeat(np.arange(len(sizes)), sizes)


def _any_of(is_true: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Tells for each group whether it holds one that is true."""
    return np.bincount(group[is_true], minlength=group[-1] + 1 if len(group) else 0) > 0


def _split(
    task: Task, keys: np.ndarray, part: np.ndarray, group: np.ndarray
) -> np.ndarray:
    """Returns the split of each group of equal sequences.

    Validation if one of them is of a family that is held out; if none is of a
    known family, by chance.
    """
    families = [np.array([*p.is_validation, False], bool) for p in task.parts]
    starts = np.cumsum([0, *(len(held) for held in families)])[:-1]
    is_held = np.concatenate([np.zeros(0, bool), *families])
    is_known = keys["family"] >= 0
    number = np.where(is_known, keys["family"] + starts[part], 0)
    is_group_known = _any_of(is_known, group)
    is_group_held = _any_of(is_known & is_held[number], group)
    # Drawn by the hash, not by the place: more files change no split of those before.
    first = np.flatnonzero(np.diff(group, prepend=-1))
    drawn = is_drawn(keys["high"][first], task.validation_share, task.seed)
    return np.where(is_group_known, is_group_held, drawn).astype(np.uint8)


def _count(
    parts: Sequence[Part],
    part: np.ndarray,
    is_first: np.ndarray,
    reasons: Mapping[str, np.ndarray],
) -> dict[str, dict[str, int]]:
    """Counts records by source and reason; pieces of a record once."""
    dropped: dict[str, collections.Counter[str]] = {}
    for reason, is_dropped in reasons.items():
        numbers = np.bincount(part[is_dropped & is_first], minlength=len(parts))
        for one, number in zip(parts, numbers.tolist(), strict=True):
            if number and one.source != standardise.LEFT_OUT:
                counts = dropped.setdefault(one.source, collections.Counter())
                counts[reason] += number
    return {source: dict(counts) for source, counts in dropped.items()}
