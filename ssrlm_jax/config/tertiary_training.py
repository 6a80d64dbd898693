"""Settings of tertiary structure: the network, its training, its use."""

import dataclasses

from ssrlm_jax.config import checks, encoder, pretraining

MODES = ("ssrlm", "rhofold")
GEOMETRIES = ("base9", "rhofold_v5")
STARTS = ("strand", "point")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldingConfig:
    """The network from embeddings to atoms; models/folding_network.py.

    The sizes are RhoFold's. Mode "ssrlm" reads one sequence: no attention along
    columns of an alignment, relative positions, and pairs that see the embedding at
    once. Mode "rhofold" is the published graph, for its weights.

    Nucleotides start as a strand of an A-form helix, from which the network moves
    them, or all at one point, as in RhoFold.
    """

    mode: str = "ssrlm"
    geometry: str = "base9"  # rna/atoms.py
    start: str = "strand"  # or "point"
    single_width: int = 256
    pair_width: int = 128
    structure_width: int = 384
    num_blocks: int = 12
    num_heads: int = 8  # of attention along a sequence
    head_size: int = 32
    num_pair_heads: int = 4  # of attention around triangles
    pair_head_size: int = 32
    outer_width: int = 32  # of the outer product of two positions
    triangle_width: int = 128
    transition_factor: int = 4
    max_offset: int = 32  # ssrlm: positions further apart than this look alike
    max_length: int = 4_096  # rhofold: nucleotides that it has positions for
    num_structure_layers: int = 8  # they share weights
    num_point_heads: int = 12  # of invariant point attention
    point_head_size: int = 16
    num_query_points: int = 4
    num_value_points: int = 8
    torsion_width: int = 128
    num_torsion_blocks: int = 2
    num_distance_bins: int = 40
    num_confidence_bins: int = 50
    refinement_width: int = 0  # of a network that moves atoms; 0: none
    refinement_layers: int = 4
    single_dropout: float = 0.15
    pair_dropout: float = 0.25  # of whole rows or columns
    num_cycles: int = 4  # in use; training draws 1..num_cycles
    tolerance: float = 0.5  # angstrom; change of C1' distances that ends the cycles

    def __post_init__(self) -> None:
        checks.choice("folding.mode", self.mode, MODES)
        checks.choice("folding.geometry", self.geometry, GEOMETRIES)
        checks.choice("folding.start", self.start, STARTS)
        checks.check(
            self.mode != "rhofold" or self.start == "point",
            "folding.start",
            self.start,
            "is not 'point', as folding.mode='rhofold' asks for",
        )
        names = [field.name for field in dataclasses.fields(self)]
        sizes = [n for n in names if isinstance(getattr(self, n), int)]
        sizes.remove("refinement_width")
        checks.positive("folding", self, *sizes)
        for name in ("single_dropout", "pair_dropout"):
            checks.below_one(f"folding.{name}", getattr(self, name))
        for name in ("refinement_width", "tolerance"):
            value = getattr(self, name)
            checks.check(value >= 0, f"folding.{name}", value, "is < 0")
        checks.check(
            self.pair_width % 4 == 0,
            "folding.pair_width",
            self.pair_width,
            "is not a multiple of 4",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of what is minimised; tasks/tertiary_losses.py. The paper gives none."""

    backbone: float = 0.5  # frame-aligned point error of frames, mean over layers
    atoms: float = 0.5  # the same of all atoms, after the last layer
    local: float = 1.0  # 1 - lDDT, smooth; not RhoFold's
    torsions: float = 1.0
    torsion_norms: float = 0.02
    distances: float = 0.3  # cross-entropy, mean of three distances
    pairs: float = 0.3  # cross-entropy of base pairs
    confidence: float = 0.01
    bonds: float = 0.0  # for finishing: links between nucleotides, rings of sugars
    clashes: float = 0.0  # for finishing
    clamp: float = 10.0  # angstrom; larger errors of frames count as this, ...
    clamped_share: float = 0.9  # ... in this share of examples, ...
    unclamped_steps: int = 10_000  # ... but in none of the first steps

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            checks.finite(f"loss.{field.name}", getattr(self, field.name))
        checks.positive("loss", self, "clamp")
        checks.share("loss.clamped_share", self.clamped_share)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StructuresConfig:
    """Chains of known structure: which, how they are grouped, how they are cut.

    Clusters, not chains, are split into training and validation, and sampled: a chain
    is drawn with a weight of 1 / sqrt(members of its cluster).
    """

    structures: str = ""  # directories or files, PDB or mmCIF, separated by commas
    validation: str = ""  # the same; empty: clusters held out from `structures`
    validation_share: float = 0.1  # of clusters; 0: what trains validates
    away_from: str = ""  # structures that are tested on: their clusters are left out
    min_length: int = 16  # nucleotides
    max_length: int = 256  # longer chains are left out
    max_resolution: float = 4.0  # angstrom; chains without one, as of NMR, are kept
    min_seen: float = 0.5  # share of atoms
    identity: float = 0.8  # of a cluster, by MMseqs2; 1: equal letters, without it
    crop: int = 256  # nucleotides of an example
    batch_size: int = 8  # over all processes
    step: int = 32  # nucleotides; examples are padded to multiples of it

    def __post_init__(self) -> None:
        names = ("min_length", "max_length", "crop", "batch_size", "step")
        checks.positive("data", self, *names, "max_resolution")
        for name in ("validation_share", "min_seen", "identity"):
            checks.share(f"data.{name}", getattr(self, name))
        checks.check(
            self.min_length <= self.max_length,
            "data.min_length",
            self.min_length,
            f"is above data.max_length={self.max_length}",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TertiaryConfig:
    """Everything that `ssrlm tertiary` reads; the paper, section on 3-D structure."""

    seed: int = 0
    model: str = ""  # directory of the encoder, which stays as it is
    embeddings: str = ""  # directory where they are kept; empty: in memory only
    folding: FoldingConfig = FoldingConfig()
    loss: LossConfig = LossConfig()
    compute: encoder.ComputeConfig = encoder.ComputeConfig()
    data: StructuresConfig = StructuresConfig()
    optimizer: pretraining.OptimizerConfig = pretraining.OptimizerConfig(
        learning_rate=3e-4, warmup_steps=1_000, weight_decay=0.0
    )
    mesh: pretraining.MeshConfig = pretraining.MeshConfig()
    loop: pretraining.LoopConfig = pretraining.LoopConfig(
        num_steps=300_000, keep_best="lddt", ema_decay=0.999
    )
    distributed: pretraining.DistributedConfig = pretraining.DistributedConfig()

    def __post_init__(self) -> None:
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        checks.check(
            self.folding.mode == "ssrlm",
            "folding.mode",
            self.folding.mode,
            "cannot be trained: only 'ssrlm' is; 'rhofold' is for published weights",
        )
        checks.check(
            self.data.batch_size % self.loop.micro_batches == 0,
            "data.batch_size",
            self.data.batch_size,
            f"is not a multiple of loop.micro_batches={self.loop.micro_batches}",
        )
