"""Settings of `ssrlm pretrain`, a dataclass for each concern."""

import dataclasses

import ml_collections

from ssrlm_jax.config import checks
from ssrlm_jax.config.encoder import ComputeConfig, EncoderConfig

MASKING_POLICIES = ("mlm", "sm", "ssm")
SCHEDULES = ("cosine", "constant")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceRates:
    """One number for each source of RNA."""

    ncrna: float
    other: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskingConfig:
    """Which nucleotides are hidden in pre-training; the paper, section 3.2.

    `mlm` hides single nucleotides, `sm` spans, `ssm` strands of stems. Under
    `ssm`, `ssm_rate` is the share of records that get it; the rest get `sm`.
    """

    policy: str = "ssm"
    rate: float = 0.15  # share of a record's A C G U that is hidden
    span_length: int = 3  # nucleotides; the paper's j
    protect_partner: bool = True  # ssm: never hide both sides of a pair
    ssm_rate: SourceRates = SourceRates(ncrna=0.5, other=0.0)
    mlm_mask_share: float = 0.8  # mlm: hidden nucleotides shown as <mask>
    mlm_random_share: float = 0.1  # mlm: shown as a random nucleotide; rest kept

    def __post_init__(self) -> None:
        checks.choice("masking.policy", self.policy, MASKING_POLICIES)
        checks.check(
            0.0 < self.rate <= 0.5,
            "masking.rate",
            self.rate,
            "is not above 0 and at most 0.5 (beyond, ssm cannot keep one partner)",
        )
        checks.positive("masking", self, "span_length")
        for name in ("ncrna", "other"):
            found = getattr(self.ssm_rate, name)
            checks.share(f"masking.ssm_rate.{name}", found)
        checks.share("masking.mlm_mask_share", self.mlm_mask_share)
        checks.share("masking.mlm_random_share", self.mlm_random_share)
        checks.check(
            self.mlm_mask_share + self.mlm_random_share <= 1.0,
            "masking.mlm_random_share",
            self.mlm_random_share,
            f"and masking.mlm_mask_share={self.mlm_mask_share} add up to more than 1",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FamiliesConfig:
    """The corpus of generated RNA families that configs/demo.py trains on."""

    num_families: int = 12
    num_members: int = 150  # of each family, for training
    num_validation_members: int = 12  # of each family, held out
    num_coding: int = 600
    num_validation_coding: int = 40
    pair_mutation_rate: float = 0.15  # share of pairs drawn anew, as pairs
    loop_mutation_rate: float = 0.3  # share of unpaired letters drawn anew

    def __post_init__(self) -> None:
        names = (f.name for f in dataclasses.fields(self))
        counts = (name for name in names if name.startswith("num_"))
        checks.positive("data.families", self, *counts)
        for name in ("pair_mutation_rate", "loop_mutation_rate"):
            checks.share(f"data.families.{name}", getattr(self, name))


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the rows come from and how they become batches."""

    corpus: str = ""  # directory made by `ssrlm prepare_corpus`
    until: str = ""  # date of the newest data: 2023-04-01, or 2023; "": not told
    is_generated: bool = False  # make a corpus of `families` instead
    families: FamiliesConfig = FamiliesConfig()
    rows_per_batch: int = 1024  # packed rows of one update, over all processes
    row_length: int = 1024  # tokens; must be the corpus's own
    mix: SourceRates = SourceRates(ncrna=1.0, other=1.0)  # rows of a batch
    num_workers: int = 0  # input processes; 0: in the training process
    validation_rows: int = 512  # of each source; masked once, the same for every run

    def __post_init__(self) -> None:
        checks.positive("data", self, "rows_per_batch", "row_length", "validation_rows")
        checks.date("data.until", self.until)
        checks.check(
            self.num_workers >= 0, "data.num_workers", self.num_workers, "is < 0"
        )
        for name in ("ncrna", "other"):
            found = getattr(self.mix, name)
            checks.finite(f"data.mix.{name}", found)
        checks.check(
            self.mix.ncrna + self.mix.other > 0,
            "data.mix.ncrna",
            self.mix.ncrna,
            "and data.mix.other are both 0: no rows are left",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """AdamW and its schedule; the paper, section 4.1.

    The paper gives the learning rate, AdamW, the decay and a warm-up; where it
    is silent (betas, epsilon, clipping, warm-up length, shape of the schedule)
    these are the values of its published siblings.
    """

    learning_rate: float = 1e-4
    warmup_steps: int = 2_000  # linear from 0
    schedule: str = "cosine"
    final_share: float = 0.1  # of learning_rate, at the end of "cosine"
    weight_decay: float = 0.01  # none on norms
    beta1: float = 0.9
    beta2: float = 0.98
    epsilon: float = 1e-8
    clip_norm: float = 1.0  # of the gradient over all parameters

    def __post_init__(self) -> None:
        checks.positive("optimizer", self, "learning_rate", "epsilon", "clip_norm")
        checks.check(
            self.warmup_steps >= 0,
            "optimizer.warmup_steps",
            self.warmup_steps,
            "is < 0",
        )
        checks.choice("optimizer.schedule", self.schedule, SCHEDULES)
        checks.share("optimizer.final_share", self.final_share)
        for name in ("learning_rate", "weight_decay", "epsilon"):
            checks.finite(f"optimizer.{name}", getattr(self, name))
        for name in ("beta1", "beta2"):
            found = getattr(self, name)
            checks.below_one(f"optimizer.{name}", found)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeshConfig:
    """How many devices share the work, by axis; one axis may be -1, "the rest".

    `data` copies everything, `fsdp` also splits parameters and optimizer over
    its devices, `tensor` splits heads and inner widths.
    """

    data: int = -1
    fsdp: int = 1
    tensor: int = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            found = getattr(self, field.name)
            checks.check(
                found == -1 or found > 0,
                f"mesh.{field.name}",
                found,
                "is neither a number of devices nor -1 (the rest)",
            )
        rest = [f.name for f in dataclasses.fields(self) if getattr(self, f.name) == -1]
        checks.check(
            len(rest) <= 1, "mesh", rest, "are -1; only one axis can be the rest"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributedConfig:
    """How processes find each other; "auto" asks SLURM, Kubernetes, Open MPI."""

    mode: str = "off"
    address: str = ""  # host:port of process 0, for mode="explicit"
    num_processes: int = 1
    process_id: int = 0

    def __post_init__(self) -> None:
        checks.choice("distributed.mode", self.mode, ("off", "auto", "explicit"))
        checks.check(
            self.mode != "explicit" or ":" in self.address,
            "distributed.address",
            self.address,
            "is not host:port of process 0",
        )
        checks.positive("distributed", self, "num_processes")
        checks.check(
            0 <= self.process_id < self.num_processes,
            "distributed.process_id",
            self.process_id,
            f"does not lie in 0..{self.num_processes - 1}",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """When things happen; shared by every task."""

    num_steps: int = 175_000  # updates
    micro_batches: int = 1  # a batch is cut into this many; gradients accumulate
    log_every: int = 50  # steps
    evaluate_every: int = 5_000  # steps; also at the end; 0: never
    save_every: int = 1_000  # steps; also at the end and on SIGTERM
    keep_latest: int = 3  # checkpoints
    keep_every: int = 25_000  # steps; these are kept for good; 0: none
    keep_best: str = ""  # a score of validation; the checkpoint with most is kept
    max_skipped: int = 10  # updates in a row that are not finite, then stop
    ema_decay: float = 0.0  # of an average of the parameters; 0: none
    profile_start: int = 0  # first step of the profiler's window; 0: none
    profile_steps: int = 5
    compilation_cache: str = "~/.cache/ssrlm-jax/compiled"  # "": none
    tensorboard: bool = False  # needs the extra [log]
    wandb_project: str = ""  # needs the extra [log]; "": off

    def __post_init__(self) -> None:
        checks.positive(
            "loop",
            self,
            "num_steps",
            "micro_batches",
            "log_every",
            "save_every",
            "keep_latest",
            "max_skipped",
            "profile_steps",
        )
        for name in ("evaluate_every", "keep_every", "profile_start"):
            checks.check(
                getattr(self, name) >= 0, f"loop.{name}", getattr(self, name), "is < 0"
            )
        checks.below_one("loop.ema_decay", self.ema_decay)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Everything that `ssrlm pretrain` reads."""

    seed: int = 0
    model: str = ""  # directory of weights to go on from; then `encoder` is theirs
    encoder: EncoderConfig = EncoderConfig()
    compute: ComputeConfig = ComputeConfig()
    masking: MaskingConfig = MaskingConfig()
    data: DataConfig = DataConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    mesh: MeshConfig = MeshConfig()
    loop: LoopConfig = LoopConfig()
    distributed: DistributedConfig = DistributedConfig()

    def __post_init__(self) -> None:
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        checks.positive("encoder", self.encoder, "num_layers")
        checks.check(
            self.optimizer.warmup_steps < self.loop.num_steps,
            "optimizer.warmup_steps",
            self.optimizer.warmup_steps,
            f"is not smaller than loop.num_steps={self.loop.num_steps}",
        )
        checks.check(
            self.data.rows_per_batch % self.loop.micro_batches == 0,
            "data.rows_per_batch",
            self.data.rows_per_batch,
            f"is not a multiple of loop.micro_batches={self.loop.micro_batches}",
        )
        checks.check(
            not self.data.is_generated or self.distributed.mode == "off",
            "data.is_generated",
            self.data.is_generated,
            f"does not go with distributed.mode={self.distributed.mode!r}: make a "
            "corpus first and name it in data.corpus",
        )


def with_variant(
    settings: ml_collections.ConfigDict, variant: str
) -> ml_collections.ConfigDict:
    """Returns `settings` with a variant applied; it is what follows `:` in --config.

    Args:
      settings: of a PretrainConfig; changed in place.
      variant: "" or "masking=" and a policy.

    Raises:
      ValueError: another variant; the message says what is accepted.
    """
    if variant:
        name, _, value = variant.partition("=")
        if name != "masking" or value not in MASKING_POLICIES:
            accepted = ", ".join(f"masking={policy}" for policy in MASKING_POLICIES)
            raise ValueError(f"config variant {variant!r} is not one of {accepted}")
        settings.masking.policy = value
    return settings
