"""A table of scores with intervals, as Markdown, CSV, LaTeX and JSON have it.

For figures whose rows are no methods on labelled sets; those are of `paper_report`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ssrlm_jax.comparisons import paper_report
from ssrlm_jax.metrics import latex as tex
from ssrlm_jax.metrics import statistics


class Row(NamedTuple):
    """What has scores, or none.

    Attributes:
      name: of it.
      values: by heading, the same for all rows that have any.
      about: other cells, by heading, before the values.
      reason: why there are no scores; "": there are.
    """

    name: str
    values: Mapping[str, statistics.Interval]
    about: Mapping[str, str] = {}
    reason: str = ""


def markdown(first: str, rows: Sequence[Row]) -> list[str]:
    """Returns a table, and below it what has no scores.

    Args:
      first: heading of the names.
      rows: in their order.
    """
    lines = []
    if scored := _scored(rows):
        heads = [first, *scored[0].about, *scored[0].values]
        lines += [paper_report.row_of(heads), paper_report.row_of(["---"] * len(heads))]
        lines += [paper_report.row_of(_cells(row)) for row in scored]
    without = [f"- {row.name}: {row.reason}" for row in rows if row.reason]
    return [*lines, *(["", *without] if without else [])]


def as_csv(first: str, rows: Sequence[Row]) -> str:
    """Returns a line for each score; arguments as of `markdown`."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    heads = list(_scored(rows)[0].about) if _scored(rows) else []
    lines.writerow([first, *heads, "column", "value", "low", "high", "reason"])
    for row in rows:
        before = [row.name, *(row.about.get(head, "") for head in heads)]
        if row.reason:
            lines.writerow([*before, "", "", "", "", row.reason])
        for head, interval in row.values.items():
            lines.writerow([*before, head, *paper_report.numbers(interval), ""])
    return text.getvalue()


def latex(title: str, first: str, rows: Sequence[Row]) -> str:
    """Returns a tabular of what has scores; arguments as of `markdown`."""
    scored = _scored(rows)
    if not scored:
        return tex.comment(f"{title}: nothing is measured")
    heads = [first, *scored[0].about, *scored[0].values]
    lines = [list(map(tex.escaped, _cells(row))) for row in scored]
    return tex.tabular(title, list(map(tex.escaped, heads)), lines)


def facts(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Returns the table for programs: numbers, null where they are not defined."""
    return [
        {
            "name": row.name,
            **row.about,
            "values": {n: statistics.plain(one) for n, one in row.values.items()},
            "reason": row.reason,
        }
        for row in rows
    ]


def _scored(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row.reason]


def _cells(row: Row) -> list[str]:
    return [
        row.name,
        *row.about.values(),
        *map(paper_report.shown, row.values.values()),
    ]
