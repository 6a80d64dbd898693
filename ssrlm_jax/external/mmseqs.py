"""Finds similar sequences by MMseqs2: clusters, and the nearest of another set.

Sequences go by their place in the call, from 0. A strand and its reverse complement
count as similar when clustering, not in a search. Both miss some: equal letters in a
row have to be found first, 17 when clustering, so much of what is short and below
90 % identity stays apart. Of 6,000 records of bpRNA TR0 the clusters at 80 % identity
of TS0 hold 56, and a search at the same 80 % finds 140.

Source: Steinegger and Soding 2017, Nature Biotechnology 35; 2018, Nature
Communications 9:2542 (linclust).
"""

import itertools
import pathlib
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.external import programs, sequences

PROGRAM = programs.Program(
    "mmseqs",
    "SSRLM_MMSEQS",
    "conda install -c bioconda mmseqs2, or apt install mmseqs2",
)
MAX_LENGTH = 65_535  # nucleotides of a sequence that MMseqs2 reads

# Of 20 random pairs of 75 nucleotides at 85 % identity 20 are found, with the default
# of 15 only 17, and its table of 4^15 entries takes longer than the search.
_SEED = 9

# A target of its own: MMseqs2 fails where none holds a seed (all short, or all N).
_NEVER_EMPTY = "ACGU" * 15

HIT = np.dtype(
    [
        ("query", np.int64),
        ("target", np.int64),
        ("identity", np.float32),
        ("query_coverage", np.float32),
        ("target_coverage", np.float32),
    ]
)


class Settings(NamedTuple):
    """How MMseqs2 is called.

    Attributes:
      identity: share of equal letters in the alignment, 0..1, at least.
      coverage: share of a sequence that is aligned, 0..1, at least.
      coverage_mode: of which; --cov-mode: 0 both, 1 the target or member, 2 the query
        or representative, 3 to 5 by length.
      num_threads: of the program.
      path: of the program; "": SSRLM_MMSEQS, then PATH.
      folder: for temporary files, a few times the sequences; "": the system's.
      timeout: seconds; None: no limit.
    """

    identity: float
    coverage: float
    coverage_mode: int
    num_threads: int = 1
    path: str = ""
    folder: str = ""
    timeout: float | None = None


def check(path: str = "") -> None:
    """Raises a ProgramError where MMseqs2 is missing."""
    programs.find(PROGRAM, path)


def version(path: str = "") -> str:
    """Returns what `mmseqs version` says."""
    return programs.run([programs.find(PROGRAM, path), "version"]).stdout.strip()


def cluster(given: Iterable[str], settings: Settings) -> np.ndarray:
    """Clusters sequences in linear time (easy-linclust).

    Args:
      given: letters as `rna.alphabet` reads them; read once. An empty one is alone.
      settings: how.

    Returns:
      representative_N int64: for each sequence the one that stands for its cluster,
      which stands for itself.

    Raises:
      ValueError: a letter that is not of RNA, more than `MAX_LENGTH` of them.
      ProgramError: MMseqs2 is missing, failed, or left out a sequence.
    """
    with _folder(settings) as name:
        folder = pathlib.Path(name)
        written = _write(folder / "in.fa", given)
        representative_N = np.arange(len(written))
        if not written.any():
            return representative_N
        _run(settings, folder, ["easy-linclust", "in.fa", "out", "tmp"])
        rows = _read(folder / "out_cluster.tsv", np.dtype(np.int64)).reshape(-1, 2)
    if not np.array_equal(np.sort(rows[:, 1]), np.flatnonzero(written)):
        raise programs.ProgramError(
            f"mmseqs: {len(rows)} cluster members, {written.sum()} sequences expected"
        )
    representative_N[rows[:, 1]] = rows[:, 0]
    return representative_N


def members(representative_N: np.ndarray) -> dict[int, np.ndarray]:
    """Returns the members, int64 in rising order, of each representative."""
    order = np.argsort(representative_N, kind="stable")
    names, first = np.unique(representative_N[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, first)[1:], strict=True))


def clusters_with(representative_N: np.ndarray, is_marked_N: np.ndarray) -> np.ndarray:
    """Tells which sequences lie in a cluster that holds a marked one.

    Cluster records and a benchmark together, mark the benchmark, and drop what is
    true. Two similar sequences can end in different clusters: `nearest` misses fewer.
    """
    is_touched_N = np.zeros(len(representative_N), bool)
    is_touched_N[representative_N[is_marked_N]] = True
    return is_touched_N[representative_N]


def search(
    queries: Iterable[str],
    targets: Iterable[str],
    settings: Settings,
    *,
    max_targets: int = 300,
) -> np.ndarray:
    """Aligns queries with targets of the same strand (easy-search).

    Args:
      queries: letters as `rna.alphabet` reads them; may be many. Nothing is
        found for less than 15 letters, or only N.
      targets: likewise; few, such as a benchmark: the seed is short.
      settings: how.
      max_targets: of a query that are aligned, the best by ungapped score; where a
        query can have more, as one of a benchmark in a corpus, swap the two.

    Returns:
      One row for each hit, sorted by query, then target: query and target int64,
      identity, query_coverage and target_coverage float32 in 0..1.

    Raises:
      ValueError: a letter that is not of RNA, more than `MAX_LENGTH` of them.
      ProgramError: MMseqs2 is missing or failed.
    """
    with _folder(settings) as name:
        folder = pathlib.Path(name)
        is_query = _write(folder / "query.fa", queries)
        is_target = _write(
            folder / "target.fa", itertools.chain(targets, [_NEVER_EMPTY])
        )
        if not is_query.any():
            return np.empty(0, HIT)
        command = ["easy-search", "query.fa", "target.fa", "out", "tmp"]
        command += ["--search-type", "3", "--strand", "1", "-k", str(_SEED)]
        command += ["--max-seq-len", str(MAX_LENGTH), "--mask", "0"]
        command += ["--max-seqs", str(max_targets)]
        command += ["--format-output", "query,target,fident,qcov,tcov"]
        _run(settings, folder, command)
        rows = _read(folder / "out", HIT)
    rows = rows[rows["target"] < len(is_target) - 1]
    return np.sort(rows, order=("query", "target"))


def nearest(hits: np.ndarray, num_queries: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the most similar target of each query.

    Args:
      hits: as `search` returns them.
      num_queries: how many were searched.

    Returns:
      identity_N float32, 0..1, and target_N int64; 0 and -1 where nothing was found.
      Of equals the first target.
    """
    identity_N = np.zeros(num_queries, np.float32)
    target_N = np.full(num_queries, -1, np.int64)
    order = np.lexsort((-hits["target"], hits["identity"]))  # the last one stays
    identity_N[hits["query"][order]] = hits["identity"][order]
    target_N[hits["query"][order]] = hits["target"][order]
    return identity_N, target_N


def identities(queries: Sequence[str], training: Sequence[str]) -> np.ndarray:
    """Returns the identity of each query with the nearest training sequence.

    0 where nothing at 30 % over half of the query is found. Raises as `search`.
    """
    settings = Settings(0.3, 0.5, coverage_mode=2)
    hits = search(queries, training, settings, max_targets=1_000)
    return nearest(hits, len(queries))[0]


def _write(path: pathlib.Path, given: Iterable[str]) -> np.ndarray:
    return sequences.write_fasta(path, given, longest=MAX_LENGTH)


def _run(settings: Settings, folder: pathlib.Path, command: list[str]) -> None:
    programs.run(
        [
            programs.find(PROGRAM, settings.path),
            *command,
            *("--dbtype", "2"),  # other codes than A C G T look like amino acids
            *("--min-seq-id", f"{settings.identity:g}"),
            *("-c", f"{settings.coverage:g}"),
            *("--cov-mode", str(settings.coverage_mode)),
            *("--threads", str(settings.num_threads)),
        ],
        folder=folder,
        timeout=settings.timeout,
    )


def _read(path: pathlib.Path, dtype: np.dtype) -> np.ndarray:
    """Reads the columns of a table without a header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # no hits: an empty file
            return np.loadtxt(path, dtype, delimiter="\t", ndmin=1)
    except (OSError, ValueError) as error:
        raise programs.ProgramError(f"mmseqs: {path.name} of it: {error}") from error


def _folder(settings: Settings) -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="mmseqs-", dir=settings.folder or None)
