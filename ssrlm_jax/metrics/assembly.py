"""Strands of a predicted structure laid along those of a known one: which is which.

One rule: a nucleotide of either stands for one of the other at most, and of copies, the
strands of equal letters, each stands for the one that fits best. Names of chains and
their order do not count. Positions count from 0, along all strands behind each other.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import coordinate_scores, report3d, superposition
from ssrlm_jax.rna import atoms, coordinates, matching

MAX_TRIED = 120  # ways to lay strands that are all compared; beyond, the likely ones
_NEARLY = 0.9  # of the most nucleotides that can be laid: such ways are compared
_LEAST_LEFT = 6  # nucleotides, of a piece of a strand that is laid on its own
_APART = 5.0  # angstrom at which a nucleotide counts a half for a way

Edges = Mapping[tuple[int, int], matching.Matched]  # by indices of both strands


@dataclasses.dataclass(frozen=True, eq=False)
class Assembly:
    """Strands of one structure.

    Attributes:
      name: of the structure.
      strands: at least one.
      model: all of them, behind each other; a break at the end of each, and where
        numbers skip some.
    """

    name: str
    strands: tuple[coordinates.Chain, ...]
    model: report3d.Model

    @functools.cached_property
    def starts(self) -> tuple[int, ...]:
        """Positions of the first nucleotides of strands."""
        lengths = [len(one.letters) for one in self.strands]
        return tuple(itertools.accumulate([0, *lengths[:-1]]))


class Laid(NamedTuple):
    """A prediction laid along a known structure.

    Attributes:
      at_L: int32, the position in the prediction of each known nucleotide; -1 where it
        has none.
      breaks: positions in the prediction behind which no bond is expected.
      pairs: indices of a known strand and of the predicted one that stands for it, and
        the way in which they were matched.
    """

    at_L: np.ndarray
    breaks: tuple[int, ...]
    pairs: tuple[tuple[int, int, str], ...]


def assemble(
    name: str,
    strands: Sequence[coordinates.Chain],
    plddt_L: np.ndarray | None = None,
) -> Assembly:
    """Puts strands behind each other."""
    placed = [
        atoms.place(one.letters, one.residue_N, one.name_N, one.xyz_N3)
        for one in strands
    ]
    breaks, start = [], 0
    for one in strands:
        breaks += [start + position for position, skipped in one.gaps if skipped]
        start += len(one.letters)
        breaks.append(start - 1)
    model = report3d.Model(
        "".join(one.letters for one in strands),
        np.concatenate([xyz_LT3 for xyz_LT3, _ in placed]),
        np.concatenate([is_atom_LT for _, is_atom_LT in placed]),
        tuple(breaks),
        plddt_L,
    )
    return Assembly(name, tuple(strands), model)


def edges(known: Assembly, predicted: Assembly) -> Edges:
    """Returns which strands can stand for each other."""
    found = {
        (n, m): matching.match(one, other)
        for n, one in enumerate(known.strands)
        for m, other in enumerate(predicted.strands)
    }
    return {indices: one for indices, one in found.items() if one is not None}


def lay(known: Assembly, predicted: Assembly, found: Edges) -> Laid:
    """Lays a prediction along a known structure.

    The strands that can stand for each other are laid in all ways, MAX_TRIED at most,
    that leave few nucleotides out. The best has the greatest sum of C1' lDDT and of
    the share of C1' that come to lie near. What is then left of strands is laid by
    letters: a strand may be one chain here and two there.

    Args:
      known: the known structure.
      predicted: the prediction.
      found: of `edges`.
    """
    ways = list(itertools.islice(_ways(known, predicted, found), MAX_TRIED + 1))
    if len(ways) > MAX_TRIED:
        ways = _likely(known, predicted, found)
    most = max((_size(found, way) for way in ways), default=0)
    ways = [way for way in ways if _size(found, way) >= _NEARLY * most]
    laid = [_positions(known, predicted, found, way) for way in ways]
    best = 0
    if len(laid) > 1:
        best = int(np.argmax([_fit(known.model, predicted.model, x) for x in laid]))
    at_L = laid[best]
    pairs = [(n, m, found[n, m].way) for n, m in ways[best]]
    pairs += _lay_rest(known, predicted, at_L)
    return Laid(at_L, _breaks(known, predicted, at_L), tuple(pairs))


Way = tuple[tuple[int, int], ...]  # indices of a known and a predicted strand


def _size(found: Edges, way: Way) -> int:
    return sum(found[indices].num_same for indices in way)


def _ways(known: Assembly, predicted: Assembly, found: Edges) -> Iterator[Way]:
    """Yields ways in which no predicted nucleotide is used twice."""
    choices = [
        sorted(
            (m for n, m in found if n == index),
            key=lambda m: -found[index, m].num_same,
        )
        for index in range(len(known.strands))
    ]
    most = [
        max((found[n, m].num_same for m in ms), default=0)
        for n, ms in enumerate(choices)
    ]
    rest = [*itertools.accumulate(most[::-1])][::-1] + [0]
    best = 0

    def longer(index: int, way: Way, size: int, used: list[set[int]]) -> Iterator[Way]:
        nonlocal best
        if size + rest[index] < _NEARLY * best:
            return
        if index == len(choices):
            best = max(best, size)
            yield way
            return
        for m in choices[index]:
            one = found[index, m]
            taken = set(one.at_L[one.at_L >= 0].tolist())
            if not taken & used[m]:
                now = [u | taken if n == m else u for n, u in enumerate(used)]
                one_more = (*way, (index, m))
                yield from longer(index + 1, one_more, size + one.num_same, now)
        yield from longer(index + 1, way, size, used)

    return longer(0, (), 0, [set() for _ in predicted.strands])


def _likely(known: Assembly, predicted: Assembly, found: Edges) -> list[Way]:
    """Returns ways in which one strand is laid on its like, others to the nearest."""
    from scipy import optimize  # type: ignore[import-untyped]  # a fifth of a second

    C1 = atoms.C1_PRIME
    points = {
        indices: _common(
            known.model.xyz_LT3[:, C1],
            known.model.is_atom_LT[:, C1],
            predicted.model.xyz_LT3[:, C1],
            predicted.model.is_atom_LT[:, C1],
            _positions(known, predicted, found, (indices,)),
        )
        for indices in found
    }
    ways: dict[Way, None] = {}
    for fixed_N3, moving_N3 in points.values():
        motion = superposition.fit(moving_N3, fixed_N3)
        near_NM = np.zeros((len(known.strands), len(predicted.strands)))
        for indices, (ours_N3, theirs_N3) in points.items():
            away_N3 = theirs_N3 @ motion.turn_33.T + motion.shift_3 - ours_N3
            near_NM[indices] = _near(away_N3, _APART).sum()
        chosen = zip(*optimize.linear_sum_assignment(-near_NM), strict=True)
        way = tuple((int(n), int(m)) for n, m in chosen if (int(n), int(m)) in found)
        ways.setdefault(way)
    return list(ways)


def _near(away_N3: np.ndarray, scale: float) -> np.ndarray:
    near_N: np.ndarray = 1 / (1 + (away_N3**2).sum(-1) / scale**2)
    return near_N


def _common(
    known_L3: np.ndarray,
    is_known_L: np.ndarray,
    predicted_M3: np.ndarray,
    is_predicted_M: np.ndarray,
    at_L: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the points of nucleotides that both have, (N, 3) each."""
    is_both_L = is_known_L & (at_L >= 0) & is_predicted_M[at_L]
    return known_L3[is_both_L], predicted_M3[at_L[is_both_L]]


def _positions(
    known: Assembly, predicted: Assembly, found: Edges, way: Way
) -> np.ndarray:
    """Returns positions in the prediction, int32 (L,); -1 where it has none."""
    at_L = np.full(len(known.model.letters), -1, np.int32)
    for n, m in way:
        _write(at_L, known.starts[n], predicted.starts[m], found[n, m].at_L)
    return at_L


def _write(at_L: np.ndarray, start: int, other: int, own_L: np.ndarray) -> None:
    part_L = at_L[start : start + len(own_L)]
    part_L[own_L >= 0] = other + own_L[own_L >= 0]


def _fit(known: report3d.Model, predicted: report3d.Model, at_L: np.ndarray) -> float:
    """Returns how well a way fits, 0..2."""
    moved = report3d.along(predicted, known, at_L)
    both = moved.xyz_LT3, moved.is_atom_LT, known.xyz_LT3, known.is_atom_LT
    C1 = atoms.C1_PRIME
    is_both_L = moved.is_atom_LT[:, C1] & known.is_atom_LT[:, C1]
    fixed_N3, moving_N3 = (x[is_both_L, C1] for x in (known.xyz_LT3, moved.xyz_LT3))
    motion = superposition.fit(moving_N3, fixed_N3)
    away_N3 = moving_N3 @ motion.turn_33.T + motion.shift_3 - fixed_N3
    num = max(int(known.is_atom_LT[:, C1].sum()), 1)
    lddt = coordinate_scores.lddt_c1(*both).score
    return float(np.nan_to_num(lddt) + _near(away_N3, _APART).sum() / num)


def _lay_rest(
    known: Assembly, predicted: Assembly, at_L: np.ndarray
) -> list[tuple[int, int, str]]:
    """Lays what is left of strands; writes into `at_L`."""
    pairs: list[tuple[int, int, str]] = []
    is_used_M = np.zeros(len(predicted.model.letters), bool)
    is_used_M[at_L[at_L >= 0]] = True
    for n, one in enumerate(known.strands):
        for m, other in enumerate(predicted.strands):
            start, begin = known.starts[n], predicted.starts[m]
            is_left_L = at_L[start : start + len(one.letters)] < 0
            is_free_M = ~is_used_M[begin : begin + len(other.letters)]
            if min(is_left_L.sum(), is_free_M.sum()) < _LEAST_LEFT:
                continue
            if is_left_L.all() and is_free_M.all():
                continue  # that was tried
            found = matching.match(one, other, is_left_L, is_free_M)
            if found and found.num_same >= _LEAST_LEFT:
                _write(at_L, start, begin, found.at_L)
                is_used_M[begin + found.at_L[found.at_L >= 0]] = True
                pairs.append((n, m, found.way))
    return pairs


def _breaks(known: Assembly, predicted: Assembly, at_L: np.ndarray) -> tuple[int, ...]:
    """Returns where the prediction is not bonded: by itself, or as it is known."""
    ends = {
        start + position
        for start, one in zip(known.starts, known.strands, strict=True)
        for position in (*(index for index, _ in one.gaps), len(one.letters) - 1)
    }
    laid_N = np.flatnonzero(at_L >= 0)
    at_M = {int(at_L[n]): int(n) for n in laid_N}
    unbonded = {
        m
        for m, n in at_M.items()
        if m + 1 in at_M and (at_M[m + 1] != n + 1 or n in ends)
    }
    return tuple(sorted(unbonded | set(predicted.model.breaks)))
