"""The trunk: blocks in which a sequence and its pairs of positions inform each other.

Axes and sources are in models/trunk_layers.py. What is added up from block to block is
float32. What is not there (`is_BL`) is never read.
"""

import functools

import flax.linen as nn
import jax

from ssrlm_jax.models import network_sizes, trunk_layers


class Block(nn.Module):
    """One block; its fields are those of `Trunk`."""

    num_heads: int
    head_size: int
    num_pair_heads: int
    pair_head_size: int
    outer_width: int
    triangle_width: int
    transition_factor: int
    has_columns: bool
    has_row_norm: bool
    single_dropout: float
    pair_dropout: float
    is_training: bool
    dtype: str
    chunk: int

    @nn.compact
    def __call__(
        self, carry: tuple[jax.Array, jax.Array], is_BL: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        """Returns (m_BSLD, z_BLMC), further along."""
        m_BSLD, z_BLMC = carry
        is_BLM = is_BL[:, :, None] & is_BL[:, None, :]
        dtype, heads = self.dtype, (self.num_heads, self.head_size)
        rows = trunk_layers.RowAttention(*heads, self.has_row_norm, dtype, name="rows")
        m_BSLD = m_BSLD + self._kept(rows(m_BSLD, z_BLMC, is_BL), ())
        if self.has_columns:
            m_BSLD = m_BSLD + trunk_layers.ColumnAttention(
                *heads, dtype, name="columns"
            )(m_BSLD)
        transition = functools.partial(
            trunk_layers.Transition, self.transition_factor, dtype
        )
        m_BSLD = m_BSLD + transition(name="transition")(m_BSLD)
        outer = trunk_layers.OuterProduct(
            self.outer_width, z_BLMC.shape[-1], dtype, name="outer"
        )
        z_BLMC = z_BLMC + outer(m_BSLD, is_BL)
        for name, is_outgoing in (("outgoing", True), ("incoming", False)):
            triangle = trunk_layers.TriangleProduct(
                self.triangle_width, is_outgoing, dtype, name=name
            )
            z_BLMC = z_BLMC + self._kept(triangle(z_BLMC, is_BLM), (1,))
        for name, is_starting in (("starting", True), ("ending", False)):
            attend = trunk_layers.TriangleAttention(
                self.num_pair_heads,
                self.pair_head_size,
                is_starting,
                dtype,
                self.chunk,
                name=name,
            )
            shared = (1,) if is_starting else (2,)
            z_BLMC = z_BLMC + self._kept(attend(z_BLMC, is_BLM), shared)
        z_BLMC = z_BLMC + transition(name="pair_transition")(z_BLMC)
        return (m_BSLD, z_BLMC), None

    def _kept(self, x: jax.Array, shared: tuple[int, ...]) -> jax.Array:
        """Drops out: single numbers, or for pairs whole rows or columns."""
        rate = self.pair_dropout if shared else self.single_dropout
        return nn.Dropout(rate, broadcast_dims=shared)(
            x, deterministic=not self.is_training
        )


class Trunk(nn.Module):
    """Blocks, compiled once and run one after the other.

    Attributes:
      num_blocks: how many.
      num_heads: of attention along sequences.
      head_size: of it.
      num_pair_heads: of attention around triangles.
      pair_head_size: of it.
      outer_width: see trunk_layers.py.
      triangle_width: likewise.
      transition_factor: likewise.
      has_columns: whether sequences of an alignment attend to each other.
      has_row_norm: likewise.
      single_dropout: rate, in training.
      pair_dropout: rate of whole rows or columns of pairs, in training.
      is_training: whether to drop out, and to keep only what lies between blocks for
        the backward pass.
      dtype: of the products.
      chunk: likewise.
    """

    num_blocks: int
    num_heads: int
    head_size: int
    num_pair_heads: int
    pair_head_size: int
    outer_width: int
    triangle_width: int
    transition_factor: int
    has_columns: bool = False
    has_row_norm: bool = True
    single_dropout: float = 0.0
    pair_dropout: float = 0.0
    is_training: bool = False
    dtype: str = "float32"
    chunk: int = 0

    @nn.compact
    def __call__(
        self, m_BSLD: jax.Array, z_BLMC: jax.Array, is_BL: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns both after all blocks.

        Args:
          m_BSLD: float32, sequences.
          z_BLMC: float32, pairs.
          is_BL: bool, where there is a nucleotide.
        """
        own = ("num_blocks", "parent", "name")
        fields = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in own
        }
        block = nn.remat(Block, prevent_cse=False) if self.is_training else Block
        blocks = nn.scan(
            block,
            variable_axes={"params": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=nn.broadcast,
            length=self.num_blocks,
        )(**fields, name="blocks")
        (m_BSLD, z_BLMC), _ = blocks((m_BSLD, z_BLMC), is_BL)
        return m_BSLD, z_BLMC


def flops(settings: network_sizes.Trunk, length: int) -> float:
    """Counts operations of the products of one pass forward, of one sequence.

    Args:
      settings: a config.FoldingConfig.
      length: nucleotides.
    """
    s, L, L2 = settings, float(length), float(length) ** 2
    D, C, X, Y = s.single_width, s.pair_width, s.triangle_width, s.outer_width
    inner, pair_inner = s.num_heads * s.head_size, s.num_pair_heads * s.pair_head_size
    rows = L * 5 * D * inner + 2 * L2 * inner + L2 * C * s.num_heads
    transitions = 2 * s.transition_factor * (L * D * D + L2 * C * C)
    outer = 2 * L * D * Y + L * Y * Y * C + L2 * Y * C
    products = L2 * (5 * C * X + C * C) + L2 * L * X
    attention = 5 * L2 * C * pair_inner + L2 * C * s.num_pair_heads
    attention += 2 * L2 * L * pair_inner
    each = rows + transitions + outer + 2 * products + 2 * attention
    return 2.0 * s.num_blocks * each
