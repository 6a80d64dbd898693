"""Settings of decoding, from probabilities of pairs to structures, and thresholds."""

import dataclasses

from ssrlm_jax.config import checks

DECODERS = ("greedy", "matching", "nested", "threshold")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """From probabilities of pairs to a structure; rna/decode.py.

    Example:
      >>> DecodingConfig(method="nested", threshold=0.25).rule.threshold
      0.0
    """

    method: str = "greedy"  # "greedy" is what fine-tuning chooses a threshold for
    threshold: float = 0.0  # of a pair's probability; 0: chosen for the rule, or own
    max_pairs_per_base: int = 1
    allow_sharp_loops: bool = True  # the paper's setting; pairs with |i - j| < 4
    is_canonical_only: bool = False  # the paper's setting; A-U, G-C and G-U only

    def __post_init__(self) -> None:
        checks.choice("decoding.method", self.method, DECODERS)
        checks.below_one("decoding.threshold", self.threshold)
        checks.positive("decoding", self, "max_pairs_per_base")

    @property
    def rule(self) -> "DecodingConfig":
        """What a threshold belongs to: the same without one."""
        return dataclasses.replace(self, threshold=0.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecodingsConfig:
    """For which rules thresholds are chosen, and on which RNA; `ssrlm thresholds`."""

    model: str = ""  # directory of a fine-tuned model; gets the result
    validation: str = ""  # file of known structures that did not train
    methods: str = "greedy,nested,matching"  # separated by commas; of DECODERS
    max_length: int = 0  # nucleotides; longer RNA is left out, and counted; 0: none

    def __post_init__(self) -> None:
        checks.check(self.max_length >= 0, "max_length", self.max_length, "is < 0")
        names = self.methods.split(",")
        for name in names:
            checks.choice("methods", name, DECODERS)
        checks.check(
            len(set(names)) == len(names),
            "methods",
            self.methods,
            "names a method more than once",
        )
