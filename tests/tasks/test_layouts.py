"""The encoder on many devices: layouts and accumulation do not change its curve."""

import dataclasses

import architectures
import jax
import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.tasks import pretraining_task
from ssrlm_jax.train import optimizers, sharding, updates

B, L, NUM_STEPS = 8, 32, 3
SETTINGS = config.PretrainConfig(
    encoder=config.EncoderConfig(
        num_layers=2, width=32, num_heads=8, num_kv_heads=8, ffn_width=64
    ),
    compute=config.ComputeConfig(dtype="float32", remat="minimal"),
    optimizer=config.OptimizerConfig(learning_rate=1e-3, warmup_steps=1),
)


def make_batch(number):
    rng = np.random.default_rng(number)
    token_BL = rng.integers(4, 8, (B, L)).astype(np.uint8)
    is_hidden_BL = rng.random((B, L)) < rng.uniform(0.05, 0.4, (B, 1))
    cut_B1 = rng.integers(5, L - 5, (B, 1))
    place_L = np.arange(L)[None]
    segment_BL = np.where(place_L < cut_B1, 1, np.where(place_L < L - 3, 2, 0))
    is_hidden_BL &= segment_BL > 0
    return {
        "token": np.where(is_hidden_BL, 3, token_BL).astype(np.uint8),
        "target": np.where(is_hidden_BL, token_BL, 0).astype(np.uint8),
        "segment": segment_BL.astype(np.uint8),
        "partner": np.full((B, L), -1, np.int16),
        "source": (np.arange(B) % 2).astype(np.uint8),
    }


def one_device():
    return sharding.make_mesh(config.MeshConfig(), jax.devices()[:1])


def build(mesh, micro_batches=1, attention="plain", loaded=None):
    compute = dataclasses.replace(SETTINGS.compute, attention=attention)
    settings = dataclasses.replace(SETTINGS, compute=compute)
    model = pretraining_task.build_encoder(
        settings.encoder, settings.compute, mesh, max_segments=4
    )
    return updates.build(
        pretraining_task.Pretrain(model, loaded=loaded),
        optimizers.build(settings.optimizer, num_steps=10),
        settings=config.LoopConfig(micro_batches=micro_batches),
        mesh=mesh,
        seed=0,
    )


def curve(compiled, start):
    """Returns the losses of updates from a state that lies anywhere."""
    losses = []
    with jax.set_mesh(compiled.mesh):
        state = jax.tree.map(
            lambda leaf, to: jax.device_put(leaf, to.sharding), start, compiled.abstract
        )
        for number in range(NUM_STEPS):
            batch = sharding.spread(make_batch(number), compiled.mesh)
            notes_N4 = compiled.notes(0.0, 0.0, 0.0, 0.0)
            state, report = compiled.take(state, batch, notes_N4, compiled.key)
            losses.append(float(report.loss))
    return losses


@pytest.fixture(scope="module")
def start():
    return jax.device_get(build(one_device()).fresh())


@pytest.fixture(scope="module")
def expected(start):
    return curve(build(one_device()), start)


@pytest.mark.parametrize(
    ("layout", "micro_batches", "attention"),
    [
        ({"data": 8}, 1, "plain"),
        ({"data": 1, "fsdp": 8}, 1, "plain"),
        ({"data": 1, "tensor": 8}, 2, "plain"),
        ({"data": 2, "fsdp": 2, "tensor": 2}, 2, "blocks"),
        ({"data": 2, "fsdp": 1, "tensor": 4}, 4, "plain"),
    ],
)
def test_layout_and_accumulation_do_not_change_the_curve(
    start, expected, layout, micro_batches, attention
):
    mesh = sharding.make_mesh(config.MeshConfig(**layout))
    compiled = build(mesh, micro_batches, attention)
    np.testing.assert_allclose(curve(compiled, start), expected, rtol=2e-6)


def test_bfloat16_follows_nearly_the_same_curve_on_many_devices(start, monkeypatch):
    compute = dataclasses.replace(SETTINGS.compute, dtype="bfloat16")
    settings = dataclasses.replace(SETTINGS, compute=compute)
    monkeypatch.setattr(f"{__name__}.SETTINGS", settings)
    layout = config.MeshConfig(data=2, fsdp=2, tensor=2)
    found = curve(build(sharding.make_mesh(layout), micro_batches=2), start)
    np.testing.assert_allclose(found, curve(build(one_device()), start), rtol=1e-3)


@pytest.mark.parametrize("family", architectures.PUBLISHED)
def test_published_architectures_train_on_from_loaded_weights(family, monkeypatch):
    sizes = dataclasses.replace(SETTINGS.encoder, **architectures.PUBLISHED[family])
    settings = dataclasses.replace(SETTINGS, encoder=sizes)
    monkeypatch.setattr(f"{__name__}.SETTINGS", settings)
    task = pretraining_task.Pretrain(
        pretraining_task.build_encoder(
            sizes, SETTINGS.compute, one_device(), max_segments=4
        )
    )
    loaded = jax.device_get(task.init(jax.random.key(7), {})[0])
    runs = []
    for layout in ({"data": 1}, {"data": 2, "fsdp": 2, "tensor": 2}):
        devices = jax.devices()[:1] if layout == {"data": 1} else None
        mesh = sharding.make_mesh(config.MeshConfig(**layout), devices)
        compiled = build(mesh, loaded=loaded)
        begun = jax.device_get(compiled.fresh())
        jax.tree.map(np.testing.assert_array_equal, begun.learned, loaded)
        runs.append(curve(compiled, begun))
    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-5)
    assert np.isfinite(runs[0]).all()
