"""What pictures of atoms share: the page, and the colours of confidence.

The bands of pLDDT are those of AlphaFold's pictures, in colours of Okabe and Ito that
colour-blind people tell apart. Sizes are in inches; see infer/canvas.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ssrlm_jax.infer import canvas
from ssrlm_jax.rna import coordinate_formats

if TYPE_CHECKING:
    from matplotlib import figure as figures

LIMITS = (50, 70, 90)  # of pLDDT times 100, between bands
BANDS = {  # from the lowest
    "very low, below 50": "#d55e00",
    "low, 50 to 70": "#f0e442",
    "confident, 70 to 90": "#56b4e9",
    "very high, above 90": "#0072b2",
}
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.6, 1.65, 0.75, 0.6  # around what is drawn
_LEAST_WIDTH, _LEAST_HEIGHT = 1.8, 1.4
_GAP, _BAR_WIDTH, _BAR_HEIGHT = 0.2, 0.12, 1.8
_TITLE_LETTER = 0.085  # the width of a letter of 9 points


def page(
    name: str, chain: coordinate_formats.PredictedChain, width: float, height: float
) -> tuple["figures.Figure", Any]:
    """Returns a figure with a title, and axes of this size to draw in."""
    from matplotlib import figure

    full = (
        _LEFT + max(width, _LEAST_WIDTH) + _RIGHT,
        _BOTTOM + max(height, _LEAST_HEIGHT) + _TOP,
    )
    made = figure.Figure(figsize=full)
    bottom = full[1] - _TOP - height
    axes = made.add_axes(
        (_LEFT / full[0], bottom / full[1], width / full[0], height / full[1])
    )
    most = int((full[0] - _LEFT - 0.1) / _TITLE_LETTER)
    if len(name) > most:
        name = f"{name[: most - 1]}…"
    length, mean = len(chain.letters), 100 * float(np.mean(chain.plddt_L))
    facts = f"{length:,} nt, mean pLDDT {mean:.0f}"
    for text, down in ((name, 0.17), (facts, 0.36)):
        made.text(_LEFT / full[0], 1 - down / full[1], text, size=9, va="center")
    return made, axes


def color_of(plddt_L: np.ndarray) -> np.ndarray:
    """Returns RGBA (L, 4) of the bands; what equals a limit is in the upper band."""
    band_L = np.digitize(100 * plddt_L.astype(np.float32), LIMITS)
    return canvas.rgba(list(BANDS.values()))[band_L]


def add_bands(figure: "figures.Figure", axes: Any) -> None:
    """Says beside the axes what the colours of `color_of` mean."""
    from matplotlib import patches

    handles = [patches.Patch(facecolor=color) for color in BANDS.values()]
    add_legend(figure, axes, handles[::-1], [*BANDS][::-1], "upper left", "pLDDT")


def add_legend(
    figure: "figures.Figure",
    axes: Any,
    handles: Sequence[Any],
    labels: Sequence[str],
    corner: Literal["upper left", "lower left"],
    title: str | None = None,
) -> None:
    """Adds a legend beside the axes, at their "upper left" or "lower left"."""
    box = axes.get_position()
    left = box.x1 + _GAP / 2 / figure.get_figwidth()
    figure.legend(
        handles=handles,
        labels=labels,
        title=title,
        loc=corner,
        bbox_to_anchor=(left, box.y1 if corner == "upper left" else box.y0),
        borderaxespad=0,
        handlelength=1.0,
        frameon=False,
        fontsize=8,
        title_fontsize=8,
        alignment="left",
    )


def add_scale(
    figure: "figures.Figure",
    axes: Any,
    mapped: Any,
    label: str,
    ticks: Sequence[float] | None = None,
) -> None:
    """Adds a scale of colours beside the axes.

    Args:
      figure: to add to.
      axes: the scale is at their upper right.
      mapped: matplotlib's ScalarMappable.
      label: of the scale.
      ticks: None: matplotlib chooses.
    """
    width, height = figure.get_size_inches()
    box = axes.get_position()
    high = min(_BAR_HEIGHT, _LEAST_HEIGHT) / height
    place = (box.x1 + _GAP / width, box.y1 - high, _BAR_WIDTH / width, high)
    scale = figure.add_axes(place)
    figure.colorbar(mapped, cax=scale, ticks=ticks)
    scale.set_ylabel(label, size=8)
    scale.tick_params(labelsize=8)
