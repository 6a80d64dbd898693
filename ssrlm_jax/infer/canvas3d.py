"""What pictures of atoms share: the page, and the colours of confidence.

The bands of pLDDT are those of AlphaFold's pictures, in colours of Okabe and Ito that
colour-blind people tell apart. Sizes are in inches; see infer/canvas.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ssrlm_jax.infer import canvas
from ssrlm_jax.rna import coordinate_formats

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LIMITS = (50, 70, 90)  # of pLDDT times 100, between bands
BANDS = {  # from the lowest
    "very low, below 50": "#d55e00",
    "low, 50 to 70": "#f0e442",
    "confident, 70 to 90": "#56b4e9",
    "very high, above 90": "#0072b2",
}
LEAST_HEIGHT = 1.4  # of axes, and of a scale beside them
_LEAST_WIDTH = 1.8
_LEFT, _RIGHT = 0.6, 1.65  # of what is drawn


def page(
    name: str, chain: coordinate_formats.PredictedChain, width: float, height: float
) -> tuple["figures.Figure", "Axes"]:
    """Returns a figure with a title, and axes of this size to draw in."""
    full = (
        _LEFT + max(width, _LEAST_WIDTH) + _RIGHT,
        canvas.BOTTOM + max(height, LEAST_HEIGHT) + canvas.TOP,
    )
    length, mean = len(chain.letters), 100 * float(np.mean(chain.plddt_L))
    text = name, f"{length:,} nt, mean pLDDT {mean:.0f}"
    return canvas.framed(text, full, (width, height), _LEFT)


def color_of(plddt_L: np.ndarray) -> np.ndarray:
    """Returns RGBA (L, 4) of the bands; what equals a limit is in the upper band."""
    band_L = np.digitize(100 * plddt_L.astype(np.float32), LIMITS)
    return canvas.rgba(list(BANDS.values()))[band_L]


def add_bands(figure: "figures.Figure", axes: "Axes") -> None:
    """Says beside the axes what the colours of `color_of` mean."""
    from matplotlib import patches

    handles = [patches.Patch(facecolor=color) for color in BANDS.values()]
    add_legend(figure, axes, handles[::-1], [*BANDS][::-1], "upper left", "pLDDT")


def add_legend(
    figure: "figures.Figure",
    axes: "Axes",
    handles: Sequence["Artist"],
    labels: Sequence[str],
    corner: Literal["upper left", "lower left"],
    title: str | None = None,
) -> None:
    """Adds a legend beside the axes, at their "upper left" or "lower left"."""
    box = axes.get_position()
    left = box.x1 + canvas.GAP / 2 / figure.get_figwidth()
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
