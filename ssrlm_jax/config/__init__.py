"""Typed configuration: every setting and its default is written here, once.

Files in configs/ start from `editable(PretrainConfig())` and change fields.
An entry point turns the result into frozen dataclasses with `frozen` before
anything else runs, so a misspelt or impossible setting stops the program at
once, with a message that names the setting.
"""

from ssrlm_jax.config.contact_fit import ContactsConfig
from ssrlm_jax.config.corpus import (
    ClusterConfig,
    CorpusConfig,
    ExecutorConfig,
    FoldConfig,
    InputsConfig,
)
from ssrlm_jax.config.decoders import DECODERS, DecodingConfig, DecodingsConfig
from ssrlm_jax.config.encoder import (
    ATTENTION_BACKENDS,
    DTYPES,
    REMAT_POLICIES,
    ComputeConfig,
    EncoderConfig,
)
from ssrlm_jax.config.evaluation import Evaluate3dConfig, EvaluateConfig, HeldOutConfig
from ssrlm_jax.config.evidence_reading import (
    KNOTS,
    NORMALISATIONS,
    RATIOS,
    REACTIVITY_METHODS,
    EvidenceConfig,
)
from ssrlm_jax.config.letter_reading import LettersConfig
from ssrlm_jax.config.paper_tables import PaperConfig
from ssrlm_jax.config.pdb_tables import PdbConfig
from ssrlm_jax.config.pretraining import (
    MASKING_POLICIES,
    SCHEDULES,
    DataConfig,
    DistributedConfig,
    FamiliesConfig,
    LoopConfig,
    MaskingConfig,
    MeshConfig,
    OptimizerConfig,
    PretrainConfig,
    SourceRates,
    with_variant,
)
from ssrlm_jax.config.secondary_training import (
    ENERGIES,
    FROM_EPOCHS,
    HEADS,
    RANDOM,
    RELATIVES,
    FinetuneConfig,
    HeadConfig,
    LabelledConfig,
    with_head,
)
from ssrlm_jax.config.serving_limits import ServeConfig
from ssrlm_jax.config.settings import editable, frozen
from ssrlm_jax.config.sweeping import SWEEP_EXECUTORS, SweepConfig, SweepExecutorConfig
from ssrlm_jax.config.tertiary_training import (
    FoldingConfig,
    LossConfig,
    StructuresConfig,
    TertiaryConfig,
)

__all__ = [
    "HeldOutConfig",
    "ContactsConfig",
    "DecodingsConfig",
    "Evaluate3dConfig",
    "EvaluateConfig",
    "EvidenceConfig",
    "KNOTS",
    "RATIOS",
    "NORMALISATIONS",
    "LettersConfig",
    "PaperConfig",
    "PdbConfig",
    "ATTENTION_BACKENDS",
    "ComputeConfig",
    "ClusterConfig",
    "ExecutorConfig",
    "FoldConfig",
    "InputsConfig",
    "CorpusConfig",
    "DECODERS",
    "DecodingConfig",
    "FinetuneConfig",
    "HEADS",
    "FoldingConfig",
    "HeadConfig",
    "LossConfig",
    "StructuresConfig",
    "TertiaryConfig",
    "LabelledConfig",
    "DTYPES",
    "ENERGIES",
    "FROM_EPOCHS",
    "RELATIVES",
    "DataConfig",
    "DistributedConfig",
    "EncoderConfig",
    "FamiliesConfig",
    "LoopConfig",
    "MASKING_POLICIES",
    "MaskingConfig",
    "MeshConfig",
    "OptimizerConfig",
    "PretrainConfig",
    "RANDOM",
    "REACTIVITY_METHODS",
    "REMAT_POLICIES",
    "SCHEDULES",
    "ServeConfig",
    "SWEEP_EXECUTORS",
    "SourceRates",
    "SweepConfig",
    "SweepExecutorConfig",
    "editable",
    "frozen",
    "with_head",
    "with_variant",
]
