"""Pictures of a table: every score with its interval, the paper's as a cross.

Needs the extra [plots].
"""

import math
import pathlib
from collections.abc import Sequence

from ssrlm_jax.comparisons import items, table_rows

_COLOR, _DPI = "#0072b2", 110
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
    del mpl
    paths = []
    for one in item.sets:
        shown = [row for row in rows if row.set == one.name and row.values]
        if not shown:
            continue
        path = place.with_name(f"{place.name}_{one.name}.png")
        _draw(path, item, one, shown)
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
            axes.plot([low, high], [number, number], color=_COLOR)
            axes.plot([value], [number], "o", color=_COLOR, markersize=4)
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
