"""Predictions of any program against known structures, matched by name and sequence.

Nothing is dropped silently: what is missing, does not fit or cannot be read is listed.
"""

import dataclasses
import logging
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.metrics import score_report
from ssrlm_jax.rna import (
    alphabet,
    decode,
    formats,
    probabilities,
    structure_formats,
    structures,
)

_log = logging.getLogger(__name__)

PROBABILITIES = ".prob"
IGNORED = (".png", ".svg", ".jsonl")  # of `ssrlm fold`, beside its structures
READABLE = (
    "dot-bracket, a table with the columns id, sequence and dotbracket, "
    f"{', '.join(structure_formats.READERS)} or {PROBABILITIES}"
)


class Found(NamedTuple):
    """A predicted structure, its probabilities, or both.

    Attributes:
      name: of the RNA.
      sequence: letters as in the file.
      place: file, and line where there are several records.
      structure: None where the file holds probabilities only.
      listed: None where it holds a structure only.
    """

    name: str
    sequence: str
    place: str
    structure: structures.Structure | None = None
    listed: probabilities.PairProbabilities | None = None


@dataclasses.dataclass(frozen=True)
class Matched:
    """What belongs to the known structures, and what does not.

    Attributes:
      found: for each known structure its prediction, or None.
      missing: known structures without a prediction; they count as empty ones.
      mismatched: predictions whose sequence is not that of the RNA of this name.
      unused: predictions that belong to no known structure.
      several: known structures with predictions that differ; the first one counts.
      unread: files that cannot be read, and why.
    """

    found: Sequence[Found | None]
    missing: Sequence[str]
    mismatched: Sequence[str]
    unused: Sequence[str]
    several: Sequence[str]
    unread: Sequence[str]

    def problems(self) -> dict[str, list[str]]:
        """Returns the lists that are not empty, by what they are."""
        kinds = ("missing", "mismatched", "unused", "several", "unread")
        return {
            kind: list(getattr(self, kind)) for kind in kinds if getattr(self, kind)
        }


def read_truth(path: str, max_length: int = 0) -> list[formats.Record]:
    """Reads known structures.

    Args:
      path: of a file.
      max_length: nucleotides; longer RNA is left out, and counted in the log; 0: none.

    Raises:
      ValueError: the file cannot be read, a record has no structure, or another
        letter than those of RNA.
    """
    records = list(structure_formats.read(path))
    for record in records:
        if record.structure is None:
            raise ValueError(f"{record.place or path}: {record.name} has no structure")
        _check_letters(record.place or path, record.name, record.sequence)
    if not records:
        raise ValueError(f"{path}: there is no record")
    longest = max_length or max(len(record.sequence) for record in records)
    kept = [record for record in records if len(record.sequence) <= longest]
    if len(kept) < len(records):
        left_out = len(records) - len(kept)
        _log.info("%s: %d RNAs are longer than %d nt", path, left_out, longest)
    return kept


def check_lengths(records: Sequence[formats.Record], most: int | None) -> None:
    """Raises a ValueError if a record is too long for a model; None: none is."""
    longest = max(records, key=lambda record: len(record.sequence))
    if most is not None and len(longest.sequence) > most:
        raise ValueError(
            f"{longest.place or longest.name}: {len(longest.sequence):,} nucleotides, "
            f"the model takes up to {most:,}; set config.max_length={most}"
        )


def read_predictions(folder: pathlib.Path) -> tuple[list[Found], list[str]]:
    """Reads all files of a folder but IGNORED, and lists those that cannot be read.

    Raises:
      ValueError: it is no folder, or has no file.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no directory of predictions")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix not in IGNORED
    )
    if not paths:
        raise ValueError(f"{folder} has no files; {READABLE} are read")
    found: list[Found] = []
    unread = []
    for path in paths:
        try:
            found += list(_read(path))
        except (ValueError, OSError) as error:
            unread.append(str(error))
    return found, unread


def match(
    truth: Sequence[formats.Record], given: Sequence[Found], unread: Sequence[str] = ()
) -> Matched:
    """Matches predictions with known structures, by name and then by sequence.

    A structure and probabilities of one RNA in two files are taken together.
    """
    sequence_of = [_letters(record.sequence) for record in truth]
    by_name: dict[str, list[int]] = {}
    by_sequence: dict[str, list[int]] = {}
    for place, record in enumerate(truth):
        by_name.setdefault(record.name, []).append(place)
        by_sequence.setdefault(sequence_of[place], []).append(place)
    candidates: list[list[Found]] = [[] for _ in truth]
    mismatched, unused = [], []
    for one in given:
        letters = _letters(one.sequence)
        named = by_name.get(one.name, [])
        places = [place for place in named if sequence_of[place] == letters]
        if not places and named:
            lengths = f"{len(letters)} nt there, {len(sequence_of[named[0]])} nt known"
            mismatched.append(f"{one.name} ({one.place}): {lengths}")
            continue
        for place in places or by_sequence.get(letters, []):
            candidates[place].append(one)
        if not places and letters not in by_sequence:
            unused.append(f"{one.name} ({one.place})")
    merged = [_merge(group) for group in candidates]
    return Matched(
        found=[one for one, _ in merged],
        missing=[r.name for r, (one, _) in zip(truth, merged, strict=True) if not one],
        mismatched=mismatched,
        unused=unused,
        several=[
            f"{record.name} ({', '.join(one.place for one in group)})"
            for record, group, (_, differs) in zip(
                truth, candidates, merged, strict=True
            )
            if differs
        ],
        unread=unread,
    )


def score(
    truth: Sequence[formats.Record],
    matched: Matched,
    decoding: config.DecodingConfig,
    identities: np.ndarray | None = None,
) -> list[score_report.Scored]:
    """Scores every known structure; a missing prediction is an empty one.

    Args:
      truth: known structures.
      matched: their predictions.
      decoding: of predictions that are probabilities alone.
      identities: with the nearest training sequence, of each; None: unknown.

    Raises:
      ValueError: a prediction is probabilities alone and there is no threshold.
    """
    has_probabilities = any(one and one.listed is not None for one in matched.found)
    scored = []
    for place, (record, one) in enumerate(zip(truth, matched.found, strict=True)):
        empty = structures.Structure(len(record.sequence), np.empty((0, 2)))
        listed = one.listed if one else None
        if one is None and has_probabilities:
            listed = probabilities.from_matrix(np.zeros((0, 0)))
        scored.append(
            score_report.score(
                record.name,
                record.sequence,
                _decoded(one, decoding) if one else empty,
                record.structure or empty,
                listed,
                None if identities is None else round(float(identities[place]), 4),
            )
        )
    return scored


def _decoded(one: Found, decoding: config.DecodingConfig) -> structures.Structure:
    if one.structure is not None:
        return one.structure
    if one.listed is None or not decoding.threshold:
        raise ValueError(
            f"{one.place}: probabilities alone; give --threshold to make pairs of them"
        )
    return decode.decode(
        one.listed,
        one.sequence,
        threshold=decoding.threshold,
        method=decoding.method,
        max_pairs_per_base=decoding.max_pairs_per_base,
        allow_sharp_loops=decoding.allow_sharp_loops,
        is_canonical_only=decoding.is_canonical_only,
    )


def _read(path: pathlib.Path) -> Iterator[Found]:
    if path.suffix == PROBABILITIES:
        name, sequence, listed = probabilities.read(path)
        _check_letters(str(path), name, sequence)
        yield Found(name, sequence, str(path), listed=listed)
        return
    for record in structure_formats.read(path):
        if record.structure is None:
            raise ValueError(
                f"{record.place or path}: {record.name} has no structure; "
                f"{READABLE} are read"
            )
        place = record.place or str(path)
        _check_letters(place, record.name, record.sequence)
        yield Found(record.name, record.sequence, place, record.structure)


def _check_letters(place: str, name: str, sequence: str) -> None:
    """Raises a ValueError with its place if a record has a letter not of RNA."""
    try:
        alphabet.encode(sequence)
    except ValueError as error:
        raise ValueError(f"{place}: {name}: {error}") from error


def _merge(group: Iterable[Found]) -> tuple[Found | None, bool]:
    """Returns one prediction of several, and whether any two of them differ."""
    merged, differs = None, False
    for one in group:
        if merged is None:
            merged = one
            continue
        if one.structure is not None and merged.structure is not None:
            differs |= not np.array_equal(one.structure.pairs, merged.structure.pairs)
        if one.listed is not None and merged.listed is not None:
            differs |= not all(map(np.array_equal, one.listed, merged.listed))
        merged = merged._replace(
            structure=merged.structure or one.structure,
            listed=merged.listed if merged.listed is not None else one.listed,
        )
    return merged, differs


def _letters(sequence: str) -> str:
    """Returns a sequence in the letters A C G U N."""
    return alphabet.decode(alphabet.encode(sequence)[0])
