"""Parts of the paper that `ssrlm sweep` makes: its report, or how to get it."""

import csv
import io
import json
import pathlib
import re
import shutil
from collections.abc import Sequence

import numpy as np

from ssrlm_jax.comparisons import figure_tables, items
from ssrlm_jax.metrics import statistics

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?!\w+:)([^)]+)\)")
_NAME = "report"
REPORT, FACTS = f"{_NAME}.md", f"{_NAME}.json"
_FILES = (REPORT, FACTS, f"{_NAME}.csv", f"{_NAME}.tex")


def pending(
    title: str,
    setting: str,
    place: str,
    command: str = "ssrlm sweep --config=sweeps/table3 --config.corpus=CORPUS",
) -> tuple[items.Pending, ...]:
    """Returns what is to be run; nothing where the report of a sweep is there.

    Args:
      title: of the part.
      setting: that names the sweep.
      place: its --out; "": none is named.
      command: that makes it.

    Raises:
      ValueError: it is named, and has no report.
    """
    if place:
        _report(setting, place)
        return ()
    return (
        items.Pending(
            title=title,
            reason=f"no sweep is named by config.{setting}",
            command=command,
        ),
    )


def note(title: str, setting: str, place: str) -> str:
    """Returns the report of a sweep, below its place; "": none is named.

    Args:
      title: of the part.
      setting: that names the sweep.
      place: its --out.

    Raises:
      ValueError: as `pending`.
    """
    if not place:
        return ""
    path = _report(setting, place)
    text = path.read_text(encoding="utf-8")
    folder = path.parent.absolute()  # where its pictures are
    text = _PICTURE.sub(lambda found: f"![{found[1]}]({folder / found[2]})", text)
    return f"{title}, the report of the sweep, {path}:\n\n{text}"


def brought(note: str, place: pathlib.Path) -> str:
    """Returns a note with its pictures beside a report: copied there.

    Args:
      note: as `note` returns it, with pictures by their whole paths.
      place: what names of files of the report begin with: OUT/fig3.

    Raises:
      OSError: a picture cannot be copied.
    """

    def bring(found: re.Match[str]) -> str:
        path = pathlib.Path(found[2])
        if not (path.is_absolute() and path.is_file()):  # it is none of a sweep
            return found[0]
        target = place.with_name(f"{place.name}_{path.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return f"![{found[1]}]({target.name})"

    return _PICTURE.sub(bring, note)


def as_csv(places: Sequence[str]) -> str:
    """Returns the scores of sweeps, one below the other; `sweep` names it.

    Args:
      places: --out of each, whose report is there.
    """
    rows = []
    for place in map(pathlib.Path, places):
        with (place / f"{_NAME}.csv").open(newline="") as file:
            rows += [{"sweep": place.name} | row for row in csv.DictReader(file)]
    text = io.StringIO()
    heads = dict.fromkeys(["sweep", *(name for row in rows for name in row)])
    lines = csv.DictWriter(text, list(heads), lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue()


def latex(places: Sequence[str]) -> str:
    """Returns the tables of sweeps, one below the other; places as of `as_csv`."""
    return "\n".join(
        (pathlib.Path(place) / f"{_NAME}.tex").read_text(encoding="utf-8")
        for place in places
    )


def facts(places: Sequence[str]) -> dict[str, object]:
    """Returns the reports of sweeps for programs, by name; places as of `as_csv`."""
    paths = map(pathlib.Path, places)
    return {one.name: json.loads((one / FACTS).read_text()) for one in paths}


def over_lines(place: str, seed: int) -> str:
    """Returns a table of the mean of each score over a sweep's lines; "": no sweep.

    Lines count alike, whatever number of RNAs they have, and intervals are over lines.

    Args:
      place: --out of the sweep, whose report is there.
      seed: of the bootstrap.

    Raises:
      ValueError: its report.json is not that of a sweep.
      OSError: it cannot be read.
    """
    if not place:
        return ""
    path = pathlib.Path(place) / FACTS
    values: dict[str, list[float]] = {}
    try:
        for line in json.loads(path.read_text())["lines"]:
            for name, score in line["scores"].items():
                values.setdefault(name, []).append(float(score["mean"][0]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no report of a sweep ({error})") from error
    rows = [
        figure_tables.Row(
            name,
            {"mean over them": statistics.of_mean(np.array(listed), seed)},
            {"folds": str(len(listed))},
        )
        for name, listed in values.items()
    ]
    return "\n".join(figure_tables.markdown("score", rows))


def _report(setting: str, place: str) -> pathlib.Path:
    for name in _FILES:
        path = pathlib.Path(place) / name
        if not path.is_file():
            raise ValueError(
                f"config.{setting}={place}: there is no {path}; `ssrlm sweep --report "
                f"--out={place}` makes it"
            )
    return pathlib.Path(place) / REPORT
