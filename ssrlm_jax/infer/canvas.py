"""What all pictures share: the page, the colours, the ticks, the saved file.

Probabilities have one scale that colour-blind people can read, dark where the model
is sure. Sizes are in inches. Matplotlib, the extra [plots], is used without pyplot:
nothing is shared between pictures.
"""

import functools
import io
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ssrlm_jax.external import programs
from ssrlm_jax.infer import pair_confidence
from ssrlm_jax.rna import formats, probabilities, structure_formats, structures

if TYPE_CHECKING:
    from matplotlib import figure as figures

SUFFIXES = ("png", "svg")
FOUND, MISSED, PLAIN = "#0072b2", "#d55e00", "#333333"
CENTRED = {"ha": "center", "va": "center"}
_SCALE = "viridis_r"
_DPI = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.5, 0.9, 0.75, 0.6  # around what is drawn
_BAR_WIDTH, _BAR_HEIGHT, _BAR_GAP = 0.12, 1.8, 0.2
_TITLE_LETTER = 0.085  # the width of a letter of 9 points


def check_installed(*modules: str) -> None:
    """Checks that pictures can be drawn.

    Args:
      *modules: that they need, of "matplotlib" and "RNA"; none given: both.

    Raises:
      ProgramError: Matplotlib or ViennaRNA is missing; it says how to get them.
    """
    for module, name, package in (
        ("matplotlib", "Matplotlib", "'ssrlm-jax[plots]'"),
        ("RNA", "ViennaRNA", "ViennaRNA"),
    ):
        if modules and module not in modules:
            continue
        try:
            __import__(module)
        except ImportError as error:
            raise programs.ProgramError(
                f"pictures need {name}: pip install {package}"
            ) from error


def save(figure: "figures.Figure", path: pathlib.Path, suffix: str) -> None:
    """Writes a picture as one of SUFFIXES, whatever the path ends in."""
    import matplotlib as mpl

    metadata = {"Date": None} if suffix == "svg" else None  # same in, same out
    with mpl.rc_context({"svg.hashsalt": "ssrlm"}):
        figure.savefig(path, format=suffix, dpi=_DPI, metadata=metadata)


def page(
    record: formats.Record,
    listed: probabilities.PairProbabilities,
    width: float,
    height: float,
) -> tuple["figures.Figure", Any]:
    """Returns a figure with a title and a scale, and axes to draw in.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      width: of the axes.
      height: of the axes.
    """
    from matplotlib import cm, colors

    right = _LEFT + width
    bar = max(_BAR_HEIGHT, min(height, 3.0))
    full = (right + _RIGHT, _BOTTOM + max(height, bar) + _TOP)
    made = blank(full)

    def box(
        left: float, bottom: float, wide: float, high: float
    ) -> tuple[float, float, float, float]:
        return left / full[0], bottom / full[1], wide / full[0], high / full[1]

    axes = made.add_axes(box(_LEFT, full[1] - _TOP - height, width, height))
    scale = made.add_axes(box(right + _BAR_GAP, full[1] - _TOP - bar, _BAR_WIDTH, bar))
    mapped = cm.ScalarMappable(colors.Normalize(0, 1), _SCALE)
    made.colorbar(mapped, cax=scale)
    scale.set_ylabel("probability of a pair", size=8)
    scale.tick_params(labelsize=8)
    name = record.name
    most = int((full[0] - _LEFT - 0.1) / _TITLE_LETTER)
    if len(name) > most:
        name = f"{name[: most - 1]}…"
    for text, down in ((name, 0.17), (_facts(record, listed), 0.36)):
        made.text(_LEFT / full[0], 1 - down / full[1], text, size=9, va="center")
    return made, axes


def blank(size: tuple[float, float], layout: str | None = None) -> "figures.Figure":
    """Returns a figure that notebooks show, which without pyplot they do not.

    Args:
      size: width and height.
      layout: as Matplotlib names them.
    """
    return _shown()(figsize=size, layout=layout)


@functools.cache
def _shown() -> "type[figures.Figure]":
    from matplotlib import figure

    class Shown(figure.Figure):
        def _repr_svg_(self) -> str:
            held = io.StringIO()
            self.savefig(held, format="svg", bbox_inches="tight")
            return held.getvalue()

    return Shown


def color_of(probability_P: np.ndarray) -> np.ndarray:
    """Returns RGBA (P, 4) of probabilities."""
    import matplotlib as mpl

    return mpl.colormaps[_SCALE](np.asarray(probability_P, np.float64))


def rgba(names: Sequence[str]) -> np.ndarray:
    """Returns RGBA (P, 4) of named colours."""
    from matplotlib import colors

    return colors.to_rgba_array(list(names)).reshape(-1, 4)


def color_of_true(
    truth: structures.Structure, predicted: structures.Structure
) -> np.ndarray:
    """Returns RGBA (P, 4) of true pairs: whether each is predicted."""
    held = set(map(tuple, predicted.pairs.tolist()))
    is_found = [tuple(pair) in held for pair in truth.pairs.tolist()]
    return rgba([FOUND if found else MISSED for found in is_found])


def add_legend_of_true(figure: "figures.Figure") -> None:
    """Says below the axes what the colours of `color_of_true` mean."""
    from matplotlib import lines

    handles = [
        lines.Line2D([], [], color=color, label=label, linewidth=3)
        for color, label in ((FOUND, "true, predicted"), (MISSED, "true, missed"))
    ]
    figure.legend(
        handles=handles, loc="lower right", ncols=2, frameon=False, fontsize=8
    )


def ticks(length: int, most: int) -> list[int]:
    """Returns 1 and round positions, `most` at most."""
    step = next(
        unit * 10**power
        for power in range(1, 20)
        for unit in (1, 2, 5)
        if length // (unit * 10**power) < most
    )
    return [1, *range(step, length + 1, step)]


def _facts(record: formats.Record, listed: probabilities.PairProbabilities) -> str:
    """Returns how long a record is and how sure its pairs are."""
    structure = structure_formats.structure_of(record)
    facts = f"{structure.length} nt, {len(structure.pairs)} pairs"
    if not len(structure.pairs):
        return facts
    mean = pair_confidence.of_pairs(structure, listed).mean()
    return f"{facts}, mean probability {mean:.2f}"
