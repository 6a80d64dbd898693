"""Base pairs from labels: a head learns them from the encoder's hidden states.

The loss is binary cross-entropy over the strict upper triangle, the mean over the
pairs of each RNA; RNAs count alike, whatever their length.
"""

import functools
import re
from collections.abc import Callable, Iterator, Sequence

import chex
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

from ssrlm_jax import types
from ssrlm_jax.metrics import threshold_choice
from ssrlm_jax.models import applied, encoders, heads
from ssrlm_jax.rna import formats, probabilities

# Yields indices in the validation records and their batch, again at each call.
Validation = Callable[[], Iterator[tuple[Sequence[int], types.Batch]]]

ENCODER, HEAD = "encoder", "pair_head"


def pair_loss(
    logits_BLM: jax.Array, pair_BLM: jax.Array, length_B: jax.Array
) -> types.Sums:
    """Returns the cross-entropy of pairs.

    Args:
      logits_BLM: float32, of pairs; the strict upper triangle is read.
      pair_BLM: bool, the known pairs.
      length_B: nucleotides of each RNA; 0 or 1: it has no pair and does not count.

    Returns:
      (sum, count) of `loss`, nats, mean over an RNA's pairs (i, j), i < j; the count
      is that of RNAs.
    """
    chex.assert_equal_shape([logits_BLM, pair_BLM])
    place_L = jnp.arange(logits_BLM.shape[1])
    is_upper_LM = place_L[:, None] < place_L[None]
    is_in_BM = place_L[None] < length_B[:, None]
    is_counted_BLM = is_upper_LM[None] & is_in_BM[:, None]
    loss_BLM = optax.sigmoid_binary_cross_entropy(
        logits_BLM, pair_BLM.astype(jnp.float32)
    )
    count_B = is_counted_BLM.sum((1, 2), dtype=jnp.float32)
    sum_B = jnp.where(is_counted_BLM, loss_BLM, 0.0).sum((1, 2))
    mean_B = sum_B / jnp.maximum(count_B, 1.0)
    return {"loss": (mean_B.sum(), (count_B > 0).sum(dtype=jnp.float32))}


class Secondary:
    """The task of predicting base pairs: `train.loop` runs it."""

    partition_rules = (*heads.PARTITION_RULES, *encoders.PARTITION_RULES)

    def __init__(
        self,
        encoder: encoders.Encoder,
        head: heads.Head,
        *,
        is_encoder_learned: bool = True,
        loaded: types.Params | None = None,
        validation: Validation | None = None,
        records: Sequence[formats.Record] = (),
    ) -> None:
        """Makes the task.

        Args:
          encoder: of hidden states.
          head: of pairs.
          is_encoder_learned: whether the encoder is trained along.
          loaded: weights to start from: {"encoder": ..., "pair_head": ...}; what is
            absent starts at random.
          validation: batches of `records`; None: nothing is evaluated.
          records: labelled, for validation.

        Raises:
          ValueError: the head reads scores that the encoder does not keep.
        """
        if isinstance(head, heads.ScoreHead) and not encoder.has_pair_bias:
            raise ValueError(
                "head.kind='ernierna' reads scores of attention, which an encoder "
                "without a pair bias does not keep; take another head"
            )
        self.encoder = encoder
        self.head = head
        self.loaded = loaded or {}
        self._is_encoder_learned = is_encoder_learned
        self._validation = validation
        self._records = records
        everywhere = None
        if encoder.mesh is not None:
            everywhere = NamedSharding(encoder.mesh, PartitionSpec())
        self._predict = jax.jit(self._predicted, out_shardings=everywhere)

    def init(
        self, rng: jax.Array, loaded: types.Params
    ) -> tuple[types.Params, types.Params]:
        """Returns learned and frozen parameters; `loaded` ones replace random ones."""
        params = dict(loaded)
        token_BL = jnp.zeros((1, 8), jnp.uint8)
        if ENCODER not in params:
            key = jax.random.fold_in(rng, 0)
            params[ENCODER] = self.encoder.init(key, token_BL, token_BL)["params"]
        if HEAD not in params:
            key = jax.random.fold_in(rng, 1)
            params[HEAD] = heads.fresh(self.head, self.encoder.width, key)
        params = jax.tree.map(jnp.asarray, params)
        learned: dict[str, jax.Array] = {}
        frozen: dict[str, jax.Array] = {}
        for name, leaf in flax.traverse_util.flatten_dict(params, sep="/").items():
            (learned if self._is_learned(name) else frozen)[name] = leaf
        return _nested(learned), _nested(frozen)

    def loss(
        self,
        learned: types.Params,
        frozen: types.Params,
        batch: types.Batch,
        rng: jax.Array,
    ) -> tuple[types.Sums, types.Scalars]:
        """Returns `pair_loss` of a batch of data/secondary_batches.py."""
        logits_BLM = self._logits(learned, frozen, batch, rng)
        return pair_loss(logits_BLM, batch["pair"], batch["length"]), {}

    def evaluate(self, learned: types.Params, frozen: types.Params) -> dict[str, float]:
        """Returns scores on the validation RNAs, at the threshold with the best F1.

        Strict pairs; `precision`, `recall` and `f1` are means over RNAs, decoded by
        the greedy rule; `loss` in nats as in training.
        """
        if self._validation is None:
            return {}
        decoded = []
        total = np.zeros(2)
        for indices, batch in self._validation():
            probability_BLM, sums = self._predict(learned, frozen, batch)
            total += np.array(jax.device_get(sums["loss"]), np.float64)
            matrices_BLM = np.asarray(probability_BLM)
            for row, index in enumerate(indices):
                decoded.append(_decode(self._records[index], matrices_BLM[row]))
        choice = threshold_choice.choose(decoded)
        return {"loss": float(total[0] / total[1])} | choice._asdict()

    def cost(self, batch: types.Batch) -> types.Cost:
        """Returns tokens and FLOPs of a batch of this process."""
        B, L = np.asarray(batch["token"]).shape
        length_B = np.asarray(batch["length"], np.float64) + 2
        of_encoder = functools.partial(encoders.training_flops, self.encoder)
        of_head = heads.training_flops(self.head)
        tokens = int(length_B.sum())
        return types.Cost(
            tokens=tokens,
            flops=of_encoder(num_tokens=B * L, num_pairs=B * L * L)
            + of_head * B * (L - 2) ** 2,
            exact_flops=of_encoder(
                num_tokens=tokens, num_pairs=float(np.square(length_B).sum())
            )
            + of_head * float(np.square(length_B - 2).sum()),
        )

    def _is_learned(self, name: str) -> bool:
        if name.startswith(f"{ENCODER}/"):
            # Letters are not predicted here; their head stays as it is.
            is_for_letters = name.startswith(f"{ENCODER}/head")
            return self._is_encoder_learned and not is_for_letters
        return not re.search(heads.UNLEARNED, name)

    def _logits(
        self,
        learned: types.Params,
        frozen: types.Params,
        batch: types.Batch,
        rng: jax.Array | None = None,
    ) -> jax.Array:
        params = merge(learned, frozen)
        x = heads.read(
            self.encoder, self.head, params[ENCODER], batch["token"], batch["segment"]
        )
        x = heads.nucleotides(self.head, x)
        place_L = jnp.arange(batch["token"].shape[1] - 2)
        is_BL = place_L[None] < batch["length"][:, None]
        rngs = {} if rng is None else {"dropout": rng}
        return applied.apply(
            self.head,
            params[HEAD],
            x,
            is_BL,
            rng is not None,
            batch.get("energy"),
            rngs=rngs,
        )

    def _predicted(
        self, learned: types.Params, frozen: types.Params, batch: types.Batch
    ) -> tuple[jax.Array, types.Sums]:
        logits_BLM = self._logits(learned, frozen, batch)
        return jax.nn.sigmoid(logits_BLM), pair_loss(
            logits_BLM, batch["pair"], batch["length"]
        )


def merge(learned: types.Params, frozen: types.Params) -> types.Params:
    """Returns learned and frozen parameters as one tree."""
    flat = flax.traverse_util.flatten_dict
    return _nested({**flat(learned, sep="/"), **flat(frozen, sep="/")})


def _nested(params: dict[str, jax.Array]) -> types.Params:
    return flax.traverse_util.unflatten_dict(params, sep="/")


def _decode(record: formats.Record, matrix_LM: np.ndarray) -> threshold_choice.Decoded:
    """Returns the greedy pairs of a record without a threshold, and which are true."""
    if record.structure is None:
        raise ValueError(f"{record.name} has no structure to be validated on")
    n = len(record.sequence)
    listed = probabilities.from_matrix(matrix_LM[:n, :n])
    known = threshold_choice.Known(record.sequence, record.structure, listed)
    return threshold_choice.decoded(known)
