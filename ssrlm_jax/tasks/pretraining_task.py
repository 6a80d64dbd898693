"""Pre-training: the encoder names the nucleotides that were hidden from it.

Losses and scores are sums and counts over hidden nucleotides, so that whoever
adds up batches divides once.
"""

import dataclasses
import functools
import logging
from collections.abc import Iterable, Mapping

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from ssrlm_jax import config, types
from ssrlm_jax.models import attention, encoders

_log = logging.getLogger(__name__)

NCRNA, OTHER = 0, 1  # values of batch["source"]


def scores(logits_BLV: jax.Array, batch: types.Batch) -> types.Sums:
    """Returns loss and accuracy on the hidden nucleotides of a batch.

    Args:
      logits_BLV: float32, unnormalised.
      batch: `target` (B, L), the hidden letter or 0 where nothing is hidden;
        `partner` (B, L), -1 where there is none or it is unknown; `segment` (B, L);
        `source` (B,).

    Returns:
      (sum, count) of `loss` (nats) and `accuracy` over all hidden nucleotides, of
      `loss_*` and `accuracy_*` over parts of them: `ncrna` and `other` by source;
      `paired` and `unpaired` in records with at least one known pair. A part that
      is absent has count 0.
    """
    target_BL = batch["target"].astype(jnp.int32)
    chex.assert_shape(logits_BLV, (*target_BL.shape, None))
    loss_BL = optax.softmax_cross_entropy_with_integer_labels(
        logits_BLV.astype(jnp.float32), target_BL
    )
    right_BL = (jnp.argmax(logits_BLV, axis=-1) == target_BL).astype(jnp.float32)
    hidden_BL = target_BL > 0
    paired_BL = batch["partner"] >= 0
    folded_BL = _in_folded_record(paired_BL, batch["segment"])
    is_ncrna_B1 = (batch["source"] == NCRNA)[:, None]
    parts = {
        "": hidden_BL,
        "_ncrna": hidden_BL & is_ncrna_B1,
        "_other": hidden_BL & ~is_ncrna_B1,
        "_paired": hidden_BL & paired_BL,
        "_unpaired": hidden_BL & folded_BL & ~paired_BL,
    }
    sums: types.Sums = {}
    for name, part_BL in parts.items():
        count = part_BL.sum(dtype=jnp.float32)
        sums[f"loss{name}"] = jnp.where(part_BL, loss_BL, 0.0).sum(), count
        sums[f"accuracy{name}"] = jnp.where(part_BL, right_BL, 0.0).sum(), count
    return sums


def _in_folded_record(paired_BL: jax.Array, segment_BL: jax.Array) -> jax.Array:
    """Returns where the record has a known pair."""
    L = segment_BL.shape[1]

    def of_row(paired_L: jax.Array, segment_L: jax.Array) -> jax.Array:
        index_L = segment_L.astype(jnp.int32)
        has_pair = jnp.zeros(L + 1, bool).at[index_L].max(paired_L)
        return has_pair[index_L]

    return jax.vmap(of_row)(paired_BL, segment_BL)


def build_encoder(
    sizes: config.EncoderConfig,
    compute: config.ComputeConfig,
    mesh: Mesh,
    max_segments: int,
) -> encoders.Encoder:
    """Returns the model that the settings ask for; logs its attention back end.

    Args:
      sizes: of the encoder.
      compute: how it is computed.
      mesh: the devices.
      max_segments: most records of a row.

    Raises:
      ValueError: the device cannot run the back end that was asked for.
    """
    device = mesh.devices.flat[0]
    choice = attention.choose(compute.attention, device)
    _log.info("attention: %s (%s)", choice.name, choice.reason)
    return encoders.Encoder(
        **dataclasses.asdict(sizes),
        dtype=compute.dtype,
        remat=compute.remat,
        attend=attention.build(choice.name, mesh=mesh, max_segments=max_segments),
        mesh=mesh,
    )


class Pretrain:
    """The pre-training task: `train.loop` runs it, `ssrlm pretrain` makes it."""

    partition_rules = encoders.PARTITION_RULES

    def __init__(
        self,
        encoder: encoders.Encoder,
        validation: Iterable[types.Batch] = (),
        loaded: types.Params | None = None,
    ) -> None:
        """Makes the task.

        Args:
          encoder: the model.
          validation: masked batches of held-out rows, on the devices.
          loaded: parameters to start from; None: random ones.
        """
        self.encoder = encoder
        self.loaded = loaded or {}
        self._validation = list(validation)
        self._scores = jax.jit(self._score)

    def init(
        self, rng: jax.Array, loaded: types.Params
    ) -> tuple[types.Params, types.Params]:
        """Returns the encoder's parameters, fresh or loaded; nothing stays frozen."""
        if loaded:
            return jax.tree.map(jnp.asarray, loaded), {}
        example = jnp.zeros((1, 8), jnp.uint8)
        return self.encoder.init(rng, example, example)["params"], {}

    def loss(
        self,
        learned: types.Params,
        frozen: types.Params,
        batch: types.Batch,
        rng: jax.Array,
    ) -> tuple[types.Sums, types.Scalars]:
        """Returns `scores` of a batch; the masks were drawn with the batch."""
        del frozen, rng
        return self._score(learned, batch), {}

    def evaluate(self, learned: types.Params, frozen: types.Params) -> dict[str, float]:
        """Returns `scores` over all validation rows; parts that are absent left out.

        The validation rows are masked with `sm`, whatever the policy of training.
        """
        del frozen
        sums = [self._scores(learned, batch) for batch in self._validation]
        total = functools.reduce(_add, jax.device_get(sums)) if sums else {}
        return {name: float(s / c) for name, (s, c) in total.items() if c > 0}

    def cost(self, batch: types.Batch) -> types.Cost:
        """Returns tokens and FLOPs of a batch of this process."""
        segment_BL = np.asarray(batch["segment"])
        B, L = segment_BL.shape
        row_B1 = np.arange(B)[:, None] * 256
        length_N = np.bincount((segment_BL + row_B1)[segment_BL > 0])
        squares = float(np.square(length_N, dtype=np.float64).sum())
        tokens = int(length_N.sum())
        flops = functools.partial(encoders.training_flops, self.encoder)
        return types.Cost(
            tokens=tokens,
            flops=flops(num_tokens=B * L, num_pairs=B * L * L),
            exact_flops=flops(num_tokens=tokens, num_pairs=squares),
        )

    def _score(self, learned: types.Params, batch: types.Batch) -> types.Sums:
        logits_BLV = self.encoder.apply(
            {"params": learned}, batch["token"], batch["segment"]
        )
        return scores(logits_BLV, batch)


def _add(first: types.Sums, second: types.Sums) -> types.Sums:
    return jax.tree.map(lambda a, b: a + b, first, second)


def summary(scores: Mapping[str, float]) -> str:
    """Says what the scores of `evaluate` mean, in one line."""
    if not scores:
        return "no held-out rows: nothing was measured"
    parts = [
        f"{name} nucleotides: {scores[f'accuracy_{name}']:.1%} right, "
        f"loss {scores[f'loss_{name}']:.3f}"
        for name in ("paired", "unpaired")
        if f"loss_{name}" in scores
    ]
    sources = [
        f"{name} {scores[f'loss_{name}']:.3f}"
        for name in ("ncrna", "other")
        if f"loss_{name}" in scores
    ]
    total = f"masked loss {scores['loss']:.3f} nats ({', '.join(sources)})"
    return "; ".join([total, *parts])
