"""Files → a corpus: five stages, each one function over many tasks.

read (standardise.py): a file → its parts. dedupe (dedupe.py): a bucket of keys →
which records are kept. cluster (cluster.py): a source → which of these. fold
(fold.py): some ncRNA records → their structures. pack (pack.py): parts → a shard of
rows. Tasks work in `OUT.work` and are named by all that decides their results, so
the same command goes on where it was interrupted, and a changed setting or input
reruns just what depends on it. The corpus is renamed to OUT when all is done.
"""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import (
    cluster,
    dedupe,
    executor,
    fold,
    inputs,
    pack,
    standardise,
    way,
)
from ssrlm_jax.rna import formats

WORK = ".work"
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
class _Job:
    """What all stages need: settings, where to work, whom to tell, what was done."""

    settings: config.CorpusConfig
    files: Mapping[str, Sequence[str]]  # by source
    work: pathlib.Path
    report: Report
    how: Mapping[str, Any]
    done: dict[str, list[executor.Done]] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def run(
        self,
        stage: str,
        function: Callable[[Any], executor.Counts],
        tasks: Sequence[tuple[str, str, Any]],
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


def build(
    out: str | os.PathLike[str],
    settings: config.CorpusConfig,
    *,
    ncrna: Sequence[str] = (),
    other: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    work: str | os.PathLike[str] | None = None,
    report: Report = lambda stage, done, total: None,
) -> rows.Manifest:
    """Makes a corpus of files; does nothing where it is made already.

    Args:
      out: directory to make.
      settings: how.
      ncrna: files, directories or patterns, of non-coding RNA; none: those of
        `settings.inputs`.
      other: the same, of other RNA.
      leave_out: records equal to one of these, or in a cluster with one, are removed.
      work: directory for what stages write; None: `out`.work.
      report: called with a stage, its tasks that are done, and all.

    Raises:
      ValueError: bad input, with file and line; `out` exists and was made in
        another way; a program is missing.
      ImportError: a package is missing.
      OSError: the disk is full; a worker was killed.
    """
    files = _files(settings, ncrna, other, leave_out)
    families = inputs.families(settings.families)
    how = _how(settings, files)
    directory = pathlib.Path(out)
    if directory.exists():
        return _made_before(directory, how)
    place = pathlib.Path(work or directory.with_name(directory.name + WORK))
    place.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        job = _Job(settings, files, place, report, how)
        try:
            manifest = _made(job, families)
            (place / "corpus").replace(directory)
            shutil.rmtree(place / "pack")  # its shards are gone
        except OSError as error:
            free = shutil.disk_usage(place).free // 2**20
            raise OSError(
                f"{place}: {error}; {free:,} MiB are free on that disk; the same "
                "command goes on from here"
            ) from error
    if not settings.keep_work:
        shutil.rmtree(place)
    return manifest


def _files(
    settings: config.CorpusConfig,
    ncrna: Sequence[str],
    other: Sequence[str],
    leave_out: Sequence[str],
) -> dict[str, list[str]]:
    """Returns the files of each source; flags take the place of settings."""
    given = settings.inputs
    files = {
        "ncrna": inputs.files(ncrna or [given.ncrna], "--ncrna"),
        "other": inputs.files(other or [given.other], "--other"),
        standardise.LEFT_OUT: inputs.files(
            leave_out or [given.leave_out], "--leave_out"
        ),
    }
    if not files["ncrna"] and not files["other"]:
        raise ValueError(
            "no input; give files with --ncrna=... or --other=..., or in the config's "
            "inputs"
        )
    return files


@contextlib.contextmanager
def _alone(work: pathlib.Path) -> Iterator[None]:
    """Holds a lock on a directory of work."""
    with open(work / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"another command works in {work}; wait for it, or name another "
                "directory with --work"
            ) from error
        yield


def _made(job: _Job, families: dict[str, str]) -> rows.Manifest:
    """Runs the stages; the corpus lies in the job's place of work."""
    parts = _read(job, families)
    kept = _dedupe(job, parts)
    if job.settings.cluster.method != "none":
        kept = _cluster(job, parts, kept)
    folded = _fold(job, parts, kept)
    shards = _pack(job, parts, kept, folded)
    if not shards:
        raise ValueError("nothing is left to pack: every record was dropped")
    manifest = rows.Manifest(
        row_length=job.settings.row_length,
        max_segments=job.settings.max_segments,
        shards=tuple(shards),
        stages=way.stages(job.files, job.done),
        how={
            **job.how,
            "records_of_known_family": sum(_family_counts(job).values()),
            "validation_families": sorted(_held_out(job)),
            "stages": way.costs(job.done, job.seconds),
            "content": way.content(job.files, job.done),
        },
    )
    rows.write_manifest(job.work / "corpus", manifest)
    return manifest


def _how(
    settings: config.CorpusConfig, files: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Returns what decides the content of the corpus; asks the programs it needs."""
    values = dataclasses.asdict(settings)
    for name in ("executor", "keep_work", "inputs"):
        del values[name]
    extra = [settings.families] if settings.families else []
    kinds = {path: formats.kind(path) for paths in files.values() for path in paths}
    return {
        "settings": values,
        "files": {
            source: [_described(path) for path in paths]
            for source, paths in {**files, "families": extra}.items()
        },
        "cluster": cluster.check(settings.cluster),
        "fold": fold.check(settings, files["ncrna"], kinds),
    }


def _described(path: str) -> dict[str, object]:
    stat = os.stat(path)
    return {"path": path, "bytes": stat.st_size, "time": stat.st_mtime_ns}


def _made_before(directory: pathlib.Path, how: Mapping[str, Any]) -> rows.Manifest:
    """Returns the manifest of a corpus that was made in the same way."""
    other = (
        f"--out={directory} exists and {{}}; name another directory or remove it "
        f"(what stays the same is kept in {directory}{WORK})"
    )
    if not (directory / rows.MANIFEST).is_file():
        raise ValueError(other.format("is no corpus"))
    manifest = rows.open_corpus(directory)
    if any(manifest.how.get(name) != value for name, value in how.items()):
        raise ValueError(other.format("was made of other files or with other settings"))
    return manifest


def _read(job: _Job, families: dict[str, str]) -> list[Part]:
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
                min_length=settings.min_length,
                max_unknown=settings.max_unknown,
                min_complexity=settings.min_complexity,
                keep_structures=settings.keep_structures,
                family_pattern=settings.family_pattern,
                families=families,
            )
            key = executor.key_of(dataclasses.asdict(payload), _described(path))
            tasks.append((name, key, payload))
    done = job.run("read", standardise.standardise, tasks)
    return [
        Part(file, payload.source, f"{payload.out}-{number:05d}", key)
        for file, ((_, key, payload), one) in enumerate(zip(tasks, done, strict=True))
        for number in range(one.counts["num_parts"])
    ]


def _family_counts(job: _Job) -> dict[str, int]:
    """Returns the records of each family, as read; not those left out."""
    total: dict[str, int] = {}
    sources = way.sources(job.files)
    for source, one in zip(sources, job.done["read"], strict=True):
        if source != standardise.LEFT_OUT:
            for name, number in one.counts["families"].items():
                total[name] = total.get(name, 0) + number
    return total


def _held_out(job: _Job) -> set[str]:
    """Returns the families that are held out."""
    return dedupe.hold_out(
        _family_counts(job), job.settings.validation_share, job.settings.seed
    )


def _dedupe(job: _Job, parts: Sequence[Part]) -> _Kept:
    settings = job.settings
    held = _held_out(job)
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


def _cluster(job: _Job, parts: Sequence[Part], kept: _Kept) -> _Kept:
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


def _fold(
    job: _Job, parts: Sequence[Part], kept: _Kept
) -> dict[int, list[tuple[str, str]]]:
    """Folds ncRNA; returns file and key of the structures, by number of the part."""
    settings = job.settings.fold
    if settings.program == "none":
        return {}
    chosen = dedupe.load_kept(kept.files)
    tasks, owners = [], []
    for number, part in enumerate(parts):
        if part.source != "ncrna":
            continue
        mine = chosen[chosen["part"] == number]
        groups = fold.to_fold(part.keys, mine, settings.task_nucleotides)
        for records in groups:
            name = executor.key_of(part.path, records[0])[:16]
            task = fold.Task(
                windows=part.windows,
                records=records,
                out=os.fspath(job.work / "fold" / f"{name}.folded"),
                settings=settings,
            )
            key = executor.key_of(part.key, records, dataclasses.asdict(settings))
            tasks.append((name, key, task))
            owners.append(number)
    job.run("fold", fold.fold, tasks)
    folded: dict[int, list[tuple[str, str]]] = {}
    for owner, (_, key, task) in zip(owners, tasks, strict=True):
        folded.setdefault(owner, []).append((task.out, key))
    return folded


def _pack(
    job: _Job,
    parts: Sequence[Part],
    kept: _Kept,
    folded: Mapping[int, Sequence[tuple[str, str]]],
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
                    dataclasses.asdict(shape),
                    kept.key,
                    [(parts[i].key, [k for _, k in folded.get(i, ())]) for i in group],
                    (shard, len(groups)),
                )
                task = pack.Task(
                    corpus=os.fspath(job.work / "corpus"),
                    split=split,
                    source=source,
                    shard=shard,
                    num_shards=len(groups),
                    parts=tuple((i, parts[i].windows) for i in group),
                    kept=kept.files,
                    folded=tuple(
                        tuple(path for path, _ in folded.get(i, ())) for i in group
                    ),
                    shape=shape,
                )
                tasks.append((f"{split}-{source}-{shard:05d}", key, task))
    if any(job.work.glob("corpus/*")):
        _remove_other_shards(job.work, {name: key for name, key, _ in tasks})
    done = job.run("pack", pack.pack, tasks)
    return [rows.Shard(**one.counts["shard"]) for one in done]


def _remove_other_shards(work: pathlib.Path, keys: Mapping[str, str]) -> None:
    """Starts packing anew if an interrupted run packed anything else."""
    for done in work.glob("pack/*.json"):
        task = executor.Task(done, keys.get(done.stem, ""), None)
        if executor.read(task) is None:
            shutil.rmtree(work / "corpus")
            shutil.rmtree(work / "pack")
            return


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
