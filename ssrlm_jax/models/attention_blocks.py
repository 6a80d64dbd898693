"""Attention for a CPU: computes only what lies within records; exact.

Flash attention as two nested loops: over blocks of queries, and for each over the
tiles of keys from the first start to the last end of the block's records, as many
as there are. The backward pass visits the same tiles, with the saved logarithms of
the softmax sums. Small dense products stay in the cache, and nothing is computed for
pairs of records that lie in different tiles.
Axis letters as in models/layers.py; N query blocks of the batch, R = (H / K) x block
queries of a block that share a key head, M positions of a tile.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

_Arrays = tuple[jax.Array, ...]
_Gradients = tuple[jax.Array | None, ...]  # of q, k, v; None: segments have none

NEVER = -1e30  # score of a pair that does not attend; finite, so no nan arises


class Sizes(NamedTuple):
    """How much is computed at once.

    Attributes:
      block: queries.
      tile: keys; a multiple of `block`.
    """

    block: int
    tile: int


# As measured by benchmarks/attention.py. Rows of several records lose less to pairs of
# different records in small blocks; a row of one record has no such pairs.
PACKED = Sizes(64, 64)
ALONE = Sizes(256, 256)
LONGEST_WHOLE = 512  # tokens of a row of one record that is a single block


def sizes(row_length: int, max_segments: int) -> Sizes:
    """Returns the sizes for rows of so many tokens and records."""
    if max_segments > 1:
        return PACKED
    if row_length <= LONGEST_WHOLE:
        return Sizes(row_length, row_length)
    return ALONE


class _Visits(NamedTuple):
    """The tiles of keys that each block of queries visits."""

    first_N: jax.Array  # position of the first key
    num_tiles_N: jax.Array


def attend(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    *,
    max_segments: int,
) -> jax.Array:
    """Attends within records, one tile of keys at a time.

    Args:
      q_BLHA: queries.
      k_BMKA: keys.
      v_BMKA: values.
      segment_BL: records; 0 is padding.
      max_segments: most records of a row; 1 makes larger blocks, more change nothing.
    """
    L = q_BLHA.shape[1]
    chosen = sizes(L, max_segments)
    end = -L % chosen.tile
    padded = [
        jnp.pad(x, ((0, 0), (0, end)) + ((0, 0),) * (x.ndim - 2))
        for x in (q_BLHA, k_BMKA, v_BMKA, segment_BL)
    ]
    return _attend(*padded, chosen)[:, :L]


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


@functools.partial(jax.custom_vjp, nondiff_argnums=(4,))
def _attend(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    chosen: Sizes,
) -> jax.Array:
    return _forward(q_BLHA, k_BMKA, v_BMKA, segment_BL, chosen)[0]


def _forward(
    q_BLHA: jax.Array,
    k_BMKA: jax.Array,
    v_BMKA: jax.Array,
    segment_BL: jax.Array,
    chosen: Sizes,
) -> tuple[jax.Array, _Arrays]:
    B, L, H, A = q_BLHA.shape
    K = k_BMKA.shape[2]
    block_size, tile_size = chosen
    visits = _make_visits(segment_BL, chosen)

    def block(n: jax.Array, carry: _Arrays) -> _Arrays:
        b, i = n // (L // block_size), n % (L // block_size) * block_size
        q_KRA = _queries(q_BLHA, b, i, block_size, K)

        def tile(t: jax.Array, carry: _Arrays) -> _Arrays:
            out_KRA, top_KR1, sum_KR1 = carry
            m, same_1RM = _place(segment_BL, b, i, visits.first_N[n], t, H // K, chosen)
            k_KMA, v_KMA = (
                _heads(take(x, b, m, tile_size), K) for x in (k_BMKA, v_BMKA)
            )
            score_KRM = _product("KRA,KMA->KRM", q_KRA, k_KMA)
            # A row that has met none of its keys yet has weights of exp(0) = 1; its
            # first key makes `shrink` 0, which takes them all back.
            score_KRM = jnp.where(same_1RM, score_KRM, NEVER)
            new_KR1 = jnp.maximum(top_KR1, score_KRM.max(axis=-1, keepdims=True))
            weight_KRM = jnp.exp(score_KRM - new_KR1)
            shrink_KR1 = jnp.exp(top_KR1 - new_KR1)
            sum_KR1 = sum_KR1 * shrink_KR1 + weight_KRM.sum(axis=-1, keepdims=True)
            out_KRA = out_KRA * shrink_KR1 + _product("KRM,KMA->KRA", weight_KRM, v_KMA)
            return out_KRA, new_KR1, sum_KR1

        zero_KR1 = jnp.zeros((*q_KRA.shape[:2], 1))
        start = jnp.zeros(q_KRA.shape), zero_KR1 + NEVER, zero_KR1
        out_KRA, top_KR1, sum_KR1 = jax.lax.fori_loop(
            0, visits.num_tiles_N[n], tile, start
        )
        is_record_KR1 = top_KR1 > NEVER  # else padding, whose weights are those of 1
        sum_KR1 = jnp.where(is_record_KR1, sum_KR1, 1.0)
        out_KRA = jnp.where(is_record_KR1, out_KRA / sum_KR1, 0.0)
        lse_KR1 = top_KR1 + jnp.log(sum_KR1)
        out_BLHA, lse_BLH1 = carry
        return (
            put(out_BLHA, _unheads(out_KRA, block_size), b, i),
            put(lse_BLH1, _unheads(lse_KR1, block_size), b, i),
        )

    start = jnp.zeros_like(q_BLHA), jnp.zeros((B, L, H, 1))
    out_BLHA, lse_BLH1 = jax.lax.fori_loop(0, B * L // block_size, block, start)
    # Remat policies keep what has this name, and so need not attend once more.
    out_BLHA = checkpoint_name(out_BLHA, "context")
    lse_BLH1 = checkpoint_name(lse_BLH1, "context")
    return out_BLHA, (q_BLHA, k_BMKA, v_BMKA, segment_BL, out_BLHA, lse_BLH1)


def _backward(chosen: Sizes, kept: _Arrays, grad_BLHA: jax.Array) -> _Gradients:
    q_BLHA, k_BMKA, v_BMKA, segment_BL, out_BLHA, lse_BLH1 = kept
    B, L, H, A = q_BLHA.shape
    K = k_BMKA.shape[2]
    block_size, tile_size = chosen
    visits = _make_visits(segment_BL, chosen)
    grad_BLHA = grad_BLHA.astype(jnp.float32)
    # The sum of weight times dweight over a row's keys, from what is there already.
    dot_BLH1 = (grad_BLHA * out_BLHA.astype(jnp.float32)).sum(axis=-1, keepdims=True)

    def block(n: jax.Array, carry: _Arrays) -> _Arrays:
        b, i = n // (L // block_size), n % (L // block_size) * block_size
        q_KRA = _queries(q_BLHA, b, i, block_size, K)
        grad_KRA, dot_KR1, lse_KR1 = (
            _heads(take(x, b, i, block_size), K)
            for x in (grad_BLHA, dot_BLH1, lse_BLH1)
        )

        def tile(t: jax.Array, carry: _Arrays) -> _Arrays:
            dq_KRA, dk_BMKA, dv_BMKA = carry
            m, same_1RM = _place(segment_BL, b, i, visits.first_N[n], t, H // K, chosen)
            k_KMA, v_KMA = (
                _heads(take(x, b, m, tile_size), K) for x in (k_BMKA, v_BMKA)
            )
            score_KRM = _product("KRA,KMA->KRM", q_KRA, k_KMA)
            # Selected after exp, which is infinite where lse is that of padding.
            weight_KRM = jnp.where(same_1RM, jnp.exp(score_KRM - lse_KR1), 0.0)
            dweight_KRM = _product("KRA,KMA->KRM", grad_KRA, v_KMA)
            dscore_KRM = weight_KRM * (dweight_KRM - dot_KR1)
            dk_KMA = _product("KRM,KRA->KMA", dscore_KRM, q_KRA)
            dv_KMA = _product("KRM,KRA->KMA", weight_KRM, grad_KRA)
            return (
                dq_KRA + _product("KRM,KMA->KRA", dscore_KRM, k_KMA),
                _add(dk_BMKA, _unheads(dk_KMA, tile_size), b, m),
                _add(dv_BMKA, _unheads(dv_KMA, tile_size), b, m),
            )

        dq_BLHA, dk_BMKA, dv_BMKA = carry
        dq_KRA, dk_BMKA, dv_BMKA = jax.lax.fori_loop(
            0,
            visits.num_tiles_N[n],
            tile,
            (jnp.zeros(q_KRA.shape), dk_BMKA, dv_BMKA),
        )
        # Keys need no such factor: their gradient is made of queries that have it.
        dq_LHA = _unheads(dq_KRA * A**-0.5, block_size)
        return put(dq_BLHA, dq_LHA, b, i), dk_BMKA, dv_BMKA

    # float32: the gradient of a key is added up over all blocks that visit it.
    start = tuple(jnp.zeros(x.shape) for x in (q_BLHA, k_BMKA, v_BMKA))
    grads = jax.lax.fori_loop(0, B * L // block_size, block, start)
    dtypes = (q_BLHA.dtype, k_BMKA.dtype, v_BMKA.dtype)
    return (*(x.astype(d) for x, d in zip(grads, dtypes, strict=True)), None)


_attend.defvjp(_forward, _backward)


def _make_visits(segment_BL: jax.Array, chosen: Sizes) -> _Visits:
    # As many tiles as a block's records reach over: a loop of unknown length, which JAX
    # does not differentiate by itself; hence the backward pass above.
    start_BL, end_BL = record_bounds(segment_BL)
    first_N = start_BL.reshape(-1, chosen.block).min(axis=1)
    length_N = jnp.maximum(end_BL.reshape(-1, chosen.block).max(axis=1) - first_N, 0)
    return _Visits(first_N, -(-length_N // chosen.tile))


def _place(
    segment_BL: jax.Array,
    b: jax.Array,
    i: jax.Array,
    first: jax.Array,
    t: jax.Array,
    num_shared: int,
    chosen: Sizes,
) -> tuple[jax.Array, jax.Array]:
    """Returns where tile t of the block at (b, i) starts, and who attends to whom.

    The last tile of a row starts earlier, to end with the row; what it shares with
    the tile before does not count again.
    """
    block_size, tile_size = chosen
    wanted = first + t * tile_size
    m = jnp.minimum(wanted, segment_BL.shape[1] - tile_size)
    # Queries of the heads that share a key head stand one after the other in R.
    segment_R = jnp.tile(take(segment_BL, b, i, block_size), num_shared)
    segment_M = jnp.where(
        m + jnp.arange(tile_size) >= wanted, take(segment_BL, b, m, tile_size), 0
    )
    is_record_R1 = (segment_R > 0)[:, None]
    return m, ((segment_R[:, None] == segment_M[None]) & is_record_R1)[None]


def _queries(
    q_BLHA: jax.Array, b: jax.Array, i: jax.Array, length: int, K: int
) -> jax.Array:
    """Returns `length` queries by key head, scaled by 1 / sqrt(A)."""
    q_KRA = _heads(take(q_BLHA, b, i, length), K)
    return q_KRA.astype(jnp.float32) * q_KRA.shape[-1] ** -0.5


def _product(axes: str, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.einsum(axes, x, y, preferred_element_type=jnp.float32)


def take(x: jax.Array, b: jax.Array, start: jax.Array, length: int) -> jax.Array:
    """Returns x[b, start : start + length]."""
    rest = x.shape[2:]
    return jax.lax.dynamic_slice(x, (b, start) + (0,) * len(rest), (1, length, *rest))[
        0
    ]


def put(x: jax.Array, part: jax.Array, b: jax.Array, start: jax.Array) -> jax.Array:
    """Returns x with x[b, start : start + len(part)] replaced."""
    start_index = (b, start) + (0,) * (x.ndim - 2)
    return jax.lax.dynamic_update_slice(x, part[None].astype(x.dtype), start_index)


def _add(x: jax.Array, part: jax.Array, b: jax.Array, start: jax.Array) -> jax.Array:
    """Returns x with `part` added to x[b, start : start + len(part)]."""
    return put(x, take(x, b, start, part.shape[0]) + part, b, start)


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
