"""`report.html` of an evaluation: scores, where they come from, the worst predictions.

Every number is of `score_report`; nothing is scored here.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ssrlm_jax import files, types
from ssrlm_jax.pages import documents, rna_views

NUM_WORST = 10
NUM_BINS = 20  # of F1, in the distribution
_SCRIPTS = (
    *("d3.min.js", "state.js", "rna.js", "files.js", "controls.js", "table.js"),
    *("drawing.js", "arcs.js", "text.js", "score_charts.js", "evaluation.js"),
)
_MOST_BYTES = 1_500_000  # of the table of all RNAs, about
_OF_RNA, _OF_SCORE = 45, 22  # bytes of an RNA, and of each of its scores, about


class Method(NamedTuple):
    """What the page shows of one method.

    Attributes:
      name: of the method.
      about: what is told of it.
      scores: of `score_report.report`.
      rows: of `score_report.rows`, the header first; all methods have the same RNAs.
      worst: the view of `rna_views.compared` of the worst predictions by their place
        among the rows, from 0.
      told: lines on what did not fit.
    """

    name: str
    about: Mapping[str, object]
    scores: types.Json
    rows: Sequence[Sequence[object]]
    worst: Mapping[int, rna_views.View]
    told: Sequence[str] = ()


def write(
    path: pathlib.Path, facts: Mapping[str, str], methods: Sequence[Method]
) -> None:
    """Writes the page.

    Args:
      path: of the file.
      facts: what the page says of all, by name.
      methods: one at least.
    """
    tables = [_table(one.rows) for one in methods]
    listed = _listed(tables)
    told = {
        "rnas": {
            name: [tables[0][n][name] for n in listed]
            for name in ("id", "length", "known", "identity")
        },
        "num_rnas": len(tables[0]),
        "methods": [
            _told(one, table, listed)
            for one, table in zip(methods, tables, strict=True)
        ],
    }
    page = documents.page(
        "ssrlm evaluate: report",
        documents.asset("evaluation.html").format(facts=documents.facts(facts)),
        [("evaluation", documents.as_json(told))],
        scripts=_SCRIPTS,
    )
    files.write_text(path, page)


def _table(rows: Sequence[Sequence[object]]) -> list[dict[str, object]]:
    """Returns rows as numbers by column; None where one is not defined."""
    header, *others = rows
    return [
        {
            str(name): value if name == "id" else _number(value)
            for name, value in zip(header, row, strict=True)
        }
        for row in others
    ]


def _number(value: object) -> float | int | None:
    text = str(value)
    if text in ("", "nan"):
        return None
    return json.loads(text)


def _listed(tables: Sequence[Sequence[Mapping[str, object]]]) -> list[int]:
    """Returns the places of RNAs that are listed: all, or the last method's worst."""
    most = _MOST_BYTES // (_OF_RNA + _OF_SCORE * len(tables))
    places = list(range(len(tables[0])))
    if len(places) <= most:
        return places
    worst = sorted(places, key=lambda place: _f1(tables[-1][place]))
    return sorted(worst[:most])


def _told(
    method: Method, table: Sequence[Mapping[str, object]], listed: Sequence[int]
) -> types.Json:
    counts = [0] * NUM_BINS
    for row in table:
        counts[min(int(NUM_BINS * _f1(row)), NUM_BINS - 1)] += 1
    columns = ("predicted", "right", "precision", "recall", "f1", "average_precision")
    return {
        "name": method.name,
        "about": {
            name: str(value)
            for name, value in method.about.items()
            if value not in ("", None)
        },
        "scores": method.scores,
        "distribution": counts,
        "rows": {name: [table[n][name] for n in listed] for name in columns},
        "worst": [
            dict(view) | {"scores": table[place]}
            for place, view in method.worst.items()
        ],
        "told": list(method.told),
    }


def _f1(row: Mapping[str, object]) -> float:
    value = row["f1"]
    assert isinstance(value, float | int), "F1 of an RNA is always defined"
    return float(value)
