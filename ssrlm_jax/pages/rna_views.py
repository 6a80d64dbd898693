"""One RNA as a page shows it: its structures, where they are drawn, probabilities.

A view is JSON that assets/*.js read; positions count from 0 in it. Pairs are one flat
list `i, j, i, j ...`. A layout is `{"scale": s, "xy": base64}` of int16 little-endian
x, y, x, y ... (y downwards), of which s makes steps: the distance of two nucleotides
next to each other.
"""

import base64
import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.external import sequences, vienna
from ssrlm_jax.infer import layout, pair_confidence
from ssrlm_jax.rna import decode, formats, probabilities, structure_formats, structures

LONGEST_MFE = 3_000  # nucleotides that ViennaRNA folds for a page: 9 s
_STEPS = tuple(round(0.05 * n, 2) for n in range(1, 20))  # thresholds of the slider
_LARGEST = 2**15 - 1  # of int16
_PERMILLE = 1_000  # a probability is a whole number of these

_Listed = probabilities.PairProbabilities
View = dict[str, Any]


def made(
    record: formats.Record,
    listed: _Listed,
    about: Mapping[str, Any],
    decoding: config.DecodingConfig,
    *,
    with_step_layouts: bool = True,
) -> View:
    """Returns the view of one RNA.

    Args:
      record: has a structure.
      listed: probabilities of its pairs.
      about: what results say beside it: "threshold", "reactivities", "alternatives",
        "relatives", "expected_f1"; each may be missing.
      decoding: how the structure was read from the probabilities.
      with_step_layouts: whether the structures of other thresholds have layouts of
        their own; they take 5 bytes for a nucleotide and threshold.

    Raises:
      ValueError: more pairs of a structure cross each other than there are brackets.
      ProgramError: ViennaRNA failed.
    """
    structure = structure_formats.structure_of(record)
    layouts = _Layouts()
    shown = [
        {"label": label, "pairs": _flat(one), "layout": layouts.place(one)} | extra
        for label, one, extra in _alternatives(record, listed, about)
    ]
    own: View = {"label": "predicted", "pairs": _flat(structure)}
    own["layout"] = layouts.place(structure)
    threshold = float(about.get("threshold", 0.0))
    steps = _steps(record, listed, decoding, threshold)
    places = [
        layouts.place(one) if with_step_layouts else own["layout"]
        for one in steps.values()
    ]
    reactivities = about.get("reactivities")
    return {
        "name": record.name,
        "sequence": record.sequence,
        "breaks": list(record.breaks),
        "expected_f1": _number(
            about.get("expected_f1", pair_confidence.expected_f1(structure, listed))
        ),
        "threshold": threshold,
        "relatives": list(about.get("relatives", ())),
        "reactivities": None if reactivities is None else list(reactivities),
        "probabilities": _columns(listed),
        "structures": [own, *shown],
        "steps": _packed_steps(steps) | {"layouts": places},
        "layouts": layouts.packed(),
    }


def plain(record: formats.Record, listed: _Listed) -> View:
    """Returns the view of one RNA that has a structure, with nothing beside it.

    Args:
      record: has a structure.
      listed: probabilities of pairs.
    """
    structure = structure_formats.structure_of(record)
    layouts = _Layouts()
    place = layouts.place_any(structure)
    return {
        "name": record.name,
        "sequence": record.sequence,
        "breaks": list(record.breaks),
        "reactivities": None,
        "probabilities": _columns(listed),
        "structures": [
            {"label": "predicted", "pairs": _flat(structure), "layout": place}
        ],
        "layouts": layouts.packed(),
    }


def compared(
    record: formats.Record, predicted: structures.Structure, listed: _Listed | None
) -> View:
    """Returns the view of one RNA whose structure is known, beside a prediction.

    Its structures are the known one, the predicted one, and both together at the places
    of the known one; probabilities are those of their pairs.

    Args:
      record: has the known structure; none counts as one without pairs.
      predicted: of its length.
      listed: probabilities of pairs; None: there are none.
    """
    length = len(record.sequence)
    known = record.structure or structures.Structure(length, np.empty((0, 2)))
    both = structures.Structure(length, np.concatenate([known.pairs, predicted.pairs]))
    layouts = _Layouts()
    places = [layouts.place_any(known), layouts.place_any(predicted)]
    labels = (("known", known), ("predicted", predicted), ("known and predicted", both))
    return {
        "name": record.name,
        "sequence": record.sequence,
        "breaks": list(record.breaks),
        "reactivities": None,
        "probabilities": _columns(_only(listed, both)),
        "structures": [
            {"label": label, "pairs": _flat(one), "layout": place}
            for (label, one), place in zip(labels, [*places, places[0]], strict=True)
        ],
        "layouts": layouts.packed(),
    }


def _only(listed: _Listed | None, structure: structures.Structure) -> _Listed:
    """Returns the probabilities of a structure's pairs, as far as they are listed."""
    if listed is None:
        return probabilities.from_pairs([])
    kept = set(map(tuple, structure.pairs.tolist()))
    pairs = zip(listed.i.tolist(), listed.j.tolist(), strict=True)
    is_kept_P = np.array([pair in kept for pair in pairs], bool)
    return _Listed(*(column[is_kept_P] for column in listed))


def _columns(listed: _Listed) -> dict[str, list[int]]:
    return {
        "i": listed.i.tolist(),
        "j": listed.j.tolist(),
        "permille": np.round(listed.probability * _PERMILLE).astype(int).tolist(),
    }


def _alternatives(
    record: formats.Record, listed: _Listed, about: Mapping[str, Any]
) -> Iterator[tuple[str, structures.Structure, dict[str, Any]]]:
    """Yields what else the RNA may be: label, structure, more fields."""
    threshold = float(about.get("threshold", 0.0))
    nested = decode.decode(
        listed,
        record.sequence,
        threshold=threshold,
        method="nested",
        breaks=record.breaks,
    )
    yield "maximum expected accuracy, no pseudoknots", nested, {}
    if not record.breaks and len(record.sequence) <= LONGEST_MFE:
        found = vienna.Vienna().minimum(sequences.read(1, record.sequence))
        structure = structures.from_dot_bracket(found.dot_bracket)
        extra = {"energy": round(found.energy, 2)}
        yield "ViennaRNA's least free energy, of the letters alone", structure, extra
    for one in about.get("alternatives", ()):
        structure = structures.from_dot_bracket(one["dot_bracket"])
        extra = {"energy": one["energy"]} if "energy" in one else {}
        yield _label(one), structure, extra


def _label(one: Mapping[str, Any]) -> str:
    """Returns what an alternative of `ssrlm fold` is called."""
    if one["kind"] == "sample":
        return f"{one['share']:.1%} of what {one['source']} draws"
    if one["kind"] == "suboptimal":
        return f"suboptimal of {one['source']}"
    return str(one["source"])


def _steps(
    record: formats.Record,
    listed: _Listed,
    decoding: config.DecodingConfig,
    threshold: float,
) -> dict[float, structures.Structure]:
    """Returns the structure at each threshold of the slider."""
    stops = sorted({*_STEPS, threshold} if threshold else _STEPS)
    found = {}
    for stop in stops:
        flags = dataclasses.asdict(decoding) | {"threshold": stop}
        found[stop] = decode.decode(
            listed, record.sequence, breaks=record.breaks, **flags
        )
    return found


def _packed_steps(steps: Mapping[float, structures.Structure]) -> dict[str, Any]:
    """Returns thresholds, all pairs of any, and bit by bit which threshold has each."""
    held: dict[tuple[int, int], int] = {}
    for number, one in enumerate(steps.values()):
        for i, j in one.pairs.tolist():
            held[i, j] = held.get((i, j), 0) | 1 << number
    pairs = sorted(held)
    return {
        "thresholds": list(steps),
        "pairs": [position for pair in pairs for position in pair],
        "held": [held[pair] for pair in pairs],
    }


class _Layouts:
    """The layouts of one RNA; structures that differ in no place share one."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._packed: list[dict[str, Any]] = []

    def place(self, structure: structures.Structure) -> int:
        """Returns the number of the structure's layout."""
        key = structure.pairs.tobytes()
        if key not in self._numbers:
            one = _packed_layout(layout.positions(structure)[0])
            if one not in self._packed:
                self._packed.append(one)
            self._numbers[key] = self._packed.index(one)
        return self._numbers[key]

    def place_any(self, structure: structures.Structure) -> int:
        """Returns as `place`; without its pairs where too many cross each other."""
        try:
            return self.place(structure)
        except ValueError:
            empty = structures.Structure(structure.length, np.empty((0, 2)))
            return self.place(empty)

    def packed(self) -> list[dict[str, Any]]:
        """Returns all."""
        return self._packed


def _packed_layout(xy_L2: np.ndarray) -> dict[str, Any]:
    xy_L2 = (xy_L2 - xy_L2.mean(axis=0)) * (1, -1)
    scale = max(float(np.abs(xy_L2).max()), 1.0) / _LARGEST
    packed_L2 = np.round(xy_L2 / scale).astype("<i2")
    return {"scale": scale, "xy": base64.b64encode(packed_L2.tobytes()).decode()}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _flat(structure: structures.Structure) -> list[int]:
    return structure.pairs.ravel().tolist()
