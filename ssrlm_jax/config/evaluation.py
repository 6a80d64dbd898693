"""Settings of launch/evaluate.py: a model and other programs on labelled RNA."""

import dataclasses

from ssrlm_jax.config import checks, secondary


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What is scored on which RNA."""

    model: str = ""  # directory of a fine-tuned model; "": none
    programs: str = ""  # outside programs, separated by commas; external/folding.py
    truth: str = ""  # file of known structures
    train: str = ""  # training sequences, for scores by similarity; needs mmseqs
    max_length: int = 0  # nucleotides; longer RNA is left out, and counted; 0: none
    seed: int = 0  # of the bootstrap
    decoding: secondary.DecodingConfig = secondary.DecodingConfig()

    def __post_init__(self) -> None:
        checks.check(self.max_length >= 0, "max_length", self.max_length, "is < 0")
