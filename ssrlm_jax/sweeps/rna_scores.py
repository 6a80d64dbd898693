"""What jobs say of each RNA that they scored, as sums that give a score.

A score is the sum of one number over RNAs over the sum of another: of a mean, values
over ones; of a masked loss, nats over hidden nucleotides.
"""

import csv
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ssrlm_jax.metrics import statistics
from ssrlm_jax.sweeps import chains, job_graph, kinds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A score of some RNAs.

    Attributes:
      names: of the RNAs.
      length_N: nucleotides.
      sums_N2: what is added up of each RNA; (0, 0) where it has no score.
    """

    names: tuple[str, ...]
    length_N: np.ndarray
    sums_N2: np.ndarray

    @property
    def value(self) -> float:
        """The score of all RNAs; nan where none has one."""
        return float(statistics.ratio(self.sums_N2.sum(0)[None])[0])

    @property
    def of_each(self) -> np.ndarray:
        """The score of each RNA; nan where it has none."""
        return statistics.ratio(self.sums_N2)


def read(out: pathlib.Path, job: job_graph.Job, measure: chains.Measure) -> Column:
    """Returns what a job that is done says of its RNAs.

    Raises:
      ValueError: it scores none, or has no such method or column.
      OSError: a file is gone.
    """
    if job.command not in _READERS:
        raise ValueError(
            f"{measure.name}: {job.command} scores no RNA; {', '.join(_READERS)} do"
        )
    folder = job_graph.directory(out, job.name)
    folder /= kinds.KINDS[job.command].outputs["scores"]
    try:
        return _READERS[job.command](folder, measure)
    except KeyError as error:
        raise ValueError(
            f"{measure.name}: {folder} has no column {error.args[0]!r}"
        ) from error


def over_seeds(columns: Sequence[Column]) -> Column:
    """Returns the mean of each RNA's sums over runs.

    Raises:
      ValueError: the runs were scored on different RNAs.
    """
    first = columns[0]
    for one in columns:
        if one.names != first.names:
            raise ValueError(
                f"seeds were scored on different RNAs: {len(first.names)} and "
                f"{len(one.names)}, or others"
            )
    sums_N2 = np.mean([one.sums_N2 for one in columns], axis=0)
    return dataclasses.replace(first, sums_N2=sums_N2)


def _of_held_out(folder: pathlib.Path, measure: chains.Measure) -> Column:
    """Reads sums over hidden nucleotides, of `ssrlm held_out`."""
    rows = _rows(folder / f"{measure.method}.tsv")
    _, _, part = measure.column.partition("_")
    hidden = f"hidden_{part}" if part else "hidden"
    pairs = [(row[f"sum_{measure.column}"], row[hidden]) for row in rows]
    return _column([row["id"] for row in rows], rows, pairs)


def _of_evaluate(folder: pathlib.Path, measure: chains.Measure) -> Column:
    """Reads a score of each RNA, of `ssrlm evaluate`."""
    rows = _rows(folder / f"{measure.method}.tsv")
    values = [row[measure.column] for row in rows]
    return _column([row["id"] for row in rows], rows, _over_one(values))


def _of_contacts(folder: pathlib.Path, measure: chains.Measure) -> Column:
    """Reads the mean over draws of each RNA, of `ssrlm fit_contacts`."""
    by_name: dict[str, list[Mapping[str, str]]] = {}
    for row in _rows(folder / "contacts.tsv"):
        by_name.setdefault(row["id"], []).append(row)
    names = sorted(by_name)
    means = []
    for name in names:
        told = [row[measure.column] for row in by_name[name]]
        known_values = [float(value) for value in told if value]
        means.append(str(np.mean(known_values)) if known_values else "")
    return _column(names, [by_name[name][0] for name in names], _over_one(means))


_READERS: dict[str, Callable[[pathlib.Path, chains.Measure], Column]] = {
    "held_out": _of_held_out,
    "evaluate": _of_evaluate,
    "fit_contacts": _of_contacts,
}


def _rows(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _over_one(values: Sequence[str]) -> list[tuple[str, str]]:
    """Returns values over 1; those that are not defined, over 0."""
    return [(v, "1") if v not in ("", "nan") else ("0", "0") for v in values]


def _column(
    names: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    pairs: Sequence[tuple[str, str]],
) -> Column:
    return Column(
        names=tuple(names),
        length_N=np.array([int(row["length"]) for row in rows]),
        sums_N2=np.array(pairs, np.float64).reshape(-1, 2),
    )
