"""Attention for a CPU: computes only what lies within records; exact.

A row is cut into query blocks of 64 positions. The keys of a block's records are
one window of the row, from the first start to the last end of a record. Blocks are
sorted by the window's length into a few static widths, and one loop per width, with
as many turns as there are blocks, does dense products of (block, window). The
backward pass does the same from the saved logarithms of the softmax sums.
Axis letters as in models/layers.py; N query blocks, R = (H / K) x 64 queries of a
block that share a key head, M positions of a window.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

BLOCK = 64  # positions
NEVER = -1e30  # score of a pair that does not attend; finite, so no nan arises


class _Plan(NamedTuple):
    """Which blocks each loop works on."""

    order_N: jax.Array  # blocks of the batch, the narrowest windows first
    start_N: jax.Array  # first position of each block's window
    first_W: jax.Array  # where each width's blocks begin in `order_N`, and the end


def attend(
    q_BLHA: jax.Array, k_BMKA: jax.Array, v_BMKA: jax.Array, segment_BL: jax.Array
) -> jax.Array:
    """Attends within records, one block of queries at a time."""
    L = q_BLHA.shape[1]
    end = -L % BLOCK
    padded = [
        jnp.pad(x, ((0, 0), (0, end)) + ((0, 0),) * (x.ndim - 2))
        for x in (q_BLHA, k_BMKA, v_BMKA, segment_BL)
    ]
    return _attend(*padded)[:, :L]


def record_bounds(segment_BL: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns where the record of each position starts, and where it has ended.

    Padding gets (L, 0), so that a minimum of starts and a maximum of ends over any
    positions cover their records only.
    """
    L = segment_BL.shape[1]
    index_1L = jnp.arange(L, dtype=jnp.int32)[None]
    is_cut_BL = segment_BL[:, 1:] != segment_BL[:, :-1]
    start_BL = jnp.where(jnp.pad(is_cut_BL, ((0, 0), (1, 0))), index_1L, 0)
    end_BL = jnp.where(jnp.pad(is_cut_BL, ((0, 0), (0, 1))), index_1L + 1, L)
    start_BL = jax.lax.cummax(start_BL, axis=1)
    end_BL = jax.lax.cummin(end_BL, axis=1, reverse=True)
    is_record_BL = segment_BL > 0
    return jnp.where(is_record_BL, start_BL, L), jnp.where(is_record_BL, end_BL, 0)


@jax.custom_vjp
def _attend(
    q_BLHA: jax.Array, k_BMKA: jax.Array, v_BMKA: jax.Array, segment_BL: jax.Array
) -> jax.Array:
    return _forward(q_BLHA, k_BMKA, v_BMKA, segment_BL)[0]


def _forward(
    q_BLHA: jax.Array, k_BMKA: jax.Array, v_BMKA: jax.Array, segment_BL: jax.Array
) -> tuple[jax.Array, tuple]:
    K = k_BMKA.shape[2]
    plan = _make_plan(segment_BL)

    def step(width: int, n: jax.Array, carry: tuple) -> tuple:
        out_BLHA, lse_BLH1 = carry
        b, i, m, same_1RM = _place(plan, segment_BL, n, width, q_BLHA.shape[2] // K)
        q_KRA = _queries(q_BLHA, b, i, K)
        k_KMA = _heads(_take(k_BMKA, b, m, width), K)
        v_KMA = _heads(_take(v_BMKA, b, m, width), K)
        score_KRM = jnp.where(same_1RM, _product("KRA,KMA->KRM", q_KRA, k_KMA), NEVER)
        top_KR1 = score_KRM.max(axis=-1, keepdims=True)
        weight_KRM = jnp.exp(score_KRM - top_KR1)
        sum_KR1 = weight_KRM.sum(axis=-1, keepdims=True)
        out_KRA = _product("KRM,KMA->KRA", weight_KRM, v_KMA) / sum_KR1
        out_KRA = jnp.where(same_1RM.any(axis=-1, keepdims=True), out_KRA, 0.0)
        lse_KR1 = top_KR1 + jnp.log(sum_KR1)
        return (
            _put(out_BLHA, _unheads(out_KRA, BLOCK), b, i),
            _put(lse_BLH1, _unheads(lse_KR1, BLOCK), b, i),
        )

    start = (
        jnp.zeros_like(q_BLHA),
        jnp.zeros((*q_BLHA.shape[:3], 1), jnp.float32),
    )
    out_BLHA, lse_BLH1 = _loops(plan, q_BLHA.shape[1], step, start)
    # Remat policies keep what has this name, and so need not attend once more.
    out_BLHA = checkpoint_name(out_BLHA, "context")
    lse_BLH1 = checkpoint_name(lse_BLH1, "context")
    return out_BLHA, (q_BLHA, k_BMKA, v_BMKA, segment_BL, out_BLHA, lse_BLH1)


def _backward(kept: tuple, grad_BLHA: jax.Array) -> tuple:
    q_BLHA, k_BMKA, v_BMKA, segment_BL, out_BLHA, lse_BLH1 = kept
    K, A = k_BMKA.shape[2:]
    plan = _make_plan(segment_BL)
    grad_BLHA = grad_BLHA.astype(jnp.float32)
    dot_BLH1 = (grad_BLHA * out_BLHA.astype(jnp.float32)).sum(axis=-1, keepdims=True)

    def step(width: int, n: jax.Array, carry: tuple) -> tuple:
        dq_BLHA, dk_BMKA, dv_BMKA = carry
        b, i, m, same_1RM = _place(plan, segment_BL, n, width, q_BLHA.shape[2] // K)
        q_KRA = _queries(q_BLHA, b, i, K)
        grad_KRA, dot_KR1, lse_KR1 = (
            _heads(_take(x, b, i, BLOCK), K) for x in (grad_BLHA, dot_BLH1, lse_BLH1)
        )
        k_KMA = _heads(_take(k_BMKA, b, m, width), K)
        v_KMA = _heads(_take(v_BMKA, b, m, width), K)
        score_KRM = _product("KRA,KMA->KRM", q_KRA, k_KMA)
        weight_KRM = jnp.where(same_1RM, jnp.exp(score_KRM - lse_KR1), 0.0)
        dweight_KRM = _product("KRA,KMA->KRM", grad_KRA, v_KMA)
        dscore_KRM = weight_KRM * (dweight_KRM - dot_KR1)
        dq_KRA = _product("KRM,KMA->KRA", dscore_KRM, k_KMA) * A**-0.5
        dk_KMA = _product("KRM,KRA->KMA", dscore_KRM, q_KRA)
        dv_KMA = _product("KRM,KRA->KMA", weight_KRM, grad_KRA)
        return (
            _put(dq_BLHA, _unheads(dq_KRA, BLOCK), b, i),
            _add(dk_BMKA, _unheads(dk_KMA, width), b, m),
            _add(dv_BMKA, _unheads(dv_KMA, width), b, m),
        )

    start = tuple(jnp.zeros(x.shape, jnp.float32) for x in (q_BLHA, k_BMKA, v_BMKA))
    grads = _loops(plan, q_BLHA.shape[1], step, start)
    dtypes = (q_BLHA.dtype, k_BMKA.dtype, v_BMKA.dtype)
    return (*(x.astype(d) for x, d in zip(grads, dtypes, strict=True)), None)


_attend.defvjp(_forward, _backward)


def _widths(L: int) -> tuple[int, ...]:
    """Returns the window widths of a row of length L: 128, 192, 256, 384, ..., L."""
    steps = [w << n for n in range(L.bit_length()) for w in (128, 192)]
    return (*(w for w in steps if w < L), L)


def _make_plan(segment_BL: jax.Array) -> _Plan:
    L = segment_BL.shape[1]
    start_BL, end_BL = record_bounds(segment_BL)
    start_N = start_BL.reshape(-1, BLOCK).min(axis=1)
    length_N = end_BL.reshape(-1, BLOCK).max(axis=1) - start_N
    widths = _widths(L)
    width_W = jnp.array(widths, jnp.int32)
    kind_N = (length_N[:, None] > width_W[None]).sum(axis=1)
    kind_N = jnp.where(length_N <= 0, len(widths), kind_N)  # only padding: no loop
    first_W = (kind_N[None] < jnp.arange(len(widths) + 1)[:, None]).sum(axis=1)
    return _Plan(
        jnp.argsort(kind_N).astype(jnp.int32), start_N, first_W.astype(jnp.int32)
    )


def _loops(plan: _Plan, L: int, step: Callable[..., tuple], carry: tuple) -> tuple:
    """Runs `step(width, n, carry)` for all blocks, by width."""
    for kind, width in enumerate(_widths(L)):
        carry = jax.lax.fori_loop(
            plan.first_W[kind],
            plan.first_W[kind + 1],
            functools.partial(step, width),
            carry,
        )
    return carry


def _place(
    plan: _Plan, segment_BL: jax.Array, n: jax.Array, width: int, num_shared: int
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Returns a block's row, its start, its window's start, and who attends to whom."""
    L = segment_BL.shape[1]
    block = plan.order_N[n]
    b, i = block // (L // BLOCK), block % (L // BLOCK) * BLOCK
    m = jnp.minimum(plan.start_N[block], L - width)
    segment_R = jnp.tile(_take(segment_BL, b, i, BLOCK), num_shared)
    segment_M = _take(segment_BL, b, m, width)
    same_RM = (segment_R[:, None] == segment_M[None]) & (segment_R > 0)[:, None]
    return b, i, m, same_RM[None]


def _queries(q_BLHA: jax.Array, b: jax.Array, i: jax.Array, K: int) -> jax.Array:
    """Returns a block of queries by key head, scaled by 1 / sqrt(A)."""
    q_KRA = _heads(_take(q_BLHA, b, i, BLOCK), K)
    return q_KRA.astype(jnp.float32) * q_KRA.shape[-1] ** -0.5


def _product(axes: str, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.einsum(axes, x, y, preferred_element_type=jnp.float32)


def _take(x: jax.Array, b: jax.Array, start: jax.Array, length: int) -> jax.Array:
    """Returns x[b, start : start + length]."""
    rest = x.shape[2:]
    return jax.lax.dynamic_slice(x, (b, start) + (0,) * len(rest), (1, length, *rest))[
        0
    ]


def _put(x: jax.Array, part: jax.Array, b: jax.Array, start: jax.Array) -> jax.Array:
    """Returns x with x[b, start : start + len(part)] replaced."""
    place = (b, start) + (0,) * (x.ndim - 2)
    return jax.lax.dynamic_update_slice(x, part[None].astype(x.dtype), place)


def _add(x: jax.Array, part: jax.Array, b: jax.Array, start: jax.Array) -> jax.Array:
    """Returns x with `part` added to x[b, start : start + len(part)]."""
    return _put(x, _take(x, b, start, part.shape[0]) + part, b, start)


def _heads(x_LHA: jax.Array, K: int) -> jax.Array:
    """Returns x_KRA: one after the other, the heads that share a key head."""
    L, H, A = x_LHA.shape
    x_LKGA = x_LHA.reshape(L, K, H // K, A)
    return x_LKGA.transpose(1, 2, 0, 3).reshape(K, H // K * L, A)


def _unheads(x_KRA: jax.Array, L: int) -> jax.Array:
    """Returns x_LHA; the inverse of `_heads`."""
    K, R, A = x_KRA.shape
    x_KGLA = x_KRA.reshape(K, R // L, L, A)
    return x_KGLA.transpose(2, 0, 1, 3).reshape(L, K * (R // L), A)
