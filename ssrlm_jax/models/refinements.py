"""A graph network that moves atoms after the structure module; float32.

Source: RhoFold's RefineNet, after Satorras et al. 2021 (E(n)-equivariant networks).
Atoms see those of their nucleotide, then those of the same slot along the chain, and
so again. Only distances are read and atoms move along the lines between them: rigid
motions are followed, but a mirror image is not told apart. Axes beyond
models/layers.py: N graphs, L and M their atoms; T slots.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

MESSAGE = 32  # width
STEP = 1 / 50  # share of what the network says that an atom moves
EDGES = 2**17  # of graphs that are computed together


class Layer(nn.Module):
    """Messages along all edges of a graph, then new features and places."""

    @nn.compact
    def __call__(
        self, x_NLD: jax.Array, xyz_NL3: jax.Array, is_NL: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns x_NLD and xyz_NL3; atoms that are not there neither move nor act."""
        D = x_NLD.shape[-1]
        inner = 2 * (2 * D + 1)
        gap_NLM3 = xyz_NL3[:, :, None] - xyz_NL3[:, None]
        squared_NLM = jnp.square(gap_NLM3).sum(-1)
        # The first layer of an edge, by its parts: the pair is never concatenated.
        edge_NLMF = (
            nn.Dense(inner, name="edge_from")(x_NLD)[:, :, None]
            + nn.Dense(inner, use_bias=False, name="edge_to")(x_NLD)[:, None]
            + nn.Dense(inner, use_bias=False, name="edge_distance")(
                squared_NLM[..., None]
            )
        )
        message_NLMF = nn.silu(nn.Dense(MESSAGE, name="edge_out")(nn.silu(edge_NLMF)))
        weight_NLMF = nn.silu(nn.Dense(4 * MESSAGE, name="place_in")(message_NLMF))
        weight_NLM = nn.Dense(1, name="place_out")(weight_NLMF)[..., 0]
        step = self.param("step", nn.initializers.zeros_init(), ())
        is_edge_NLM = is_NL[:, :, None] & is_NL[:, None]
        # Where atoms coincide there is no line to move along.
        length_NLM = jnp.sqrt(jnp.where(squared_NLM > 0, squared_NLM, 1.0))
        by_NLM = jnp.where(is_edge_NLM, weight_NLM * STEP * step / length_NLM, 0.0)
        moved_NL3 = xyz_NL3 + (by_NLM[..., None] * gap_NLM3).sum(2)
        sum_NLF = jnp.where(is_edge_NLM[..., None], message_NLMF, 0.0).sum(2)
        node_NLF = nn.Dense(2 * D, name="node_in")(
            jnp.concatenate([x_NLD, sum_NLF], axis=-1)
        )
        return x_NLD + nn.Dense(D, name="node_out")(nn.silu(node_NLF)), moved_NL3


class Graphs(nn.Module):
    """Layers over many graphs, a few graphs at a time.

    Attributes:
      num_layers: how many.
    """

    num_layers: int

    @nn.compact
    def __call__(
        self, x_NLD: jax.Array, xyz_NL3: jax.Array, is_NL: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns x_NLD and xyz_NL3."""
        number, length = is_NL.shape
        size = min(number, max(1, EDGES // length**2))
        parts = -(-number // size)

        def run(
            layers: list[Layer], carry: None, part: tuple[jax.Array, ...]
        ) -> tuple[None, tuple[jax.Array, jax.Array]]:
            x_NLD, xyz_NL3, is_NL = part
            for layer in layers:
                x_NLD, xyz_NL3 = layer(x_NLD, xyz_NL3, is_NL)
            return carry, (x_NLD, xyz_NL3)

        layers = [Layer(name=f"layer_{n}") for n in range(self.num_layers)]
        if parts == 1 or self.is_initializing():
            return run(layers, None, (x_NLD, xyz_NL3, is_NL))[1]
        padding = parts * size - number
        split = [
            jnp.pad(x, ((0, padding),) + ((0, 0),) * (x.ndim - 1)).reshape(
                parts, size, *x.shape[1:]
            )
            for x in (x_NLD, xyz_NL3, is_NL)
        ]
        scanned = nn.scan(
            run, variable_broadcast="params", split_rngs={"params": False}
        )
        _, found = scanned(layers, None, tuple(split))
        x_NLD, xyz_NL3 = (x.reshape(-1, *x.shape[2:])[:number] for x in found)
        return x_NLD, xyz_NL3


class Refinement(nn.Module):
    """Graphs of nucleotides and of slots in turn.

    Attributes:
      width: of an atom's features.
      num_layers: of each of the four turns.
      num_tokens: kinds of nucleotides.
      num_slots: T.
    """

    width: int
    num_layers: int
    num_tokens: int
    num_slots: int

    @nn.compact
    def __call__(
        self, token_BL: jax.Array, xyz_BLT3: jax.Array, is_BLT: jax.Array
    ) -> jax.Array:
        """Returns moved atoms.

        Args:
          token_BL: int, kinds of nucleotides.
          xyz_BLT3: angstrom.
          is_BLT: bool, atoms that are there.
        """
        B, L, T = is_BLT.shape
        kind_BLD = nn.Embed(self.num_tokens, self.width, name="token")(token_BL)
        slot_TD = self.param(
            "slot", nn.initializers.normal(1.0), (self.num_slots, self.width)
        )
        x_BLTD = kind_BLD[:, :, None] + slot_TD[None, None, :T]
        for turn in range(4):
            is_along = turn % 2 == 1
            flat = (
                (jnp.swapaxes(x, 1, 2) if is_along else x).reshape(
                    -1, x.shape[1 if is_along else 2], *x.shape[3:]
                )
                for x in (x_BLTD, xyz_BLT3, is_BLT)
            )
            found = Graphs(self.num_layers, name=f"turn_{turn}")(*flat)
            x_BLTD, xyz_BLT3 = (
                x.reshape(*((B, T, L) if is_along else (B, L, T)), -1) for x in found
            )
            if is_along:
                x_BLTD, xyz_BLT3 = (jnp.swapaxes(x, 1, 2) for x in (x_BLTD, xyz_BLT3))
        return xyz_BLT3
