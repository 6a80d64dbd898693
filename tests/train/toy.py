"""A task small enough to train in a test, with a parameter for every kind of layout.

Two stacked layers of a normed residual MLP learn a noisy function of x; the last
layer's offset stays frozen. Used by the tests of train/ and by the processes
that they start.
"""

import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from ssrlm_jax import config, types
from ssrlm_jax.train import optimizers, workdirs

WIDTH, INNER, LAYERS = 8, 16, 2


class Mlp:
    """Counts as "loss" the squared error where `is_counted`."""

    def __init__(self, inner: int = INNER) -> None:
        self.inner = inner

    partition_rules = (
        (r"up", P(None, "fsdp", "tensor")),
        (r"down", P(None, "tensor", "fsdp")),
        (r"norm|offset", P()),
    )

    loaded: Any = {}

    def init(self, rng: jax.Array, loaded: Any) -> tuple[Any, Any]:
        del loaded
        # Sines of the key: drawing normal numbers would take seconds to compile.
        start = jax.random.key_data(rng).astype(jnp.float32).sum() % 1000.0 + 1.0
        up, down = jnp.sin(
            start + jnp.arange(2 * LAYERS * WIDTH * self.inner) ** 2
        ).reshape(2, LAYERS, WIDTH, self.inner)
        learned = {
            "up": up / WIDTH**0.5,
            "down": down.swapaxes(1, 2) / self.inner**0.5,
            "norm": jnp.ones((LAYERS, WIDTH)),
        }
        return learned, {"offset": jnp.full((WIDTH,), 0.1)}

    def loss(self, learned: Any, frozen: Any, batch: Any, rng: jax.Array) -> Any:
        x_BD = batch["x"]
        for layer in range(LAYERS):
            normed_BD = learned["norm"][layer][None] * jnp.tanh(x_BD)
            inner_BF = jax.nn.silu(normed_BD @ learned["up"][layer])
            x_BD = x_BD + inner_BF @ learned["down"][layer]
        error_B = jnp.square(x_BD + frozen["offset"][None] - batch["y"]).mean(1)
        counted_B = batch["is_counted"].astype(jnp.float32)
        sums = {
            "loss": ((error_B * counted_B).sum(), counted_B.sum()),
            "rows": (counted_B.sum(), jnp.ones(())),
        }
        return sums, {"noise": jax.random.key_data(rng).astype(jnp.float32)[0]}

    def evaluate(self, learned: Any, frozen: Any) -> dict[str, float]:
        return {"norm": float(jnp.abs(learned["norm"]).mean())}

    def cost(self, batch: Any) -> types.Cost:
        tokens = float(batch["is_counted"].sum())
        return types.Cost(tokens, 100.0 * tokens, 90.0 * tokens)


def batches(
    start: int, *, rows: int = 16, index: int = 0, num_shares: int = 1
) -> Iterator[dict[str, np.ndarray]]:
    """Yields one share of the global batches from `start` on."""
    share = slice(index * rows // num_shares, (index + 1) * rows // num_shares)
    number = start
    while True:
        rng = np.random.default_rng((7, number))
        x_BD = rng.normal(size=(rows, WIDTH)).astype(np.float32)
        batch = {
            "x": x_BD,
            "y": np.roll(x_BD, 1, axis=1) * 0.5,
            "is_counted": rng.random(rows) < 0.7,
        }
        yield {name: array[share] for name, array in batch.items()}
        number += 1


TIMES = {"seconds", "tokens_per_second", "input_wait", "mfu", "mfu_exact"}
META = {"architecture": {"toy": {"width": WIDTH, "inner": INNER}}}


def optimizer() -> optimizers.Optimizer:
    return optimizers.build(
        config.OptimizerConfig(learning_rate=1e-2, warmup_steps=3), num_steps=30
    )


def curve(path: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the metrics of a run that do not depend on time."""
    return [
        {name: value for name, value in line.items() if name not in TIMES}
        for line in workdirs.read_metrics(path)
    ]
