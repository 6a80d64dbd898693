"""How a sequence, or an alignment, and its embedding enter the trunk.

Axes beyond models/layers.py: S sequences of an alignment, C pair channels, E width of
the language model's embedding.
"""

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from ssrlm_jax.models import geometry, trunk_layers

NUM_KINDS = 5  # A C G U, and others
NUM_RHOFOLD_TOKENS = 17
FIRST_POSITION = 2  # rows of RhoFold's table before it are not used
EMBEDDED = nn.initializers.normal(1.0)


class Inputs(NamedTuple):
    """What is known of RNA before it is folded.

    Attributes:
      embedding_BLE: float32, of nucleotides; None where RhoFold goes without.
      kind_BL: int, 0..3 for A C G U, 4 for others.
      index_BL: int, numbers along the chain; a gap in them is one in the chain.
      is_BL: bool, where there is a nucleotide.
      token_BSL: int, RhoFold's letters of an alignment, the RNA itself first; None
        where the RNA is alone.
    """

    embedding_BLE: jax.Array | None
    kind_BL: jax.Array
    index_BL: jax.Array
    is_BL: jax.Array
    token_BSL: jax.Array | None = None


class OfSequence(nn.Module):
    """One sequence: pairs see letters, offsets and the embeddings of both positions.

    Attributes:
      width: of positions.
      pair_width: C.
      max_offset: larger ones look alike.
    """

    width: int
    pair_width: int
    max_offset: int

    @nn.compact
    def __call__(self, inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        """Returns m_BSLD of one row and z_BLMC, float32."""
        C = self.pair_width
        letter_BLD = nn.Embed(
            NUM_KINDS, self.width, embedding_init=EMBEDDED, name="letter"
        )(inputs.kind_BL)
        known_BLE = trunk_layers.norm("float32", "norm")(inputs.embedding_BLE)
        m_BLD = nn.Dense(self.width, name="joined")(
            jnp.concatenate([known_BLE, letter_BLD], axis=-1)
        )
        first_BLC, second_BMC = (
            nn.Embed(NUM_KINDS, C, embedding_init=EMBEDDED, name=name)(inputs.kind_BL)
            for name in ("first_letter", "second_letter")
        )
        gap_BLM = inputs.index_BL[:, None] - inputs.index_BL[:, :, None]
        gap_BLM = jnp.clip(gap_BLM, -self.max_offset, self.max_offset)
        offset_BLMC = nn.Embed(
            2 * self.max_offset + 1, C, embedding_init=EMBEDDED, name="offset"
        )(gap_BLM + self.max_offset)
        z_BLMC = first_BLC[:, :, None] + second_BMC[:, None] + offset_BLMC
        one_BLC, other_BMC = (
            nn.Dense(C // 2, name=name)(m_BLD)[:, :, None] for name in ("one", "other")
        )
        other_BMC = jnp.swapaxes(other_BMC, 1, 2)
        seen_BLMC = jnp.concatenate([one_BLC * other_BMC, one_BLC - other_BMC], axis=-1)
        z_BLMC += nn.Dense(C, kernel_init=trunk_layers.ZEROS, name="pair")(seen_BLMC)
        return m_BLD[:, None], z_BLMC


class OfAlignment(nn.Module):
    """RhoFold's: learned positions for rows, letters and fixed waves for pairs.

    Attributes:
      width: of positions.
      pair_width: C.
      max_length: nucleotides that there are positions for.
    """

    width: int
    pair_width: int
    max_length: int

    @nn.compact
    def __call__(self, inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        """Returns m_BSLD and z_BLMC, float32."""
        token_BSL = inputs.token_BSL
        if token_BSL is None:
            raise ValueError("mode 'rhofold' reads tokens of an alignment")
        S, L = token_BSL.shape[1:]
        if self.max_length < L:
            raise ValueError(
                f"{L} nucleotides found, the model knows {self.max_length} positions"
            )
        m_BSLD = nn.Embed(NUM_RHOFOLD_TOKENS, self.width, name="token")(token_BSL)
        place_ND = self.param(
            "position", EMBEDDED, (self.max_length + FIRST_POSITION, self.width)
        )
        m_BSLD += place_ND[None, None, FIRST_POSITION : L + FIRST_POSITION]
        if inputs.embedding_BLE is not None:
            known_BSLE = jnp.repeat(inputs.embedding_BLE[:, None], S, axis=1)
            m_BSLD = nn.Dense(self.width, name="joined")(
                jnp.concatenate([known_BSLE, m_BSLD], axis=-1)
            )
        letter_BLC = nn.Embed(
            NUM_RHOFOLD_TOKENS, self.pair_width // 2, name="pair_token"
        )(token_BSL[:, 0])
        both = jnp.broadcast_arrays(letter_BLC[:, :, None], letter_BLC[:, None])
        z_BLMC = nn.Dense(self.pair_width, name="pair")(jnp.concatenate(both, axis=-1))
        wave_LC = waves(L, self.pair_width // 2)
        along = jnp.broadcast_arrays(wave_LC[:, None], wave_LC[None])
        return m_BSLD, z_BLMC + jnp.concatenate(along, axis=-1)[None]


class Recycling(nn.Module):
    """What a cycle hands to the next: features, and distances of C1' as bins.

    Attributes:
      num_bins: between MIN and MAX; nearer pairs are in none.
    """

    num_bins: int = 40

    MIN, MAX = 2.0, 40.0  # angstrom

    @nn.compact
    def __call__(
        self, m_BLD: jax.Array, z_BLMC: jax.Array, xyz_BL3: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns what is added to the first row and to the pairs."""
        edge_111N = (jnp.linspace(self.MIN, self.MAX, self.num_bins) ** 2)[
            None, None, None
        ]
        squared_BLM1 = geometry.squared_distances(xyz_BL3, xyz_BL3)[..., None]
        end_111N = jnp.roll(edge_111N, -1).at[..., -1].set(jnp.inf)
        is_in_BLMN = (squared_BLM1 > edge_111N) & (squared_BLM1 < end_111N)
        z_BLMC = trunk_layers.norm("float32", "pair_norm")(z_BLMC)
        z_BLMC += nn.Dense(z_BLMC.shape[-1], name="distance")(
            is_in_BLMN.astype(jnp.float32)
        )
        return trunk_layers.norm("float32", "norm")(m_BLD), z_BLMC


def waves(length: int, width: int) -> jax.Array:
    """Returns sines, then cosines of positions from 0, float32 (length, width)."""
    rate_C = jnp.exp(jnp.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle_LC = jnp.arange(length)[:, None] * rate_C[None]
    return jnp.concatenate([jnp.sin(angle_LC), jnp.cos(angle_LC)], axis=-1)
