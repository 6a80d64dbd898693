"""Settings of `ssrlm evaluate`, `evaluate3d`, `held_out`: what is scored on what."""

import dataclasses

from ssrlm_jax.config import checks, decoders, encoder


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What is scored on which RNA."""

    model: str = ""  # directory of a fine-tuned model; "": none
    programs: str = ""  # of external.folding_programs, or relatives (of `train`); ...
    # ... separated by commas
    truth: str = ""  # file of known structures
    train: str = ""  # files of training RNA, for scores by similarity; needs mmseqs
    max_length: int = 0  # nucleotides; longer RNA is left out, and counted; 0: none
    seed: int = 0  # of the bootstrap
    is_seen_refused: bool = (
        False  # nothing is scored where the model was trained on ...
    )
    # ... RNA of the set; else it is told
    is_own_rule: bool = False  # the model decodes by its own rule, as `ssrlm fold` does
    decoding: decoders.DecodingConfig = decoders.DecodingConfig()

    def __post_init__(self) -> None:
        checks.check(self.max_length >= 0, "max_length", self.max_length, "is < 0")
        checks.check(
            not self.is_own_rule or self.decoding == decoders.DecodingConfig(),
            "is_own_rule",
            self.is_own_rule,
            "does not go with settings of decoding",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluate3dConfig:
    """Which structures are scored, beside which baseline."""

    models: str = ""  # NAME=DIR, separated by commas; directories of models
    predictions: str = ""  # the same; directories of PDB or mmCIF files
    has_helix: bool = True  # score an A-form helix for every strand, too
    truth: str = ""  # known structures: directories or files, separated by commas
    train: str = ""  # what was trained on, for identity: structures, tsv or fasta
    min_length: int = 16  # nucleotides; shorter structures are left out, and named
    max_length: int = 0  # longer structures are left out, and named; 0: none
    is_by_chain: bool = False  # strands that pair with each other are scored alone, too
    has_plddt: bool = True  # B columns of predictions may hold confidence
    num_cycles: int = 0  # of models; 0: their own
    seed: int = 0  # of the bootstrap

    def __post_init__(self) -> None:
        checks.check(self.min_length > 0, "min_length", self.min_length, "is < 1")
        for name in ("max_length", "num_cycles"):
            value = getattr(self, name)
            checks.check(value >= 0, name, value, "is < 0")
        checks.check(
            not self.max_length or self.max_length >= self.min_length,
            "max_length",
            self.max_length,
            f"is below min_length={self.min_length}",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeldOutConfig:
    """What names hidden nucleotides, of which corpus."""

    model: str = ""  # directory of a pre-trained model; "": none
    corpus: str = ""  # directory made by `ssrlm prepare_corpus` or `ssrlm generate`
    chains: str = ""  # orders of Markov chains, separated by commas; they are ...
    # ... fitted on the training rows of each source
    rows: int = 512  # of each source that are scored, at most
    batch_size: int = 8  # rows
    seed: int = 0  # of the bootstrap
    compute: encoder.ComputeConfig = encoder.ComputeConfig(
        dtype="float32", remat="none"
    )

    def __post_init__(self) -> None:
        checks.check(self.rows > 0, "rows", self.rows, "is not greater than 0")
        checks.check(
            self.batch_size > 0, "batch_size", self.batch_size, "is not greater than 0"
        )
        for order in filter(None, self.chains.split(",")):
            checks.check(
                order in ("0", "1", "2", "3", "4", "5"),
                "chains",
                self.chains,
                "is not a list of orders 0..5",
            )
