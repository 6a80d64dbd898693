"""Settings of how letters of sequences are taken by commands that use a model."""

import dataclasses

from ssrlm_jax.config import checks


@dataclasses.dataclass(frozen=True, kw_only=True)
class LettersConfig:
    """What is done about letters that are no A C G U T, and about gaps.

    A quarter is more than natural RNA has of modified letters (tRNA: up to a fifth); of
    the letters of proteins 0.78 are none of the five in the mean.
    """

    warn_unknown: float = 0.25  # share of a record's letters; more: a warning
    max_unknown: float = 0.7  # share of a record's letters; more: not used
    remove_gaps: bool = False  # of aligned sequences; else their records are not used

    def __post_init__(self) -> None:
        for name in ("warn_unknown", "max_unknown"):
            checks.share(name, getattr(self, name))
