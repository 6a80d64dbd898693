import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.models import attention, encoders
from ssrlm_jax.tasks import pretraining_task

SIZES = config.EncoderConfig(
    num_layers=2, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
A, C, G, U = 4, 5, 6, 7


def make_task(validation=()):
    model = encoders.Encoder(**dataclasses.asdict(SIZES), attend=attention.plain)
    return pretraining_task.Pretrain(model, validation)


def make_batch(num_rows=2, length=12, seed=0):
    """Rows of two records of five letters; three hidden letters in each row."""
    rng = np.random.default_rng(seed)
    token_BL = rng.integers(A, U + 1, (num_rows, length)).astype(np.uint8)
    target_BL = np.zeros_like(token_BL)
    for row in range(num_rows):
        place_P = rng.choice(length - 2, 3, replace=False)
        target_BL[row, place_P] = token_BL[row, place_P]
        token_BL[row, place_P] = 3
    segment_L = np.repeat([1, 2, 0], [5, 5, length - 10]).astype(np.uint8)
    partner_BL = np.full((num_rows, length), -1, np.int16)
    partner_BL[:, 0], partner_BL[:, 4] = 4, 0
    return {
        "token": token_BL,
        "target": target_BL,
        "segment": np.tile(segment_L, (num_rows, 1)),
        "partner": partner_BL,
        "source": np.arange(num_rows, dtype=np.uint8) % 2,
    }


def test_scores_by_hand():
    """One row of ncRNA: a folded record `(.)`, then one without known pairs."""
    batch = {
        "target": np.array([[A, 0, C, G, 0]], np.uint8),
        "partner": np.array([[2, -1, 0, -1, -1]], np.int16),
        "segment": np.array([[1, 1, 1, 2, 2]], np.uint8),
        "source": np.array([0], np.uint8),
    }
    even = np.zeros(9)
    sure_of_a = np.where(np.arange(9) == A, 20.0, 0.0)
    logits = jnp.asarray([[sure_of_a, even, sure_of_a, even, even]], jnp.float32)
    sums = {
        k: (float(s), int(n))
        for k, (s, n) in pretraining_task.scores(logits, batch).items()
    }

    nine = np.log(9.0)
    assert sums["loss"] == (pytest.approx(20.0 + nine, rel=1e-5), 3)
    assert sums["loss_paired"] == (pytest.approx(20.0, rel=1e-5), 2)
    assert sums["accuracy_paired"] == (1.0, 2)
    assert sums["loss_unpaired"] == (0.0, 0)  # G's record has no known pair
    assert sums["loss_ncrna"] == sums["loss"]
    assert sums["loss_other"] == (0.0, 0)


def test_an_unpaired_letter_counts_where_its_record_has_a_pair():
    batch = {
        "target": np.array([[0, U, 0, 0]], np.uint8),
        "partner": np.array([[2, -1, 0, -1]], np.int16),
        "segment": np.array([[1, 1, 1, 0]], np.uint8),
        "source": np.array([1], np.uint8),
    }
    sums = pretraining_task.scores(jnp.zeros((1, 4, 9)), batch)
    assert float(sums["loss_unpaired"][1]) == 1.0
    assert float(sums["loss_other"][0]) == pytest.approx(np.log(9.0))


def test_sources_are_numbered_as_in_the_corpus():
    assert rows.SOURCES[pretraining_task.NCRNA] == "ncrna"


def test_padding_and_unhidden_letters_do_not_change_the_loss():
    task = make_task()
    learned, frozen = jax.jit(task.init)(jax.random.key(0), {})
    batch = make_batch()
    loss = jax.jit(task.loss)
    before, _ = loss(learned, frozen, batch, jax.random.key(1))
    changed = batch | {"token": batch["token"].copy()}
    changed["token"][:, 10:] = U
    after, _ = loss(learned, frozen, changed, jax.random.key(1))
    assert float(before["loss"][1]) == 6.0
    np.testing.assert_array_equal(before["loss"][0], after["loss"][0])


def test_validation_joins_batches_by_their_counts():
    batches = [make_batch(2, seed=1), make_batch(4, seed=2)]
    joined = {k: np.concatenate([b[k] for b in batches]) for k in batches[0]}
    task = make_task(batches)
    learned, frozen = jax.jit(task.init)(jax.random.key(0), {})
    sums, _ = jax.jit(task.loss)(learned, frozen, joined, jax.random.key(1))
    found = task.evaluate(learned, frozen)
    for name, (total, count) in sums.items():
        if float(count):
            assert found[name] == pytest.approx(float(total / count), rel=1e-5)
        else:
            assert name not in found


def test_without_validation_rows_there_are_no_scores():
    task = make_task()
    assert task.evaluate(*jax.jit(task.init)(jax.random.key(0), {})) == {}


def test_cost_by_hand():
    """Two records of 5 in rows of 12: 10 tokens a row, 2 x 25 pairs that attend."""
    task = make_task()
    matrices = 2 * (4 * 16 * 16 + 3 * 16 * 24) + 9 * 16
    cost = task.cost(make_batch(num_rows=3))
    assert cost.tokens == 30
    assert cost.flops == 6 * matrices * 36 + 12 * 2 * 16 * 36 * 12
    assert cost.exact_flops == 6 * matrices * 30 + 12 * 2 * 16 * 3 * 50


def test_what_was_learned_is_said_for_people():
    scores = {"loss": 1.1, "loss_ncrna": 0.9, "loss_other": 1.3}
    paired = {"accuracy_paired": 0.654, "loss_paired": 0.8}
    assert pretraining_task.summary(scores | paired) == (
        "masked loss 1.100 nats (ncrna 0.900, other 1.300); "
        "paired nucleotides: 65.4% right, loss 0.800"
    )
    assert pretraining_task.summary({}) == "no held-out rows: nothing was measured"
