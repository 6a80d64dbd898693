"""From hidden states to base pairs: the two published heads.

Features of a pair are never built as a map of 2 D channels: a linear function of two
concatenated vectors is the sum of a linear function of each. Axis letters are in
models/layers.py; C are channels of a map.
"""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from ssrlm_jax.models import pair_resnet

# A head has few parameters: every device holds all of them.
PARTITION_RULES: tuple[tuple[str, P], ...] = ((r"pair_head/", P()),)
UNLEARNED = r"norm_(mean|variance)"  # parameters that are loaded, never learned

_INPUT_INIT = nn.initializers.lecun_normal()
# Two of these are added up.
_HALF_INIT = nn.initializers.variance_scaling(0.5, "fan_in", "truncated_normal")


class PairHead(nn.Module):
    """Hidden states in, a logit for each pair of nucleotides out.

    Attributes:
      kind: "rinalmo" (two bottleneck blocks, instance norm) or "rnafm" (32 dilated
        blocks; hidden states are projected first).
      num_blocks: of the residual network.
      channels: C, of a map.
      projection: width that hidden states are projected to first; "rnafm" only.
      dropout: share of channels' values dropped in training; "rnafm" only.
      norm: "instance" or "batch"; see `pair_resnet.Dilated`.
      dtype: of maps; norms and logits are float32.
      is_rematerialised: whether the backward pass computes blocks again.
      normalise: replaces the norm over a map, for tiles.
    """

    kind: str
    num_blocks: int
    channels: int
    projection: int
    dropout: float
    norm: str
    dtype: str = "float32"
    is_rematerialised: bool = False
    normalise: pair_resnet.Normalise = pair_resnet.instance_norm

    def setup(self) -> None:
        if self.kind == "rinalmo":
            self.network = pair_resnet.Bottlenecks(self.num_blocks, self.normalise)
        else:
            self.projected = nn.Dense(self.projection, kernel_init=_INPUT_INIT)
            self.network = pair_resnet.Dilated(
                self.num_blocks,
                self.dropout,
                self.norm,
                self.normalise,
                self.is_rematerialised,
            )
        self.first = nn.Dense(self.channels, kernel_init=_HALF_INIT)
        self.second = nn.Dense(self.channels, use_bias=False, kernel_init=_HALF_INIT)

    def __call__(
        self, x_BLD: jax.Array, is_BL: jax.Array, is_training: bool = False
    ) -> jax.Array:
        """Returns symmetric float32 logits_BLM of pairs; the diagonal means nothing.

        Args:
          x_BLD: hidden states of nucleotides, <cls> and <eos> left out.
          is_BL: where there is a nucleotide; other positions change nothing, and
            their logits mean nothing.
          is_training: whether values are dropped; asks for an rng named "dropout".
        """
        chex.assert_equal_shape_prefix([x_BLD, is_BL], 2)
        first_BLC, second_BLC = self.project(x_BLD)
        logits_BLM = self.logits(first_BLC, second_BLC, is_BL, is_BL, is_training)
        upper_BLM = jnp.triu(logits_BLM, 1)
        return upper_BLM + upper_BLM.swapaxes(1, 2)

    def project(self, x_BLD: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns what a position brings to a pair as i and as j; each (B, L, C)."""
        x_BLD = x_BLD.astype(jnp.float32)
        if self.kind == "rnafm":
            x_BLD = self.projected(x_BLD)
        first_BLC, second_BLC = self.first(x_BLD), self.second(x_BLD)
        return first_BLC.astype(self.dtype), second_BLC.astype(self.dtype)

    def logits(
        self,
        first_BLC: jax.Array,
        second_BMC: jax.Array,
        is_BL: jax.Array,
        is_BM: jax.Array,
        is_training: bool = False,
    ) -> jax.Array:
        """Returns float32 logits_BLM of rows L and columns M, not symmetric.

        Args:
          first_BLC: of `project`, for the rows.
          second_BMC: of `project`, for the columns.
          is_BL: where rows are nucleotides.
          is_BM: where columns are.
          is_training: as above.
        """
        z_BLMC = first_BLC[:, :, None] + second_BMC[:, None]
        return self.network(z_BLMC, is_BL[:, :, None] & is_BM[:, None], is_training)


def reach(head: PairHead) -> int:
    """Returns how many positions away an input still changes an output."""
    per_block = [1] * head.num_blocks
    if head.kind == "rnafm":
        per_block = [1 + pair_resnet.dilation(n) for n in range(head.num_blocks)]
    return sum(per_block) + 1


def num_norms(head: PairHead) -> int:
    """Counts the norms that read the whole map."""
    if head.kind == "rinalmo":
        return 3 * head.num_blocks
    return head.num_blocks if head.norm == "instance" else 0


def training_flops(head: PairHead) -> float:
    """Returns floating point operations per pair of positions, forward and backward."""
    C = head.channels
    matrices = {"rinalmo": 1 + 9 + 1, "rnafm": 9 + 9}[head.kind] * C * C
    return 6.0 * (head.num_blocks * matrices + 9 * C)
