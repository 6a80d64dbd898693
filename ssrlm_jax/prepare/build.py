"""Files → a corpus: three stages, each one function over many tasks.

read (standardise.py): a file → its parts. dedupe (dedupe.py): a bucket of keys →
which records are kept. pack (pack.py): parts → a shard of rows. The stages work in
`OUT.unfinished`, which is renamed when all is done; the same command goes on where
it was interrupted.
"""

import collections
import dataclasses
import json
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import (
    dedupe,
    executor,
    inputs,
    pack,
    standardise,
)

UNFINISHED = ".unfinished"
Report = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class _Job:
    """What all stages need: settings, where to work, whom to tell."""

    settings: config.CorpusConfig
    files: Mapping[str, Sequence[str]]  # by source
    work: pathlib.Path
    report: Report

    def run(
        self, name: str, function: Callable[[Any], executor.Counts], tasks: list[Any]
    ) -> list[executor.Counts]:
        """Runs a stage."""
        directory = self.work / name
        directory.mkdir(exist_ok=True)
        numbered = [
            (directory / f"{number:05d}.json", task)
            for number, task in enumerate(tasks)
        ]
        return executor.run(
            function,
            numbered,
            num_workers=self.settings.num_workers or os.cpu_count() or 1,
            report=lambda done, total: self.report(name, done, total),
        )


def build(
    out: str | os.PathLike[str],
    settings: config.CorpusConfig,
    *,
    ncrna: Sequence[str] = (),
    other: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    report: Report = lambda stage, done, total: None,
) -> rows.Manifest:
    """Makes a corpus of files; does nothing where it is made already.

    Args:
      out: directory to make.
      settings: how.
      ncrna: files, directories or patterns, of non-coding RNA.
      other: the same, of other RNA.
      leave_out: records equal to one of these are removed.
      report: called with a stage, its tasks that are done, and all.

    Raises:
      ValueError: bad input, with file and line; `out` exists and was made in
        another way.
      OSError: the disk is full.
    """
    files = {
        "ncrna": inputs.files(ncrna, "--ncrna"),
        "other": inputs.files(other, "--other"),
        standardise.LEFT_OUT: inputs.files(leave_out, "--leave_out"),
    }
    if not files["ncrna"] and not files["other"]:
        raise ValueError("no input; give files with --ncrna=... or --other=...")
    families = inputs.families(settings.families)
    how = _how(settings, files)
    directory = pathlib.Path(out)
    if directory.exists():
        return _made_before(directory, how)
    work = _workplace(directory, how)
    try:
        manifest = _made(_Job(settings, files, work, report), families, how)
        (work / "corpus").replace(directory)
    except OSError as error:
        free = shutil.disk_usage(work).free // 2**20
        raise OSError(
            f"{work}: {error}; {free:,} MiB are free on that disk; the same command "
            "goes on from here"
        ) from error
    shutil.rmtree(work)
    return manifest


def _made(job: _Job, families: dict[str, str], how: Mapping[str, Any]) -> rows.Manifest:
    """Runs the stages; the corpus lies in the job's place of work."""
    settings = job.settings
    times = [time.monotonic()]
    read, parts = _read(job, families)
    times.append(time.monotonic())
    deduped = _dedupe(job, read, parts)
    times.append(time.monotonic())
    shards = _pack(job, parts, deduped)
    times.append(time.monotonic())
    if not shards:
        raise ValueError("nothing is left to pack: every record was dropped")
    seconds = np.diff(times).round(1).tolist()
    manifest = rows.Manifest(
        row_length=settings.row_length,
        max_segments=settings.max_segments,
        shards=tuple(shards),
        stages=_stages(job.files, read, deduped, shards),
        how={
            **how,
            "records_of_known_family": sum(_family_counts(job, read).values()),
            "validation_families": sorted(_held_out(job, read)),
            "seconds": dict(zip(("read", "dedupe", "pack"), seconds, strict=True)),
        },
    )
    rows.write_manifest(job.work / "corpus", manifest)
    return manifest


def _how(
    settings: config.CorpusConfig, files: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Returns what decides the content of the corpus."""
    values = dataclasses.asdict(settings)
    del values["num_workers"]
    extra = [settings.families] if settings.families else []
    seen = {
        source: [
            {
                "path": path,
                "bytes": (stat := os.stat(path)).st_size,
                "time": stat.st_mtime_ns,
            }
            for path in paths
        ]
        for source, paths in {**files, "families": extra}.items()
    }
    return {"settings": values, "files": seen}


def _made_before(directory: pathlib.Path, how: Mapping[str, Any]) -> rows.Manifest:
    """Returns the manifest of a corpus that was made in the same way."""
    other = f"--out={directory} exists and {{}}; name another directory or remove it"
    if not (directory / rows.MANIFEST).is_file():
        raise ValueError(other.format("is no corpus"))
    manifest = rows.open_corpus(directory)
    if any(manifest.how.get(name) != value for name, value in how.items()):
        raise ValueError(other.format("was made of other files or with other settings"))
    return manifest


def _workplace(directory: pathlib.Path, how: Mapping[str, Any]) -> pathlib.Path:
    """Returns where to work: an earlier unfinished run of the same, or empty."""
    work = directory.with_name(directory.name + UNFINISHED)
    plan = work / "how.json"
    if not plan.is_file() or json.loads(plan.read_text()) != how:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        beside = work / "how.json.unfinished"
        beside.write_text(json.dumps(how))
        beside.replace(plan)
    return work


def _read(
    job: _Job, families: dict[str, str]
) -> tuple[list[executor.Counts], list[tuple[str, str]]]:
    """Returns the counts of each file, and (source, path) of every part."""
    settings = job.settings
    longest, shortest_tail = pack.window_lengths(
        settings.row_length, settings.tail_share
    )
    tasks = [
        standardise.Task(
            path=path,
            source=source,
            out=os.fspath(job.work / "read" / f"{source}-{number:05d}"),
            longest=longest,
            shortest_tail=shortest_tail,
            part_nucleotides=settings.shard_nucleotides,
            family_pattern=settings.family_pattern,
            families=families,
        )
        for source, paths in job.files.items()
        for number, path in enumerate(paths)
    ]
    read = job.run("read", standardise.standardise, tasks)
    parts = [
        (task.source, f"{task.out}-{number:05d}")
        for task, counts in zip(tasks, read, strict=True)
        for number in range(counts["num_parts"])
    ]
    return read, parts


def _family_counts(
    job: _Job, read: Sequence[executor.Counts]
) -> collections.Counter[str]:
    """Returns the records of each family, as read; not those left out."""
    total: collections.Counter[str] = collections.Counter()
    sources = [source for source, paths in job.files.items() for _ in paths]
    for source, counts in zip(sources, read, strict=True):
        if source != standardise.LEFT_OUT:
            total.update(counts["families"])
    return total


def _held_out(job: _Job, read: Sequence[executor.Counts]) -> set[str]:
    """Returns the families that are held out."""
    settings = job.settings
    return dedupe.hold_out(
        _family_counts(job, read), settings.validation_share, settings.seed
    )


def _dedupe(
    job: _Job, read: Sequence[executor.Counts], parts: Sequence[tuple[str, str]]
) -> list[executor.Counts]:
    settings = job.settings
    held = _held_out(job, read)
    held_by_file = [
        tuple(name in held for name in counts["families"]) for counts in read
    ]
    per_part = [
        is_validation
        for is_validation, counts in zip(held_by_file, read, strict=True)
        for _ in range(counts["num_parts"])
    ]
    described = tuple(
        dedupe.Part(path=f"{path}.keys", source=source, is_validation=is_validation)
        for (source, path), is_validation in zip(parts, per_part, strict=True)
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
    return job.run("dedupe", dedupe.dedupe, tasks)


def _pack(
    job: _Job, parts: Sequence[tuple[str, str]], deduped: Sequence[executor.Counts]
) -> list[rows.Shard]:
    settings = job.settings
    sizes = np.sum([counts["nucleotides"] for counts in deduped], axis=0)
    kept = tuple(
        os.fspath(job.work / "dedupe" / f"{bucket:05d}.kept")
        for bucket in range(settings.num_buckets)
    )
    tasks = []
    for number, split in enumerate(rows.SPLITS):
        for source in rows.SOURCES:
            mine = [
                (index, int(sizes[index, number]))
                for index, (owner, _) in enumerate(parts)
                if owner == source
            ]
            groups = grouped(mine, settings.shard_nucleotides)
            tasks += [
                pack.Task(
                    corpus=os.fspath(job.work / "corpus"),
                    split=split,
                    source=source,
                    shard=shard,
                    num_shards=len(groups),
                    parts=tuple((i, f"{parts[i][1]}.windows") for i in group),
                    kept=kept,
                    shape=pack.Shape(
                        row_length=settings.row_length,
                        max_segments=settings.max_segments,
                        seed=settings.seed,
                    ),
                )
                for shard, group in enumerate(groups)
            ]
    return [rows.Shard(**counts) for counts in job.run("pack", pack.pack, tasks)]


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


def _stages(
    files: Mapping[str, Sequence[str]],
    read: Sequence[executor.Counts],
    deduped: Sequence[executor.Counts],
    shards: Sequence[rows.Shard],
) -> tuple[rows.Stage, ...]:
    """Returns the way of each source from files to rows."""
    stages = []
    sources = [source for source, paths in files.items() for _ in paths]
    for source in rows.SOURCES:
        mine = [c for owner, c in zip(sources, read, strict=True) if owner == source]
        if not mine:
            continue
        num_read = sum(counts["num_out"] for counts in mine)
        dropped = _sum(counts["dropped"].get(source, {}) for counts in deduped)
        num_kept = num_read - sum(dropped.values())
        packed = sum(shard.num_records for shard in shards if shard.source == source)
        stages += [
            rows.Stage(
                name=f"{source}: read",
                num_in=sum(counts["num_in"] for counts in mine),
                num_out=num_read,
                dropped=_sum(counts["dropped"] for counts in mine),
                changed=_sum(counts["changed"] for counts in mine),
            ),
            rows.Stage(
                name=f"{source}: dedupe",
                num_in=num_read,
                num_out=num_kept,
                dropped=dropped,
            ),
            rows.Stage(name=f"{source}: pack", num_in=num_kept, num_out=packed),
        ]
    return tuple(stages)


def _sum(counts: Any) -> dict[str, int]:
    total: collections.Counter[str] = collections.Counter()
    for one in counts:
        total.update(one)
    return dict(total)
