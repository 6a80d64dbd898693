"""Scores of a method on a set: of kept predictions, or of `ssrlm evaluate` before.

What a method failed on counts as an empty prediction, and is told.
"""

import contextlib
import csv
import json
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import files, types
from ssrlm_jax.comparisons import kept_predictions
from ssrlm_jax.external import sequences
from ssrlm_jax.metrics import score_report
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import formats, probabilities, structures

VERSION = 2  # of what is computed here
_DIGITS = 16


class SetScores(NamedTuple):
    """How good a method is on a set.

    Attributes:
      report: as `score_report.report` returns it.
      names: of the RNAs.
      f1: of each RNA, exact pairs.
      failed: RNAs without a prediction, and why.
      about: the method, as it described itself.
      seconds: of each RNA that was predicted, with its length.
      memory: MiB, the peak of the process that predicted; 0: unknown.
    """

    report: types.Json
    names: list[str]
    f1: list[float]
    failed: dict[str, str]
    about: types.Json
    seconds: list[tuple[int, float]]
    memory: float


def letters_of(records: Sequence[formats.Record]) -> list[str]:
    """Returns sequences in the letters A C G U N; those are what methods get."""
    return [sequences.read(n, one.sequence) for n, one in enumerate(records, 1)]


def of_kept(
    store: kept_predictions.Store,
    records: Sequence[formats.Record],
    place: pathlib.Path,
    seed: int,
) -> SetScores:
    """Returns the scores of kept predictions; computed once, kept beside them.

    Args:
      store: should have a prediction, or a failure, of every RNA.
      records: of the set, with known structures.
      place: file for the scores.
      seed: of the bootstrap.

    Raises:
      ValueError: the store lacks an RNA, or is damaged.
    """
    key = _key(store, records, seed)
    before = _before(place, key)
    if before is not None:
        return before
    letters = letters_of(records)
    if num_missing := sum(one not in store.found for one in letters):
        raise ValueError(
            f"{store.directory} has nothing of {num_missing:,} of {len(letters):,} "
            "RNAs: it is of another set of this name; add predictions of this one"
        )
    found = [store.found[one] for one in letters]
    has_listed = any(one.listed is not None for one in found)
    scored = [
        score_report.score(
            record.name,
            sequence,
            one.structure or structures.Structure(len(sequence), np.empty((0, 2))),
            _known(record),
            _listed(one, has_listed),
        )
        for record, sequence, one in zip(records, letters, found, strict=True)
    ]
    told = {
        "report": score_report.report(scored, seed),
        "names": [one.name for one in scored],
        "f1": f1_of(scored),
        "failed": {
            record.name: one.failed
            for record, one in zip(records, found, strict=True)
            if one.structure is None
        },
        "about": kept_predictions.about(store.directory),
        "seconds": [[len(one.sequence), one.seconds] for one in found if one.seconds],
        "memory": max((one.memory for one in found), default=0.0),
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(place, json.dumps({"key": key} | told) + "\n")
    return _from_json(told)


def of_evaluation(folder: pathlib.Path, records: Sequence[formats.Record]) -> SetScores:
    """Returns the scores of a model that `ssrlm evaluate --out=FOLDER` measured.

    Args:
      folder: has scores.json and model.tsv.
      records: of the set.

    Raises:
      ValueError: they are not there, damaged, or of other RNAs.
    """
    try:
        told = json.loads((folder / "scores.json").read_text())
        with (folder / "model.tsv").open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        report, about = told["scores"]["model"], dict(told["methods"]["model"])
        names, f1 = [row["id"] for row in rows], [float(row["f1"]) for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{folder}: no scores of a model ({error})") from error
    if names != [record.name for record in records]:
        raise ValueError(
            f"{folder}: scores of {len(rows):,} RNAs, which are not the "
            f"{len(records):,} of the set in their order"
        )
    about["scored by"] = f"ssrlm evaluate, {folder.parent.name}/{folder.name}"
    return SetScores(report, names, f1, {}, about, [], 0.0)


def f1_of(scored: Sequence[score_report.Scored]) -> list[float]:
    """Returns the F1 of each RNA, exact pairs."""
    counts_N4 = np.array([one.counts[score_report.STRICT] for one in scored], float)
    of = score_report.SCORES["f1"]
    return [round(float(one), 6) for one in of(counts_N4.reshape(-1, 4))]


def _known(record: formats.Record) -> structures.Structure:
    assert record.structure is not None, "read_known leaves out others"
    return record.structure


def _listed(
    one: kept_predictions.Kept, has_listed: bool
) -> probabilities.PairProbabilities | None:
    """Returns probabilities; none at all of what failed, where others have some."""
    if one.listed is None and has_listed:
        return probabilities.from_matrix(np.zeros((0, 0)))
    return one.listed


def _key(
    store: kept_predictions.Store,
    records: Sequence[formats.Record],
    seed: int,
) -> str:
    known = [
        [record.name, record.sequence, _known(record).pairs.tolist()]
        for record in records
    ]
    failed = sorted(one.sequence for one in store.found.values() if one.failed)
    said = executor.key_of(
        [
            [
                one.sequence,
                [] if one.structure is None else one.structure.pairs.tolist(),
            ]
            for one in store.found.values()
        ]
    )
    return executor.key_of(VERSION, seed, known, failed, said)[:_DIGITS]


def _before(place: pathlib.Path, key: str) -> SetScores | None:
    """Returns the scores that are kept; None: none, of something else, or damaged."""
    with contextlib.suppress(
        OSError, ValueError, LookupError, TypeError, AttributeError
    ):
        told = json.loads(place.read_text())
        if told.pop("key") == key:
            return _from_json(told)
    return None


def _from_json(told: types.Json) -> SetScores:
    values = dict(told)
    values["seconds"] = [(int(n), float(s)) for n, s in values.pop("seconds")]
    return SetScores(**values)
