"""The stages of a corpus as lists of tasks, each named by all that decides its result.

A stage gives the next one files and a key that names their content, so that a changed
setting or input reruns just what depends on it.
"""

import dataclasses
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ssrlm_jax import config, types
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import (
    cluster,
    corpus_report,
    dedupe,
    fold_unknown,
    pack,
    standardise,
)

Report = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a file, as the first stage wrote it; a path without suffix."""

    file: int  # number of the file
    source: str
    path: str
    key: str

    @property
    def windows(self) -> str:
        return f"{self.path}.windows"

    @property
    def keys(self) -> str:
        return f"{self.path}.keys"


@dataclasses.dataclass(frozen=True)
class _Kept:
    """Which records are kept: files of dedupe.KEPT, and what names their content."""

    files: tuple[str, ...]
    key: str
    nucleotides: np.ndarray  # (parts, splits)


@dataclasses.dataclass
class Job:
    """What all stages need: settings, where to work, whom to tell, what was done."""

    settings: config.CorpusConfig
    files: Mapping[str, Sequence[str]]  # by source
    work: pathlib.Path
    corpus: pathlib.Path  # being made
    report: Report
    how: types.Json
    done: dict[str, list[executor.Done]] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    num_folded: int = 0  # of the records that are kept

    def run(
        self,
        stage: str,
        function: Callable[[executor.Payload], executor.Counts],
        tasks: Sequence[tuple[str, str, executor.Payload]],
    ) -> list[executor.Done]:
        """Runs a stage; tasks are name, key, payload."""
        directory = self.work / stage
        directory.mkdir(exist_ok=True)
        started = time.monotonic()
        self.done[stage] = executor.run(
            function,
            [
                executor.Task(directory / f"{name}.json", key, payload)
                for name, key, payload in tasks
            ],
            settings=self.settings.executor,
            report=lambda done, total: self.report(stage, done, total),
        )
        self.seconds[stage] = round(time.monotonic() - started, 1)
        return self.done[stage]


def described(path: str) -> dict[str, object]:
    stat = os.stat(path)
    return {"path": path, "bytes": stat.st_size, "time": stat.st_mtime_ns}


def read(job: Job, families: dict[str, str]) -> list[Part]:
    """Reads every file; returns the parts, in the order of files."""
    settings = job.settings
    longest, shortest_tail = pack.window_lengths(
        settings.row_length, settings.tail_share
    )
    tasks = []
    for source, paths in job.files.items():
        for path in paths:
            name = f"{source}-{executor.key_of(os.path.abspath(path))[:12]}"
            payload = standardise.Task(
                path=path,
                source=source,
                out=os.fspath(job.work / "read" / name),
                longest=longest,
                shortest_tail=shortest_tail,
                part_nucleotides=settings.shard_nucleotides,
                on_bad=settings.on_bad,
                remove_gaps=settings.remove_gaps,
                max_file_unknown=settings.max_file_unknown,
                min_length=settings.min_length,
                max_unknown=settings.max_unknown,
                min_complexity=settings.min_complexity,
                keep_structures=settings.keep_structures,
                family_pattern=settings.family_pattern,
                families=families,
            )
            key = executor.key_of(dataclasses.asdict(payload), described(path))
            tasks.append((name, key, payload))
    done = job.run("read", standardise.standardise, tasks)
    return [
        Part(file, payload.source, f"{payload.out}-{number:05d}", key)
        for file, ((_, key, payload), one) in enumerate(zip(tasks, done, strict=True))
        for number in range(one.counts["num_parts"])
    ]


def family_counts(job: Job) -> dict[str, int]:
    """Returns the records of each family, as read; not those left out."""
    total: dict[str, int] = {}
    sources = corpus_report.sources(job.files)
    for source, one in zip(sources, job.done["read"], strict=True):
        if source != standardise.LEFT_OUT:
            for name, number in one.counts["families"].items():
                total[name] = total.get(name, 0) + number
    return total


def held_out(job: Job) -> set[str]:
    """Returns the families that are held out."""
    return dedupe.hold_out(
        family_counts(job), job.settings.validation_share, job.settings.seed
    )


def dedupe_records(job: Job, parts: Sequence[Part]) -> _Kept:
    settings = job.settings
    held = held_out(job)
    held_by_file = [
        tuple(name in held for name in one.counts["families"])
        for one in job.done["read"]
    ]
    described = tuple(
        dedupe.Part(
            path=part.keys, source=part.source, is_validation=held_by_file[part.file]
        )
        for part in parts
    )
    key = executor.key_of(
        [part.key for part in parts],
        held_by_file,
        settings.validation_share,
        settings.seed,
        settings.num_buckets,
    )
    tasks = [
        dedupe.Task(
            parts=described,
            bucket=bucket,
            num_buckets=settings.num_buckets,
            out=os.fspath(job.work / "dedupe" / f"{bucket:05d}.kept"),
            validation_share=settings.validation_share,
            seed=settings.seed,
        )
        for bucket in range(settings.num_buckets)
    ]
    done = job.run(
        "dedupe",
        dedupe.dedupe,
        [(f"{task.bucket:05d}", key, task) for task in tasks],
    )
    return _Kept(tuple(task.out for task in tasks), key, _nucleotides(done))


def _nucleotides(done: Sequence[executor.Done]) -> np.ndarray:
    return np.sum([one.counts["nucleotides"] for one in done], axis=0)


def cluster_records(job: Job, parts: Sequence[Part], kept: _Kept) -> _Kept:
    settings = job.settings
    key = executor.key_of(kept.key, job.how["cluster"])
    tasks = [
        cluster.Task(
            source=source,
            parts=tuple((part.source, part.windows) for part in parts),
            kept=kept.files,
            out=os.fspath(job.work / "cluster" / f"{source}.kept"),
            settings=settings.cluster,
            num_threads=settings.executor.num_workers or os.cpu_count() or 1,
        )
        for source in rows.SOURCES
        if job.files[source]
    ]
    done = job.run(
        "cluster", cluster.cluster, [(task.source, key, task) for task in tasks]
    )
    return _Kept(tuple(task.out for task in tasks), key, _nucleotides(done))


def fold_records(job: Job, parts: Sequence[Part], kept: _Kept) -> dict[int, list[str]]:
    """Folds ncRNA; returns the files of structures, by number of the part.

    What was folded once, by the same program, is not folded again, whichever
    records are kept now.
    """
    settings = job.settings.fold
    if settings.program == "none":
        return {}
    chosen = dedupe.load_kept(kept.files)
    how = executor.key_of(dataclasses.asdict(settings), job.how["fold"].get("version"))
    tasks, wanted_of, files = [], [], dict[int, list[str]]()
    for number, part in enumerate(parts):
        if part.source != "ncrna":
            continue
        name = executor.key_of(part.path, part.key, how)[:16]
        wanted = fold_unknown.unfolded(part.keys, chosen[chosen["part"] == number])
        before = [
            done
            for path in sorted(job.work.glob(f"fold/{name}-*.json"))
            if (done := executor.read(executor.Task(path, path.stem, None)))
        ]
        done_R = np.array([r for one in before for r in one.counts["records"]], int)
        left = wanted[~np.isin(wanted[:, 0], done_R)]
        groups = [tuple(one.counts["records"]) for one in before]
        groups += fold_unknown.grouped(left, settings.task_nucleotides)
        for records in groups:
            stem = f"{name}-{executor.key_of(records)[:16]}"
            out = os.fspath(job.work / "fold" / f"{stem}.folded")
            task = fold_unknown.Task(
                windows=part.windows, records=records, out=out, settings=settings
            )
            tasks.append((stem, stem, task))
            files.setdefault(number, []).append(out)
            wanted_of.append(wanted[:, 0])
    for wanted_R, one in zip(
        wanted_of, job.run("fold", fold_unknown.fold, tasks), strict=True
    ):
        job.num_folded += int(np.isin(one.counts["folded"], wanted_R).sum())
    return files


def pack_records(
    job: Job,
    parts: Sequence[Part],
    kept: _Kept,
    folded: Mapping[int, Sequence[str]],
) -> list[rows.Shard]:
    settings = job.settings
    shape = pack.Shape(
        row_length=settings.row_length,
        max_segments=settings.max_segments,
        seed=settings.seed,
    )
    tasks = []
    for number, split in enumerate(rows.SPLITS):
        for source in rows.SOURCES:
            mine = [
                (index, int(kept.nucleotides[index, number]))
                for index, part in enumerate(parts)
                if part.source == source
            ]
            groups = grouped(mine, settings.shard_nucleotides)
            for shard, group in enumerate(groups):
                key = executor.key_of(
                    os.path.abspath(job.corpus),
                    dataclasses.asdict(shape),
                    kept.key,
                    [(parts[i].key, folded.get(i, ())) for i in group],
                    (shard, len(groups)),
                )
                task = pack.Task(
                    corpus=os.fspath(job.corpus),
                    split=split,
                    source=source,
                    shard=shard,
                    num_shards=len(groups),
                    parts=tuple((i, parts[i].windows) for i in group),
                    kept=kept.files,
                    folded=tuple(tuple(folded.get(i, ())) for i in group),
                    shape=shape,
                )
                tasks.append((f"{split}-{source}-{shard:05d}", key, task))
    _remove_other_shards(job, {name: key for name, key, _ in tasks})
    done = job.run("pack", pack.pack, tasks)
    return [rows.Shard(**one.counts["shard"]) for one in done]


def _remove_other_shards(job: Job, keys: Mapping[str, str]) -> None:
    """Starts packing anew if anything else was packed, or its shards are gone."""
    done = [
        executor.Task(path, keys.get(path.stem, ""), None)
        for path in job.work.glob("pack/*.json")
    ]
    if not job.corpus.is_dir() or any(executor.read(task) is None for task in done):
        shutil.rmtree(job.corpus, ignore_errors=True)
        shutil.rmtree(job.work / "pack", ignore_errors=True)


def grouped(sizes: Sequence[tuple[int, int]], room: int) -> list[list[int]]:
    """Groups neighbours so that no group but one of one holds more than `room`.

    Args:
      sizes: of each number, in order; numbers of size 0 are left out.
      room: of a group.
    """
    groups: list[list[int]] = []
    used = room
    for number, size in sizes:
        if not size:
            continue
        if used + size > room and (used or not groups):
            groups.append([])
            used = 0
        groups[-1].append(number)
        used += size
    return groups
