"""Pictures of a table: every score with its interval, the paper's as a cross.

Of bins of length or identity a curve for each method.

Needs the extra [plots].
"""

import math
import pathlib
from collections.abc import Sequence

from ssrlm_jax.comparisons import items, table_rows
from ssrlm_jax.infer import canvas

_DPI = 110
_STYLES = ("-", "--", ":")  # of methods beyond so many colours
_MOST_PANELS_OF_ROW = 4


def write(
    place: pathlib.Path, item: items.Item, rows: Sequence[table_rows.Row]
) -> tuple[list[pathlib.Path], str]:
    """Draws a picture for each set; returns the files, and why there are none, or "".

    Args:
      place: what names begin with: OUT/table1.
      item: the table.
      rows: of all sets.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        return [], "pictures need matplotlib: pip install 'ssrlm-jax[plots]'"
    paths = []
    for one in item.sets:
        shown = [row for row in rows if row.set == one.name and row.values]
        if not shown:
            continue
        path = place.with_name(f"{place.name}_{one.name}.png")
        draw = _draw_bins if item.bins else _draw
        with mpl.rc_context({"text.parse_math": False}):  # a "$" is a letter
            draw(path, item, one, shown)
        paths.append(path)
    return paths, ""


def _draw(
    path: pathlib.Path,
    item: items.Item,
    one: items.LabelledSet,
    rows: Sequence[table_rows.Row],
) -> None:
    from matplotlib import figure as figures

    heads = table_rows.columns(item, rows)
    columns = min(len(heads), _MOST_PANELS_OF_ROW)
    lines = math.ceil(len(heads) / columns)
    size = (2.0 + 2.4 * columns, lines * (0.9 + 0.26 * len(rows)))
    figure = figures.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for axes in panels[len(heads) :]:
        axes.set_visible(False)
    for axes, head in zip(panels, heads, strict=False):
        for number, row in enumerate(rows):
            value, low, high = row.values.get(head, (math.nan,) * 3)
            axes.plot([low, high], [number, number], color=canvas.FOUND)
            axes.plot([value], [number], "o", color=canvas.FOUND, markersize=4)
            if head in row.paper:
                axes.plot([row.paper[head]], [number], "x", color="black")
        axes.set_title(head, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(rows)))
    panels[0].set_yticklabels([row.method.title for row in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    crosses = "; x: the paper" if any(row.paper for row in rows) else ""
    figure.suptitle(f"{one.title}{crosses}", fontsize=9)
    figure.savefig(path, dpi=_DPI)


def _draw_bins(
    path: pathlib.Path,
    item: items.Item,
    one: items.LabelledSet,
    rows: Sequence[table_rows.Row],
) -> None:
    from matplotlib import figure as figures

    heads = table_rows.columns(item, rows)[len(item.columns) :]
    by_length = [head for head in heads if " nt, " in head]
    by_identity = [head for head in heads if head not in by_length]
    panels = [part for part in (by_length, by_identity) if part]
    figure = figures.Figure(
        figsize=(2.6 + 4.6 * len(panels), 4.0), layout="constrained"
    )
    drawn = figure.subplots(1, len(panels), squeeze=False, sharey=True).ravel()
    for axes, part in zip(drawn, panels, strict=True):
        for number, row in enumerate(rows):
            values = [row.values.get(head, (math.nan,) * 3) for head in part]
            aside = 0.06 * (number - (len(rows) - 1) / 2)
            x = [place + aside for place in range(len(part))]
            y = [value for value, _, _ in values]
            color = canvas.COLORS[number % len(canvas.COLORS)]
            style = _STYLES[number // len(canvas.COLORS) % len(_STYLES)]
            axes.plot(
                x, y, style, color=color, marker="o", ms=3, label=row.method.title
            )
            for place, (_, low, high) in zip(x, values, strict=True):
                axes.plot([place, place], [low, high], color=color, linewidth=0.8)
        axes.set_xticks(range(len(part)))
        axes.set_xticklabels(part, rotation=40, ha="right", fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
    drawn[0].set_ylabel("mean F1", fontsize=8)
    handles, labels = drawn[0].get_legend_handles_labels()
    figure.legend(  # long enough for two dashes
        handles, labels, loc="outside right upper", fontsize=7, handlelength=4
    )
    drawn[0].set_title(
        f"{one.title}; behind the bins their RNAs", fontsize=9, loc="left"
    )
    figure.savefig(path, dpi=_DPI)
