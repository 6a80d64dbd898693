"""Measures of all benchmarks, kept from run to run: results/all.json.

A row is one measure on one processor with one version of jax. Measured again, it takes
the place of what was there, and says so where it moved by more than runs differ.
"""

import json
import math
import pathlib
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import report

NAME = "all"
NOT_RECORDED = "not recorded"

Row = dict[str, Any]
Key = tuple[str, ...]


def rows_of(benchmark: str, runs: Sequence[report.Result], busy: float) -> list[Row]:
    """Returns a row for each measure of a benchmark.

    Args:
      benchmark: its name in all.py.
      runs: its results, one of each run; measures that a run lacks it does not count.
      busy: share of the processor that other work took before it ran; nan: not known.
    """
    told: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        for one in run["measures"]:
            told.setdefault(one["name"], []).append(one)
    machine = runs[-1].get("machine", {})
    device = runs[-1].get("device", "cpu").replace("cpu", "")  # else it is a GPU
    return [
        {
            "benchmark": benchmark,
            "name": name,
            "unit": found[-1]["unit"],
            "better": found[-1]["better"],
            "values": [one["value"] for one in found],
            "rivals": {
                rival: [one["rivals"][rival] for one in found if rival in one["rivals"]]
                for rival in found[-1]["rivals"]
            },
            "processor": device or machine.get("processor", NOT_RECORDED),
            "cores": None if device else machine.get("cores"),
            "jax": machine.get("versions", {}).get("jax") or NOT_RECORDED,
            "date": machine.get("date", NOT_RECORDED),
            "busy": None if math.isnan(busy) else round(busy, 2),
        }
        for name, found in told.items()
    ]


def value(row: Row) -> float:
    """Returns what came out, the median of the runs."""
    return statistics.median(row["values"])


def spread(row: Row) -> float | None:
    """Returns by how much runs differ, as a share of the median.

    None: there was one run, or the number may be of either sign, such as a growth.
    """
    values = row["values"]
    if len(values) < 2 or min(values) <= 0:
        return None
    return (max(values) - min(values)) / value(row)


def ratio(row: Row, rival: str) -> float:
    """Returns how many times better ours is than a rival: above 1 is better."""
    theirs = statistics.median(row["rivals"][rival])
    if row["better"] == "higher":
        return value(row) / theirs
    return theirs / value(row)


def merged(old: Iterable[Row], new: Sequence[Row]) -> list[Row]:
    """Returns old rows with the new ones in their places, each once.

    Old ones of which nobody knows where they were measured make room for any.
    """
    measured = {(row["benchmark"], row["name"]) for row in new}
    kept = {
        _key(row): row
        for row in old
        if NOT_RECORDED not in _key(row) or _key(row)[:2] not in measured
    }
    for row in new:
        before = kept.get(_key(row))
        if before is not None:
            row = row | {"moved_from": _moved_from(before, row)}
        kept[_key(row)] = row
    return list(kept.values())


def _key(row: Row) -> Key:
    return row["benchmark"], row["name"], row["processor"], row["jax"]


def _moved_from(before: Row, row: Row) -> float | None:
    """Returns the number before, where it moved by more than runs differ, or None.

    Where neither was run twice, nobody knows how much runs differ.
    """
    spreads = [x for x in (spread(before), spread(row)) if x is not None]
    if not spreads:
        return None
    moved = abs(value(row) - value(before)) / max(abs(value(before)), 1e-12)
    return value(before) if moved > max(spreads) + 1e-9 else None


def read(folder: pathlib.Path) -> report.Result:
    """Returns all rows, and how each benchmark ended the last time that it was run."""
    path = folder / f"{NAME}.json"
    if not path.exists():
        return {"rows": [], "ended": {}}
    found: report.Result = json.loads(path.read_text())
    return found
