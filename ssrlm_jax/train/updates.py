"""One update of the parameters: what is compiled, and how it lies on the devices.

Losses are sums and counts. The gradient of the sum is added up over devices and
micro-batches and divided once, by the global count, so that neither can change
a result, but for what a task draws: each micro-batch has a key of its own.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import stages
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ssrlm_jax import config, types
from ssrlm_jax.train import contract, optimizers, sharding

MICRO_ROWS = PartitionSpec(None, *sharding.ROWS)
EVERY_DEVICE = PartitionSpec(sharding.AXES)
NOTES = ("is_stopping", "tokens", "flops", "exact_flops")  # columns of notes_N4


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainState:
    """All that changes from step to step on the device.

    Attributes:
      step: batches taken, which is updates made or skipped.
      learned: parameters.
      frozen: parameters that stay as they are.
      opt_state: of the optimizer.
      ema: running average of `learned`; None when the settings ask for none.
      num_skipped: updates in a row, up to now, that were not finite.
    """

    step: jax.Array
    learned: types.Params
    frozen: types.Params
    opt_state: optax.OptState
    ema: types.Params | None
    num_skipped: jax.Array

    @property
    def best(self) -> types.Params:
        """The parameters to evaluate and to keep: the average where there is one."""
        return self.learned if self.ema is None else self.ema


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """What an update tells the host; the same on every process.

    Attributes:
      sums: what the task adds up, over the whole batch; 0 when skipped.
      loss: its mean over the batch.
      gradient_norm: before clipping.
      learning_rate: of this update.
      num_skipped: updates in a row, this one included, that were not finite.
      notes_4: `NOTES` added up over processes.
    """

    sums: types.Sums
    loss: jax.Array
    gradient_norm: jax.Array
    learning_rate: jax.Array
    num_skipped: jax.Array
    notes_4: jax.Array


@dataclasses.dataclass(frozen=True)
class Update:
    """The compiled functions of one task on one mesh.

    Attributes:
      fresh: makes the state that a run starts from.
      take: (state, batch, notes_N4, key) to (state, report); gives up `state`.
      abstract: shapes, types and layout of the state.
      key: random key of the run; the key of a step is folded from it.
      mesh: the devices.
    """

    fresh: Callable[[], TrainState]
    take: stages.Wrapped
    abstract: TrainState
    key: jax.Array
    mesh: Mesh

    def notes(self, *values: float) -> jax.Array:
        """Returns `NOTES` of this process, in a form that `take` adds up."""
        is_mine = [
            d.process_index == jax.process_index() for d in self.mesh.devices.flat
        ]
        notes_N4 = np.zeros((sum(is_mine), len(NOTES)), np.float32)
        # One row for each device, as the sum is one over devices; the others hold 0.
        notes_N4[0] = values
        layout = NamedSharding(self.mesh, EVERY_DEVICE)
        return jax.make_array_from_process_local_data(layout, notes_N4)


def build(
    task: contract.Task,
    optimizer: optimizers.Optimizer,
    *,
    settings: config.LoopConfig,
    mesh: Mesh,
    seed: int,
) -> Update:
    """Lays the state out on the mesh; compiles nothing yet.

    Raises:
      ValueError: a parameter has no partition rule, or its rule does not fit.
    """
    everywhere = NamedSharding(mesh, PartitionSpec())
    key = jax.jit(lambda: jax.random.key(seed), out_shardings=everywhere)()
    fresh = functools.partial(_fresh, task, optimizer.direction, settings.ema_decay > 0)
    # Weights are an argument: closed over, they would be constants of the program,
    # compiled into it and held twice.
    shapes = jax.eval_shape(fresh, key, task.loaded)
    layout = _lay_out(shapes, task, optimizer.direction, mesh)
    take = jax.jit(
        functools.partial(_take, task, optimizer, settings, mesh),
        in_shardings=(
            layout,
            NamedSharding(mesh, sharding.ROWS),
            NamedSharding(mesh, EVERY_DEVICE),
            everywhere,
        ),
        out_shardings=(layout, everywhere),
        donate_argnums=0,  # the new state takes the memory of the old one
    )
    return Update(
        fresh=lambda: jax.jit(fresh, out_shardings=layout)(key, task.loaded),
        take=take,
        abstract=jax.tree.map(
            lambda a, to: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=to),
            shapes,
            layout,
        ),
        key=key,
        mesh=mesh,
    )


def _fresh(
    task: contract.Task,
    direction: optax.GradientTransformation,
    is_averaged: bool,
    key: jax.Array,
    loaded: types.Params,
) -> TrainState:
    learned, frozen = task.init(key, loaded)
    zero = jnp.zeros((), jnp.int32)
    return TrainState(
        step=zero,
        learned=learned,
        frozen=frozen,
        opt_state=direction.init(learned),
        # One array here, two once it is compiled: an update gives both up.
        ema=learned if is_averaged else None,
        num_skipped=zero,
    )


def _lay_out(
    shapes: TrainState,
    task: contract.Task,
    direction: optax.GradientTransformation,
    mesh: Mesh,
) -> TrainState:
    """Returns the sharding of every array; moments lie as their parameters do."""
    everywhere = NamedSharding(mesh, PartitionSpec())
    learned = sharding.lay_out(shapes.learned, task.partition_rules, mesh)
    return dataclasses.replace(
        jax.tree.map(lambda _: everywhere, shapes),
        learned=learned,
        frozen=sharding.lay_out(shapes.frozen, task.partition_rules, mesh),
        opt_state=optax.tree_map_params(
            direction,
            lambda _, layout: layout,
            shapes.opt_state,
            learned,
            transform_non_params=lambda _: everywhere,
        ),
        ema=None if shapes.ema is None else learned,
    )


def _take(
    task: contract.Task,
    optimizer: optimizers.Optimizer,
    settings: config.LoopConfig,
    mesh: Mesh,
    state: TrainState,
    batch: types.Batch,
    notes_N4: jax.Array,
    key: jax.Array,
) -> tuple[TrainState, Report]:
    """Makes one update, or skips it when it is not finite."""
    # From the step, not from a key that is carried along: a resumed run draws the same.
    rng = jax.random.fold_in(key, state.step)
    gradient, sums = _add_up(task, settings.micro_batches, mesh, state, batch, rng)
    # Divided once, by the count of all devices and micro-batches: a mean of means would
    # weigh short batches more. A batch that counts nothing gives nan, and is skipped.
    total, count = sums["loss"]
    loss = total / count
    gradient = jax.tree.map(lambda leaf: leaf / count, gradient)
    norm = optax.tree.norm(gradient)
    rate = optimizer.learning_rate(state.step)
    # A single nan or infinity anywhere in the gradient is in its norm.
    is_finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    # Else XLA computes both scalars anew in each of the kernels below, of which there
    # are several for a parameter, and compiles a third longer.
    gradient, rate, is_finite = jax.lax.optimization_barrier(
        (gradient, rate, is_finite)
    )
    moved = _move(state, gradient, rate, optimizer.direction, settings.ema_decay)
    num_skipped = jnp.where(is_finite, 0, state.num_skipped + 1)
    # All of the state: moments that have seen a nan never forget it.
    kept = jax.tree.map(lambda new, old: jnp.where(is_finite, new, old), moved, state)
    report = Report(
        sums=jax.tree.map(lambda leaf: jnp.where(is_finite, leaf, 0), sums),
        loss=loss,
        gradient_norm=norm,
        learning_rate=rate,
        num_skipped=num_skipped,
        notes_4=notes_N4.sum(0),
    )
    # A skipped step counts: rate, keys and batches go by it; Adam's own count does not.
    return dataclasses.replace(
        kept, step=state.step + 1, num_skipped=num_skipped
    ), report


def _move(
    state: TrainState,
    gradient: types.Params,
    rate: jax.Array,
    direction: optax.GradientTransformation,
    ema_decay: float,
) -> TrainState:
    """Returns the state with parameters, moments and average moved."""
    # The rate is no part of optax's chain: it is logged, and stands in no state.
    step, opt_state = direction.update(gradient, state.opt_state, state.learned)
    learned = jax.tree.map(lambda p, d: p - rate * d, state.learned, step)
    ema = state.ema
    if ema is not None:
        # The average starts from the first parameters. In a short run it would never
        # leave them, so it looks back over a tenth of the steps at most, as that of
        # TensorFlow (ExponentialMovingAverage, num_updates).
        decay = jnp.minimum(ema_decay, (1.0 + state.step) / (10.0 + state.step))
        ema = optax.incremental_update(learned, ema, 1.0 - decay)
    return dataclasses.replace(state, learned=learned, opt_state=opt_state, ema=ema)


def _add_up(
    task: contract.Task,
    micro_batches: int,
    mesh: Mesh,
    state: TrainState,
    batch: types.Batch,
    rng: jax.Array,
) -> tuple[types.Params, types.Sums]:
    """Returns the gradient of the summed loss and all sums over the batch."""

    def one(rows: types.Batch, rng: jax.Array) -> tuple[types.Params, types.Sums]:
        def summed(learned: types.Params) -> tuple[jax.Array, types.Sums]:
            sums, scalars = task.loss(learned, state.frozen, rows, rng)
            # Counted as 1 each: the sum over micro-batches becomes their mean.
            single = {name: (value, jnp.ones(())) for name, value in scalars.items()}
            # The sum alone: its gradients can be added up over parts of a batch.
            return sums["loss"][0], sums | single

        return jax.grad(summed, has_aux=True)(state.learned)

    if micro_batches == 1:
        return one(batch, rng)

    def add(
        done: tuple[types.Params, types.Sums], this: tuple[types.Batch, jax.Array]
    ) -> tuple[tuple[types.Params, types.Sums], None]:
        rows, index = this
        return jax.tree.map(
            jnp.add, done, one(rows, jax.random.fold_in(rng, index))
        ), None

    # Every micro-batch takes rows of every device, so that no row has to move.
    cut = jax.tree.map(
        lambda leaf: jax.lax.with_sharding_constraint(
            leaf.reshape(-1, micro_batches, *leaf.shape[1:]).swapaxes(0, 1),
            NamedSharding(mesh, MICRO_ROWS),
        ),
        batch,
    )
    first = jax.tree.map(lambda leaf: leaf[0], cut)
    # Shapes of the sums are the task's affair: asked of it, without computing any.
    zero = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(one, first, rng)
    )
    total, _ = jax.lax.scan(add, zero, (cut, jnp.arange(micro_batches)))
    return total
