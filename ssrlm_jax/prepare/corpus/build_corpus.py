"""Files → a corpus: five stages, each one function over many tasks.

read (standardise.py): a file → its parts. dedupe (dedupe.py): a bucket of keys →
which records are kept. cluster (cluster.py): a source → which of these. fold
(fold_unknown.py): some ncRNA records → their structures. pack (pack.py): parts → a
shard of rows. Tasks write to `OUT.work` and are named by all that decides their
results, so the same command goes on where it was interrupted, and a changed setting or
input reruns just what depends on it. The corpus is made in `OUT.unfinished` and renamed
when all is done.
"""

import contextlib
import dataclasses
import errno
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence

from ssrlm_jax import config, locks
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import (
    cluster,
    corpus_report,
    fold_unknown,
    raw_files,
    stages,
    standardise,
)
from ssrlm_jax.rna import structure_formats

WORK = ".work"
UNFINISHED = ".unfinished"
_NO_SPACE = os.strerror(errno.ENOSPC)


def build(
    out: str | os.PathLike[str],
    settings: config.CorpusConfig,
    *,
    ncrna: Sequence[str] = (),
    other: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    work: str | os.PathLike[str] | None = None,
    report: stages.Report = lambda stage, done, total: None,
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
    families = raw_files.families(settings.families)
    how = _how(settings, files)
    directory = pathlib.Path(out)
    if directory.exists():
        return _made_before(directory, how)
    executor.check(settings.executor)
    work_dir = pathlib.Path(work or directory.with_name(directory.name + WORK))
    work_dir.mkdir(parents=True, exist_ok=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = directory.with_name(directory.name + UNFINISHED)
    with _alone(work_dir), _alone_for(directory):
        job = stages.Job(settings, files, work_dir, unfinished, report, how)
        with _full_disk_explained(work_dir, directory.parent):
            manifest = _made(job, families)
            unfinished.replace(directory)
            shutil.rmtree(work_dir / "pack")  # its shards are gone
    if not settings.keep_work:
        shutil.rmtree(work_dir)
    return manifest


@contextlib.contextmanager
def _full_disk_explained(*folders: pathlib.Path) -> Iterator[None]:
    """Adds to the error of a full disk how much is free where files are written."""
    try:
        yield
    except OSError as error:
        if not (error.errno == errno.ENOSPC or _NO_SPACE in str(error)):
            raise
        free = " and ".join(
            f"{shutil.disk_usage(folder).free // 2**20:,} MiB are free in {folder}"
            for folder in folders
        )
        raise OSError(
            f"{error}; {free}; make room, then the same command goes on from here"
        ) from error


def _files(
    settings: config.CorpusConfig,
    ncrna: Sequence[str],
    other: Sequence[str],
    leave_out: Sequence[str],
) -> dict[str, list[str]]:
    """Returns the files of each source; flags take the place of settings."""
    given = settings.inputs
    files = {
        "ncrna": raw_files.files(ncrna or [given.ncrna], "--ncrna"),
        "other": raw_files.files(other or [given.other], "--other"),
        standardise.LEFT_OUT: raw_files.files(
            leave_out or [given.leave_out], "--leave_out"
        ),
    }
    if not files["ncrna"] and not files["other"]:
        raise ValueError(
            "no input; give files with --ncrna=... or --other=..., or in the config's "
            "inputs"
        )
    return files


def _alone(work: pathlib.Path) -> contextlib.AbstractContextManager[None]:
    """Holds a lock on a directory of work."""
    return locks.alone(
        work / "lock",
        f"another command works in {work}; wait for it, or name another directory "
        "with --work",
    )


@contextlib.contextmanager
def _alone_for(directory: pathlib.Path) -> Iterator[None]:
    """Holds what is to be made, whatever the directory of work."""
    file = directory.with_name(f"{directory.name}{UNFINISHED}.lock")
    complaint = f"another command makes {directory}; wait for it, or give another --out"
    with locks.alone(file, complaint):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _made(job: stages.Job, families: dict[str, str]) -> rows.Manifest:
    """Runs the stages and writes what the corpus holds."""
    parts = stages.read(job, families)
    kept = stages.dedupe_records(job, parts)
    if job.settings.cluster.method != "none":
        kept = stages.cluster_records(job, parts, kept)
    folded = stages.fold_records(job, parts, kept)
    shards = stages.pack_records(job, parts, kept, folded)
    if not shards:
        raise ValueError(_why_nothing(job))
    manifest = rows.Manifest(
        row_length=job.settings.row_length,
        max_segments=job.settings.max_segments,
        shards=tuple(shards),
        stages=corpus_report.stages(job.files, job.done, job.num_folded),
        how={
            **job.how,
            "records_of_known_family": sum(stages.family_counts(job).values()),
            "validation_families": sorted(stages.held_out(job)),
            "stages": corpus_report.costs(job.done, job.seconds),
            "content": corpus_report.content(job.files, job.done),
            "notes": corpus_report.notes(job.done),
            "bad_records": corpus_report.bad(job.done),
        },
    )
    rows.write_manifest(job.corpus, manifest)
    return manifest


def _why_nothing(job: stages.Job) -> str:
    """Returns the error of a corpus without a record, with what dropped them."""
    found = corpus_report.stages(job.files, job.done, job.num_folded)
    reasons = "; ".join(
        f"{stage.name}: {number:,} of {stage.num_in:,}, {reason}"
        for stage in found
        for reason, number in stage.dropped.items()
        if number
    )
    first = "".join(f"; first {told}" for told in corpus_report.bad(job.done)[:1])
    return (
        "nothing is left to pack: every record was dropped "
        f"({reasons or 'no records'}{first})"
        "; change the files, or the setting that drops them (see --help)"
    )


def _how(
    settings: config.CorpusConfig, files: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """Returns what decides the content of the corpus; asks the programs it needs."""
    values = dataclasses.asdict(settings)
    for name in ("executor", "keep_work", "inputs"):
        del values[name]
    extra = [settings.families] if settings.families else []
    kinds = {
        path: structure_formats.kind(path) for paths in files.values() for path in paths
    }
    return {
        "settings": values,
        "files": {
            source: [stages.described(path) for path in paths]
            for source, paths in {**files, "families": extra}.items()
        },
        "cluster": cluster.check(settings.cluster),
        "fold": fold_unknown.check(settings, files["ncrna"], kinds),
    }


def _made_before(directory: pathlib.Path, how: Mapping[str, object]) -> rows.Manifest:
    """Returns the manifest of a corpus that was made in the same way."""
    other = (
        f"--out={directory} exists and {{}}; name another directory or remove it "
        f"(what stays the same is kept in {directory}{WORK})"
    )
    if not (directory / rows.MANIFEST).is_file():
        raise ValueError(other.format("is no corpus"))
    manifest = rows.open_corpus(directory, with_hashes=True)
    if any(manifest.how.get(name) != value for name, value in how.items()):
        raise ValueError(other.format("was made of other files or with other settings"))
    return manifest
