"""Pair heads on long RNA: a map in tiles, equal to the whole map at once.

A tile is computed with the positions around it that its result depends on. A norm
over the whole map needs sums over all tiles first: one pass for each norm, which
computes everything before it again, so that no map of C channels is ever stored.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import types
from ssrlm_jax.models import applied, heads, pair_resnet

Energies = Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
Known = tuple[tuple[jax.Array, jax.Array], ...]  # mean_BC and variance_BC of each norm


class Tile(NamedTuple):
    """A part of a map.

    Attributes:
      row: of its first element, from 0.
      column: of its first element, from 0.
      logits_LM: float32; the last tiles of a map are smaller.
    """

    row: int
    column: int
    logits_LM: np.ndarray


def logits(
    head: heads.PairHead,
    params: types.Params,
    x_LD: jax.Array,
    size: int,
    length: int | None = None,
    energies: Energies = (),
) -> Iterator[Tile]:
    """Yields the upper triangle of a map of logits, tile by tile.

    Elements on and below the diagonal mean nothing.

    Args:
      head: of pairs.
      params: its own.
      x_LD: hidden states of one RNA.
      size: rows and columns of a tile; memory grows with its square, and the time
        with (1 + 2 reach / size)^2.
      length: nucleotides; what follows in `x_LD` is padding. None: there is none.
      energies: of each source that the head reads, i, j (i < j) and probability of
        the pairs that are listed.
    """
    first_LC, second_LC = (
        np.asarray(part_BLC)[0, :length]
        for part_BLC in project(head, params, jnp.asarray(x_LD)[None])
    )
    take = functools.partial(
        _take, first_LC, second_LC, by_rows(energies), heads.reach(head), size
    )
    starts = range(0, len(first_LC), size)
    # One norm a pass: what it reads depends on all norms before it. Both triangles, as
    # a norm is over the whole map, which is symmetric at the end only.
    known: Known = ()
    for _ in range(heads.num_norms(head)):
        parts = [
            jax.device_get(_moments(head, params, known, *take(row, column)))
            for row in starts
            for column in starts
        ]
        known = (*known, combine(parts))
    for row in starts:
        for column in starts:
            if column < row:  # the caller mirrors the upper triangle
                continue
            # Every tile has the same shape, past the end too: one program for all.
            tile_LM = np.asarray(_logits(head, params, known, *take(row, column)))
            inside = len(first_LC) - row, len(first_LC) - column
            yield Tile(row, column, tile_LM[: inside[0], : inside[1]])


def combine(parts: list[pair_resnet.Moments]) -> tuple[jax.Array, jax.Array]:
    """Returns mean_BC and variance_BC of a map from the moments of its parts.

    In float64, and from deviations, so that nothing is lost by subtraction. Source:
    Chan et al. 1983, Am. Stat. 37(3).
    """
    count_NB1 = np.array([count_B for count_B, _, _ in parts], np.float64)[..., None]
    mean_NBC = np.array([mean_BC for _, mean_BC, _ in parts], np.float64)
    variance_NBC = np.array([variance_BC for _, _, variance_BC in parts], np.float64)
    total_B1 = np.maximum(count_NB1.sum(0), 1.0)
    mean_BC = (count_NB1 * mean_NBC).sum(0) / total_B1
    square_NBC = variance_NBC + np.square(mean_NBC - mean_BC[None])
    variance_BC = (count_NB1 * square_NBC).sum(0) / total_B1
    return jnp.asarray(mean_BC, jnp.float32), jnp.asarray(variance_BC, jnp.float32)


class _Norms:
    """Stands in for the norms of a head: those known, and one to be known next."""

    def __init__(self, known: Known, is_inner_BLM: jax.Array | None) -> None:
        self._known = list(known)
        self._is_inner_BLM = is_inner_BLM
        self.found: pair_resnet.Moments | None = None

    def __call__(self, z_BLMC: jax.Array, is_BLM: jax.Array) -> jax.Array:
        # The head calls it in the order of its norms, while it is traced: counting
        # tells which one it is.
        if self._known:
            return pair_resnet.standardise(z_BLMC, *self._known.pop(0))
        if self.found is None and self._is_inner_BLM is not None:
            # What follows is not used by the caller, and is not computed.
            self.found = pair_resnet.moments(z_BLMC, is_BLM & self._is_inner_BLM)
        return z_BLMC


def _take(
    first_LC: np.ndarray,
    second_LC: np.ndarray,
    energies: Energies,
    reach: int,
    size: int,
    row: int,
    column: int,
) -> tuple[np.ndarray | None, ...]:
    """Returns features of a tile's rows and columns with their surroundings.

    Returns:
      energy_BLMS (None where there is none), then first_BLC, is_BL, is_inner_BL and the
      same of columns; L = size + 2 reach.
    """
    wide = size + 2 * reach
    found: list[np.ndarray | None] = [
        energy_map(energies, row - reach, column - reach, (wide, wide))
    ]
    for part_LC, start in ((first_LC, row), (second_LC, column)):
        index_L = np.arange(start - reach, start + size + reach)
        is_L = (index_L >= 0) & (index_L < len(part_LC))
        is_inner_L = is_L & (index_L >= start) & (index_L < start + size)
        # Beyond the ends any number will do, as `is_L` hides it: the nearest one.
        inside_L = np.clip(index_L, 0, len(part_LC) - 1)
        found += [part_LC[inside_L][None], is_L[None], is_inner_L[None]]
    return tuple(found)


def by_rows(energies: Energies) -> Energies:
    """Returns the pairs of both triangles, as rows and columns, in order of rows."""
    found = []
    for i, j, probability in energies:
        row_P, column_P = np.concatenate([i, j]), np.concatenate([j, i])
        order_P = np.argsort(row_P, kind="stable")
        both_P = np.concatenate([probability, probability])
        found.append((row_P[order_P], column_P[order_P], both_P[order_P]))
    return found


def energy_map(
    energies: Energies, row: int, column: int, size: tuple[int, int]
) -> np.ndarray | None:
    """Returns energy_BLMS of a part of a map; None where no energies are read.

    Args:
      energies: as `by_rows` gives them.
      row: of its first element; it may lie beyond the map.
      column: likewise.
      size: rows and columns.
    """
    if not energies:
        return None
    # Probabilities lie in 0..1, and half of the bytes go to the device.
    map_LMS = np.zeros((*size, len(energies)), np.float16)
    for number, (row_P, column_P, probability_P) in enumerate(energies):
        part = slice(*np.searchsorted(row_P, (row, row + size[0])))
        row_P, column_P = row_P[part] - row, column_P[part] - column
        is_in = (column_P >= 0) & (column_P < size[1])
        map_LMS[row_P[is_in], column_P[is_in], number] = probability_P[part][is_in]
    return map_LMS[None]


@functools.partial(jax.jit, static_argnames="head")
def project(
    head: heads.PairHead, params: types.Params, x_BLD: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Returns first_BLC and second_BLC, see `heads.PairHead.project`."""
    return applied.apply(head, params, x_BLD, method="project")


@functools.partial(jax.jit, static_argnames="head")
def _moments(
    head: heads.PairHead,
    params: types.Params,
    known: Known,
    energy_BLMS: jax.Array | None,
    first_BLC: jax.Array,
    is_BL: jax.Array,
    is_inner_BL: jax.Array,
    second_BMC: jax.Array,
    is_BM: jax.Array,
    is_inner_BM: jax.Array,
) -> pair_resnet.Moments:
    """Returns the moments of the first norm that is not known, over a tile."""
    norms = _Norms(known, is_inner_BL[:, :, None] & is_inner_BM[:, None])
    _apply(head, params, norms, first_BLC, second_BMC, is_BL, is_BM, energy_BLMS)
    if norms.found is None:
        raise ValueError(f"{head.kind} has {len(known)} norms only")
    return norms.found


@functools.partial(jax.jit, static_argnames="head")
def _logits(
    head: heads.PairHead,
    params: types.Params,
    known: Known,
    energy_BLMS: jax.Array | None,
    first_BLC: jax.Array,
    is_BL: jax.Array,
    is_inner_BL: jax.Array,
    second_BMC: jax.Array,
    is_BM: jax.Array,
    is_inner_BM: jax.Array,
) -> jax.Array:
    """Returns logits_LM of a tile, without its surroundings."""
    del is_inner_BL, is_inner_BM  # taken, so that both functions are called alike
    norms = _Norms(known, None)
    logits_BLM = _apply(
        head, params, norms, first_BLC, second_BMC, is_BL, is_BM, energy_BLMS
    )
    edge = heads.reach(head)
    return logits_BLM[0, edge:-edge, edge:-edge]


def _apply(
    head: heads.PairHead,
    params: types.Params,
    norms: _Norms,
    first_BLC: jax.Array,
    second_BMC: jax.Array,
    is_BL: jax.Array,
    is_BM: jax.Array,
    energy_BLMS: jax.Array | None,
) -> jax.Array:
    return applied.apply(
        head.clone(normalise=norms),
        params,
        *(first_BLC, second_BMC, is_BL, is_BM),
        energy_BLMS=energy_BLMS,
        method="logits",
    )
