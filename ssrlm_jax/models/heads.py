"""From an encoder to base pairs: published heads.

RiNALMo's and RNA-FM's read hidden states, ERNIE-RNA's reads scores of attention.
Features of a pair are never built as a map of 2 D channels: a linear function of two
concatenated vectors is the sum of a linear function of each. Axis letters are in
models/layers.py; C are channels of a map, S sources of energies: programs that give
probabilities of pairs.
"""

import functools

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from ssrlm_jax import types
from ssrlm_jax.models import applied, encoders, network_sizes, pair_resnet

# A head has few parameters: every device holds all of them.
PARTITION_RULES: tuple[tuple[str, P], ...] = ((r"pair_head/", P()),)
UNLEARNED = r"norm_(mean|variance)"  # parameters that are loaded, never learned

# Of an energy: the logit of pairs that are less probable, the least that is listed.
LEAST_LOGIT = -9.21034  # log(1e-4)


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
      normalise: replaces the norm over a map, for parts of one.
      num_energies: S, sources of energies. Each adds two channels before the first
        block, probability and logit, and its logit to the output, by a learned share.
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
    num_energies: int = 0

    def setup(self) -> None:
        if self.kind == "rinalmo":
            self.network: nn.Module = pair_resnet.Bottlenecks(
                self.num_blocks, self.normalise, self.is_rematerialised
            )
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
        if self.num_energies:
            self.energy = nn.Dense(
                self.channels, use_bias=False, kernel_init=_INPUT_INIT
            )
            share = nn.initializers.constant(1.0 / self.num_energies)
            self.energy_share = self.param("energy_share", share, (self.num_energies,))

    def __call__(
        self,
        x_BLD: jax.Array,
        is_BL: jax.Array,
        is_training: bool = False,
        energy_BLMS: jax.Array | None = None,
    ) -> jax.Array:
        """Returns symmetric float32 logits_BLM of pairs; the diagonal means nothing.

        Args:
          x_BLD: hidden states of nucleotides, <cls> and <eos> left out.
          is_BL: where there is a nucleotide; other positions change nothing, and
            their logits mean nothing.
          is_training: whether values are dropped; asks for an rng named "dropout".
          energy_BLMS: probabilities, 0..1, symmetric; None: the head reads none.
        """
        chex.assert_equal_shape_prefix([x_BLD, is_BL], 2)
        first_BLC, second_BLC = self.project(x_BLD)
        logits_BLM = self.logits(
            first_BLC, second_BLC, is_BL, is_BL, is_training, energy_BLMS
        )
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
        energy_BLMS: jax.Array | None = None,
    ) -> jax.Array:
        """Returns float32 logits_BLM of rows L and columns M, not symmetric.

        Args:
          first_BLC: of `project`, for the rows.
          second_BMC: of `project`, for the columns.
          is_BL: where rows are nucleotides.
          is_BM: where columns are.
          is_training: as above.
          energy_BLMS: as above.
        """
        is_BLM = is_BL[:, :, None] & is_BM[:, None]
        z_BLMC = self.start(first_BLC, second_BMC, energy_BLMS)
        logits_BLM = self.network(z_BLMC, is_BLM, is_training)
        return self._with_energies(logits_BLM, energy_BLMS)

    def start(
        self,
        first_BLC: jax.Array,
        second_BMC: jax.Array,
        energy_BLMS: jax.Array | None = None,
    ) -> jax.Array:
        """Returns z_BLMC, which the first block reads; arguments as `logits`."""
        z_BLMC = first_BLC[:, :, None] + second_BMC[:, None]
        if not self.num_energies:
            return z_BLMC
        chex.assert_shape(energy_BLMS, (*z_BLMC.shape[:3], self.num_energies))
        energy_BLMS = jnp.asarray(energy_BLMS, jnp.float32)
        # 0 where a pair is not listed, as beyond the edge; 2 where it is certain.
        height_BLMS = 1.0 - energy_logits(energy_BLMS) / LEAST_LOGIT
        evidence_BLMX = jnp.concatenate([energy_BLMS, height_BLMS], axis=-1)
        return z_BLMC + self.energy(evidence_BLMX).astype(z_BLMC.dtype)

    def end(
        self,
        z_BLMC: jax.Array,
        is_BLM: jax.Array,
        energy_BLMS: jax.Array | None = None,
    ) -> jax.Array:
        """Returns logits_BLM as `logits`, from what the last block of "rnafm" gives."""
        return self._with_energies(self.network.logits(z_BLMC, is_BLM), energy_BLMS)

    def _with_energies(
        self, logits_BLM: jax.Array, energy_BLMS: jax.Array | None
    ) -> jax.Array:
        if not self.num_energies:
            return logits_BLM
        energy_BLMS = jnp.asarray(energy_BLMS, jnp.float32)
        return logits_BLM + energy_logits(energy_BLMS) @ self.energy_share


def energy_logits(probability: jax.Array) -> jax.Array:
    """Returns logits of probabilities of pairs, within `LEAST_LOGIT` and its opposite.

    The ends are exact: float32 has no logit of 1.
    """
    least = 1.0 / (1.0 + np.exp(-LEAST_LOGIT))
    clipped = jnp.clip(probability, least, 1.0 - least)
    return jnp.clip(jnp.log(clipped) - jnp.log1p(-clipped), LEAST_LOGIT, -LEAST_LOGIT)


class ScoreHead(nn.Module):
    """Scores of attention in, a logit for each pair of nucleotides out: ERNIE-RNA's.

    Two 7x7 convolutions make a map of C channels from the scores of one head, which
    are the last channel; then come the blocks of `pair_resnet.Dilated`.

    Source: Yin et al. 2025, ERNIE-RNA, Nat. Commun. 16, and its code.

    Attributes:
      num_blocks: of the residual network.
      channels: C, of a map.
      dropout: share of channels' values dropped in training.
      norm: "instance" or "batch"; see `pair_resnet.Dilated`.
      dtype: of maps; norms and logits are float32.
      is_rematerialised: whether the backward pass computes blocks again.
      attention_head: whose scores are read, from 0.
      inner_channels: of the first convolution.
    """

    num_blocks: int
    channels: int
    dropout: float
    norm: str
    dtype: str = "float32"
    is_rematerialised: bool = False
    attention_head: int = 5
    inner_channels: int = 8

    @nn.compact
    def __call__(
        self,
        score_BHLM: jax.Array,
        is_BL: jax.Array,
        is_training: bool = False,
        energy_BLMS: None = None,
    ) -> jax.Array:
        """Returns symmetric float32 logits_BLM of pairs; the diagonal means nothing.

        Args:
          score_BHLM: of the encoder's last layer, before the softmax, <cls> and <eos>
            left out.
          is_BL: where there is a nucleotide; other positions change nothing, and
            their logits mean nothing.
          is_training: whether values are dropped; asks for an rng named "dropout".
          energy_BLMS: None; this head reads none.

        Raises:
          ValueError: there are not so many heads.
        """
        del energy_BLMS
        if score_BHLM.shape[1] <= self.attention_head:
            raise ValueError(
                f"scores of {score_BHLM.shape[1]} attention heads found, that of "
                f"number {self.attention_head + 1} is read"
            )
        is_BLM = is_BL[:, :, None] & is_BL[:, None]
        score_BLM1 = score_BHLM[:, self.attention_head, :, :, None].astype(self.dtype)
        z_BLMC = score_BLM1
        for number, features in enumerate((self.inner_channels, self.channels - 1)):
            if number:
                z_BLMC = nn.Dropout(self.dropout, deterministic=not is_training)(z_BLMC)
                z_BLMC = nn.relu(z_BLMC)
            z_BLMC = nn.Conv(
                features, (7, 7), dtype=self.dtype, name=f"start_{number}"
            )(jnp.where(is_BLM[..., None], z_BLMC, 0))
        network = pair_resnet.Dilated(
            self.num_blocks,
            self.dropout,
            self.norm,
            is_rematerialised=self.is_rematerialised,
            name="network",
        )
        z_BLMC = jnp.concatenate([z_BLMC, score_BLM1], axis=-1)
        logits_BLM = network(z_BLMC, is_BLM, is_training)
        return logits_BLM + logits_BLM.swapaxes(1, 2)


Head = PairHead | ScoreHead


def build(
    settings: network_sizes.Head, dtype: str, is_rematerialised: bool = False
) -> Head:
    """Returns the head that a config.HeadConfig asks for."""
    if settings.kind == "ernierna":
        return ScoreHead(
            settings.num_blocks,
            settings.channels,
            settings.dropout,
            settings.norm,
            dtype,
            is_rematerialised,
        )
    return PairHead(
        settings.kind,
        settings.num_blocks,
        settings.channels,
        settings.projection,
        settings.dropout,
        settings.norm,
        dtype,
        is_rematerialised,
        num_energies=len(settings.energies),
    )


def fresh(head: Head, width: int, rng: jax.Array) -> types.Params:
    """Returns random parameters of a head.

    Args:
      head: of pairs.
      width: D of the encoder.
      rng: a key.
    """
    is_BL = jnp.ones((1, 8), bool)
    if isinstance(head, ScoreHead):
        x = jnp.zeros((1, head.attention_head + 1, 8, 8))
        return head.init(rng, x, is_BL)["params"]
    energy_BLMS = None
    if head.num_energies:
        energy_BLMS = jnp.zeros((1, 8, 8, head.num_energies))
    x_BLD = jnp.zeros((1, 8, width))
    return head.init(rng, x_BLD, is_BL, energy_BLMS=energy_BLMS)["params"]


@functools.partial(jax.jit, static_argnames=("encoder", "head"))
def read(
    encoder: encoders.Encoder,
    head: Head,
    params: types.Params,
    token_BL: jax.Array | np.ndarray,
    segment_BL: jax.Array | np.ndarray,
) -> jax.Array:
    """Returns what a head reads of an encoder, x_BLD or score_BHLM of all tokens.

    Args:
      encoder: of the model.
      head: of pairs.
      params: of the encoder.
      token_BL: int, as the encoder takes them.
      segment_BL: likewise.
    """
    method = "scores" if isinstance(head, ScoreHead) else "hidden"
    return applied.apply(encoder, params, token_BL, segment_BL, method=method)


def nucleotides(head: Head, x: jax.Array) -> jax.Array:
    """Returns what a head reads of rows of one record, without <cls> and <eos>."""
    return x[:, :, 1:-1, 1:-1] if isinstance(head, ScoreHead) else x[:, 1:-1]


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


def training_flops(head: Head) -> float:
    """Returns floating point operations per pair of positions, forward and backward."""
    C = head.channels
    if isinstance(head, ScoreHead):
        start = 49 * head.inner_channels * (1 + C - 1)
        return 6.0 * (start + head.num_blocks * 18 * C * C + 9 * C)
    matrices = {"rinalmo": 1 + 9 + 1, "rnafm": 9 + 9}[head.kind] * C * C
    return 6.0 * (head.num_blocks * matrices + 9 * C)
