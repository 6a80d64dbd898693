"""What the loop and a task know of each other; nothing here knows what a batch holds.

A task (one of tasks/) says what is learned; the loop says when things happen.
A task does not import this file: it only has to look like `Task`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import jax
import numpy as np
from jax.sharding import PartitionSpec

Params = Any  # a tree of arrays
Batch = Mapping[str, np.ndarray]  # one process's share; the first axis is B
Batches = Callable[[int], Iterator[Batch]]  # from a global batch on, counted from 0
Sums = dict[str, tuple[jax.Array, jax.Array]]  # name: (sum, count)
Scalars = dict[str, jax.Array]


class Cost(Protocol):
    """What one process's batch costs in training."""

    @property
    def tokens(self) -> float:
        """Tokens that are not padding."""

    @property
    def flops(self) -> float:
        """6 N + 12 L D T for each token, forward and backward."""

    @property
    def exact_flops(self) -> float:
        """The same with the true sum of squared record lengths for attention."""


class Task(Protocol):
    """What is learned: its parameters, its loss, its scores."""

    @property
    def partition_rules(self) -> tuple[tuple[str, PartitionSpec], ...]:
        """Path pattern and layout; the first pattern found in a path decides."""

    @property
    def loaded(self) -> Params:
        """Weights that a run starts from, as NumPy arrays; {}: none."""

    def init(self, rng: jax.Array, loaded: Params) -> tuple[Params, Params]:
        """Returns the parameters that are learned and those that stay as they are.

        Gets `self.loaded`, so that weights are arguments of what is compiled. Pure.
        """

    def loss(
        self, learned: Params, frozen: Params, batch: Any, rng: jax.Array
    ) -> tuple[Sums, Scalars]:
        """Returns what is added up over a batch, and scalars to log.

        The mean of "loss", its sum over all devices and micro-batches divided
        by its count over them, is minimised. Pure; gets compiled.
        """

    def evaluate(self, learned: Params, frozen: Params) -> dict[str, float]:
        """Returns validation scores; every process calls it at the same step."""

    def cost(self, batch: Batch) -> Cost:
        """Returns what a batch of this process costs."""
