"""What `ssrlm_jax.config` has, and in which module: `__init__.py` reads it."""

from .contact_fit import ContactsConfig
from .corpus import (
    ClusterConfig,
    CorpusConfig,
    ExecutorConfig,
    FoldConfig,
    InputsConfig,
)
from .decoders import (
    DECODERS,
    DecodingConfig,
    DecodingsConfig,
)
from .encoder import (
    ATTENTION_BACKENDS,
    DTYPES,
    REMAT_POLICIES,
    ComputeConfig,
    EncoderConfig,
)
from .evaluation import (
    Evaluate3dConfig,
    EvaluateConfig,
    HeldOutConfig,
)
from .evidence_reading import (
    KNOTS,
    NORMALISATIONS,
    RATIOS,
    REACTIVITY_METHODS,
    EvidenceConfig,
)
from .letter_reading import LettersConfig
from .paper_tables import PaperConfig
from .pdb_tables import PdbConfig
from .pretraining import (
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
from .secondary_training import (
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
from .serving_limits import ServeConfig
from .settings import (
    editable,
    frozen,
)
from .sweeping import (
    SWEEP_EXECUTORS,
    SweepConfig,
    SweepExecutorConfig,
)
from .tertiary_training import (
    FoldingConfig,
    LossConfig,
    StructuresConfig,
    TertiaryConfig,
)

__all__ = [
    "ATTENTION_BACKENDS",
    "ClusterConfig",
    "ComputeConfig",
    "ContactsConfig",
    "CorpusConfig",
    "DECODERS",
    "DTYPES",
    "DataConfig",
    "DecodingConfig",
    "DecodingsConfig",
    "DistributedConfig",
    "ENERGIES",
    "EncoderConfig",
    "Evaluate3dConfig",
    "EvaluateConfig",
    "EvidenceConfig",
    "ExecutorConfig",
    "FROM_EPOCHS",
    "FamiliesConfig",
    "FinetuneConfig",
    "FoldConfig",
    "FoldingConfig",
    "HEADS",
    "HeadConfig",
    "HeldOutConfig",
    "InputsConfig",
    "KNOTS",
    "LabelledConfig",
    "LettersConfig",
    "LoopConfig",
    "LossConfig",
    "MASKING_POLICIES",
    "MaskingConfig",
    "MeshConfig",
    "NORMALISATIONS",
    "OptimizerConfig",
    "PaperConfig",
    "PdbConfig",
    "PretrainConfig",
    "RANDOM",
    "RATIOS",
    "REACTIVITY_METHODS",
    "RELATIVES",
    "REMAT_POLICIES",
    "SCHEDULES",
    "SWEEP_EXECUTORS",
    "ServeConfig",
    "SourceRates",
    "StructuresConfig",
    "SweepConfig",
    "SweepExecutorConfig",
    "TertiaryConfig",
    "editable",
    "frozen",
    "with_head",
    "with_variant",
]
