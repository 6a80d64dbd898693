"""Pictures of predicted atoms: confidence, distances, the structure in space.

Positions count from 1, distances are in angstrom, sizes in inches. Needs the extra
[plots].
"""

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax.infer import canvas, canvas3d, spatial
from ssrlm_jax.rna import atoms, coordinate_formats

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.axes import Axes

_LETTER, _TICK = 0.1, 0.4  # inches of a nucleotide with its letter, of a number
_MOST_LETTERS = 100
_MOST_WIDTH = 10.0
_HEIGHT = 1.8
_MOST_CELLS = 500  # a side of a map; beyond, a cell is the least of several
_LEAST_SIDE, _MOST_SIDE = 2.5, 6.0  # inches of a map
_LEAST_MARK, _MOST_MARK = 3.5, 8.0  # points of a pair in it
_MOST_TICKS = 10
_SCALE = "viridis"  # dark is near
_ABSENT = "#d9d9d9"
_PAIR = "#d55e00"

_Chain = coordinate_formats.PredictedChain


def plddt(name: str, chain: _Chain) -> "figures.Figure":
    """Draws pLDDT times 100 along the chain, in the colours of its bands."""
    from matplotlib import collections

    length = len(chain.letters)
    has_letters = length <= _MOST_LETTERS
    width = min(_LETTER * (length + 1), _MOST_WIDTH)
    figure, axes = canvas3d.page(name, chain, width, _HEIGHT)
    gap = 0.1 if has_letters else 0.0
    bars = [
        [(x - 0.5 + gap, 0), (x - 0.5 + gap, y), (x + 0.5 - gap, y), (x + 0.5 - gap, 0)]
        for x, y in enumerate(100 * chain.plddt_L.astype(float), 1)
    ]
    color_L4 = canvas3d.color_of(chain.plddt_L)
    drawn = collections.PolyCollection(
        bars, facecolors=color_L4, edgecolors="face", linewidths=0.2
    )
    axes.add_collection(drawn)
    for limit in canvas3d.LIMITS:
        axes.axhline(limit, color=canvas.PLAIN, linewidth=0.5, linestyle=(0, (2, 3)))
    if has_letters:
        for position, letter in enumerate(chain.letters, 1):
            axes.text(
                position, -6, letter, size=7, family="monospace", **canvas.CENTRED
            )
    axes.set_xlim(0.25, length + 0.75)
    axes.set_ylim(0, 100)
    axes.set_xticks(_ticks(length, max(2, int(width / _TICK))))
    axes.set_yticks([0, *canvas3d.LIMITS, 100])
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="x", pad=11 if has_letters else 3)
    axes.spines[["right", "top"]].set_visible(False)
    canvas3d.add_bands(figure, axes)
    return figure


def distances(
    name: str,
    chain: _Chain,
    *,
    truth_L3: np.ndarray | None = None,
    pairs: np.ndarray | None = None,
) -> "figures.Figure":
    """Draws distances between C1' atoms; grey where one is missing.

    Args:
      name: the title.
      chain: its distances are below the diagonal, and above it where the truth is not
        known.
      truth_L3: true C1', nan where not seen; their distances are above the diagonal.
      pairs: (P, 2) of positions from 0; marked on both sides.

    Raises:
      ValueError: the truth is not of this length.
    """
    from matplotlib import cm, colors

    length = len(chain.letters)
    is_seen_L1 = chain.is_atom_LT[:, atoms.C1_PRIME, None]
    xyz_L3 = np.where(is_seen_L1, chain.xyz_LT3[:, atoms.C1_PRIME], np.nan)
    if truth_L3 is not None and truth_L3.shape != xyz_L3.shape:
        raise ValueError(
            f"truth_L3 of shape {xyz_L3.shape} is expected, found {truth_L3.shape}"
        )
    per_cell = max(1, -(-length // _MOST_CELLS))
    image_LL = _between(xyz_L3, per_cell)
    if truth_L3 is not None:
        image_LL = np.where(
            np.tri(len(image_LL), dtype=bool), image_LL, _between(truth_L3, per_cell)
        )
    greatest = np.fmax.reduce(image_LL, axis=None, initial=1.0)
    norm = colors.Normalize(0, greatest)
    scale = cm.ScalarMappable(norm, _SCALE)
    side = float(np.clip(0.05 * length, _LEAST_SIDE, _MOST_SIDE))
    figure, axes = canvas3d.page(name, chain, side, side)
    axes.set_facecolor(_ABSENT)
    edge = len(image_LL) * per_cell + 0.5
    axes.imshow(
        np.ma.masked_invalid(image_LL),
        cmap=scale.cmap,
        norm=norm,
        extent=(0.5, edge, edge, 0.5),
        interpolation="nearest",
    )
    axes.plot([0.5, edge], [0.5, edge], color="white", linewidth=0.6)
    if pairs is not None:
        _add_pairs(figure, axes, pairs, 72 * side / length)
    if truth_L3 is not None:
        axes.set_title("above the diagonal: true structure", size=8, loc="right", pad=4)
    ticks = _ticks(length, _MOST_TICKS)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.tick_params(labelsize=8)
    canvas.add_scale(figure, axes, scale, "C1′ to C1′, Å", canvas3d.LEAST_HEIGHT)
    return figure


def save(
    name: str,
    chain: _Chain,
    directory: pathlib.Path,
    stem: str,
    *,
    is_replaced: bool = False,
) -> list[pathlib.Path]:
    """Writes all PICTURES as files such as `stem.plddt.png`; each whole or not at all.

    Args:
      name: the title.
      chain: of the pictures.
      directory: is made where it is missing.
      stem: of files' names.
      is_replaced: whether files of the same name give way.

    Returns:
      the files.

    Raises:
      ValueError: there is such a file, and `is_replaced` is false; none is written.
    """
    paths = [
        directory / f"{stem}.{picture}.{suffix}"
        for picture in PICTURES
        for suffix in canvas.SUFFIXES
    ]
    taken = [path for path in paths if path.exists()]
    if taken and not is_replaced:
        raise ValueError(
            f"{taken[0]} exists; give another place, or --force to replace"
        )
    directory.mkdir(parents=True, exist_ok=True)
    for picture, draw in PICTURES.items():
        canvas.write(draw(name, chain), directory, f"{stem}.{picture}")
    return paths


def _between(xyz_L3: np.ndarray, per_cell: int) -> np.ndarray:
    """Returns the least distance of each cell, so many nucleotides a side."""
    length = len(xyz_L3)
    starts = range(0, length, per_cell)
    rows = []
    for start in starts:
        apart_LM = np.linalg.norm(
            xyz_L3[start : start + per_cell, None] - xyz_L3[None], axis=-1
        )
        rows.append(np.fmin.reduceat(np.fmin.reduce(apart_LM), list(starts)))
    return np.stack(rows)


def _add_pairs(
    figure: "figures.Figure", axes: "Axes", pairs: np.ndarray, points: float
) -> None:
    """Marks pairs on both sides; `points` are of a nucleotide."""
    i_P, j_P = pairs.reshape(-1, 2).T + 1
    x_N, y_N = np.concatenate([i_P, j_P]), np.concatenate([j_P, i_P])
    drawn = axes.plot(
        x_N,
        y_N,
        color=_PAIR,
        marker="o",
        fillstyle="none",
        linestyle="none",
        markersize=float(np.clip(points, _LEAST_MARK, _MOST_MARK)),
        markeredgewidth=0.8,
    )
    canvas3d.add_legend(figure, axes, drawn, ["base pair"], "lower left")


def _ticks(length: int, most: int) -> list[int]:
    """Returns round positions; all of a short strand."""
    short = list(range(1, length + 1))
    return short if length <= min(most, _MOST_TICKS) else canvas.ticks(length, most)


PICTURES: dict[str, Callable[[str, _Chain], "figures.Figure"]] = {
    "plddt": plddt,
    "distances": distances,
    "space": spatial.drawing,
}
