"""A drawing of a secondary structure, laid out by ViennaRNA.

RNApuzzler keeps loops and helices apart (Wiegreffe et al. 2018, Bioinformatics 35(16))
but puts what no pair encloses on a line; where that is too long, naview's ring is
taken (Bruccoleri and Heinrich 1988, CABIOS 4(1)).

Lengths are steps, the distance of two nucleotides next to each other; a step is so
many inches. Needs the extra [plots].
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ssrlm_jax.infer import canvas, pair_confidence
from ssrlm_jax.rna import formats, probabilities, structure_formats, structures

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.axes import Axes

_STEP = 0.2  # inches
_MOST_INCHES = 20.0  # of a side; a step is shorter beyond
_MOST_LETTERS = 1500
_SMALLEST_LOOP = 3  # nucleotides between two that are paired
_LEAST_POINTS = 6.0  # of a position
_MARGIN = 2.5  # steps around the nucleotides, for positions
_ROOM = 1.1  # steps from a position that is written to what else is there
_BEND = 0.25  # of a pair that crosses others: how far off a straight line
_UNPAIRED, _BACKBONE = "#eeeeee", "#aaaaaa"


def drawing(
    record: formats.Record,
    listed: probabilities.PairProbabilities,
    *,
    reactivity_L: Sequence[float | None] | None = None,
) -> "figures.Figure":
    """Draws the secondary structure.

    Pairs that cross others, or with a loop of less than three nucleotides, do not
    shape the drawing; they are curves in it.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      reactivity_L: colours the nucleotides; nan or None: no data.

    Raises:
      ValueError: more pairs cross each other than there are brackets.
    """
    structure = structure_formats.structure_of(record)
    laid_out = positions(structure)
    xy_L2 = laid_out[0]
    size_2 = np.ptp(xy_L2, axis=0) + 2 * _MARGIN
    step = min(_STEP, _MOST_INCHES / size_2.max())
    size_2 = np.maximum(size_2, np.array([3.0, 1.0]) / step)
    figure, axes = canvas.page(record, listed, *(size_2 * step).tolist())
    middle_2 = (xy_L2.min(axis=0) + xy_L2.max(axis=0)) / 2
    low_2, high_2 = middle_2 - size_2 / 2, middle_2 + size_2 / 2
    axes.set_xlim(low_2[0], high_2[0])
    axes.set_ylim(low_2[1], high_2[1])
    axes.set_axis_off()
    points = 72 * step
    probability_P = pair_confidence.of_pairs(structure, listed)
    order_P = np.argsort(probability_P, kind="stable")  # the greatest is on top
    color_P4 = canvas.color_of(probability_P)
    own_L4 = None
    if reactivity_L is not None:
        own_L4 = canvas.color_of_reactivity(reactivity_L)
        canvas.add_legend_of_reactivity(figure)
    color_L4 = _draw(axes, structure, laid_out, color_P4, order_P, points, own_L4)
    if structure.length <= _MOST_LETTERS:
        _add_letters(axes, record.sequence, xy_L2, color_L4, 0.55 * points)
    _add_positions(axes, xy_L2, max(_LEAST_POINTS, 0.5 * points))
    return figure


class Sketch(NamedTuple):
    """A structure in a gallery.

    Attributes:
      title: above it.
      structure: what is drawn.
      truth: pairs that it shares with the structure are of one colour, others of
        another; None: all of a third.
      marked_L: bool, nucleotides that stand out, such as those that are hidden from a
        model; None: none.
    """

    title: str
    structure: structures.Structure
    truth: structures.Structure | None = None
    marked_L: np.ndarray | None = None


def gallery(rows: Sequence[Sequence[Sketch]], side: float = 2.6) -> "figures.Figure":
    """Draws structures side by side, without letters.

    Args:
      rows: as many sketches in each.
      side: inches of a sketch.

    Raises:
      ValueError: more pairs of a structure cross each other than there are brackets.
    """
    size_2 = side * len(rows[0]), side * len(rows)
    made = canvas.blank(size_2, layout="constrained")
    cells = made.subplots(len(rows), len(rows[0]), squeeze=False)
    for cell, sketch in zip(
        cells.flat, (one for row in rows for one in row), strict=True
    ):
        structure = sketch.structure
        laid_out = positions(structure)
        low_2, high_2 = laid_out[0].min(axis=0) - 1, laid_out[0].max(axis=0) + 1
        size = float((high_2 - low_2).max())
        for limit, low, high in zip(
            (cell.set_xlim, cell.set_ylim), low_2, high_2, strict=True
        ):
            limit((low + high - size) / 2, (low + high + size) / 2)
        cell.set_axis_off()
        cell.set_aspect("equal")
        if sketch.truth is None:
            color_P4 = canvas.rgba([canvas.PLAIN] * len(structure.pairs))
        else:
            color_P4 = canvas.color_of_true(structure, sketch.truth)
        order_P = np.arange(len(structure.pairs))
        points = 72 * 0.8 * side / size
        _draw(cell, structure, laid_out, color_P4, order_P, points)
        if sketch.marked_L is not None:
            marked_N2, area = laid_out[0][sketch.marked_L], (0.9 * points) ** 2
            cell.scatter(*marked_N2.T, s=area, c=canvas.MISSED, zorder=4, linewidths=0)
        cell.set_title(sketch.title, size=8, pad=2)
    return made


def _draw(
    axes: "Axes",
    structure: structures.Structure,
    laid_out: tuple[np.ndarray, np.ndarray],
    color_P4: np.ndarray,
    order_P: np.ndarray,
    points: float,
    own_L4: np.ndarray | None = None,
) -> np.ndarray:
    """Draws backbone, pairs and nucleotides; a step is `points`. Returns color_L4.

    Args:
      axes: to draw in.
      structure: whose pairs are drawn.
      laid_out: of `positions`.
      color_P4: of the pairs.
      order_P: the last pair of a nucleotide gives it its colour.
      points: of a step.
      own_L4: colours of the nucleotides; None: those of their pairs.
    """
    from matplotlib import collections

    xy_L2, is_straight_P = laid_out
    axes.plot(*xy_L2.T, color=_BACKBONE, linewidth=0.1 * points, zorder=1)
    curves = _curves(xy_L2, structure.pairs, np.where(is_straight_P, 0.0, _BEND))
    width_P = points * np.where(is_straight_P, 0.15, 0.08)
    axes.add_collection(
        collections.LineCollection(
            list(curves), colors=color_P4, linewidths=width_P, zorder=2
        )
    )
    color_L4 = np.repeat(canvas.rgba([_UNPAIRED]), structure.length, axis=0)
    for number in order_P:
        color_L4[structure.pairs[number]] = color_P4[number]
    color_L4 = color_L4 if own_L4 is None else own_L4
    area = (0.78 * points) ** 2
    x_L, y_L = xy_L2.T
    axes.scatter(x_L, y_L, s=area, c=color_L4, zorder=3, linewidths=0)
    return color_L4


def positions(structure: structures.Structure) -> tuple[np.ndarray, np.ndarray]:
    """Returns where nucleotides are, in steps, and which pairs shaped that.

    Args:
      structure: of L positions, 1 at least; pairs that cross others, or with a loop of
        less than three nucleotides, do not shape the drawing.

    Returns:
      xy_L2 float64, y upwards, and is_straight_P bool, in the order of `pairs`.

    Raises:
      ValueError: more pairs cross each other than there are brackets.
    """
    import RNA

    partner_L, _ = structures.partners(structure)
    # ViennaRNA ends the process where a loop has fewer than three nucleotides.
    first = np.flatnonzero(partner_L - np.arange(structure.length) > _SMALLEST_LOOP)
    once = structures.Structure(
        structure.length, np.stack([first, partner_L[first]], axis=1)
    )
    dots = RNA.db_pk_remove(structures.to_dot_bracket(once))
    kept = set(map(tuple, structures.from_dot_bracket(dots).pairs.tolist()))
    is_straight = [tuple(pair) in kept for pair in structure.pairs.tolist()]
    xy_L2 = _places(dots, RNA.PLOT_TYPE_PUZZLER, 25.0)
    if np.ptp(xy_L2, axis=0).max() > _MOST_INCHES / _STEP:
        round_L2 = _places(dots, RNA.PLOT_TYPE_NAVIEW, 15.0)
        xy_L2 = min(xy_L2, round_L2, key=lambda xy: np.ptp(xy, axis=0).max())
    return xy_L2, np.array(is_straight, bool)


def _places(dots: str, kind: int, per_step: float) -> np.ndarray:
    """Returns where one of ViennaRNA's layouts puts nucleotides, in steps."""
    import RNA

    before = RNA.cvar.rna_plot_type  # there is no other way to choose
    RNA.cvar.rna_plot_type = kind
    try:
        found = RNA.get_xy_coordinates(dots)
        points = [found.get(position) for position in range(len(dots))]
    finally:
        RNA.cvar.rna_plot_type = before
    return np.array([(point.X, point.Y) for point in points]) / per_step


def _curves(xy_L2: np.ndarray, pairs: np.ndarray, bend_P: np.ndarray) -> np.ndarray:
    """Returns lines (P, N, 2) from one nucleotide of each pair to the other."""
    from_P2, to_P2 = xy_L2[pairs[:, 0]], xy_L2[pairs[:, 1]]
    across_P2 = (to_P2 - from_P2)[:, ::-1] * (1, -1)
    top_P2 = (from_P2 + to_P2) / 2 + bend_P[:, None] * across_P2
    t_N1 = np.linspace(0, 1, 21)[None, :, None]
    return (
        (1 - t_N1) ** 2 * from_P2[:, None]
        + 2 * t_N1 * (1 - t_N1) * top_P2[:, None]
        + t_N1**2 * to_P2[:, None]
    )


def _add_letters(
    axes: "Axes", sequence: str, xy_L2: np.ndarray, color_L4: np.ndarray, size: float
) -> None:
    """Writes a letter into every nucleotide, white where it is dark."""
    luminance_L = color_L4[:, :3] @ np.array([0.299, 0.587, 0.114])
    for (x, y), letter, luminance in zip(xy_L2, sequence, luminance_L, strict=True):
        color = "white" if luminance < 0.5 else "black"
        axes.text(x, y, letter, size=size, color=color, zorder=4, **canvas.CENTRED)


def _add_positions(axes: "Axes", xy_L2: np.ndarray, size: float) -> None:
    """Writes positions and both ends where there is room for them."""
    length = len(xy_L2)
    angle_N = np.arange(0, 2 * np.pi, np.pi / 12)
    around_N2 = np.stack([np.cos(angle_N), np.sin(angle_N)], axis=-1)
    labels = {position: str(position) for position in canvas.ticks(length, 30)}
    labels |= {1: "5′", length: "3′"} if length > 1 else {}
    taken_N2 = xy_L2
    for position, label in sorted(labels.items()):
        for distance in (1.5, 2.2, 3.0):
            place_N2 = xy_L2[position - 1][None] + distance * around_N2
            gap_NN = np.linalg.norm(place_N2[:, None] - taken_N2[None], axis=-1)
            best = gap_NN.min(axis=1).argmax()
            if gap_NN[best].min() >= _ROOM:
                break
        line_22 = np.linspace(xy_L2[position - 1], place_N2[best], 20)[[7, 11]]
        axes.plot(*line_22.T, color=canvas.PLAIN, linewidth=0.6, zorder=1)
        x, y = place_N2[best]
        axes.text(x, y, label, size=size, zorder=4, **canvas.CENTRED)
        taken_N2 = np.concatenate([taken_N2, place_N2[best][None]])
