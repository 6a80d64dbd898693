"""Parts of the paper that `ssrlm sweep` makes: its report, or how to get it."""

import csv
import io
import json
import pathlib
import re
import shutil
from collections.abc import Sequence

import numpy as np

from ssrlm_jax import types
from ssrlm_jax.comparisons import figure_tables, items, paper_report
from ssrlm_jax.metrics import latex as tex
from ssrlm_jax.metrics import statistics

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?!\w+:)([^)]+)\)")
_REPORT, _FACTS, _CSV, _LATEX = (
    f"report.{end}" for end in ("md", "json", "csv", "tex")
)
_MEAN = "mean over them"  # of the lines of a sweep


def check(sweeps: Sequence[items.Sweep]) -> None:
    """Raises a ValueError where a sweep is named that has no report."""
    for one in sweeps:
        for name in (_REPORT, _FACTS, _CSV, _LATEX):
            path = pathlib.Path(one.place, name)
            if one.place and not path.is_file():
                raise ValueError(
                    f"config.{one.setting}={one.place}: there is no {path}; "
                    f"`ssrlm sweep --report --out={one.place}` makes it"
                )


def pending(sweeps: Sequence[items.Sweep]) -> tuple[items.Pending, ...]:
    """Returns what is to be run: the sweeps of which none is named."""
    return tuple(
        items.Pending(
            title=one.title,
            reason=f"no sweep is named by config.{one.setting}",
            command=one.command,
        )
        for one in sweeps
        if not one.place
    )


def note(sweeps: Sequence[items.Sweep], seed: int, place: pathlib.Path) -> str:
    """Returns the reports of sweeps that are named, with means over their lines.

    Args:
      sweeps: checked by `check`.
      seed: of the bootstrap.
      place: what names of files of the report begin with: OUT/fig3. Pictures are
        copied there.

    Raises:
      ValueError: a report is damaged.
      OSError: a picture cannot be copied.
    """
    parts = []
    for one in filter(_is_named, sweeps):
        if rows := _means(one, seed):
            parts.append("\n".join(figure_tables.markdown("score", rows)))
        path = pathlib.Path(one.place, _REPORT)
        text = _brought(path.read_text(encoding="utf-8"), path.parent, place)
        parts.append(f"{one.title}, the report of the sweep, {path}:\n\n{text.strip()}")
    return "\n\n".join(parts)


def _is_named(one: items.Sweep) -> bool:
    return bool(one.place)


def _brought(text: str, folder: pathlib.Path, place: pathlib.Path) -> str:
    """Returns Markdown with the pictures of its folder beside a report."""

    def bring(found: re.Match[str]) -> str:
        path = folder / found[2]
        if not path.is_file():
            return found[0]
        target = place.with_name(f"{place.name}_{path.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return f"![{found[1]}]({target.name})"

    return _PICTURE.sub(bring, text)


def as_csv(sweeps: Sequence[items.Sweep], seed: int) -> str:
    """Returns scores of sweeps, and means over lines; arguments as of `note`."""
    rows: list[dict[str, str]] = []
    for one in filter(_is_named, sweeps):
        path = pathlib.Path(one.place, _CSV)
        with path.open(newline="", encoding="utf-8") as file:
            rows += [{"sweep": one.title} | row for row in csv.DictReader(file)]
        for row in _means(one, seed):
            numbers = paper_report.numbers(row.values[_MEAN])
            of = {"sweep": one.title, "line": _MEAN, "measure": row.name}
            rows.append(of | dict(zip(("value", "low", "high"), numbers, strict=True)))
    text = io.StringIO()
    heads = dict.fromkeys(["sweep", *(name for row in rows for name in row)])
    lines = csv.DictWriter(text, list(heads), lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue()


def latex(sweeps: Sequence[items.Sweep], seed: int) -> str:
    """Returns tables of sweeps, and means over lines; arguments as of `note`."""
    parts = []
    for one in filter(_is_named, sweeps):
        if rows := _means(one, seed):
            parts.append(figure_tables.latex(f"{one.title}: {_MEAN}", "score", rows))
        parts.append(pathlib.Path(one.place, _LATEX).read_text(encoding="utf-8"))
    return "\n".join(parts) or tex.comment("no sweep is named")


def facts(sweeps: Sequence[items.Sweep], seed: int) -> dict[str, object]:
    """Returns reports for programs, by title of the part; arguments as of `note`."""
    return {
        one.title: _facts(one) | {_MEAN: figure_tables.facts(_means(one, seed))}
        for one in filter(_is_named, sweeps)
    }


def _means(one: items.Sweep, seed: int) -> list[figure_tables.Row]:
    """Returns the mean of each score over a sweep's lines, where it is asked for.

    Lines count alike, whatever number of RNAs they have, and intervals are over lines.
    """
    if not one.is_averaged:
        return []
    values: dict[str, list[float]] = {}
    try:
        for line in _facts(one)["lines"]:
            for name, score in line["scores"].items():
                values.setdefault(name, []).append(float(score["mean"][0]))
    except (KeyError, TypeError, AttributeError) as error:
        path = pathlib.Path(one.place, _FACTS)
        raise ValueError(f"{path}: no report of a sweep ({error})") from error
    return [
        figure_tables.Row(
            name,
            {_MEAN: statistics.of_mean(np.array(listed), seed)},
            {"lines": str(len(listed))},
        )
        for name, listed in values.items()
    ]


def _facts(one: items.Sweep) -> types.Json:
    path = pathlib.Path(one.place, _FACTS)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: no report of a sweep ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: no report of a sweep (it is no JSON object)")
    return found
