"""Settings of `ssrlm finetune`: base pairs from labels; the paper, section 4.2."""

import dataclasses

import ml_collections

from ssrlm_jax.config import checks, pretraining

HEADS = ("rinalmo", "rnafm", "ernierna")
NORMS = ("instance", "batch")
RELATIVES = "relatives"  # pairs of known structures; external/relatives.py
ENERGIES = ("vienna", "andronescu", "langdon", "contrafold", "eternafold", RELATIVES)
NO_ENERGY = "none"
RANDOM = "random"  # a model that is no directory


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """The network from hidden states to pairs; models/heads.py.

    The paper says "identical ResNet" and does not say to whose: both published heads
    are here. The defaults are RiNALMo's; the variant head=rnafm has RNA-FM's.
    head=ernierna reads scores of attention and needs an encoder with a pair bias.
    """

    kind: str = "rinalmo"
    num_blocks: int = 2
    channels: int = 64
    projection: int = 128  # rnafm: width that hidden states are projected to
    dropout: float = 0.3  # rnafm, ernierna
    norm: str = "instance"  # rnafm, ernierna: "batch" for published weights
    energy: str = NO_ENERGY  # programs of ENERGIES, separated by commas, whose pair ...
    # ... probabilities the head reads, too; none is the paper. external/energies.py
    energy_temperature: float = 37.0  # degrees Celsius
    energy_longest: int = 1_500  # nucleotides; longer RNA is folded in windows, ...
    energy_window: int = 600  # ... of so many nucleotides, ...
    energy_span: int = 400  # ... with pairs at most so far apart

    @property
    def energies(self) -> tuple[str, ...]:
        """Names of the programs whose probabilities are read; () for none."""
        return () if self.energy == NO_ENERGY else tuple(self.energy.split(","))

    def described(self) -> dict[str, object]:
        """Returns the settings; without those of energies where none is read.

        So a head without energies is described as before there were any.
        """
        fields = dataclasses.asdict(self)
        if self.energies:
            return fields
        return {k: v for k, v in fields.items() if not k.startswith("energy")}

    def __post_init__(self) -> None:
        checks.choice("head.kind", self.kind, HEADS)
        for name in self.energies:
            checks.choice("head.energy", name, ENERGIES)
        checks.check(
            len(set(self.energies)) == len(self.energies),
            "head.energy",
            self.energy,
            "names a program twice",
        )
        checks.check(
            not self.energies or self.kind != "ernierna",
            "head.energy",
            self.energy,
            "does not go with head.kind='ernierna': rinalmo and rnafm read energies",
        )
        checks.check(
            -273.15 < self.energy_temperature <= 100.0,
            "head.energy_temperature",
            self.energy_temperature,
            "does not lie in -273.15..100",
        )
        checks.check(
            self.energy_temperature == 37.0
            or not {"contrafold", "eternafold"} & set(self.energies),
            "head.energy_temperature",
            self.energy_temperature,
            f"does not go with head.energy={self.energy!r}: CONTRAfold knows 37 only",
        )
        checks.positive("head", self, "energy_longest", "energy_window", "energy_span")
        checks.check(
            self.energy_span <= self.energy_window,
            "head.energy_span",
            self.energy_span,
            f"is more than head.energy_window={self.energy_window}",
        )
        checks.choice("head.norm", self.norm, NORMS)
        checks.positive("head", self, "num_blocks", "channels", "projection")
        checks.below_one("head.dropout", self.dropout)
        checks.check(
            self.kind != "rinalmo" or self.norm == "instance",
            "head.norm",
            self.norm,
            "does not go with head.kind='rinalmo'",
        )


NUM_BLOCKS = {"rinalmo": 2, "rnafm": 32, "ernierna": 8}  # as published


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelledConfig:
    """Labelled RNA: which records train, validate and test.

    Either `train` and `validation` are given, or one `table` is split by family:
    `held_out` names the family that is left out for testing, or the families are
    dealt to `num_folds` folds of which fold `fold` is left out for testing and the
    next one validates. With `held_out`, records drawn by the seed validate.
    """

    train: str = ""  # files of structures, separated by commas
    validation: str = ""  # the same
    table: str = ""  # one table with a column "family"
    families: str = ""  # table "id family"; instead of the column of `table`
    held_out: str = ""  # family of `table`
    num_folds: int = 0  # of families of `table`; 0: none
    fold: int = 0  # 0..num_folds-1
    leave_out: str = ""  # files of RNA; a record that equals one does not train, ...
    # ... nor does it validate, where validation is drawn from `table`
    until: str = ""  # date of the newest data: 2023-04-01, or 2023; "": not told
    validation_share: float = 0.1  # of the other families' records; with held_out
    max_length: int = 500  # nucleotides; longer records are left out, and counted
    batch_size: int = 2  # RNAs of one update, over all processes
    num_threads: int = 2  # that make batches, beside what computes
    step: int = 8  # nucleotides; lengths are rounded up to multiples of it, ...
    ratio: float = 1.12  # ... and to at most this times the bucket before

    def __post_init__(self) -> None:
        checks.positive("data", self, "max_length", "batch_size", "step")
        checks.positive("data", self, "num_threads")
        checks.date("data.until", self.until)
        checks.check(1.0 < self.ratio <= 2.0, "data.ratio", self.ratio, "is not 1..2")
        checks.check(self.num_folds >= 0, "data.num_folds", self.num_folds, "is < 0")
        checks.check(
            self.num_folds != 1 and self.num_folds != 2,
            "data.num_folds",
            self.num_folds,
            "leaves nothing to train on: 3 or more folds are needed",
        )
        checks.check(
            0 <= self.fold < max(self.num_folds, 1),
            "data.fold",
            self.fold,
            f"does not lie in 0..data.num_folds-1={max(self.num_folds, 1) - 1}",
        )
        checks.check(
            0.0 < self.validation_share < 1.0,
            "data.validation_share",
            self.validation_share,
            "is not above 0 and below 1",
        )
        checks.check(
            not (self.table and (self.train or self.validation)),
            "data.table",
            self.table,
            "does not go with data.train or data.validation",
        )


FROM_EPOCHS = ("loop.num_steps", "loop.evaluate_every", "optimizer.warmup_steps")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """Everything that `ssrlm finetune` reads; the paper, appendix A.1.3.

    Steps are counted in epochs here: FROM_EPOCHS follow from the data, and
    `loop.save_every` is an evaluation at most.
    """

    seed: int = 0
    model: str = ""  # directory of the encoder, or "random" for one of `encoder`
    energies: str = "~/.cache/ssrlm-jax/energies"  # where those of a head are kept
    relatives: str = ""  # files of known structures; "": those of model, and train
    unseen: float = 0.3  # share of the RNA that trains and is shown no relatives
    epochs: int = 100
    warmup_epochs: int = 10
    evaluations_per_epoch: int = 1
    encoder_rate: float = 1.0  # share of the learning rate; 0: the encoder is frozen
    is_head_rematerialised: bool = False  # less memory, a third more time
    head: HeadConfig = HeadConfig()
    encoder: pretraining.EncoderConfig = pretraining.EncoderConfig()  # of "random"
    compute: pretraining.ComputeConfig = pretraining.ComputeConfig()
    data: LabelledConfig = LabelledConfig()
    optimizer: pretraining.OptimizerConfig = pretraining.OptimizerConfig()
    mesh: pretraining.MeshConfig = pretraining.MeshConfig()
    loop: pretraining.LoopConfig = pretraining.LoopConfig(keep_best="f1", keep_every=0)
    distributed: pretraining.DistributedConfig = pretraining.DistributedConfig()

    def __post_init__(self) -> None:
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        checks.check(self.epochs > 0, "epochs", self.epochs, "is not positive")
        checks.check(
            0 <= self.warmup_epochs < self.epochs,
            "warmup_epochs",
            self.warmup_epochs,
            f"does not lie in 0..epochs-1={self.epochs - 1}",
        )
        checks.check(
            self.evaluations_per_epoch > 0,
            "evaluations_per_epoch",
            self.evaluations_per_epoch,
            "is not positive",
        )
        checks.below_one("unseen", self.unseen)
        checks.finite("encoder_rate", self.encoder_rate)
        if self.model == RANDOM:
            checks.positive("encoder", self.encoder, "num_layers")
        checks.check(
            self.data.batch_size % self.loop.micro_batches == 0,
            "data.batch_size",
            self.data.batch_size,
            f"is not a multiple of loop.micro_batches={self.loop.micro_batches}",
        )

    def in_steps(self, batches_per_epoch: int) -> "FinetuneConfig":
        """Returns the settings with epochs counted in steps."""
        every = max(1, batches_per_epoch // self.evaluations_per_epoch)
        return dataclasses.replace(
            self,
            loop=dataclasses.replace(
                self.loop,
                num_steps=self.epochs * batches_per_epoch,
                evaluate_every=every,
                save_every=min(self.loop.save_every, every),
            ),
            optimizer=dataclasses.replace(
                self.optimizer, warmup_steps=self.warmup_epochs * batches_per_epoch
            ),
        )


def with_head(
    settings: ml_collections.ConfigDict, variant: str
) -> ml_collections.ConfigDict:
    """Returns `settings` with a head; it is what follows `:` in --config.

    Args:
      settings: of a FinetuneConfig; changed in place.
      variant: "" or "head=" and its kind.

    Raises:
      ValueError: another variant; the message says what is accepted.
    """
    if variant:
        name, _, value = variant.partition("=")
        if name != "head" or value not in HEADS:
            accepted = ", ".join(f"head={kind}" for kind in HEADS)
            raise ValueError(f"config variant {variant!r} is not one of {accepted}")
        settings.head.kind = value
        settings.head.num_blocks = NUM_BLOCKS[value]
    return settings
