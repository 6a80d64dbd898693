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
    parallel: int = 1  # jobs at the same time; on SLURM 0: as many as it lets run
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
        least = 0 if self.kind == "slurm" else 1
        for name, low in (("parallel", least), ("max_timeouts", 0), ("gpus", 0)):
            found = getattr(self, name)
            checks.check(found >= low, f"executor.{name}", found, f"is < {low}")
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
    seed: int = 0  # of the bootstrap
    executor: SweepExecutorConfig = SweepExecutorConfig()

    def __post_init__(self) -> None:
        checks.finite("minutes", self.minutes)
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
