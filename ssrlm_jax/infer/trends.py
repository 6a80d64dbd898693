"""Pictures of scores of structures: against length, similarity and confidence.

Needs the extra [plots]; see infer/canvas.py.
"""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax.infer import canvas
from ssrlm_jax.metrics import confidence, report3d, statistics

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.axes import Axes

_COLORS = canvas.COLORS[:6]
_MARKERS = "osD^vP*"  # one more than colours: 42 pairs differ
_SIDE, _LEFT, _GAP, _BOTTOM, _TOP = 3.0, 0.7, 0.75, 0.6, 0.75  # inches
_LEAST_IN_BIN = 20  # nucleotides that a mean is drawn of

Methods = Mapping[str, Sequence[report3d.Scored]]


def save(scored: Methods, directory: pathlib.Path) -> list[pathlib.Path]:
    """Writes `trends.png` and `trends.svg`.

    Args:
      scored: structures by method.
      directory: exists.
    """
    return canvas.write(drawing(scored), directory, "trends")


def drawing(scored: Methods) -> "figures.Figure":
    """Draws all-atom lDDT against length and identity, and lDDT against pLDDT.

    Identity and confidence are drawn where they are known.
    """
    from matplotlib import figure

    has_identity = any(one.identity is not None for of in scored.values() for one in of)
    confident = {
        name: of
        for name, of in scored.items()
        if any(one.plddt_L is not None for one in of)
    }
    num_panels = 1 + has_identity + bool(confident)
    width = _LEFT + num_panels * (_SIDE + _GAP)
    height = _BOTTOM + _SIDE + _TOP
    made = figure.Figure(figsize=(width, height))
    panels = iter(range(num_panels))

    def axes(x_label: str, y_label: str) -> "Axes":
        left = _LEFT + next(panels) * (_SIDE + _GAP)
        one = made.add_axes(
            (left / width, _BOTTOM / height, _SIDE / width, _SIDE / height)
        )
        one.set_xlabel(x_label, size=9)
        one.set_ylabel(y_label, size=9)
        one.tick_params(labelsize=8)
        one.spines[["right", "top"]].set_visible(False)
        one.set_ylim(0, 1)
        return one

    styles = zip(itertools.cycle(_COLORS), itertools.cycle(_MARKERS), strict=False)
    style = dict(zip(scored, styles, strict=False))
    first = axes("length, nucleotides", "lDDT, all atoms")
    for name, of in scored.items():
        _scatter(first, style[name], name, [one.length for one in of], of)
    first.set_xlim(left=0)
    handles, labels = first.get_legend_handles_labels()
    made.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(_LEFT / width, 1.0),
        ncols=4,
        frameon=False,
        fontsize=8,
    )
    if has_identity:
        second = axes("identity with the nearest for training", "lDDT, all atoms")
        for name, of in scored.items():
            identities = [np.nan if x.identity is None else x.identity for x in of]
            _scatter(second, style[name], name, identities, of)
        second.set_xlim(-0.03, 1.03)
    if confident:
        _draw_confidence(axes("pLDDT", "lDDT of C1′"), confident, style)
    return made


def _scatter(
    axes: "Axes",
    style: tuple[str, str],
    name: str,
    xs: Sequence[float],
    scored: Sequence[report3d.Scored],
) -> None:
    """Adds the points of a method, and says how they correlate."""
    ys = [one.scores["lddt"] for one in scored]
    r = statistics.pearson(np.array(xs), np.array(ys), seed=0).value
    color, marker = style
    axes.scatter(
        xs,
        ys,
        s=16,
        facecolors="none",
        edgecolors=color,
        marker=marker,
        linewidths=1.0,
        label=name,
    )
    place = 0.97 - 0.06 * len(axes.texts)
    text = "" if np.isnan(r) else f"{name}: r = {r:.2f}"
    axes.text(
        0.98, place, text, color=color, size=8, ha="right", va="top",
        transform=axes.transAxes,
    )  # fmt: skip


def _draw_confidence(
    axes: "Axes", scored: Methods, style: Mapping[str, tuple[str, str]]
) -> None:
    axes.plot([0, 1], [0, 1], color=canvas.PLAIN, linewidth=0.5, linestyle=(0, (2, 3)))
    for name, of in scored.items():
        sure = [(x.plddt_L, x.lddt_L) for x in of if x.plddt_L is not None]
        plddt_N, lddt_N = map(np.concatenate, zip(*sure, strict=True))
        agreement = confidence.plddt_agreement(plddt_N, lddt_N)
        is_drawn_N = agreement.count_N >= _LEAST_IN_BIN
        color, marker = style[name]
        axes.plot(
            agreement.plddt_N[is_drawn_N],
            agreement.lddt_N[is_drawn_N],
            color=color,
            marker=marker,
            markersize=4,
            fillstyle="none",
            linewidth=1.0,
        )
    axes.set_xlim(0, 1)
