"""Settings of launch/prepare_corpus.py."""

import dataclasses
import re

from ssrlm_jax.config import checks


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """How launch/prepare_corpus.py makes a corpus of files."""

    seed: int = 0  # of the validation split and of the order of rows
    row_length: int = 1024  # tokens
    max_segments: int = 64  # records of a row, at most
    tail_share: float = 0.125  # of a row, what the last window of a record holds
    validation_share: float = 0.02  # of the records; whole families where known
    family_pattern: str = ""  # regular expression that finds a family in a name
    families: str = ""  # table: what was found, or a whole name -> family
    shard_nucleotides: int = 2**25  # a process holds about 10 bytes for each
    num_buckets: int = 64  # one is held in memory when equal records are looked for
    num_workers: int = 0  # processes; 0: one for each core

    def __post_init__(self) -> None:
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        for name, low, high in (
            ("row_length", 3, 2**15 - 1),
            ("max_segments", 1, 255),
            ("num_buckets", 1, 2**16),
            ("num_workers", 0, 2**10),
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
        checks.share("validation_share", self.validation_share)
        try:
            re.compile(self.family_pattern)
        except re.error as error:
            raise ValueError(
                f"family_pattern={self.family_pattern!r} is not a regular expression "
                f"({error})"
            ) from error
