"""Settings of `ssrlm prepare_corpus`."""

import dataclasses
import re

from ssrlm_jax.config import checks

CLUSTERINGS = ("mmseqs", "none")
FOLDING_PROGRAMS = ("vienna", "contrafold", "eternafold", "linearfold", "none")
VIENNA_METHODS = ("mfe", "centroid", "mea")
LONG_RECORDS = ("windows", "skip")
ON_BAD = ("stop", "skip")
EXECUTORS = ("local", "datatrove", "slurm", "ray")


@dataclasses.dataclass(frozen=True, kw_only=True)
class InputsConfig:
    """Files, directories or patterns, separated by commas; flags take their place."""

    ncrna: str = ""  # non-coding RNA, with structures where known
    other: str = ""  # other RNA: coding, genomes, unsorted
    leave_out: str = ""  # what equals, or clusters with, one of these is removed


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """Near-duplicates; defaults as the paper's MMseqs2 run, appendix A.1.1."""

    method: str = "mmseqs"  # or "none": near-duplicates stay, and the manifest says so
    identity: float = 0.8  # share of equal letters in the alignment, at least
    coverage: float = 0.8  # share of the sequence that is aligned, at least
    coverage_mode: int = 1  # MMseqs2's --cov-mode; 0: of both, 1: of the member
    longest: int = 65_000  # nucleotides; longer records are left alone
    program: str = ""  # path of mmseqs; "": SSRLM_MMSEQS, then PATH

    def __post_init__(self) -> None:
        checks.choice("cluster.method", self.method, CLUSTERINGS)
        checks.check(
            0.0 < self.identity <= 1.0,
            "cluster.identity",
            self.identity,
            "is not above 0 and at most 1",
        )
        checks.share("cluster.coverage", self.coverage)
        checks.check(
            0 <= self.coverage_mode <= 5,
            "cluster.coverage_mode",
            self.coverage_mode,
            "does not lie in 0..5",
        )
        checks.check(
            0 < self.longest <= 65_535,
            "cluster.longest",
            self.longest,
            "does not lie in 1..65535, what MMseqs2 reads",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldConfig:
    """How ncRNA without a structure is folded."""

    program: str = "vienna"  # or contrafold (the paper's), eternafold, linearfold, none
    method: str = "mfe"  # of vienna: mfe, centroid, mea
    gamma: float = 0.0  # of mea, contrafold, eternafold; 0: the program's default
    beam: int = 100  # of linearfold
    path: str = ""  # of the program; "": an environment variable, then PATH
    parameters: str = ""  # file, of eternafold
    longest: int = 1_000  # nucleotides that are folded in one piece
    long_records: str = "windows"  # each window by itself; or "skip": left unfolded
    task_nucleotides: int = 2**16  # folded by one task

    def __post_init__(self) -> None:
        checks.choice("fold.program", self.program, FOLDING_PROGRAMS)
        checks.choice("fold.method", self.method, VIENNA_METHODS)
        checks.choice("fold.long_records", self.long_records, LONG_RECORDS)
        checks.positive("fold", self, "beam", "longest", "task_nucleotides")
        checks.finite("fold.gamma", self.gamma)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExecutorConfig:
    """Where the stages run; datatrove, slurm and ray need the extra [cluster]."""

    kind: str = "local"  # or datatrove (this machine too), slurm, ray (pip install ray)
    num_workers: int = 0  # at the same time; 0: one for each core
    partition: str = ""  # of SLURM
    time: str = "24:00:00"  # of one task, on SLURM
    memory_gb: int = 8  # of one task, on SLURM and Ray
    setup: str = ""  # shell line before a task on SLURM: source .venv/bin/activate

    def __post_init__(self) -> None:
        checks.choice("executor.kind", self.kind, EXECUTORS)
        checks.positive("executor", self, "memory_gb")
        checks.check(
            0 <= self.num_workers <= 2**10,
            "executor.num_workers",
            self.num_workers,
            "does not lie in 0..1024",
        )
        checks.check(
            self.kind != "slurm" or bool(self.partition),
            "executor.partition",
            self.partition,
            "is empty; name the partition that executor.kind='slurm' submits to",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """How `ssrlm prepare_corpus` makes a corpus of files."""

    seed: int = 0  # of the validation split and of the order of rows
    inputs: InputsConfig = InputsConfig()
    on_bad: str = "stop"  # at a record that cannot be read; or "skip", and count it
    remove_gaps: bool = False  # of aligned sequences; else a gap makes a record bad
    max_file_unknown: float = 0.7  # of a file's letters, not A C G U T N; more: stop
    min_length: int = 16  # nucleotides; shorter records are dropped
    max_unknown: float = 1.0  # share of letters that are not A C G U; more: dropped
    min_complexity: float = 0.3  # entropy of three-letter words, 0..1; less: dropped
    keep_structures: bool = True  # that come with records; false: all are folded
    row_length: int = 1024  # tokens
    max_segments: int = 64  # records of a row, at most
    tail_share: float = 0.125  # of a row, what the last window of a record holds
    validation_share: float = 0.02  # of the records; whole families where known
    family_pattern: str = ""  # regular expression that finds a family in a name
    families: str = ""  # table: what was found, or a whole name -> family
    shard_nucleotides: int = 2**25  # a process holds about 10 bytes for each
    num_buckets: int = 64  # of hashes; one is held in memory by a process
    keep_work: bool = True  # beside the corpus; what a changed setting leaves as it is
    cluster: ClusterConfig = ClusterConfig()
    fold: FoldConfig = FoldConfig()
    executor: ExecutorConfig = ExecutorConfig()

    def __post_init__(self) -> None:
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        for name, low, high in (
            ("min_length", 1, 2**15 - 1),
            ("row_length", 3, 2**15 - 1),
            ("max_segments", 1, 255),
            ("num_buckets", 1, 2**16),
        ):
            found = getattr(self, name)
            checks.check(
                low <= found <= high, name, found, f"does not lie in {low}..{high}"
            )
        checks.check(
            self.shard_nucleotides >= self.row_length,
            "shard_nucleotides",
            self.shard_nucleotides,
            f"is smaller than row_length={self.row_length}",
        )
        checks.check(
            0.0 <= self.tail_share <= 0.5,
            "tail_share",
            self.tail_share,
            "does not lie in 0..0.5",
        )
        checks.below_one("validation_share", self.validation_share)
        checks.choice("on_bad", self.on_bad, ON_BAD)
        for name in ("max_file_unknown", "max_unknown", "min_complexity"):
            checks.share(name, getattr(self, name))
        try:
            re.compile(self.family_pattern)
        except re.error as error:
            raise ValueError(
                f"family_pattern={self.family_pattern!r} is not a regular expression "
                f"({error})"
            ) from error
