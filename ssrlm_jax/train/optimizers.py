"""AdamW and its learning rate.

The rate is kept apart from the direction, so that it depends on the number of
the step alone, also after steps that were skipped, and is logged from where it
is used.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping

import chex
import jax
import jax.numpy as jnp
import optax

from ssrlm_jax import config, types
from ssrlm_jax.train import sharding


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """An update is `-learning_rate(step) * direction`.

    Attributes:
      direction: gradient to direction, with everything but the rate.
      learning_rate: number of the step, from 0, to rate. Pure; gets compiled.
    """

    direction: optax.GradientTransformation
    learning_rate: Callable[[chex.Numeric], jax.Array]


def build(
    settings: config.OptimizerConfig,
    num_steps: int,
    undecayed: str = "norm|bias$",
    rates: Mapping[str, float] | None = None,
) -> Optimizer:
    """Returns AdamW with gradient clipping, warm-up and decay.

    Args:
      settings: its settings.
      num_steps: steps of the whole run; where "cosine" ends.
      undecayed: pattern of the paths of parameters without weight decay. Vectors
        never decay; the scales of norms and the biases of stacked layers are
        matrices, so paths must tell. A module that computes a bias has matrices
        that decay, "pair_bias/first/kernel".
      rates: pattern of a path to the share of the learning rate that parameters
        there get; the first pattern found decides, 1 where none is.
    """
    shares = rates or {}

    def scale(updates: types.Params, params: types.Params = None) -> types.Params:
        del params
        return jax.tree.map_with_path(
            lambda path, leaf: leaf * _share(sharding.path_name(path), shares), updates
        )

    def is_decayed(learned: types.Params) -> types.Params:
        return jax.tree.map_with_path(
            lambda path, leaf: (
                leaf.ndim > 1 and not re.search(undecayed, sharding.path_name(path))
            ),
            learned,
        )

    direction = optax.chain(
        # Clipped first: moments must not see a gradient that is far off. Decay
        # after Adam, so that the second moment does not divide it (AdamW).
        optax.clip_by_global_norm(settings.clip_norm),
        optax.scale_by_adam(b1=settings.beta1, b2=settings.beta2, eps=settings.epsilon),
        optax.add_decayed_weights(settings.weight_decay, mask=is_decayed),
        optax.stateless(scale),
    )
    return Optimizer(direction, _learning_rate(settings, num_steps))


def _share(name: str, shares: Mapping[str, float]) -> float:
    found = (share for pattern, share in shares.items() if re.search(pattern, name))
    return next(found, 1.0)


def _learning_rate(
    settings: config.OptimizerConfig, num_steps: int
) -> Callable[[chex.Numeric], jax.Array]:
    """Returns the rate: linear from 0 to its peak, then as `settings.schedule` says."""
    final_share = settings.final_share if settings.schedule == "cosine" else 1.0

    def rate(step: chex.Numeric) -> jax.Array:
        # Step 0 has a rate, too: with one of 0 the first batch would be wasted.
        rise = (step + 1) / (settings.warmup_steps + 1)
        past = (step - settings.warmup_steps) / (num_steps - settings.warmup_steps)
        bow = 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.clip(past, 0.0, 1.0)))
        fall = final_share + (1.0 - final_share) * bow
        return settings.learning_rate * jnp.minimum(jnp.minimum(rise, 1.0), fall)

    return rate
