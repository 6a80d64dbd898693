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


def is_of_blocks(head: heads.PairHead) -> bool:
    """Says whether a head's blocks, each with its norm, are computed one by one."""
    return head.kind == "rnafm" and head.norm == "instance"


def num_bytes(head: heads.PairHead, length: int) -> int:
    """Returns what the map of an RNA takes, and strips while one is computed."""
    rows = _rows(_width(length))
    height, width, channels = _shape(head, length, rows)
    strip = (rows + 2 * max(_edges(head))) * width * channels
    return height * width * channels * np.dtype(head.dtype).itemsize + 8 * 4 * strip


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
      head: of pairs, one that `is_of_blocks`.
      params: its own.
      x_LD: hidden states of one RNA.
      length: as `pair_tiles.logits`.
      energies: as there.
      rows: of a strip; None: as many as are computed fast.

    Raises:
      MemoryError: there is no room for the map, before anything is computed.
    """
    first_LC, second_LC = (
        np.asarray(part_BLC)[0, :length]
        for part_BLC in pair_tiles.project(head, params, jnp.asarray(x_LD)[None])
    )
    L, width = len(first_LC), _width(len(first_LC))
    rows = rows or _rows(width)
    starts = range(0, L, rows)
    kept = _Map(head, L, rows)
    first_LC = np.pad(first_LC, ((0, len(starts) * rows - L), (0, 0)))
    second_MC = np.pad(second_LC, ((0, width - L), (0, 0)))
    energies = pair_tiles.by_rows(energies)

    def energy(start: int, edge: int = 0) -> np.ndarray | None:
        shape = rows + 2 * edge, width
        return pair_tiles.energy_map(energies, start - edge, 0, shape)

    parts = []
    for start in starts:
        made = first_LC[None, start : start + rows], second_MC[None]
        z_LMC, moments = _start(
            head, params, *made, *kept.is_there(start), energy(start)
        )
        kept.put(start, z_LMC)
        parts.append(jax.device_get(moments))
    *edges, last = _edges(head)
    for number, edge in enumerate(edges):
        known, parts = pair_tiles.combine(parts), []
        block = params["network"][f"block_{number}"]
        for start in starts:
            given = kept.strip(start, edge), *kept.is_there(start, edge)
            z_LMC, moments = _block(pair_resnet.dilation(number), block, known, *given)
            kept.put(start, z_LMC, edge)
            parts.append(jax.device_get(moments))
        kept.move_up(edge)
    known = pair_tiles.combine(parts)
    for start in starts:
        given = kept.strip(start, last), *kept.is_there(start, last)
        logits_LM = _last(head, params, last, known, *given, energy(start, last))
        yield pair_tiles.Tile(start, 0, np.asarray(logits_LM)[: L - start, :L])


class _Map:
    """A map of all channels, of which strips are read and replaced.

    What comes out of a block stands further up than what went in, by as many rows as
    the block reads above a strip: no strip takes the place of rows that the next reads.
    """

    def __init__(self, head: heads.PairHead, length: int, rows: int) -> None:
        self._map_LMC = np.zeros(_shape(head, length, rows), head.dtype)
        self._margin = sum(_edges(head))  # rows above the first one
        self._length, self._rows = length, rows

    def strip(self, start: int, edge: int) -> np.ndarray:
        """Returns z_BLMC of a strip with so many rows around it."""
        begin = self._margin + start - edge
        return self._map_LMC[None, begin : begin + self._rows + 2 * edge]

    def is_there(self, start: int, edge: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Returns is_BL and is_BM of it: which rows and columns are nucleotides."""
        row_L = np.arange(start - edge, start + self._rows + edge)
        is_L = (row_L >= 0) & (row_L < self._length)
        column_M = np.arange(self._map_LMC.shape[1])
        return is_L[None], (column_M < self._length)[None]

    def put(self, start: int, z_LMC: jax.Array, up: int = 0) -> None:
        """Replaces a strip, so many rows further up."""
        begin = self._margin + start - up
        self._map_LMC[begin : begin + self._rows] = z_LMC

    def move_up(self, up: int) -> None:
        """Says that all strips were put so many rows further up."""
        self._margin -= up


def _shape(head: heads.PairHead, length: int, rows: int) -> tuple[int, int, int]:
    edges = _edges(head)
    height = sum(edges) + -(-length // rows) * rows + max(edges)
    return height, _width(length), head.channels


def _width(length: int) -> int:
    return -(-length // _COLUMNS) * _COLUMNS


def _rows(width: int) -> int:
    return max(_FEWEST, _POSITIONS // width)


def _edges(head: heads.PairHead) -> list[int]:
    """Returns how many rows around a strip each block reads; the last for logits."""
    edges = [_edge(pair_resnet.dilation(number)) for number in range(head.num_blocks)]
    edges[-1] += 1
    return edges


def _edge(dilation: int) -> int:
    return 1 + dilation


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


@functools.partial(jax.jit, static_argnames="dilation")
def _block(
    dilation: int,
    params: types.Params,
    known: tuple[jax.Array, jax.Array],
    z_BLMC: jax.Array,
    is_BL: jax.Array,
    is_BM: jax.Array,
) -> tuple[jax.Array, pair_resnet.Moments]:
    """Returns z_LMC of a strip after a block, without what is around it; moments.

    Of the block's own parameters: those with the same dilation are one program.
    """
    is_BLM = is_BL[:, :, None] & is_BM[:, None]
    z_BLMC = _after(dilation, params, known, z_BLMC, is_BLM)
    edge = _edge(dilation)
    inner_BLMC = z_BLMC[:, edge:-edge]
    return inner_BLMC[0], pair_resnet.moments(inner_BLMC, is_BLM[:, edge:-edge])


@functools.partial(jax.jit, static_argnames=("head", "edge"))
def _last(
    head: heads.PairHead,
    params: types.Params,
    edge: int,
    known: tuple[jax.Array, jax.Array],
    z_BLMC: jax.Array,
    is_BL: jax.Array,
    is_BM: jax.Array,
    energy_BLMS: jax.Array | None,
) -> jax.Array:
    """Returns logits_LM of a strip, from the map before the last block."""
    is_BLM = is_BL[:, :, None] & is_BM[:, None]
    number = head.num_blocks - 1
    block = params["network"][f"block_{number}"]
    dilation = pair_resnet.dilation(number)
    z_BLMC = _after(dilation, block, known, z_BLMC, is_BLM)
    logits_BLM = applied.apply(head, params, z_BLMC, is_BLM, energy_BLMS, method="end")
    return logits_BLM[0, edge:-edge]


def _after(
    dilation: int,
    params: types.Params,
    known: tuple[jax.Array, jax.Array],
    z_BLMC: jax.Array,
    is_BLM: jax.Array,
) -> jax.Array:
    """Returns the map after a block whose norm has known means and variances."""

    def normalise(z_BLMC: jax.Array, _: jax.Array) -> jax.Array:
        return pair_resnet.standardise(z_BLMC, *known)

    block = pair_resnet.DilatedBlock(dilation, 0.0, "instance", normalise)
    return applied.apply(block, params, z_BLMC, is_BLM, False)
