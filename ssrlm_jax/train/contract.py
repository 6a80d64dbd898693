"""What the loop and a task know of each other; nothing here knows what a batch holds.

A task (one of tasks/) says what is learned; the loop says when things happen.
A task does not import this file: it only has to look like `Task`.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import jax
from jax.sharding import PartitionSpec

from ssrlm_jax import types

# One process's share, from a global batch on, counted from 0.
Batches = Callable[[int], Iterator[types.Batch]]


class Task(Protocol):
    """What is learned: its parameters, its loss, its scores."""

    @property
    def partition_rules(self) -> tuple[tuple[str, PartitionSpec], ...]:
        """Path pattern and layout; the first pattern found in a path decides."""

    @property
    def loaded(self) -> types.Params:
        """Weights that a run starts from, as NumPy arrays; {}: none."""

    def init(
        self, rng: jax.Array, loaded: types.Params
    ) -> tuple[types.Params, types.Params]:
        """Returns the parameters that are learned and those that stay as they are.

        Gets `self.loaded`, so that weights are arguments of what is compiled. Pure.
        """

    def loss(
        self,
        learned: types.Params,
        frozen: types.Params,
        batch: types.Batch,
        rng: jax.Array,
    ) -> tuple[types.Sums, types.Scalars]:
        """Returns what is added up over a batch, and scalars to log.

        The mean of "loss", its sum over all devices and micro-batches divided
        by its count over them, is minimised. Pure; gets compiled.
        """

    def evaluate(self, learned: types.Params, frozen: types.Params) -> dict[str, float]:
        """Returns validation scores; every process calls it at the same step."""

    def cost(self, batch: types.Batch) -> types.Cost:
        """Returns what a batch of this process costs."""
