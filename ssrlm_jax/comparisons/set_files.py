"""Sets as they lie on disk, and what of them training sets hold."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.comparisons import items, set_scores
from ssrlm_jax.external import mmseqs, programs
from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.sets import benchmark_sets
from ssrlm_jax.rna import formats, record_tables, structures


class Shared(NamedTuple):
    """What a training set has of a set.

    Attributes:
      equal: RNAs whose sequence it holds; None: it is not known.
      near: others that MMseqs2 finds something for: 30 % identity over half of it;
        None: not looked for.
      reason: why something is None; "": nothing is.
    """

    equal: int | None
    near: int | None
    reason: str


def read(one: items.LabelledSet, data: str) -> list[formats.Record]:
    """Reads a set, all of it.

    Raises:
      ValueError: it is not public, not there, damaged, or of another number; the
        message says how it is got.
    """
    if not one.file:
        raise ValueError(one.get)
    path = _place(pathlib.Path(data) / one.file)
    if not path.exists():
        raise ValueError(f"there is no {path}: {one.get}")
    records = _chosen(one, data, _closed(one, path) if one.closed else _all(path))
    without = sum(record.structure is None for record in records)
    if without:
        raise ValueError(f"{path}: {without:,} RNAs have no structure")
    if len(records) != one.count:
        raise ValueError(
            f"{path}: {len(records):,} RNAs, {one.name} has {one.count:,}: {one.get}"
        )
    letters = set_scores.letters_of(records)  # raises where a letter is none of RNA
    if one.pairs == "all":
        return records
    return [
        dataclasses.replace(it, structure=_counted(it.structure, sequence, one.pairs))
        for it, sequence in zip(records, letters, strict=True)
    ]


def _place(path: pathlib.Path) -> pathlib.Path:
    """Returns a table packed or not, or the folder of its name; the first there is."""
    unpacked = path.with_suffix("") if path.suffix == ".gz" else path
    places = (path, unpacked, unpacked.with_suffix(""))
    return next((one for one in places if one.exists()), path)


def _all(path: pathlib.Path) -> list[formats.Record]:
    return list(benchmark_sets.records(path))


def _chosen(
    one: items.LabelledSet, data: str, records: Sequence[formats.Record]
) -> list[formats.Record]:
    """Returns the records that the set is of, by length and letters."""
    if one.longest:
        records = [it for it in records if len(it.sequence) <= one.longest]
    if not one.without and not one.is_distinct:
        return list(records)
    seen = set(training_letters(one.without, data))
    chosen = []
    for letters, record in zip(set_scores.letters_of(records), records, strict=True):
        if letters not in seen:
            chosen.append(record)
        if one.is_distinct:
            seen.add(letters)
    return chosen


def _counted(
    known: structures.Structure | None, sequence: str, pairs: str
) -> structures.Structure:
    """Returns the canonical pairs, or those of them that cross no other of them."""
    assert known is not None, "read leaves out others"
    left = pair_scores.of_classes(known, sequence, *pair_scores.CANONICAL_CLASSES)
    if pairs == "canonical":
        return left
    return structures.Structure(known.length, left.pairs[~structures.crossing(left)])


def _closed(one: items.LabelledSet, path: pathlib.Path) -> list[formats.Record]:
    """Returns the records of a table, with the ')' that it is known to lack.

    Raises:
      ValueError: it is no such table, or has something else where a ')' is missing.
    """
    rows = record_tables.table_rows(path)
    columns = record_tables.found_columns(next(rows, (0, []))[1])
    if lacking := {"id", "sequence", "dotbracket"} - set(columns):
        raise ValueError(f"{path}: a table with a column {min(lacking)} is expected")
    records = []
    for number, fields in rows:
        if len(fields) <= max(columns.values()):
            raise ValueError(f"{path}:{number}: {len(fields)} fields, too few")
        cells = {what: fields[column] for what, column in columns.items()}
        for place in one.closed.get(cells["id"], ()):
            dots = cells["dotbracket"]
            if dots[place - 1 : place] != ".":
                raise ValueError(
                    f"{path}:{number}: '.' is expected at position {place} of the "
                    f"structure, found {dots[place - 1 : place]!r}"
                )
            cells["dotbracket"] = f"{dots[: place - 1]}){dots[place:]}"
        try:
            records.append(record_tables.of_cells(cells, "", f"{path}:{number}"))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
    return records


def training_letters(names: Sequence[str], data: str) -> list[str]:
    """Returns the sequences of training sets, letters A C G U N.

    Raises:
      ValueError: a file is not there, or damaged.
    """
    found: list[str] = []
    for name in names:
        path = _place(pathlib.Path(data) / name)
        if not path.exists():
            raise ValueError(f"there is no {path}")
        found += set_scores.letters_of(list(benchmark_sets.records(path)))
    return found


def shared(
    letters: Sequence[str],
    training: Sequence[str],
    place: pathlib.Path,
    is_seen: Sequence[bool] | None = None,
) -> tuple[Shared, np.ndarray | None]:
    """Returns how much of a set is in a training set, and identities with the nearest.

    Args:
      letters: sequences of the set.
      training: those that trained; [] for what nothing did.
      place: folder where identities are kept.
      is_seen: which of the set are known to have trained, where some of `training`
        were left out; None: those that it holds.

    Returns:
      The counts, and float32 (N,) in 0..1; None: MMseqs2 is missing.
    """
    if not training:
        return Shared(0, 0, ""), np.zeros(len(letters), np.float32)
    known = set(training)
    is_equal_N = np.array(is_seen or [one in known for one in letters], bool)
    try:
        identity_N = _identities(letters, training, place)
    except programs.ProgramError as error:
        return Shared(int(is_equal_N.sum()), None, str(error)), None
    near = int(((identity_N > 0) & ~is_equal_N).sum())
    return Shared(int(is_equal_N.sum()), near, ""), np.where(
        is_equal_N, np.float32(1.0), identity_N
    )


def _identities(
    letters: Sequence[str], training: Sequence[str], place: pathlib.Path
) -> np.ndarray:
    """Returns identities with the nearest sequences, of before if they are there."""
    mmseqs.check()
    key = executor.key_of(list(letters), sorted(set(training)))
    path = place / f"{key}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):  # not there, or damaged
        kept_N = np.array(json.loads(path.read_text()), np.float32)
        if kept_N.shape == (len(letters),):
            return kept_N
    found_N = mmseqs.identities(letters, training)
    place.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(np.round(found_N, 4).tolist()) + "\n")
    return found_N.astype(np.float32)
