"""Settings of tertiary structure: the network, its training, its use."""

import dataclasses

from ssrlm_jax.config import checks

MODES = ("ssrlm", "rhofold")
GEOMETRIES = ("base9", "rhofold_v5")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoldingConfig:
    """The network from embeddings to atoms; models/folding.py.

    The sizes are RhoFold's. Mode "ssrlm" reads one sequence: no attention along
    columns of an alignment, relative positions, and pairs that see the embedding at
    once. Mode "rhofold" is the published graph, for its weights.
    """

    mode: str = "ssrlm"
    geometry: str = "base9"  # rna/atoms.py
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
        names = [field.name for field in dataclasses.fields(self)]
        sizes = [n for n in names if isinstance(getattr(self, n), int)]
        sizes.remove("refinement_width")
        checks.positive("folding", self, *sizes)
        for name in ("single_dropout", "pair_dropout"):
            checks.check(
                0.0 <= getattr(self, name) < 1.0,
                f"folding.{name}",
                getattr(self, name),
                "does not lie in 0..1",
            )
        for name in ("refinement_width", "tolerance"):
            value = getattr(self, name)
            checks.check(value >= 0, f"folding.{name}", value, "is < 0")
        checks.check(
            self.pair_width % 4 == 0,
            "folding.pair_width",
            self.pair_width,
            "is not a multiple of 4",
        )
