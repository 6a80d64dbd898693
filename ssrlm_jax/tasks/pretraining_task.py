"""Pre-training: the encoder names the nucleotides that were hidden from it.

Losses and scores are sums and counts over hidden nucleotides, so that whoever
adds up batches divides once.
"""

import dataclasses
import functools
import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from ssrlm_jax import config, types
from ssrlm_jax.models import applied, attention, encoders

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
    loss_BL, right_BL = _each(logits_BLV, batch)
    sums: types.Sums = {}
    for name, part_BL in _parts(batch).items():
        count = part_BL.sum(dtype=jnp.float32)
        sums[f"loss{name}"] = jnp.where(part_BL, loss_BL, 0.0).sum(), count
        sums[f"accuracy{name}"] = jnp.where(part_BL, right_BL, 0.0).sum(), count
    return sums


class Record(NamedTuple):
    """Scores of one record of a row.

    Attributes:
      length: nucleotides.
      sums: as `scores` returns them.
    """

    length: int
    sums: dict[str, tuple[float, float]]


def scores_of_records(
    logits_BLV: jax.Array | np.ndarray, batch: types.Batch
) -> list[Record]:
    """Returns `scores` of each record with hidden nucleotides, in the order of rows.

    Args:
      logits_BLV: as for `scores`.
      batch: the same.
    """
    values = {
        name: np.asarray(value, np.float64)
        for name, value in zip(
            ("loss", "accuracy"), _each(logits_BLV, batch), strict=True
        )
    }
    segment_BL = np.asarray(batch["segment"], np.int64)
    most = int(segment_BL.max(initial=0)) + 1
    place_BL = segment_BL + most * np.arange(len(segment_BL))[:, None]

    def added(of_BL: np.ndarray) -> np.ndarray:
        size = most * len(segment_BL)
        return np.bincount(place_BL.ravel(), np.ravel(of_BL), minlength=size)

    sums_R: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    parts = {name: np.asarray(one) for name, one in _parts(batch).items()}
    for part, is_in_BL in parts.items():
        for name, value_BL in values.items():
            found = added(np.where(is_in_BL, value_BL, 0.0)), added(is_in_BL)
            sums_R[f"{name}{part}"] = found
    length_R = added(segment_BL > 0)
    hidden_R = sums_R["loss"][1]
    return [
        Record(
            int(length_R[r]) - 2,  # <cls> and <eos>
            {name: (float(s[r]), float(n[r])) for name, (s, n) in sums_R.items()},
        )
        for r in np.flatnonzero(hidden_R)
    ]


def _each(
    logits_BLV: jax.Array | np.ndarray, batch: types.Batch
) -> tuple[jax.Array, jax.Array]:
    """Returns loss and correctness of every position."""
    target_BL = batch["target"].astype(jnp.int32)
    chex.assert_shape(logits_BLV, (*target_BL.shape, None))
    loss_BL = optax.softmax_cross_entropy_with_integer_labels(
        jnp.asarray(logits_BLV, jnp.float32), target_BL
    )
    return loss_BL, (jnp.argmax(logits_BLV, axis=-1) == target_BL).astype(jnp.float32)


def _parts(batch: types.Batch) -> dict[str, jax.Array]:
    """Returns where hidden nucleotides are that are scored together."""
    hidden_BL = batch["target"] > 0
    paired_BL = batch["partner"] >= 0
    folded_BL = _in_folded_record(paired_BL, batch["segment"])
    is_ncrna_B1 = (batch["source"] == NCRNA)[:, None]
    return {
        "": hidden_BL,
        "_ncrna": hidden_BL & is_ncrna_B1,
        "_other": hidden_BL & ~is_ncrna_B1,
        "_paired": hidden_BL & paired_BL,
        "_unpaired": hidden_BL & folded_BL & ~paired_BL,
    }


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
    mesh: Mesh | None,
    max_segments: int,
) -> encoders.Encoder:
    """Returns the model that the settings ask for; logs its attention back end.

    Args:
      sizes: of the encoder.
      compute: how it is computed.
      mesh: the devices; None: the first, alone.
      max_segments: most records of a row.

    Raises:
      ValueError: the device cannot run the back end that was asked for.
    """
    device = jax.devices()[0] if mesh is None else mesh.devices.flat[0]
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
        logits_BLV = applied.apply(
            self.encoder, learned, batch["token"], batch["segment"]
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
