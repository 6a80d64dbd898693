"""Attention for NVIDIA GPUs in Pallas (Triton): visits only where records are.

Flash attention, forward and backward, in which a block of queries visits only the
blocks of keys that hold its records. The contract is attention.py's; axis letters
as in models/layers.py. In a kernel, R rows of the block that a program owns, M rows
of the block that it visits, and A is padded to a power of two.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu

from ssrlm_jax.models import attention_blocks

Ref = Any  # in a kernel, a reference has no type that JAX has published
_Arrays = tuple[jax.Array, ...]
_Gradients = tuple[jax.Array | None, ...]  # of q, k, v; None: segments have none

# Positions of the block that a program owns and of those it visits. ROWS is a multiple
# of the others: rows are padded to it alone.
ROWS, COLUMNS = 128, 64
BACKWARD_ROWS, BACKWARD_COLUMNS = 64, 64
LOG2_E = math.log2(math.e)
_ALL = slice(None)


def pallas(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    *,
    interpret: bool = False,
) -> jax.Array:
    """Attends within records; `interpret` runs the kernels' arithmetic on a CPU."""
    L = q_BLHA.shape[1]
    end = -L % ROWS  # of segment 0: attends to nothing, and nothing to it
    padded = [
        jnp.pad(x, ((0, 0), (0, end)) + ((0, 0),) * (x.ndim - 2))
        for x in (q_BLHA, k_BMKA, v_BMKA, segment_BL.astype(jnp.int32))
    ]
    return _pallas(*padded, interpret)[:, :L]


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def _pallas(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    interpret: bool,
) -> jax.Array:
    return _forward(q_BLHA, k_BMKA, v_BMKA, segment_BL, interpret)[0]


def _forward(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    interpret: bool,
) -> tuple[jax.Array, _Arrays]:
    B, L, H, A = q_BLHA.shape
    G = H // k_BMKA.shape[2]
    out_BLHA, lse_BHL = pl.pallas_call(
        functools.partial(_forward_kernel, head_size=A),
        grid=(L // ROWS, B, H),
        in_specs=[
            _own_heads(ROWS, A),
            _all_heads(L, A, G),
            _all_heads(L, A, G),
            _all_segments(L),
            _own_bound(),
            _own_bound(),
        ],
        out_specs=[_own_heads(ROWS, A), _own_scalars(ROWS)],
        out_shape=[
            jax.ShapeDtypeStruct(q_BLHA.shape, q_BLHA.dtype),
            jax.ShapeDtypeStruct((B, H, L), jnp.float32),
        ],
        compiler_params=_compiler_params(A),
        interpret=interpret,
        name="packed_attention",
    )(q_BLHA, k_BMKA, v_BMKA, segment_BL, *_visits(segment_BL, ROWS, COLUMNS))
    # Remat policies keep what has this name, and so need not attend once more.
    out_BLHA = checkpoint_name(out_BLHA, "context")
    lse_BHL = checkpoint_name(lse_BHL, "context")
    return out_BLHA, (q_BLHA, k_BMKA, v_BMKA, segment_BL, out_BLHA, lse_BHL)


def _backward(interpret: bool, kept: _Arrays, grad_BLHA: jax.Array) -> _Gradients:
    q_BLHA, k_BMKA, v_BMKA, segment_BL, out_BLHA, lse_BHL = kept
    B, L, H, A = q_BLHA.shape
    K = k_BMKA.shape[2]
    product_BLHA = out_BLHA.astype(jnp.float32) * grad_BLHA.astype(jnp.float32)
    dot_BHL = product_BLHA.sum(axis=-1).transpose(0, 2, 1)
    own, shared_own = (_own_heads(BACKWARD_ROWS, A, G) for G in (1, H // K))
    whole, shared_whole = (_all_heads(L, A, G) for G in (1, H // K))
    own_scalars, all_scalars = _own_scalars(BACKWARD_ROWS), _all_scalars(L)
    bounds = [_own_bound(), _own_bound()]
    call = functools.partial(
        pl.pallas_call,
        grid=(L // BACKWARD_ROWS, B, H),
        compiler_params=_compiler_params(A),
        interpret=interpret,
    )
    arguments = (
        *(q_BLHA, k_BMKA, v_BMKA, segment_BL, grad_BLHA, lse_BHL, dot_BHL),
        *_visits(segment_BL, BACKWARD_ROWS, BACKWARD_COLUMNS),
    )
    dq_BLHA = call(
        functools.partial(_query_kernel, head_size=A),
        in_specs=[own, shared_whole, shared_whole, _all_segments(L), own]
        + [own_scalars, own_scalars, *bounds],
        out_specs=own,
        out_shape=jax.ShapeDtypeStruct(q_BLHA.shape, q_BLHA.dtype),
        name="packed_attention_query_gradient",
    )(*arguments)
    # One part for each query head: those that share a key head would race for it.
    part = jax.ShapeDtypeStruct(q_BLHA.shape, jnp.float32 if K < H else q_BLHA.dtype)
    dk_BMHA, dv_BMHA = call(
        functools.partial(_key_kernel, head_size=A),
        in_specs=[whole, shared_own, shared_own, _all_segments(L), whole]
        + [all_scalars, all_scalars, *bounds],
        out_specs=[own, own],
        out_shape=[part, part],
        name="packed_attention_key_gradient",
    )(*arguments)

    def over_shared(x_BMHA: jax.Array, like: jax.Array) -> jax.Array:
        return x_BMHA.reshape(B, L, K, H // K, A).sum(axis=3).astype(like.dtype)

    return dq_BLHA, over_shared(dk_BMHA, k_BMKA), over_shared(dv_BMHA, v_BMKA), None


_pallas.defvjp(_forward, _backward)


def _forward_kernel(
    q_ref: Ref,
    k_ref: Ref,
    v_ref: Ref,
    segment_ref: Ref,
    first_ref: Ref,
    end_ref: Ref,
    out_ref: Ref,
    lse_ref: Ref,
    *,
    head_size: int,
) -> None:
    load = _loader(q_ref.shape[-1], head_size)
    rows = pl.dslice(pl.program_id(0) * ROWS, ROWS)
    q_RA, segment_R = load(q_ref), plgpu.load(segment_ref.at[rows])

    def visit(j: jax.Array, carry: _Arrays) -> _Arrays:
        out_RA, top_R, sum_R = carry
        columns = pl.dslice(j * COLUMNS, COLUMNS)
        score_RM = plgpu.dot(q_RA, load(k_ref, columns).T) * _scale(head_size)
        same_RM = _same(segment_R, plgpu.load(segment_ref.at[columns]))
        # A row that has met none of its keys yet has only NEVER, and so weights of
        # exp2(0) = 1; its first key makes `shrink` 0, which takes them all back.
        score_RM = jnp.where(same_RM, score_RM, attention_blocks.NEVER)
        new_top_R = jnp.maximum(top_R, score_RM.max(axis=1))
        weight_RM = jnp.exp2(score_RM - new_top_R[:, None])
        shrink_R = jnp.exp2(top_R - new_top_R)
        v_MA = load(v_ref, columns)
        out_RA = out_RA * shrink_R[:, None]
        # Tensor cores multiply numbers of one dtype; what they add up is float32.
        out_RA += plgpu.dot(weight_RM.astype(v_MA.dtype), v_MA)
        return out_RA, new_top_R, sum_R * shrink_R + weight_RM.sum(axis=1)

    start = (
        jnp.zeros(q_RA.shape, jnp.float32),
        jnp.full(ROWS, attention_blocks.NEVER, jnp.float32),
        jnp.zeros(ROWS, jnp.float32),
    )
    out_RA, top_R, sum_R = jax.lax.fori_loop(first_ref[...], end_ref[...], visit, start)
    # Padding in a block of records keeps the weights of 1, and a block of padding alone
    # visits nothing and has sums of 0: neither is a softmax, the segment decides.
    sum_R = jnp.where(sum_R > 0, sum_R, 1.0)
    out_RA = jnp.where((segment_R > 0)[:, None], out_RA / sum_R[:, None], 0.0)
    _store(out_ref, out_RA, head_size)
    # Base 2, as scores are: the backward kernels take exp2 of it.
    plgpu.store(lse_ref, top_R + jnp.log2(sum_R))


def _query_kernel(
    q_ref: Ref,
    k_ref: Ref,
    v_ref: Ref,
    segment_ref: Ref,
    grad_ref: Ref,
    lse_ref: Ref,
    dot_ref: Ref,
    first_ref: Ref,
    end_ref: Ref,
    dq_ref: Ref,
    *,
    head_size: int,
) -> None:
    load = _loader(q_ref.shape[-1], head_size)
    rows = pl.dslice(pl.program_id(0) * BACKWARD_ROWS, BACKWARD_ROWS)
    q_RA, grad_RA = load(q_ref), load(grad_ref)
    lse_R, dot_R = plgpu.load(lse_ref), plgpu.load(dot_ref)
    segment_R = plgpu.load(segment_ref.at[rows])

    def visit(j: jax.Array, dq_RA: jax.Array) -> jax.Array:
        columns = pl.dslice(j * BACKWARD_COLUMNS, BACKWARD_COLUMNS)
        k_MA = load(k_ref, columns)
        score_RM = plgpu.dot(q_RA, k_MA.T) * _scale(head_size)
        same_RM = _same(segment_R, plgpu.load(segment_ref.at[columns]))
        # Selected after exp2: it is infinite where lse is that of padding, and infinity
        # times 0 would be nan.
        weight_RM = jnp.where(same_RM, jnp.exp2(score_RM - lse_R[:, None]), 0.0)
        dweight_RM = plgpu.dot(grad_RA, load(v_ref, columns).T)
        # `dot` is the sum of weight times dweight over a row's keys, for which the
        # forward pass had everything: no second loop for the softmax's own term.
        dscore_RM = weight_RM * (dweight_RM - dot_R[:, None])
        return dq_RA + plgpu.dot(dscore_RM.astype(k_MA.dtype), k_MA)

    dq_RA = jax.lax.fori_loop(
        first_ref[...], end_ref[...], visit, jnp.zeros(q_RA.shape, jnp.float32)
    )
    # Without LOG2_E: it only makes exp2 of exp, and weights are the same numbers.
    _store(dq_ref, dq_RA * head_size**-0.5, head_size)


def _key_kernel(
    q_ref: Ref,
    k_ref: Ref,
    v_ref: Ref,
    segment_ref: Ref,
    grad_ref: Ref,
    lse_ref: Ref,
    dot_ref: Ref,
    first_ref: Ref,
    end_ref: Ref,
    dk_ref: Ref,
    dv_ref: Ref,
    *,
    head_size: int,
) -> None:
    # Owns keys and visits queries: each program writes rows of its own, and nothing
    # has to be added up between programs. Attention within records is symmetric, so
    # the same bounds serve.
    load = _loader(k_ref.shape[-1], head_size)
    rows = pl.dslice(pl.program_id(0) * BACKWARD_ROWS, BACKWARD_ROWS)
    k_RA, v_RA = load(k_ref), load(v_ref)
    segment_R = plgpu.load(segment_ref.at[rows])

    def visit(j: jax.Array, carry: _Arrays) -> _Arrays:
        dk_RA, dv_RA = carry
        columns = pl.dslice(j * BACKWARD_COLUMNS, BACKWARD_COLUMNS)
        q_MA, grad_MA = load(q_ref, columns), load(grad_ref, columns)
        lse_M, dot_M = (plgpu.load(ref.at[columns]) for ref in (lse_ref, dot_ref))
        score_RM = plgpu.dot(k_RA, q_MA.T) * _scale(head_size)
        same_RM = _same(segment_R, plgpu.load(segment_ref.at[columns]))
        weight_RM = jnp.where(same_RM, jnp.exp2(score_RM - lse_M[None]), 0.0)
        dv_RA += plgpu.dot(weight_RM.astype(grad_MA.dtype), grad_MA)
        dweight_RM = plgpu.dot(v_RA, grad_MA.T)
        dscore_RM = weight_RM * (dweight_RM - dot_M[None])
        return dk_RA + plgpu.dot(dscore_RM.astype(q_MA.dtype), q_MA), dv_RA

    zeros_RA = jnp.zeros(k_RA.shape, jnp.float32)
    dk_RA, dv_RA = jax.lax.fori_loop(
        first_ref[...], end_ref[...], visit, (zeros_RA, zeros_RA)
    )
    _store(dk_ref, dk_RA * head_size**-0.5, head_size)
    _store(dv_ref, dv_RA, head_size)


def _scale(head_size: int) -> float:
    """Returns what scores are multiplied by, so that exp2 gives their exponential."""
    return LOG2_E * head_size**-0.5


def _same(segment_R: jax.Array, segment_M: jax.Array) -> jax.Array:
    return (segment_R[:, None] == segment_M[None]) & (segment_R > 0)[:, None]


def _is_head(padded_size: int, head_size: int) -> jax.Array:
    return (jnp.arange(padded_size) < head_size)[None]


def _loader(padded_size: int, head_size: int) -> Callable[..., jax.Array]:
    """Returns a function that loads rows of a reference, zero beyond the head."""

    def load(ref: Ref, rows: pl.Slice | slice = _ALL) -> jax.Array:
        # A block is a power of two wide, and beyond the head lies the next one.
        is_head_1A = _is_head(padded_size, head_size)
        return plgpu.load(ref.at[rows, :], mask=is_head_1A, other=0.0)

    return load


def _store(ref: Ref, x_RA: jax.Array, head_size: int) -> None:
    is_head_1A = _is_head(x_RA.shape[-1], head_size)
    plgpu.store(ref, x_RA.astype(ref.dtype), mask=is_head_1A)


def _visits(
    segment_BL: jax.Array, rows: int, columns: int
) -> tuple[jax.Array, jax.Array]:
    """Returns the first and the end of the blocks that each block of rows visits.

    The same for queries that visit keys and keys that visit queries.
    """
    B = segment_BL.shape[0]
    start_BL, end_BL = attention_blocks.record_bounds(segment_BL)
    # Padding has (L, 0): it widens no block, and alone it gives an empty range.
    start_BN = start_BL.reshape(B, -1, rows).min(axis=2)
    end_BN = end_BL.reshape(B, -1, rows).max(axis=2)
    return start_BN // columns, -(-end_BN // columns)


def _own_heads(rows: int, A: int, num_shared: int = 1) -> pl.BlockSpec:
    return pl.BlockSpec(
        (None, rows, None, pl.next_power_of_2(A)),
        lambda i, b, h: (b, i, h // num_shared, 0),
    )


def _all_heads(L: int, A: int, num_shared: int = 1) -> pl.BlockSpec:
    return pl.BlockSpec(
        (None, L, None, pl.next_power_of_2(A)),
        lambda i, b, h: (b, 0, h // num_shared, 0),
    )


def _own_scalars(rows: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, None, rows), lambda i, b, h: (b, h, i))


def _all_scalars(L: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, None, L), lambda i, b, h: (b, h, 0))


def _all_segments(L: int) -> pl.BlockSpec:
    return pl.BlockSpec((None, L), lambda i, b, h: (b, 0))


def _own_bound() -> pl.BlockSpec:
    return pl.BlockSpec((None, None), lambda i, b, h: (b, i))


def _compiler_params(A: int) -> plgpu.CompilerParams:
    return plgpu.CompilerParams(num_warps=4 if A <= 64 else 8, num_stages=2)
