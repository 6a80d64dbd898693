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
_LEAST_MOVE = (
    0.05  # two runs, one just after the other, may differ by less than days do
)

Row = dict[str, Any]
Key = tuple[str, ...]


def rows_of(
    benchmark: str, runs: Sequence[report.Result], busy: float, device: str = ""
) -> list[Row]:
    """Returns a row for each measure of a benchmark.

    Args:
      benchmark: its name in all.py.
      runs: its results, one of each run; measures that a run lacks it does not count.
      busy: share of the processor that other work took before it ran; nan: not known.
      device: a GPU that it ran on; "": what the result itself says, or the processor.
    """
    told: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs:
        for one in run["measures"]:
            told.setdefault(one["name"], []).append(one)
    machine = runs[-1].get("machine", {})
    device = device or runs[-1].get("device", "cpu").replace("cpu", "")
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


def merged(old: Iterable[Row], new: Sequence[Row], because: str = "") -> list[Row]:
    """Returns old rows with the new ones in their places, each once.

    Old ones of which nobody knows on what they were measured make room for any, those
    of which nobody knows with which jax for any of the same processor.

    Args:
      old: rows of before.
      new: rows of now.
      because: why numbers of now are others, for people; "": nobody says.
    """
    kept = {
        _key(row): row
        for row in old
        if not any(_makes_room(row, other) for other in new)
    }
    for row in new:
        before = kept.get(_key(row))
        if before is not None and _has_moved(before, row):
            row = row | {
                "moved_from": value(before),
                "rivals_then": {
                    name: statistics.median(values)
                    for name, values in before["rivals"].items()
                    if name in row["rivals"]
                },
                "because": because,
            }
        kept[_key(row)] = row
    return list(kept.values())


def _makes_room(old: Row, new: Row) -> bool:
    if (old["benchmark"], old["name"]) != (new["benchmark"], new["name"]):
        return False
    if old["processor"] == NOT_RECORDED:
        return True
    return old["jax"] == NOT_RECORDED and old["processor"] == new["processor"]


def _key(row: Row) -> Key:
    machine = (row["processor"], str(row.get("cores")), row["jax"])
    return row["benchmark"], row["name"], *machine


def _has_moved(before: Row, row: Row) -> bool:
    """Says whether a number is another one, by more than runs differ.

    Where neither was run twice, nobody knows how much runs differ.
    """
    spreads = [x for x in (spread(before), spread(row)) if x is not None]
    if not spreads:
        return False
    moved = abs(value(row) - value(before)) / max(abs(value(before)), 1e-12)
    return moved > max(*spreads, _LEAST_MOVE)


def read(folder: pathlib.Path) -> report.Result:
    """Returns all rows, and how each benchmark ended the last time that it was run."""
    path = folder / f"{NAME}.json"
    if not path.exists():
        return {"rows": [], "ended": {}}
    found: report.Result = json.loads(path.read_text())
    return found
