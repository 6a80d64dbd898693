"""Pictures of a sweep: curves of all cells, scores with intervals, RNA against RNA.

Needs the extra [plots].
"""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax.sweeps import chains, compare, curves, job_graph, kinds

if TYPE_CHECKING:
    from matplotlib import axes as panels
    from matplotlib import figure as figures

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666")
_MOST_PANELS, _PANELS_OF_ROW = 6, 3  # of a scatter
_CURVES = ("loss_paired", "loss_unpaired", "f1")  # that are drawn where they are
_DPI = 110


def write(
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    found: Sequence[compare.Line],
) -> tuple[list[pathlib.Path], str]:
    """Draws what there is; returns the files, and why there are none, or ""."""
    try:
        import matplotlib as mpl
    except ImportError:
        return [], "Pictures need matplotlib: pip install 'ssrlm-jax[plots]'"
    del mpl
    drawings = {
        "curves": _curves(out, made, found),
        "scores": _dots(asked, found),
        "scatter": _scatter(asked, found),
    }
    paths = []
    for name, drawing in drawings.items():
        path = out / f"{name}.png"
        path.unlink(missing_ok=True)
        if drawing is not None:
            drawing.savefig(path, dpi=_DPI, bbox_inches="tight")
            paths.append(path)
    return paths, ""


def _figure(width: float, height: float) -> "figures.Figure":
    from matplotlib import figure

    return figure.Figure(figsize=(width, height))


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _curves(
    out: pathlib.Path, made: job_graph.Graph, found: Sequence[compare.Line]
) -> "figures.Figure | None":
    """Draws validation scores of every training run, a colour for each line."""
    runs: dict[tuple[str, str], list[tuple[int, list[dict[str, float]]]]] = {}
    for number, line in enumerate(found):
        for steps in line.jobs:
            for step, name in steps.items():
                job = made.jobs[name]
                if job.command not in kinds.TRAINING:
                    continue
                points = curves.of(job_graph.directory(out, name) / "run")
                for score in _CURVES:
                    if points and score in points[0]:
                        runs.setdefault((step, score), []).append((number, points))
    if not runs:
        return None
    figure = _figure(4.2 * len(runs), 3.4)
    for index, ((step, score), drawn) in enumerate(runs.items(), 1):
        axes = figure.add_subplot(1, len(runs), index)
        for number, points in drawn:
            x = [point["step"] for point in points]
            y = [point[score] for point in points]
            axes.plot(x, y, color=_color(number), linewidth=1, marker=".", markersize=3)
        for number, line in enumerate(found):
            if line.jobs:
                axes.plot([], [], color=_color(number), label=line.name)
        axes.set_title(f"{step}: {score.replace('_', ', ')}", fontsize=9)
        axes.set_xlabel("step")
        _plain(axes)
    axes.legend(frameon=False, fontsize=7)
    return figure


def _dots(
    asked: chains.Sweep, found: Sequence[compare.Line]
) -> "figures.Figure | None":
    """Draws every score with its interval, those of seeds as small dots."""
    measures = [m for m in asked.measures if any(m.name in one.scores for one in found)]
    if not measures:
        return None
    figure = _figure(3.2 * len(measures), 0.8 + 0.32 * len(found))
    for index, measure in enumerate(measures, 1):
        axes = figure.add_subplot(1, len(measures), index)
        for number, line in enumerate(found):
            score = line.scores.get(measure.name)
            if score is None:
                continue
            value, low, high = score.interval
            axes.plot([low, high], [number, number], color=_color(number))
            axes.plot([value], [number], "o", color=_color(number))
            if len(score.seeds) > 1:
                each = list(score.seeds.values())
                axes.plot(each, [number] * len(each), "|", color="black", markersize=5)
            if measure.name in line.paper:
                axes.plot([line.paper[measure.name]], [number], "x", color="black")
        axes.set_yticks(range(len(found)))
        axes.set_yticklabels([one.name if index == 1 else "" for one in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.tick_params(labelsize=7)
        axes.set_title(measure.name, fontsize=9)
        _plain(axes)
    return figure


def _scatter(
    asked: chains.Sweep, found: Sequence[compare.Line]
) -> "figures.Figure | None":
    """Draws a score of each RNA, the ends of each axis against each other; Fig. 3b."""
    pairs = [
        (first, second)
        for first, second in itertools.combinations(found, 2)
        if _are_ends(asked.axes, first, second)
        and all(asked.scatter in one.scores for one in (first, second))
    ][:_MOST_PANELS]
    if not pairs:
        return None
    columns = min(len(pairs), _PANELS_OF_ROW)
    rows = -(-len(pairs) // columns)
    figure = _figure(3.6 * columns, 3.4 * rows)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(pairs) :]:
        axes.set_visible(False)
    for axes, (first, second) in zip(panels, pairs, strict=False):
        both = [one.scores[asked.scatter].column for one in (first, second)]
        lengths = np.log10(both[0].length_N)
        points = axes.scatter(
            both[0].of_each, both[1].of_each, c=lengths, s=9, cmap="viridis"
        )
        axes.axline((0, 0), slope=1, color="0.6", linewidth=0.8)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(first.name, fontsize=8)
        axes.set_ylabel(second.name, fontsize=8)
        _plain(axes)
    bar = figure.colorbar(points, ax=list(panels), shrink=0.7)
    bar.set_label("log10 of nucleotides", fontsize=8)
    figure.suptitle(asked.scatter, fontsize=9)
    return figure


def _are_ends(
    axes: Mapping[str, Sequence[chains.Value]],
    first: compare.Line,
    second: compare.Line,
) -> bool:
    """Says whether two lines differ in one axis: the first value and the last."""
    if not (first.values and second.values):
        return False
    differs = [n for n in first.values if first.values[n] != second.values[n]]
    if len(differs) != 1:
        return False
    ends = (axes[differs[0]][0], axes[differs[0]][-1])
    return (first.values[differs[0]], second.values[differs[0]]) == ends


def _plain(axes: "panels.Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
