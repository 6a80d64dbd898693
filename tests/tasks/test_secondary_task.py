import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ssrlm_jax import config
from ssrlm_jax.data import secondary_batches
from ssrlm_jax.models import attention, encoders, heads
from ssrlm_jax.rna import formats, structures
from ssrlm_jax.tasks import secondary_task

SIZES = config.EncoderConfig(
    num_layers=2, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
RECORDS = [
    formats.Record("a", "GGGAAACCC", structures.from_dot_bracket("(((...)))")),
    formats.Record("b", "ACGUACGUAGCUA", structures.from_dot_bracket("..((.....))..")),
    formats.Record("c", "ACGUU", structures.from_dot_bracket(".....")),
]


def _task(kind="rinalmo", **settings):
    import dataclasses

    fields = dataclasses.asdict(SIZES)
    if kind == "ernierna":
        fields |= {"has_pair_bias": True, "num_heads": 8, "num_kv_heads": 8}
    model = encoders.Encoder(**fields, attend=attention.plain)
    sizes = config.HeadConfig(kind=kind, channels=4, projection=8, num_blocks=2)
    return secondary_task.Secondary(model, heads.build(sizes, "float32"), **settings)


def _init(task):
    return jax.jit(task.init)(jax.random.key(0), task.loaded)


def _loss(task, learned, frozen, batch):
    # Without dropout; its masks depend on the shape of the batch.
    logits_BLM = task._logits(learned, frozen, batch)
    total, count = secondary_task.pair_loss(logits_BLM, batch["pair"], batch["length"])[
        "loss"
    ]
    return total, count


def test_the_loss_is_the_mean_over_the_upper_triangle_of_each_rna_by_hand():
    logits_BLM = jnp.array([[0.0, 2.0, -1.0], [9.0, 0.0, 0.5], [9.0, 9.0, 9.0]])[None]
    pair_BLM = jnp.zeros((1, 3, 3), bool).at[0, 0, 1].set(True)
    expected = (np.log1p(np.exp(-2)) + np.log1p(np.exp(-1)) + np.log1p(np.exp(0.5))) / 3
    total, count = secondary_task.pair_loss(logits_BLM, pair_BLM, jnp.array([3]))[
        "loss"
    ]
    assert float(total) == pytest.approx(expected, rel=1e-6)
    assert count == 1
    # Two nucleotides have one pair; one has none and does not count.
    both = jnp.concatenate([logits_BLM, logits_BLM])
    truth = jnp.concatenate([pair_BLM, pair_BLM])
    total, count = secondary_task.pair_loss(both, truth, jnp.array([2, 1]))["loss"]
    assert float(total) == pytest.approx(np.log1p(np.exp(-2)), rel=1e-6)
    assert count == 1


@pytest.mark.parametrize("kind", config.HEADS)
def test_a_padded_batch_is_what_its_rnas_are_one_by_one(kind):
    task = _task(kind)
    learned, frozen = _init(task)
    value = jax.jit(
        jax.value_and_grad(lambda p, batch: _loss(task, p, frozen, batch)[0])
    )
    together = value(learned, secondary_batches.make(RECORDS, 20))
    parts = [
        value(learned, secondary_batches.make([record], len(record.sequence)))
        for record in RECORDS
    ]
    alone = jax.tree.map(lambda *leaves: sum(leaves), *parts)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5),
        together,
        alone,
    )


@pytest.mark.parametrize("kind", config.HEADS)
def test_what_stands_in_padding_does_not_change_the_loss(kind):
    task = _task(kind)
    learned, frozen = _init(task)
    batch = secondary_batches.make(RECORDS, 20)
    before, _ = _loss(task, learned, frozen, batch)
    is_padding = batch["segment"] == 0
    moved = batch | {"token": np.where(is_padding, 7, batch["token"])}
    moved["pair"] = batch["pair"].copy()
    moved["pair"][:, 15:, :] = True
    after, _ = _loss(task, learned, frozen, moved)
    assert float(after) == float(before)


def test_a_frozen_encoder_is_not_learned_and_comes_from_what_was_loaded():
    source = _task()
    loaded = secondary_task.merge(*_init(source))["encoder"]
    task = _task(is_encoder_learned=False, loaded={"encoder": loaded})
    learned, frozen = _init(task)
    assert set(learned) == {"pair_head"}
    jax.tree.map(np.testing.assert_array_equal, frozen["encoder"], loaded)


def test_the_matrix_of_letters_stays_as_it_is():
    learned, frozen = _init(_task())
    assert set(frozen) == {"encoder"}
    assert set(frozen["encoder"]) == {"head"}
    assert "head" not in learned["encoder"]


def test_running_statistics_are_never_learned():
    sizes = config.HeadConfig(kind="rnafm", norm="batch", num_blocks=2, channels=4)
    task = _task()
    task.head = heads.build(sizes, "float32")
    learned, frozen = _init(task)
    for leaf in frozen["pair_head"].values():
        if isinstance(leaf, dict):
            assert set(leaf) == {"norm_mean", "norm_variance"} or set(leaf) <= {
                f"block_{n}" for n in range(2)
            }
    names = {
        jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(learned)
    }
    assert not any("norm_mean" in name or "norm_variance" in name for name in names)


def test_every_parameter_has_a_layout():
    import re

    for kind in config.HEADS:
        learned, frozen = _init(_task(kind))
        params = secondary_task.merge(learned, frozen)
        for path, _ in jax.tree.leaves_with_path(params):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            rules = secondary_task.Secondary.partition_rules
            assert any(re.search(pattern, name) for pattern, _ in rules), name


def test_three_hairpins_are_learned_by_heart():
    buckets = secondary_batches.into_buckets(
        RECORDS[:2], config.LabelledConfig(max_length=16, batch_size=2, ratio=2.0)
    )
    task = _task(validation=buckets.ordered, records=buckets.records)
    learned, frozen = _init(task)
    adam = optax.adam(1e-2)

    @jax.jit
    def step(learned, state):
        def mean(learned):
            total, count = _loss(
                task, learned, frozen, secondary_batches.make(RECORDS[:2], 16)
            )
            return total / count

        updates, state = adam.update(jax.grad(mean)(learned), state)
        return optax.apply_updates(learned, updates), state

    state = adam.init(learned)
    for _ in range(150):
        learned, state = step(learned, state)
    scores = task.evaluate(learned, frozen)
    assert scores["f1"] == 1.0
    assert scores["loss"] < 0.05
    assert 0 < scores["threshold"] < 1


def test_the_cost_counts_encoder_and_head():
    task = _task()
    batch = secondary_batches.make(RECORDS, 20)
    cost = task.cost(batch)
    lengths = np.array([9, 13, 5])
    assert cost.tokens == (lengths + 2).sum()
    of_head = heads.training_flops(task.head)
    # Two blocks of 1x1, 3x3, 1x1 at 4 channels and a 3x3 to one; 6 FLOPs a weight.
    assert of_head == 6 * (2 * 11 * 16 + 9 * 4)
    of_encoder = encoders.training_flops(
        task.encoder, num_tokens=3 * 22, num_pairs=3 * 22 * 22
    )
    assert cost.flops == pytest.approx(of_encoder + of_head * 3 * 400)
    assert cost.exact_flops < cost.flops


def test_scores_are_asked_of_an_encoder_that_keeps_them():
    head = heads.build(config.HeadConfig(kind="ernierna"), "float32")
    model = _task().encoder
    with pytest.raises(ValueError, match="without a pair bias"):
        secondary_task.Secondary(model, head)
