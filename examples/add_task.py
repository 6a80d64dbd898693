"""Adds a task to the training loop: has an RNA a junction, read off its embedding?

  python examples/add_task.py WORKDIR

A task is what `train/contract.py` says. A run that is stopped goes on where it was.
"""

import pathlib
import sys

import jax
import numpy as np
import optax
from jax.sharding import PartitionSpec

import ssrlm_jax
from ssrlm_jax import config, types
from ssrlm_jax.prepare.corpus import generated_rna
from ssrlm_jax.rna import elements
from ssrlm_jax.train import loop, optimizers, sharding


class Junction:
    partition_rules = ((".*", PartitionSpec()),)  # the same on every device
    loaded = {}

    def init(self, rng, loaded):
        return {"weight": 0.1 * jax.random.normal(rng, states.shape[1:])}, {}

    def loss(self, learned, frozen, batch, rng):
        logits_B = batch["x"] @ learned["weight"]
        loss_B = optax.sigmoid_binary_cross_entropy(logits_B, 1.0 * batch["label"])
        return {"loss": (loss_B.sum(), jax.numpy.float32(loss_B.size))}, {}

    def evaluate(self, learned, frozen):
        guess_N = states[:HELD_OUT] @ np.asarray(learned["weight"]) > 0
        return {"accuracy": float((guess_N == has_junction[:HELD_OUT]).mean())}

    def cost(self, batch):
        return types.Cost(len(batch["x"]), 6.0 * batch["x"].size, 6.0 * batch["x"].size)


def batches(start):
    for number in range(start, 10**9):  # a batch follows from its place alone
        chosen = np.random.default_rng(number).integers(HELD_OUT, len(states), size=64)
        yield {"x": states[chosen], "label": has_junction[chosen]}


families = config.FamiliesConfig(num_families=12, num_members=8)
HELD_OUT = 4 * families.num_members  # RNAs: whole families
records = list(generated_rna.generate(families, seed=0)["train", "ncrna"])
states = np.stack(ssrlm_jax.load().embed([one.sequence for one in records]))
states = (states - states.mean(axis=0)) / states.std(axis=0)
has_junction = np.array(["m" in elements.of(one.structure) for one in records])
settings = config.LoopConfig(num_steps=200, evaluate_every=100, save_every=100)
rates = config.OptimizerConfig(learning_rate=1e-2, warmup_steps=10)
run = {"mesh": sharding.make_mesh(config.MeshConfig()), "seed": 0, "settings": settings}
run |= {"workdir": pathlib.Path(sys.argv[1]), "meta": {"architecture": {}}}
loop.run(Junction(), batches, optimizers.build(rates, settings.num_steps), **run)
