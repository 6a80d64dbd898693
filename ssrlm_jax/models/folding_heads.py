"""What is read off the features of nucleotides and pairs; float32.

Source: RhoFold (Shen et al. 2024). Axes: models/folding_network.py.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from ssrlm_jax.models import trunk_layers

NUM_DISTANCES = 3  # maps: of P, C4' and the glycosidic N


class DistanceHead(nn.Module):
    """Three maps of distances from pairs.

    Attributes:
      num_bins: N.
      is_symmetric: RhoFold's are not.
    """

    num_bins: int
    is_symmetric: bool

    @nn.compact
    def __call__(self, z_BLMC: jax.Array) -> jax.Array:
        """Returns logits, (B, 3, L, M, N)."""
        C = z_BLMC.shape[-1]
        z_BLMC = nn.Dense(C, name="in")(trunk_layers.norm("float32", "norm")(z_BLMC))
        if self.is_symmetric:
            z_BLMC = 0.5 * (z_BLMC + jnp.swapaxes(z_BLMC, 1, 2))
        maps = [
            _two_layers(z_BLMC, 4 * C, self.num_bins, f"distance_{n}")
            for n in range(NUM_DISTANCES)
        ]
        return jnp.stack(maps, axis=1)


class PairHead(nn.Module):
    """Base pairs from pairs."""

    @nn.compact
    def __call__(self, z_BLMC: jax.Array) -> jax.Array:
        """Returns symmetric logits, (B, L, M)."""
        C = z_BLMC.shape[-1]
        z_BLMC = nn.Dense(C, name="in")(trunk_layers.norm("float32", "norm")(z_BLMC))
        z_BLMC = 0.5 * (z_BLMC + jnp.swapaxes(z_BLMC, 1, 2))
        return _two_layers(z_BLMC, 4 * C, 1, "pair")[..., 0]


class ConfidenceHead(nn.Module):
    """Bins of lDDT from the features of nucleotides.

    Attributes:
      num_bins: N, of equal width over 0..1.
    """

    num_bins: int

    @nn.compact
    def __call__(self, s_BLD: jax.Array) -> jax.Array:
        """Returns logits, (B, L, N)."""
        width = s_BLD.shape[-1]
        s_BLD = trunk_layers.norm("float32", "norm")(s_BLD)
        s_BLD = nn.relu(nn.Dense(width, name="first")(s_BLD))
        s_BLD = nn.relu(nn.Dense(width, name="second")(s_BLD))
        return nn.Dense(self.num_bins, name="out")(s_BLD)


def _two_layers(x_C: jax.Array, inner: int, width: int, name: str) -> jax.Array:
    x_F = nn.relu(nn.Dense(inner, name=f"{name}_up")(x_C))
    return nn.Dense(width, name=f"{name}_down")(x_F)
