"""Settings of `ssrlm serve`: what is accepted, and how long it is kept."""

import dataclasses

from ssrlm_jax.config import checks


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Limits of the server; serving/."""

    max_length: int = 5_000  # nucleotides of a record
    max_records: int = 200  # of a job
    max_bytes: int = 1_000_000  # of a request
    max_queue: int = 500  # jobs that wait
    keep_jobs: int = 1_000  # that have ended; the oldest go first
    keep_days: float = 7.0  # after a job has ended

    def __post_init__(self) -> None:
        names = [field.name for field in dataclasses.fields(self)]
        checks.positive("serve", self, *names)
