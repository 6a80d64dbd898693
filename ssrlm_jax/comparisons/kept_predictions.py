"""What a method said of each RNA of a set, kept on disk: asked for once.

A directory for each set and version of a method, named by a hash of all that decides.
Records are added a whole line at a time; a line that a killed process left half is cut
off, and its RNA predicted anew.
"""

import base64
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.external import folding_programs
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import probabilities, record_tables, structures

RECORDS, METHOD = "records.jsonl", "method.json"
VERSION = 1  # of what is kept here
_DIGITS = 12  # of a hash, in the name of a directory
_ROW = np.dtype([("i", "<i4"), ("j", "<i4"), ("probability", "<f4")])


class Kept(NamedTuple):
    """What a method said of one RNA.

    Attributes:
      sequence: letters A C G U N.
      structure: None where it failed.
      listed: probabilities of pairs; None where it gives none, or failed.
      seconds: that it took; 0: unknown.
      memory: MiB, the peak of the process so far; 0: unknown.
      failed: why it failed; "": it did not.
    """

    sequence: str
    structure: structures.Structure | None
    listed: probabilities.PairProbabilities | None = None
    seconds: float = 0.0
    memory: float = 0.0
    failed: str = ""


class Store:
    """The kept predictions of one method on one set."""

    def __init__(self, directory: pathlib.Path) -> None:
        """Reads what is there.

        Raises:
          ValueError: a line is damaged.
        """
        self.directory = directory
        self.found: dict[str, Kept] = {}
        self._whole = 0  # bytes of records that are whole
        path = directory / RECORDS
        if not path.exists():
            return
        data = path.read_bytes()
        self._whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[: self._whole].splitlines(), 1):
            try:
                one = _read(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(
                    f"{path}:{number}: no record of a prediction ({error}); remove "
                    f"{directory}"
                ) from error
            self.found[one.sequence] = one

    def begin(self, about: Mapping[str, object]) -> None:
        """Makes the directory, and cuts off what a killed process left half.

        Args:
          about: the method, as it describes itself.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        files.write_text(self.directory / METHOD, _about(about))
        path = self.directory / RECORDS
        if path.exists():
            os.truncate(path, self._whole)

    def add(self, records: Iterable[Kept]) -> None:
        """Keeps records.

        Raises:
          OSError: they cannot be written, such as on a full disk.
        """
        listed = list(records)
        text = "".join(json.dumps(_told(one)) + "\n" for one in listed)
        path = self.directory / RECORDS
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise files.cannot(path, error) from error
        self._whole += len(text.encode())
        self.found.update((one.sequence, one) for one in listed)

    def forget_failures(self) -> None:
        """Leaves out what failed, so that it is tried again."""
        kept = [one for one in self.found.values() if not one.failed]
        if len(kept) < len(self.found):
            text = "".join(json.dumps(_told(one)) + "\n" for one in kept)
            files.write_text(self.directory / RECORDS, text)
            self.found = {one.sequence: one for one in kept}
            self._whole = len(text.encode())


def about(directory: pathlib.Path) -> dict[str, object]:
    """Returns what the method in a directory said of itself.

    Raises:
      ValueError: it is not there, or damaged.
    """
    path = directory / METHOD
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: not what a method says of itself ({error}); remove {directory}"
        ) from error


def key_of(name: str, folder: folding_programs.Folder, sequences: Sequence[str]) -> str:
    """Returns the name of a directory: method, and a hash of all that decides."""
    key = executor.key_of(VERSION, dict(folder.describe()), sorted(set(sequences)))
    return f"{name}-{key[:_DIGITS]}"


def elsewhere(
    folder: pathlib.Path, name: str, about: Mapping[str, object]
) -> list[pathlib.Path]:
    """Returns the directories of what the same version of a method said of any set.

    Args:
      folder: of all sets.
      name: of the method.
      about: the method, as it describes itself.
    """
    wanted = _about(about)
    paths = sorted(folder.glob(f"*/{name}-*/{METHOD}"))
    return [path.parent for path in paths if path.read_text() == wanted]


def _about(about: Mapping[str, object]) -> str:
    told = {"kept": VERSION} | dict(about)
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _told(one: Kept) -> dict[str, object]:
    told: dict[str, object] = {"sequence": one.sequence}
    if one.structure is None:
        return told | {"failed": one.failed, "seconds": round(one.seconds, 4)}
    told["pairs"] = record_tables.pairs_cell(one.structure.pairs.tolist())
    told["seconds"] = round(one.seconds, 4)
    told["memory"] = round(one.memory, 1)
    if one.listed is not None:
        rows = np.empty(len(one.listed.i), _ROW)
        for field, values in one.listed._asdict().items():
            rows[field] = values
        told["probabilities"] = base64.b64encode(rows.tobytes()).decode()
    return told


def _read(told: Mapping[str, str]) -> Kept:
    sequence, seconds = told["sequence"], float(told["seconds"])
    if "failed" in told:
        return Kept(sequence, None, seconds=seconds, failed=told["failed"])
    pairs = [
        [int(place) - 1 for place in pair.split("-")]
        for pair in filter(None, told["pairs"].split(";"))
    ]
    listed = None
    if "probabilities" in told:
        rows = np.frombuffer(base64.b64decode(told["probabilities"]), _ROW)
        listed = probabilities.PairProbabilities(
            *(np.ascontiguousarray(rows[field]) for field in _ROW.names or ())
        )
        if probabilities.are_wrong(listed, len(sequence)).any():
            raise ValueError("probabilities of other pairs than the sequence has")
    structure = structures.Structure(len(sequence), np.array(pairs).reshape(-1, 2))
    return Kept(sequence, structure, listed, seconds, float(told["memory"]))
