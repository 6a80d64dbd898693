"""Near-duplicates: of records that MMseqs2 puts into one cluster, one is kept.

One task for each source. What is left out is clustered along, and its clusters are
removed whole. As linear-time clustering misses many pairs below 90 % identity, what
stays is searched for the records that are left out once more, at the same identity
and coverage. Records that MMseqs2 cannot read, as they are too long, are all kept.
"""

import dataclasses
import itertools
import os
import pathlib
import shutil
from collections.abc import Iterator

import numpy as np

from ssrlm_jax import config, files
from ssrlm_jax.data import rows
from ssrlm_jax.external import mmseqs, programs
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import dedupe, standardise, windows
from ssrlm_jax.rna import alphabet

NEAR = "near another record"
NEAR_LEFT_OUT = "near a record that is left out"
TOO_LONG = "too long to be clustered, kept"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One source.

    Attributes:
      source: whose records are clustered.
      parts: source and file of windows of every part, by number.
      kept: files of dedupe.KEPT.
      out: the same kind of file to write, and of a directory to work in.
      settings: of MMseqs2.
      num_threads: of MMseqs2.
    """

    source: str
    parts: tuple[tuple[str, str], ...]
    kept: tuple[str, ...]
    out: str
    settings: config.ClusterConfig
    num_threads: int


def cluster(task: Task) -> executor.Counts:
    """Clusters the records of a source; writes those that are kept.

    Of a cluster the record is kept that MMseqs2 names its representative, the longest.

    Returns:
      source; dropped, changed: by reason; nucleotides: kept, by part and split.
    """
    work = pathlib.Path(f"{task.out}.work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    kept = dedupe.load_kept(task.kept)
    is_mine = np.array([source == task.source for source, _ in task.parts], bool)
    kept = kept[is_mine[kept["part"]]]
    clustered: list[np.ndarray] = []  # indices in `kept`; -1: left out
    representative_N = mmseqs.cluster(
        _sequences(task, kept, clustered), _of_mmseqs(task, work)
    )
    index_N = np.concatenate([np.zeros(0, np.int64), *clustered])
    is_mine_N = index_N >= 0
    is_near_out_N = mmseqs.clusters_with(representative_N, ~is_mine_N) & is_mine_N
    is_near_N = is_mine_N & ~is_near_out_N
    is_near_N &= representative_N != np.arange(len(index_N))
    is_left_N = is_mine_N & ~is_near_out_N & ~is_near_N
    is_near_out_N[_similar(task, kept, is_left_N, ~is_mine_N, work)] = True
    is_kept = np.ones(len(kept), bool)
    is_kept[index_N[is_near_N | is_near_out_N]] = False
    _save(task.out, kept[is_kept])
    shutil.rmtree(work)
    return {
        "source": task.source,
        "dropped": {
            NEAR: int(is_near_N.sum()),
            NEAR_LEFT_OUT: int(is_near_out_N.sum()),
        },
        "changed": {TOO_LONG: len(kept) - int(is_mine_N.sum())},
        "nucleotides": _nucleotides(task, kept[is_kept]),
    }


def _similar(
    task: Task,
    kept: np.ndarray,
    is_query_N: np.ndarray,
    is_target_N: np.ndarray,
    work: pathlib.Path,
) -> np.ndarray:
    """Returns the numbers of the sequences that are like one that is left out."""
    if not is_target_N.any():
        return np.zeros(0, np.int64)
    queries, targets = (
        itertools.compress(_sequences(task, kept, []), is_chosen_N.tolist())
        for is_chosen_N in (is_query_N, is_target_N)
    )
    hits = mmseqs.search(queries, targets, _of_mmseqs(task, work), max_targets=1)
    return np.flatnonzero(is_query_N)[np.unique(hits["query"])]


def _of_mmseqs(task: Task, work: pathlib.Path) -> mmseqs.Settings:
    settings = task.settings
    return mmseqs.Settings(
        identity=settings.identity,
        coverage=settings.coverage,
        coverage_mode=settings.coverage_mode,
        num_threads=task.num_threads,
        path=settings.program,
        folder=os.fspath(work),
    )


def _sequences(
    task: Task, kept: np.ndarray, clustered: list[np.ndarray]
) -> Iterator[str]:
    """Yields what is clustered, and tells `clustered` the index of each in `kept`."""
    start = np.searchsorted(kept["part"], np.arange(len(task.parts) + 1))
    for number, (source, path) in enumerate(task.parts):
        first, last = start[number : number + 2]
        is_left_out = source == standardise.LEFT_OUT
        if first == last and not is_left_out:
            continue
        part = windows.load(path)
        text = alphabet.letters(part.token).decode()
        index_of = np.full(int(part.record.max(initial=-1)) + 1, -1)
        index_of[kept["record"][first:last]] = np.arange(first, last)
        indices = []
        for span in windows.spans(part):
            index = int(index_of[span.record])
            begin, end = span.place
            if end - begin <= task.settings.longest and (is_left_out or index >= 0):
                indices.append(index)
                yield text[begin:end]
        clustered.append(np.array(indices, np.int64))


def _nucleotides(task: Task, kept: np.ndarray) -> list[list[int]]:
    """Counts what is kept, by part and split."""
    counted = np.zeros((len(task.parts), len(rows.SPLITS)), np.int64)
    for number in np.unique(kept["part"]).tolist():
        path = task.parts[number][1]
        part = windows.load(path)
        size = np.bincount(part.record, part.length)
        mine = kept[kept["part"] == number]
        np.add.at(counted[number], mine["split"], size[mine["record"]].astype(int))
    return counted.tolist()


def _save(out: str, kept: np.ndarray) -> None:
    with files.whole(out) as part, part.open("wb") as file:
        np.save(file, kept)


def check(settings: config.ClusterConfig) -> dict[str, object]:
    """Returns how records are clustered, for the manifest.

    Raises:
      ValueError: MMseqs2 is asked for and missing.
    """
    if settings.method == "none":
        return {"method": "none"}
    try:
        version = mmseqs.version(settings.program)
    except programs.ProgramError as error:
        raise ValueError(
            f"{error}; or keep near-duplicates with --config.cluster.method=none"
        ) from error
    return {**dataclasses.asdict(settings), "version": version}
