"""What all pictures share: the page, the colours, the ticks, the saved file.

Probabilities have one scale that colour-blind people can read, dark where the model
is sure. Sizes are in inches. Matplotlib, the extra [plots], is used without pyplot:
nothing is shared between pictures.
"""

import functools
import io
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.external import programs
from ssrlm_jax.infer import pair_confidence
from ssrlm_jax.rna import formats, probabilities, structure_formats, structures

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

SUFFIXES = ("png", "svg")
# Of Okabe and Ito, for lines, in their order.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666")
FOUND, MISSED, PLAIN = *COLORS[:2], "#333333"
NO_DATA = "#999999"
# From which reactivity which colour; as in the figures of the Weeks lab.
REACTIVE = ((-np.inf, "#111111"), (0.4, "#e69f00"), (0.85, "#cc2222"))
CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}
_SCALE = "viridis_r"
_DPI = 150
TOP, BOTTOM = 0.75, 0.6  # above and below what is drawn
GAP = 0.2  # between the axes and what is beside them
_LEFT, _RIGHT = 0.5, 0.9
_BAR_WIDTH, _BAR_HEIGHT = 0.12, 1.8
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


def write(
    figure: "figures.Figure", directory: pathlib.Path, stem: str
) -> list[pathlib.Path]:
    """Writes a picture in all SUFFIXES, each file whole or not at all; returns them."""
    paths = [directory / f"{stem}.{suffix}" for suffix in SUFFIXES]
    for path, suffix in zip(paths, SUFFIXES, strict=True):
        with files.whole(path) as part:
            save(figure, part, suffix)
    return paths


def page(
    record: formats.Record,
    listed: probabilities.PairProbabilities,
    width: float,
    height: float,
) -> tuple["figures.Figure", "Axes"]:
    """Returns a figure with a title and a scale, and axes to draw in.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      width: of the axes.
      height: of the axes.
    """
    from matplotlib import cm, colors

    bar = max(_BAR_HEIGHT, min(height, 3.0))
    full = (_LEFT + width + _RIGHT, BOTTOM + max(height, bar) + TOP)
    text = record.name, _facts(record, listed)
    made, axes = framed(text, full, (width, height), _LEFT)
    mapped = cm.ScalarMappable(colors.Normalize(0, 1), _SCALE)
    add_scale(made, axes, mapped, "probability of a pair", bar)
    return made, axes


def framed(
    text: tuple[str, str],
    full: tuple[float, float],
    size: tuple[float, float],
    left: float,
) -> tuple["figures.Figure", "Axes"]:
    """Returns a figure with a title of two lines, and axes below it to draw in.

    Args:
      text: the title, which is cut where it is too long, and facts.
      full: width and height of the figure.
      size: width and height of the axes.
      left: where the axes and the title begin.
    """
    made = blank(full)
    bottom = full[1] - TOP - size[1]
    axes = made.add_axes(
        (left / full[0], bottom / full[1], size[0] / full[0], size[1] / full[1])
    )
    name, facts = text
    most = int((full[0] - left - 0.1) / _TITLE_LETTER)
    if len(name) > most:
        name = f"{name[: most - 1]}…"
    for line, down in ((name, 0.17), (facts, 0.36)):
        made.text(left / full[0], 1 - down / full[1], line, size=9, va="center")
    return made, axes


def add_scale(
    figure: "figures.Figure",
    axes: "Axes",
    mapped: "ScalarMappable",
    label: str,
    high: float,
    ticks: Sequence[float] | None = None,
) -> None:
    """Adds a scale of colours beside the axes.

    Args:
      figure: to add to.
      axes: the scale is at their upper right.
      mapped: matplotlib's ScalarMappable.
      label: of the scale.
      high: its height.
      ticks: None: matplotlib chooses.
    """
    width, height = figure.get_size_inches()
    box = axes.get_position()
    share = high / height
    place = (box.x1 + GAP / width, box.y1 - share, _BAR_WIDTH / width, share)
    scale = figure.add_axes(place)
    figure.colorbar(mapped, cax=scale, ticks=ticks)
    scale.set_ylabel(label, size=8)
    scale.tick_params(labelsize=8)


def blank(
    size: tuple[float, float], layout: 'Literal["constrained"] | None' = None
) -> "figures.Figure":
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


def color_of_reactivity(reactivity_L: Sequence[float | None]) -> np.ndarray:
    """Returns RGBA (L, 4) of normalised reactivities, in the usual three steps.

    Args:
      reactivity_L: nan or None: no data.
    """
    value_L = np.array(reactivity_L, np.float64)
    names = np.full(len(value_L), NO_DATA, object)
    for least, color in REACTIVE:
        names[value_L >= least] = color
    return rgba(names.tolist())


def add_legend_of_reactivity(figure: "figures.Figure") -> None:
    """Says below the axes what the colours of `color_of_reactivity` mean."""
    from matplotlib import lines

    shown = [(NO_DATA, "no data"), *((c, f"≥ {low:g}") for low, c in REACTIVE[1:])]
    shown.insert(1, (REACTIVE[0][1], f"reactivity < {REACTIVE[1][0]:g}"))
    handles = [
        lines.Line2D([], [], color=color, label=label, marker="o", linestyle="")
        for color, label in shown
    ]
    figure.legend(handles=handles, loc="lower left", ncols=4, frameon=False, fontsize=8)


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
