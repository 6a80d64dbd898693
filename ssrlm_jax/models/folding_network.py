"""From embeddings to atoms with confidence: inputs, trunk, structure module, heads.

Source: RhoFold (Shen et al. 2024), after Jumper et al. 2021; SSR-LM's section on
tertiary structure. The two modes are those of config.FoldingConfig. Axes beyond
models/layers.py: S sequences of an alignment, C pair channels, T slots of atoms, K
torsions, N bins. Angstrom.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from ssrlm_jax import types
from ssrlm_jax.models import (
    applied,
    folding_heads,
    folding_inputs,
    geometry,
    network_sizes,
    refinements,
    strand,
    structure_module,
    trunk,
)
from ssrlm_jax.models.folding_inputs import Inputs

RHOFOLD_UNUSED = 2  # torsions of RhoFold that no atom turns with
TRUNK_FIELDS = (
    *("num_blocks", "num_heads", "head_size", "num_pair_heads", "pair_head_size"),
    *("outer_width", "triangle_width", "transition_factor"),
    *("single_dropout", "pair_dropout"),
)


class State(NamedTuple):
    """What a cycle hands to the next.

    Attributes:
      m_BLD: float32, the first row.
      z_BLMC: float32.
      anchor_BL3: C1', angstrom.
      weight: 0.0 before the first cycle, 1.0 after it.
    """

    m_BLD: jax.Array
    z_BLMC: jax.Array
    anchor_BL3: jax.Array
    weight: jax.Array


class Folded(NamedTuple):
    """What the network says of RNA; float32.

    Attributes:
      xyz_BLT3: atoms, angstrom; slots that a nucleotide lacks hold no meaning.
      structure: frames after each layer, torsions.
      distance_B3LMN: logits of bins of three distances.
      pair_BLM: logits of base pairs, symmetric.
      confidence_BLN: logits of bins of lDDT.
    """

    xyz_BLT3: jax.Array
    structure: structure_module.Structure
    distance_B3LMN: jax.Array
    pair_BLM: jax.Array
    confidence_BLN: jax.Array

    def plddt(self) -> jax.Array:
        """Returns the expected lDDT of nucleotides, 0..1, (B, L)."""
        num_bins = self.confidence_BLN.shape[-1]
        centre_N = (jnp.arange(num_bins) + 0.5) / num_bins
        return jax.nn.softmax(self.confidence_BLN) @ centre_N


class Folder(nn.Module):
    """One cycle of the network; `fold` runs several.

    Attributes:
      is_alignment: mode "rhofold".
      is_strand: whether nucleotides start as a strand (models/strand.py), or all alike.
      max_offset: see folding_inputs.py.
      max_length: likewise.
      single_width: D.
      pair_width: C.
      structure_width: of the structure module's features.
      trunk: fields of `Trunk`.
      num_structure_layers: see structure_module.py, with the two that follow.
      attention: of points.
      torsions: K, width and number of blocks.
      num_distance_bins: of the distance head.
      num_confidence_bins: of the confidence head.
      refinement: width and layers; width 0: none.
      dtype: of the trunk's products.
      is_training: whether the trunk drops out and saves memory.
      chunk: see trunk_layers.py.
    """

    is_alignment: bool
    is_strand: bool
    max_offset: int
    max_length: int
    single_width: int
    pair_width: int
    structure_width: int
    trunk: tuple[tuple[str, int | float], ...]
    num_structure_layers: int
    attention: tuple[int, int, int, int]
    torsions: tuple[int, int, int]
    num_distance_bins: int
    num_confidence_bins: int
    refinement: tuple[int, int]
    dtype: str = "float32"
    is_training: bool = False
    chunk: int = 0

    @nn.compact
    def __call__(
        self, inputs: Inputs, state: State, groups: geometry.Groups
    ) -> tuple[Folded, State]:
        """Returns what this cycle finds and what the next one reads."""
        is_BL = inputs.is_BL
        m_BSLD, z_BLMC = self._enter(inputs)
        more_BLD, more_BLMC = folding_inputs.Recycling(name="recycling")(*state[:3])
        m_BSLD = m_BSLD.at[:, 0].add(state.weight * more_BLD)
        z_BLMC = z_BLMC + state.weight * more_BLMC
        m_BSLD, z_BLMC = trunk.Trunk(
            **dict[str, Any](self.trunk),
            has_columns=self.is_alignment,
            has_row_norm=not self.is_alignment,
            is_training=self.is_training,
            dtype=self.dtype,
            chunk=self.chunk,
            name="trunk",
        )(m_BSLD, z_BLMC, is_BL)
        s_BLD = nn.Dense(self.structure_width, name="single")(m_BSLD[:, 0])
        structure = structure_module.StructureModule(
            self.num_structure_layers,
            self.attention,
            self.torsions,
            name="structure",
        )(s_BLD, z_BLMC, is_BL, self._start(inputs))
        last = jax.tree.map(lambda x: x[:, -1], structure.frames)
        kind_BL = jnp.minimum(inputs.kind_BL, 3)
        torsion_BLK2 = structure.torsion_BLK2[..., -len(groups.parent_K) :, :]
        xyz_BLT3 = geometry.atoms_of(last, torsion_BLK2, kind_BL, groups)
        state = State(m_BSLD[:, 0], z_BLMC, xyz_BLT3[:, :, groups.anchor], jnp.ones(()))
        xyz_BLT3 = self._refined(inputs, xyz_BLT3, kind_BL, groups)
        folded = Folded(
            xyz_BLT3,
            structure,
            folding_heads.DistanceHead(
                self.num_distance_bins, not self.is_alignment, name="distances"
            )(z_BLMC),
            folding_heads.PairHead(name="pairs")(z_BLMC),
            folding_heads.ConfidenceHead(self.num_confidence_bins, name="confidence")(
                structure.s_BLD
            ),
        )
        return folded, jax.lax.stop_gradient(state)

    def _start(self, inputs: Inputs) -> tuple[jax.Array, jax.Array] | None:
        return strand.frames(inputs.index_BL) if self.is_strand else None

    def _enter(self, inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        if self.is_alignment:
            of: nn.Module = folding_inputs.OfAlignment(
                self.single_width, self.pair_width, self.max_length, name="inputs"
            )
        else:
            of = folding_inputs.OfSequence(
                self.single_width, self.pair_width, self.max_offset, name="inputs"
            )
        return of(inputs)

    def _refined(
        self,
        inputs: Inputs,
        xyz_BLT3: jax.Array,
        kind_BL: jax.Array,
        groups: geometry.Groups,
    ) -> jax.Array:
        width, num_layers = self.refinement
        if not width:
            return xyz_BLT3
        move = refinements.Refinement(
            width,
            num_layers,
            folding_inputs.NUM_RHOFOLD_TOKENS,
            groups.is_atom_VT.shape[-1],
            name="refinement",
        )
        is_BLT = inputs.is_BL[..., None] & groups.is_atom_VT[kind_BL]
        if inputs.token_BSL is None:
            return move(inputs.kind_BL, xyz_BLT3, is_BLT)
        # RhoFold's own order of slots; empty ones lie at the origin and act.
        order_BLT = groups.order_VT[kind_BL]
        back_BLT = jnp.argsort(order_BLT, axis=-1)
        xyz_BLT3 = jnp.where(is_BLT[..., None], xyz_BLT3, 0.0)
        is_BLT = jnp.broadcast_to(inputs.is_BL[..., None], is_BLT.shape)
        xyz_BLT3 = move(
            inputs.token_BSL[:, 0], geometry.pick(xyz_BLT3, order_BLT), is_BLT
        )
        return geometry.pick(xyz_BLT3, back_BLT)


class Result(NamedTuple):
    """What `fold` returns.

    Attributes:
      folded: of the last cycle.
      num_cycles_B: int, that each RNA took.
      change_B: angstrom, by which C1' distances changed in the last one.
    """

    folded: Folded
    num_cycles_B: jax.Array
    change_B: jax.Array


_Carry = tuple[jax.Array, State, Result]  # of `fold`: the cycle's number first


def build(
    settings: network_sizes.Folder, tables: Mapping[str, object], **options: Any
) -> tuple[Folder, geometry.Groups]:
    """Makes the network of a config.FoldingConfig, and the tables it builds atoms by.

    Args:
      settings: sizes and mode.
      tables: of its geometry, by name (rna/atoms.py).
      **options: dtype, is_training, chunk.
    """
    groups = geometry.groups(tables)
    is_alignment = settings.mode == "rhofold"
    num_torsions = len(groups.parent_K) + (RHOFOLD_UNUSED if is_alignment else 0)
    s = settings
    folder = Folder(
        is_alignment=is_alignment,
        is_strand=s.start == "strand",
        max_offset=s.max_offset,
        max_length=s.max_length,
        single_width=s.single_width,
        pair_width=s.pair_width,
        structure_width=s.structure_width,
        trunk=tuple((name, getattr(s, name)) for name in TRUNK_FIELDS),
        num_structure_layers=s.num_structure_layers,
        attention=(
            s.num_point_heads,
            s.point_head_size,
            s.num_query_points,
            s.num_value_points,
        ),
        torsions=(num_torsions, s.torsion_width, s.num_torsion_blocks),
        num_distance_bins=s.num_distance_bins,
        num_confidence_bins=s.num_confidence_bins,
        refinement=(s.refinement_width, s.refinement_layers),
        **options,
    )
    return folder, groups


def fresh(folder: Folder, inputs: Inputs) -> State:
    """Returns the state before the first cycle."""
    B, L = inputs.is_BL.shape
    return State(
        jnp.zeros((B, L, folder.single_width)),
        jnp.zeros((B, L, L, folder.pair_width)),
        jnp.zeros((B, L, 3)),
        jnp.zeros(()),
    )


def init(
    folder: Folder, embedding_width: int, groups: geometry.Groups, rng: jax.Array
) -> types.Params:
    """Returns new parameters."""
    L = 4
    token_BSL = jnp.zeros((1, 1, L), jnp.int32) if folder.is_alignment else None
    kind_BL = jnp.zeros((1, L), jnp.int32)
    inputs = Inputs(
        jnp.zeros((1, L, embedding_width)),
        kind_BL,
        kind_BL,
        jnp.ones((1, L), bool),
        token_BSL,
    )
    keys = {"params": rng, "dropout": rng}
    init = jax.jit(folder.init)  # by itself, each operation is compiled alone
    return init(keys, inputs, fresh(folder, inputs), groups)["params"]


def before_last(
    folder: Folder,
    params: types.Params,
    inputs: Inputs,
    groups: geometry.Groups,
    num_cycles: jax.Array,
) -> State:
    """Returns the state after all cycles but the last; passes no gradient on.

    Args:
      folder: the network.
      params: its own.
      inputs: of RNA.
      groups: of a geometry.
      num_cycles: int, 1 or more; may be traced.
    """
    params, inputs = jax.lax.stop_gradient((params, inputs))
    steady = folder.clone(is_training=False)

    def cycle(_: jax.Array, state: State) -> State:
        return applied.apply(steady, params, inputs, state, groups)[1]

    return jax.lax.fori_loop(0, num_cycles - 1, cycle, fresh(folder, inputs))


def fold(
    folder: Folder,
    params: types.Params,
    inputs: Inputs,
    groups: geometry.Groups,
    num_cycles: int,
    tolerance: float,
) -> Result:
    """Folds RNA in cycles, until the distances of C1' settle.

    What one RNA of a batch does is independent of the others.

    Args:
      folder: the network.
      params: its own.
      inputs: of RNA.
      groups: of a geometry.
      num_cycles: at most.
      tolerance: angstrom; an RNA is settled when the root mean square change of its
        distances between two cycles is smaller. 0: all cycles are run.
    """
    is_BLM = inputs.is_BL[:, :, None] & inputs.is_BL[:, None]

    def step(state: State) -> tuple[Folded, State]:
        return applied.apply(folder, params, inputs, state, groups)

    def is_going(carry: _Carry) -> jax.Array:
        cycle, _, result = carry
        return (cycle < num_cycles) & ~(result.change_B < tolerance).all()

    def advance(carry: _Carry) -> _Carry:
        cycle, state, result = carry
        folded, new = step(state)
        change_B = _change(state.anchor_BL3, new.anchor_BL3, is_BLM)
        is_settled_B = result.change_B < tolerance
        found = Result(folded, jnp.full_like(result.num_cycles_B, cycle + 1), change_B)
        result, state = jax.tree.map(
            lambda old, now: _kept(is_settled_B, old, now),
            (result, state),
            (found, new),
        )
        return cycle + 1, state, result

    folded, state = step(fresh(folder, inputs))
    B = len(inputs.is_BL)
    first = Result(folded, jnp.ones(B, jnp.int32), jnp.full(B, jnp.inf))
    start = jnp.ones((), jnp.int32), state, first
    return jax.lax.while_loop(is_going, advance, start)[-1]


def _kept(is_settled_B: jax.Array, old: jax.Array, new: jax.Array) -> jax.Array:
    """Returns the old values of settled RNA."""
    if not new.ndim:
        return new
    return jnp.where(jnp.expand_dims(is_settled_B, range(1, new.ndim)), old, new)


def _change(old_BL3: jax.Array, new_BL3: jax.Array, is_BLM: jax.Array) -> jax.Array:
    """Returns the root mean square change of distances, (B,)."""
    new_BLM, old_BLM = (geometry.distances(x, x) for x in (new_BL3, old_BL3))
    count_B = jnp.maximum(is_BLM.sum((1, 2)), 1)
    return jnp.sqrt(
        jnp.where(is_BLM, jnp.square(new_BLM - old_BLM), 0.0).sum((1, 2)) / count_B
    )
