"""The way from raw files to rows, told from what the stages counted and cost."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor

Files = Mapping[str, Sequence[str]]  # by source
AllDone = Mapping[str, Sequence[executor.Done]]  # by stage


def sources(files: Files) -> list[str]:
    """Returns the source of each file, in the order in which they are read."""
    return [source for source, paths in files.items() for _ in paths]


def stages(files: Files, done: AllDone, num_folded: int) -> tuple[rows.Stage, ...]:
    """Returns the way of each source: read, dedupe, cluster, fold, pack.

    Args:
      files: by source.
      done: by stage.
      num_folded: kept records that were folded.
    """
    found = []
    for source in rows.SOURCES:
        if files[source]:
            found += _of_source(source, files, done, num_folded)
    return tuple(found)


def _of_source(
    source: str, files: Files, done: AllDone, num_folded: int
) -> list[rows.Stage]:
    read = _read(source, files, done)
    num_left = sum(counts["num_out"] for counts in read)
    found = [
        rows.Stage(
            name=f"{source}: read",
            num_in=sum(counts["num_in"] for counts in read),
            num_out=num_left,
            dropped=_sum(counts["dropped"] for counts in read),
            changed=_sum(counts["changed"] for counts in read),
        )
    ]
    equal = _sum(one.counts["dropped"].get(source, {}) for one in done["dedupe"])
    near = [o for o in done.get("cluster", ()) if o.counts["source"] == source]
    for name, dropped, changed in (
        ("dedupe", equal, {}),
        *(("cluster", one.counts["dropped"], one.counts["changed"]) for one in near),
    ):
        num_in, num_left = num_left, num_left - sum(dropped.values())
        found.append(
            rows.Stage(
                name=f"{source}: {name}",
                num_in=num_in,
                num_out=num_left,
                dropped={reason: n for reason, n in dropped.items() if n},
                changed=changed,
            )
        )
    if source == "ncrna" and done.get("fold"):
        changed = _sum(one.counts["changed"] for one in done["fold"])
        found.append(
            rows.Stage(
                name=f"{source}: fold",
                num_in=num_left,
                num_out=num_left,
                changed={"folded": num_folded, **changed},
            )
        )
    num_packed = sum(shard["num_records"] for shard in _shards(source, done))
    found.append(
        rows.Stage(name=f"{source}: pack", num_in=num_left, num_out=num_packed)
    )
    return found


def _read(source: str, files: Files, done: AllDone) -> list[executor.Counts]:
    return [
        one.counts
        for owner, one in zip(sources(files), done["read"], strict=True)
        if owner == source
    ]


def _shards(source: str, done: AllDone) -> list[dict[str, Any]]:
    shards = [one.counts["shard"] for one in done["pack"]]
    return [shard for shard in shards if shard["source"] == source]


def costs(done: AllDone, seconds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns of each stage: tasks, seconds as waited, of all cores, and memory.

    Seconds waited are those of the last run; the others count every task.
    """
    return {
        stage: {
            "tasks": len(tasks),
            "seconds": seconds[stage],
            "core_seconds": round(sum(one.seconds for one in tasks), 1),
            "peak_mib": round(
                max((one.peak_bytes for one in tasks), default=0) / 2**20
            ),
        }
        for stage, tasks in done.items()
    }


def content(files: Files, done: AllDone) -> dict[str, dict[str, Any]]:
    """Returns of each source: lengths of the records read, letters and pairs packed."""
    found = {}
    for source in rows.SOURCES:
        read = _read(source, files, done)
        packed = [
            one.counts
            for one in done["pack"]
            if one.counts["shard"]["source"] == source
        ]
        if not read:
            continue
        found[source] = {
            "lengths": np.sum([counts["lengths"] for counts in read], axis=0).tolist(),
            "letters": np.sum(
                [[0] * 5, *(counts["letters"] for counts in packed)], axis=0
            ).tolist(),
            "paired": sum(counts["paired"] for counts in packed),
        }
    return found


def bad(done: AllDone) -> list[str]:
    """Returns the first records of each file that cannot be read, with their places."""
    return [told for one in done["read"] for told in one.counts["bad"]]


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: collections.Counter[str] = collections.Counter()
    for one in counts:
        total.update(one)
    return dict(total)
