"""Settings of `ssrlm sweep`: where data lie, how long it may take, where jobs run.

What a sweep varies and does is in its file in configs/sweeps, as `get_sweep`.
"""

import dataclasses

from ssrlm_jax.config import checks

SWEEP_EXECUTORS = ("local", "submitit", "slurm")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepExecutorConfig:
    """Where jobs run; submitit and slurm need the extra [cluster]."""

    kind: str = "local"  # or slurm; submitit: its executor of this machine
    parallel: int = 0  # jobs at a time; 0: one here, on SLURM as many as it lets run
    partition: str = ""  # of SLURM
    minutes: int = 1_440  # of one job, on SLURM; one that runs out of them goes on
    max_timeouts: int = 10  # so often
    warning_seconds: int = 300  # before the end, for a checkpoint
    gpus: int = 1  # of a job, on SLURM
    cores: int = 8  # of a job, on SLURM
    memory_gb: int = 32  # of a job, on SLURM
    setup: str = ""  # shell line before a job on SLURM: source .venv/bin/activate

    def __post_init__(self) -> None:
        checks.choice("executor.kind", self.kind, SWEEP_EXECUTORS)
        names = ("minutes", "warning_seconds", "cores", "memory_gb")
        checks.positive("executor", self, *names)
        for name in ("parallel", "max_timeouts", "gpus"):
            found = getattr(self, name)
            checks.check(found >= 0, f"executor.{name}", found, "is < 0")
        checks.check(
            self.warning_seconds < 60 * self.minutes,
            "executor.warning_seconds",
            self.warning_seconds,
            f"is not below executor.minutes={self.minutes}",
        )
        checks.check(
            self.kind != "slurm" or bool(self.partition),
            "executor.partition",
            self.partition,
            "is empty; name the partition that executor.kind='slurm' submits to",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """Everything that `ssrlm sweep` reads beside the sweep itself."""

    data: str = "data"  # folder of tables: secondary/bprna_TR0.tsv.gz and others
    corpus: str = ""  # made by `ssrlm prepare_corpus`; sweeps on real RNA read it
    minutes: float = 0.0  # that all may take: steps are chosen so; 0: as they are
    variant: str = ""  # of the sweep, where its file has several
    seed: int = 0  # of the bootstrap
    executor: SweepExecutorConfig = SweepExecutorConfig()

    def __post_init__(self) -> None:
        checks.finite("minutes", self.minutes)
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
