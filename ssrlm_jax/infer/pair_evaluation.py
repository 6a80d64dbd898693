"""Predictions of any program against known structures, matched by name and sequence.

Nothing is dropped silently: what is missing or does not fit is listed.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.infer import results, scored_files
from ssrlm_jax.metrics import score_report
from ssrlm_jax.rna import alphabet, decode, formats, probabilities, structures

_Found = scored_files.Found
_MOST_PLACES = 10  # of predictions of one RNA that are named


@dataclasses.dataclass(frozen=True)
class Matched:
    """What belongs to the known structures, and what does not.

    Attributes:
      found: for each known structure its prediction, or None.
      missing: known structures without a prediction; they count as empty ones.
      mismatched: predictions whose sequence is not that of the RNA of this name.
      unused: predictions that belong to no known structure.
      several: known structures with predictions that differ; the first one counts.
      unread: files and records that cannot be read, and why.
      joined: RNA of several strands, which are scored joined.
    """

    found: Sequence[_Found | None]
    missing: Sequence[str]
    mismatched: Sequence[str]
    unused: Sequence[str]
    several: Sequence[str]
    unread: Sequence[str]
    joined: Sequence[str] = ()

    def problems(self) -> dict[str, list[str]]:
        """Returns the lists that are not empty, by what they are."""
        kinds = ("missing", "mismatched", "unused", "several", "unread")
        return {
            kind: list(getattr(self, kind)) for kind in kinds if getattr(self, kind)
        }


def match(
    truth: Sequence[formats.Record],
    given: Sequence[_Found],
    unread: Sequence[str] = (),
) -> Matched:
    """Matches predictions with known structures, by name and then by sequence.

    A structure and probabilities of one RNA in two files are taken together. What has
    no sequence is matched by its name or the file's, and fits by its length.
    """
    known = _Known(truth)
    candidates: list[list[_Found]] = [[] for _ in truth]
    mismatched, unused = [], []
    for one in given:
        indices, problem = known.indices(one)
        if problem:
            mismatched.append(f"{_shown(one)}: {problem}")
        elif not indices:
            why = "" if one.sequence else ": no sequence, and no RNA is called so"
            unused.append(_shown(one) + why)
        for index in indices:
            candidates[index].append(_fitted(one, len(truth[index].sequence)))
    merged = [_merge(group) for group in candidates]
    return Matched(
        found=[one for one, _ in merged],
        missing=[r.name for r, (one, _) in zip(truth, merged, strict=True) if not one],
        mismatched=mismatched,
        unused=unused,
        several=[
            f"{record.name} ({_places(group)})"
            for record, group, (_, differs) in zip(
                truth, candidates, merged, strict=True
            )
            if differs
        ],
        unread=unread,
        joined=[
            record.name
            for record, group in zip(truth, candidates, strict=True)
            if record.breaks or any(one.breaks for one in group)
        ],
    )


class _Known:
    """Finds the known structures that a prediction is of."""

    def __init__(self, truth: Sequence[formats.Record]) -> None:
        self._sequences = [_letters(record.sequence) for record in truth]
        self._by_name: dict[str, list[int]] = {}
        self._by_file: dict[str, list[int]] = {}
        self._by_sequence: dict[str, list[int]] = {}
        for index, record in enumerate(truth):
            self._by_name.setdefault(record.name, []).append(index)
            stem = results.file_stem(record.name)
            self._by_file.setdefault(stem, []).append(index)
            self._by_sequence.setdefault(self._sequences[index], []).append(index)

    def indices(self, one: _Found) -> tuple[list[int], str]:
        """Returns indices in the truth, and why there is none although one is named."""
        if not one.sequence:
            return self._indices_by_name(one)
        letters = _letters(one.sequence)
        named = self._by_name.get(one.name, [])
        indices = [index for index in named if self._sequences[index] == letters]
        if not indices and named:
            return [], _difference(letters, self._sequences[named[0]])
        return indices or self._by_sequence.get(letters, []), ""

    def _indices_by_name(self, one: _Found) -> tuple[list[int], str]:
        names = filter(None, (one.name, *one.file_names))
        maps: tuple[Mapping[str, list[int]], ...] = (self._by_name, self._by_file)
        found = (of[name] for name in names for of in maps if name in of)
        named = next(found, [])
        lengths = [len(self._sequences[index]) for index in named]
        fits = [
            index
            for index, length in zip(named, lengths, strict=True)
            if _fitted(one, length).length in (0, length)
            and _last(_fitted(one, length)) <= length
        ]
        if named and not fits:
            size = (
                f"{one.length} nt" if one.length else f"a pair of position {_last(one)}"
            )
            return [], f"{size} there, {lengths[0]} nt known"
        return fits, ""


def _fitted(one: _Found, length: int) -> _Found:
    """Returns a matrix of one row and column more than nucleotides without the first.

    If that is empty: ViennaRNA's count from 1.
    """
    if not one.is_padded or one.listed is None or one.length != length + 1:
        return one
    i, j, probability = one.listed
    listed = probabilities.PairProbabilities(i - 1, j - 1, probability)
    return one._replace(listed=listed, length=length)


def _last(one: _Found) -> int:
    """Returns the last position that has a probability, from 1; 0: none has."""
    return 0 if one.listed is None else int(one.listed.j.max(initial=-1)) + 1


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
    for index, (record, one) in enumerate(zip(truth, matched.found, strict=True)):
        sequence = _letters(record.sequence)
        empty = structures.Structure(len(sequence), np.empty((0, 2)))
        listed = one.listed if one else None
        if one is None and has_probabilities:
            listed = probabilities.from_matrix(np.zeros((0, 0)))
        scored.append(
            score_report.score(
                record.name,
                sequence,
                structure_of(one, sequence, decoding) if one else empty,
                record.structure or empty,
                listed,
                None if identities is None else round(float(identities[index]), 4),
            )
        )
    return scored


def structure_of(
    one: _Found, sequence: str, decoding: config.DecodingConfig
) -> structures.Structure:
    """Returns the structure of a prediction, decoded where it is probabilities alone.

    Raises:
      ValueError: it is, and there is no threshold.
    """
    if one.structure is not None:
        return one.structure
    if one.listed is None or not decoding.threshold:
        raise ValueError(
            f"{one.place}: probabilities alone; give --threshold to make pairs of them"
        )
    return decode.decode(
        one.listed,
        sequence,
        threshold=decoding.threshold,
        method=decoding.method,
        max_pairs_per_base=decoding.max_pairs_per_base,
        allow_sharp_loops=decoding.allow_sharp_loops,
        is_canonical_only=decoding.is_canonical_only,
        breaks=one.breaks,
    )


def _places(group: Sequence[_Found]) -> str:
    """Returns where predictions are; of ensembles where the first are."""
    shown = [one.place for one in group[:_MOST_PLACES]]
    if num_more := len(group) - len(shown):
        shown.append(f"and {num_more} more")
    return ", ".join(shown)


def _shown(one: _Found) -> str:
    """Returns what a prediction is called, and where it is."""
    named = one.name or next(iter(one.file_names), "")
    return f"{named} ({one.place})"


def _difference(there: str, known: str) -> str:
    """Returns where two sequences differ, as a line says it."""
    pairs = enumerate(itertools.zip_longest(there, known, fillvalue=""), 1)
    position, (one, other) = next((n, ab) for n, ab in pairs if ab[0] != ab[1])
    ends = " and ".join(
        f"{letter or 'the end'} {where}"
        for letter, where in ((one, "there"), (other, "in the known RNA"))
    )
    lengths = ""
    if len(there) != len(known):
        lengths = f"{len(there)} nt there, {len(known)} nt known: "
    return f"{lengths}position {position} is {ends}"


def _merge(group: Iterable[_Found]) -> tuple[_Found | None, bool]:
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
