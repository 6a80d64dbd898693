"""Pictures of a predicted structure: arcs, a map of its pairs, a drawing.

Positions count from 1, sizes are in inches. Needs the extra [plots].
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax.infer import canvas, layout, pair_confidence
from ssrlm_jax.rna import formats, probabilities, structure_formats, structures

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.axes import Axes

_LETTER = 0.09  # inches of a letter under arcs
_MOST_LETTERS = 150  # under arcs
_BAND = 0.09  # inches between the middle of the letters and the arcs
_HIGHEST = 3.5  # inches of an arc
_MOST_CELLS = 500  # a side of a map; beyond, a cell is the greatest of several

_Listed = probabilities.PairProbabilities
_Truth = structures.Structure | None


def arcs(
    record: formats.Record,
    listed: _Listed,
    truth: _Truth = None,
    reactivity_L: Sequence[float | None] | None = None,
) -> "figures.Figure":
    """Draws pairs as arcs above the sequence, true pairs, where known, below it.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      truth: of the same length; found and missed pairs differ in colour.
      reactivity_L: colours the letters; nan or None: no data.
    """
    structure = structure_formats.structure_of(record)
    length = structure.length
    has_letters = length <= _MOST_LETTERS
    width = max(3.0, _LETTER * (length + 1)) if has_letters else 13.0
    above, below = _widest(structure), _widest(truth) if truth is not None else 0
    per_span = min(width / (length + 1) / 2, _HIGHEST / max(above, below))
    high, low = 2 * _BAND + per_span * above, 2 * _BAND + per_span * below
    figure, axes = canvas.page(record, listed, width, high + low)
    axes.set_xlim(0, length + 1)
    axes.set_ylim(-low, high)
    color_P4 = canvas.color_of(pair_confidence.of_pairs(structure, listed))
    _add_arcs(axes, structure.pairs, color_P4, _BAND, per_span)
    if truth is not None:
        color_P4 = canvas.color_of_true(truth, structure)
        _add_arcs(axes, truth.pairs, color_P4, -_BAND, -per_span)
        canvas.add_legend_of_true(figure)
    if has_letters:
        color_L: Sequence[str | np.ndarray] = [canvas.PLAIN] * length
        if reactivity_L is not None:
            color_L = list(canvas.color_of_reactivity(reactivity_L))
            canvas.add_legend_of_reactivity(figure)
        shown = zip(record.sequence, color_L, strict=True)
        for position, (letter, color) in enumerate(shown, 1):
            style = {"family": "monospace", "color": color, **canvas.CENTRED}
            axes.text(position, 0, letter, size=7, **style)
    else:
        axes.plot([1, length], [0, 0], color=canvas.PLAIN, linewidth=1)
    axes.set_yticks([])
    axes.set_xticks(canvas.ticks(length, 26))
    axes.tick_params(labelsize=8)
    axes.spines[["left", "right", "top"]].set_visible(False)
    return figure


def pair_map(
    record: formats.Record, listed: _Listed, truth: _Truth = None
) -> "figures.Figure":
    """Draws pair probabilities below the diagonal and a structure above it.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      truth: is above the diagonal; without it, the structure of the record.
    """
    structure = structure_formats.structure_of(record)
    length = structure.length
    side = float(np.clip(0.09 * length, 3.5, 8.0))
    figure, axes = canvas.page(record, listed, side, side)
    per_cell = max(1, -(-length // _MOST_CELLS))
    num_cells = max(1, -(-length // per_cell))
    image_LL4 = np.ones((num_cells, num_cells, 4))
    order = np.argsort(listed.probability, kind="stable")  # the greatest is on top
    i, j = listed.i[order] // per_cell, listed.j[order] // per_cell
    image_LL4[j, i] = canvas.color_of(listed.probability[order])
    above = structure if truth is None else truth
    i, j = above.pairs.T // per_cell
    image_LL4[i, j] = (
        canvas.rgba([canvas.PLAIN] * len(i))
        if truth is None
        else canvas.color_of_true(truth, structure)
    )
    edge = num_cells * per_cell + 0.5
    axes.imshow(image_LL4, extent=(0.5, edge, edge, 0.5), interpolation="nearest")
    axes.plot([0.5, edge], [0.5, edge], color="#999999", linewidth=0.6)
    what = "predicted structure" if truth is None else "true structure"
    axes.set_title(f"above the diagonal: {what}", size=8, loc="right", pad=4)
    axes.set_xlabel("below: the probability of each pair", size=8, loc="left")
    if truth is not None:
        canvas.add_legend_of_true(figure)
    ticks = canvas.ticks(length, 10)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.tick_params(labelsize=8)
    return figure


def _widest(structure: structures.Structure) -> int:
    """Returns the positions under the widest pair, 2 at least."""
    i, j = structure.pairs.T
    return int((j - i).max(initial=2))


def _add_arcs(
    axes: "Axes", pairs: np.ndarray, color_P4: np.ndarray, base: float, per_span: float
) -> None:
    """Adds half ellipses from `base` upwards, or downwards where it is negative."""
    from matplotlib import collections

    angle_N = np.linspace(0, np.pi, 41)
    i_P1, j_P1 = pairs[:, :1] + 1, pairs[:, 1:] + 1
    x_PN = (i_P1 + j_P1) / 2 + (j_P1 - i_P1) / 2 * np.cos(angle_N)[None]
    y_PN = base + per_span * (j_P1 - i_P1) * np.sin(angle_N)[None]
    curves = np.stack([x_PN, y_PN], axis=-1)
    lines = collections.LineCollection(list(curves), colors=color_P4, linewidths=1.3)
    axes.add_collection(lines)


PICTURES: dict[str, Callable[[formats.Record, _Listed], "figures.Figure"]] = {
    "arcs": arcs,
    "map": pair_map,
    "drawing": layout.drawing,
}
# Those of which nucleotides have colours of their own.
WITH_REACTIVITIES: dict[str, Callable[..., "figures.Figure"]] = {
    "arcs": arcs,
    "drawing": layout.drawing,
}
