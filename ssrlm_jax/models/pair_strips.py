"""Pair heads on long RNA: a map that is kept, strip by strip, equal to the whole.

Where there is memory for a map of all channels, a head of dilated blocks computes each
of them once, and not, as tiles do, again for each norm that follows (`pair_tiles`). A
strip is some rows of the map, as long as the map; a block reads it with the rows around
it, and what comes out takes its place.
"""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import types
from ssrlm_jax.models import applied, heads, pair_resnet, pair_tiles

_POSITIONS = 2**16  # of a strip, about
_COLUMNS = 128  # a map is made wider up to a multiple, so that few are compiled
_FEWEST = 16  # rows of a strip


def can(head: heads.PairHead) -> bool:
    """Says whether a head's blocks can be computed one by one."""
    return head.kind == "rnafm"


def num_bytes(head: heads.PairHead, length: int) -> int:
    """Returns what the map of an RNA takes, and a strip while it is computed."""
    rows = -(-length // _FEWEST) * _FEWEST + 2 * heads.reach(head)
    numbers = (rows * _width(length) + 8 * _POSITIONS) * head.channels
    return numbers * np.dtype(head.dtype).itemsize


def logits(
    head: heads.PairHead,
    params: types.Params,
    x_LD: jax.Array,
    length: int | None = None,
    energies: pair_tiles.Energies = (),
    rows: int | None = None,
) -> Iterator[pair_tiles.Tile]:
    """Yields a map of logits, strip by strip.

    Elements on and below the diagonal mean nothing.

    Args:
      head: of pairs, one that `can`.
      params: its own.
      x_LD: hidden states of one RNA.
      length: as `pair_tiles.logits`.
      energies: as there.
      rows: of a strip; None: as many as are computed fast.
    """
    first_LC, second_LC = (
        np.asarray(part_BLC)[0, :length]
        for part_BLC in pair_tiles.project(head, params, jnp.asarray(x_LD)[None])
    )
    L, C = first_LC.shape
    width = _width(L)
    rows = rows or max(_FEWEST, _POSITIONS // width)
    starts = range(0, L, rows)
    is_M = np.arange(width) < L
    second_MC = np.pad(second_LC, ((0, width - L), (0, 0)))

    # Row r of the map stands at r + margin; what comes out of a block stands further up
    # than what went in, by as many rows as the block reads above it, so that no strip
    # takes the place of rows that the next one reads.
    edges = [_edge(head, number) for number in range(head.num_blocks)]
    margin = sum(edges)
    map_LMC = np.zeros((margin + len(starts) * rows + max(edges), width, C), head.dtype)

    def energy(start: int, stop: int) -> np.ndarray | None:
        return pair_tiles.energy_map(energies, start, 0, (stop - start, width))

    parts = []
    for start in starts:
        index_L = np.arange(start, start + rows)
        is_L = index_L < L
        first = first_LC[np.minimum(index_L, L - 1)][None]
        made = (first, second_MC[None], is_L[None], is_M[None])
        z_LMC, moments = _start(head, params, *made, energy(start, start + rows))
        map_LMC[margin + start : margin + start + rows] = z_LMC
        parts.append(jax.device_get(moments))
    for number, edge in enumerate(edges):
        known = pair_tiles.combine(parts)
        is_last = number == head.num_blocks - 1
        parts = []
        for start in starts:
            begin, end = start - edge, start + rows + edge
            index_L = np.arange(begin, end)
            is_L = (index_L >= 0) & (index_L < L)
            z_LMC = map_LMC[margin + begin : margin + end]
            given = (known, z_LMC[None], is_L[None], is_M[None])
            if is_last:
                logits_LM = _last(head, params, *given, energy(begin, end))
                inside = np.asarray(logits_LM)[: L - start, :L]
                yield pair_tiles.Tile(start, 0, inside)
                continue
            z_LMC, moments = _block(head, params, number, edge, *given)
            above = margin - edge + start
            map_LMC[above : above + rows] = z_LMC
            parts.append(jax.device_get(moments))
        margin -= edge


def _width(length: int) -> int:
    return -(-length // _COLUMNS) * _COLUMNS


def _edge(head: heads.PairHead, number: int) -> int:
    """Returns how many rows around a strip a block reads; the last one, for logits."""
    is_last = number == head.num_blocks - 1
    return 1 + pair_resnet.dilation(number) + int(is_last)


@functools.partial(jax.jit, static_argnames="head")
def _start(
    head: heads.PairHead,
    params: types.Params,
    first_BLC: jax.Array,
    second_BMC: jax.Array,
    is_BL: jax.Array,
    is_BM: jax.Array,
    energy_BLMS: jax.Array | None,
) -> tuple[jax.Array, pair_resnet.Moments]:
    """Returns z_LMC of a strip before the first block, and its moments."""
    z_BLMC = applied.apply(
        head, params, first_BLC, second_BMC, energy_BLMS, method="start"
    )
    is_BLM = is_BL[:, :, None] & is_BM[:, None]
    return z_BLMC[0], pair_resnet.moments(z_BLMC, is_BLM)


@functools.partial(jax.jit, static_argnames=("head", "number", "edge"))
def _block(
    head: heads.PairHead,
    params: types.Params,
    number: int,
    edge: int,
    known: tuple[jax.Array, jax.Array],
    z_BLMC: jax.Array,
    is_BL: jax.Array,
    is_BM: jax.Array,
) -> tuple[jax.Array, pair_resnet.Moments]:
    """Returns z_LMC of a strip after a block, without what is around it; moments."""
    is_BLM = is_BL[:, :, None] & is_BM[:, None]
    z_BLMC = _after(head, params, number, known, z_BLMC, is_BLM)
    inner_BLMC = z_BLMC[:, edge:-edge]
    return inner_BLMC[0], pair_resnet.moments(inner_BLMC, is_BLM[:, edge:-edge])


@functools.partial(jax.jit, static_argnames="head")
def _last(
    head: heads.PairHead,
    params: types.Params,
    known: tuple[jax.Array, jax.Array],
    z_BLMC: jax.Array,
    is_BL: jax.Array,
    is_BM: jax.Array,
    energy_BLMS: jax.Array | None,
) -> jax.Array:
    """Returns logits_LM of a strip, from the map before the last block."""
    is_BLM = is_BL[:, :, None] & is_BM[:, None]
    last = head.num_blocks - 1
    z_BLMC = _after(head, params, last, known, z_BLMC, is_BLM)
    logits_BLM = applied.apply(head, params, z_BLMC, is_BLM, energy_BLMS, method="end")
    edge = _edge(head, last)
    return logits_BLM[0, edge:-edge]


def _after(
    head: heads.PairHead,
    params: types.Params,
    number: int,
    known: tuple[jax.Array, jax.Array],
    z_BLMC: jax.Array,
    is_BLM: jax.Array,
) -> jax.Array:
    """Returns the map after a block whose norm has known means and variances."""

    def normalise(z_BLMC: jax.Array, _: jax.Array) -> jax.Array:
        return pair_resnet.standardise(z_BLMC, *known)

    head = head.clone(normalise=normalise)
    return applied.apply(head, params, number, z_BLMC, is_BLM, method="block")
