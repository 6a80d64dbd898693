"""From features of nucleotides and their pairs to frames and torsions; float32.

Source: Jumper et al. 2021, Supplement 1.8 (algorithms 20, 22 and 23), as RhoFold uses
them. Only the update of frames starts at zero: with all outputs at zero, as there, a
chain is learned in twice as many steps. Lengths inside are angstrom / SCALE. Axes
beyond models/layers.py: C pair channels, K torsions, P points of a head.
"""

import functools
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from ssrlm_jax.models import geometry, trunk_layers

SCALE = 10.0  # angstrom
# Softplus of it is 1: points weigh as much as algorithm 22 has it, at first.
POINT_INIT = math.log(math.e - 1)


class Structure(NamedTuple):
    """What the module finds.

    Attributes:
      frames: (B, layers, L), after each layer, angstrom.
      raw_BLK2: torsions of the last layer before they get length 1.
      torsion_BLK2: cosines and sines.
      s_BLD: features of nucleotides after the last layer.
    """

    frames: geometry.Frames
    raw_BLK2: jax.Array
    torsion_BLK2: jax.Array
    s_BLD: jax.Array


class PointAttention(nn.Module):
    """Invariant point attention: the same whatever the frames are turned or moved by.

    Attributes:
      num_heads: H.
      head_size: A.
      num_query_points: of a head.
      num_value_points: likewise.
    """

    num_heads: int
    head_size: int
    num_query_points: int
    num_value_points: int

    @nn.compact
    def __call__(
        self,
        s_BLD: jax.Array,
        z_BLMC: jax.Array,
        frames: geometry.Frames,
        is_BL: jax.Array,
    ) -> jax.Array:
        """Returns what is added to s_BLD."""
        H, A = self.num_heads, self.head_size
        queries, values = self.num_query_points, self.num_value_points
        q_BLHA = nn.DenseGeneral((H, A), name="query")(s_BLD)
        both_BLHA = nn.DenseGeneral((H, 2 * A), name="key_value")(s_BLD)
        k_BMHA, v_BMHA = jnp.split(both_BLHA, 2, axis=-1)
        q_BLHP3 = self._points("query_points", queries, s_BLD, frames)
        both_BLHP3 = self._points("key_value_points", queries + values, s_BLD, frames)
        k_BMHP3, v_BMHP3 = both_BLHP3[:, :, :, :queries], both_BLHP3[:, :, :, queries:]

        weight_H = nn.softplus(
            self.param("point_weight", nn.initializers.constant(POINT_INIT), (H,))
        ) * math.sqrt(1 / (3 * queries * 9 / 2))
        gap_BLMH = jnp.square(q_BLHP3[:, :, None] - k_BMHP3[:, None]).sum((-2, -1))
        score_BHLM = jnp.einsum("blha,bmha->bhlm", q_BLHA, k_BMHA) / math.sqrt(3 * A)
        bias_BLMH = nn.Dense(H, name="bias")(z_BLMC)
        score_BHLM += jnp.moveaxis(
            math.sqrt(1 / 3) * bias_BLMH - 0.5 * weight_H[None, None, None] * gap_BLMH,
            -1,
            1,
        )
        score_BHLM = jnp.where(is_BL[:, None, None], score_BHLM, trunk_layers.LEAST)
        weight_BHLM = jax.nn.softmax(score_BHLM, axis=-1)

        out_BLHA = jnp.einsum("bhlm,bmha->blha", weight_BHLM, v_BMHA)
        seen_BLHP3 = jnp.einsum("bhlm,bmhpx->blhpx", weight_BHLM, v_BMHP3)
        own_BLHP3 = frames.at(-1, -1).inverse(seen_BLHP3)
        far_BLHP = jnp.sqrt(jnp.square(own_BLHP3).sum(-1) + geometry.EPSILON)
        pair_BLHC = jnp.einsum("bhlm,blmc->blhc", weight_BHLM, z_BLMC)
        parts = (
            out_BLHA,
            *(own_BLHP3[..., axis] for axis in range(3)),
            far_BLHP,
            pair_BLHC,
        )
        flat = [part.reshape(*s_BLD.shape[:2], -1) for part in parts]
        return nn.Dense(s_BLD.shape[-1], name="out")(jnp.concatenate(flat, axis=-1))

    def _points(
        self, name: str, number: int, s_BLD: jax.Array, frames: geometry.Frames
    ) -> jax.Array:
        """Returns points of each head in global coordinates, (B, L, H, P, 3)."""
        local_BL3HP = nn.DenseGeneral((3, self.num_heads, number), name=name)(s_BLD)
        return frames.at(-1, -1).apply(jnp.moveaxis(local_BL3HP, 2, -1))


class Torsions(nn.Module):
    """Residual blocks from features to torsions.

    Attributes:
      num_torsions: K.
      width: of the blocks.
      num_blocks: how many.
    """

    num_torsions: int
    width: int
    num_blocks: int

    @nn.compact
    def __call__(
        self, s_BLD: jax.Array, first_BLD: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns raw_BLK2, and the same at length 1: cosines and sines."""
        x_BLF = nn.Dense(self.width, name="first")(nn.relu(first_BLD))
        x_BLF += nn.Dense(self.width, name="now")(nn.relu(s_BLD))
        for block in range(self.num_blocks):
            inner_BLF = nn.Dense(
                self.width, kernel_init=trunk_layers.RELU_INIT, name=f"block_{block}_up"
            )(nn.relu(x_BLF))
            x_BLF += nn.Dense(self.width, name=f"block_{block}_down")(
                nn.relu(inner_BLF)
            )
        raw_BLK2 = nn.DenseGeneral((self.num_torsions, 2), name="out")(nn.relu(x_BLF))
        squared_BLK1 = jnp.square(raw_BLK2).sum(-1, keepdims=True)
        # Not at the square root of 0, where the gradient is not finite.
        return raw_BLK2, raw_BLK2 / jnp.sqrt(jnp.maximum(squared_BLK1, 1e-8))


class Layer(nn.Module):
    """One layer: features are updated from the frames, then the frames from them.

    Attributes:
      attention: arguments of `PointAttention`.
    """

    attention: tuple[int, int, int, int]

    @nn.compact
    def __call__(
        self,
        carry: tuple[jax.Array, jax.Array, jax.Array],
        z_BLMC: jax.Array,
        is_BL: jax.Array,
    ) -> tuple[tuple[jax.Array, jax.Array, jax.Array], geometry.Frames]:
        """Returns features, quaternions and origins, and the frames that they are."""
        s_BLD, q_BL4, origin_BL3 = carry
        q_BL4 = jax.lax.stop_gradient(q_BL4)
        frames = geometry.Frames(geometry.from_quaternion(q_BL4), origin_BL3)
        s_BLD += PointAttention(*self.attention, name="attention")(
            s_BLD, z_BLMC, frames, is_BL
        )
        s_BLD = trunk_layers.norm("float32", "attention_norm")(s_BLD)
        dense = functools.partial(nn.Dense, s_BLD.shape[-1])
        x_BLD = nn.relu(dense(kernel_init=trunk_layers.RELU_INIT, name="first")(s_BLD))
        x_BLD = nn.relu(dense(kernel_init=trunk_layers.RELU_INIT, name="second")(x_BLD))
        s_BLD += dense(name="third")(x_BLD)
        s_BLD = trunk_layers.norm("float32", "norm")(s_BLD)
        update_BL6 = nn.Dense(6, kernel_init=trunk_layers.ZEROS, name="update")(s_BLD)
        turn_BL3, shift_BL3 = jnp.split(update_BL6, 2, axis=-1)
        origin_BL3 += geometry.rotate(frames.turn_33, shift_BL3)
        q_BL4 = geometry.turned(q_BL4, turn_BL3)
        frames = geometry.Frames(geometry.from_quaternion(q_BL4), SCALE * origin_BL3)
        return (s_BLD, q_BL4, origin_BL3), frames


class StructureModule(nn.Module):
    """Layers that share their weights, from frames that are given, or all alike.

    Attributes:
      num_layers: how many.
      attention: arguments of `PointAttention`.
      torsions: arguments of `Torsions`.
    """

    num_layers: int
    attention: tuple[int, int, int, int]
    torsions: tuple[int, int, int]

    @nn.compact
    def __call__(
        self,
        s_BLD: jax.Array,
        z_BLMC: jax.Array,
        is_BL: jax.Array,
        start: tuple[jax.Array, jax.Array] | None = None,
    ) -> Structure:
        """Returns frames, torsions and features.

        Args:
          s_BLD: float32, nucleotides.
          z_BLMC: float32, pairs.
          is_BL: bool, where there is a nucleotide.
          start: quaternions (B, L, 4) and origins (B, L, 3), angstrom; None: all alike.
        """
        first_BLD = trunk_layers.norm("float32", "norm")(s_BLD)
        z_BLMC = trunk_layers.norm("float32", "pair_norm")(z_BLMC)
        s_BLD = nn.Dense(s_BLD.shape[-1], name="in")(first_BLD)
        if start is None:
            q_4 = jnp.array([1.0, 0.0, 0.0, 0.0])
            q_BL4 = jnp.broadcast_to(q_4, (*s_BLD.shape[:2], 4))
            start = q_BL4, jnp.zeros((*s_BLD.shape[:2], 3))
        run = nn.scan(
            Layer,
            variable_broadcast="params",
            split_rngs={"params": False},
            in_axes=nn.broadcast,
            length=self.num_layers,
        )(self.attention, name="layer")
        (s_BLD, _, _), frames = run((s_BLD, start[0], start[1] / SCALE), z_BLMC, is_BL)
        frames = jax.tree.map(lambda x: jnp.moveaxis(x, 0, 1), frames)
        raw_BLK2, torsion_BLK2 = Torsions(*self.torsions, name="torsions")(
            s_BLD, first_BLD
        )
        return Structure(frames, raw_BLK2, torsion_BLK2, s_BLD)
