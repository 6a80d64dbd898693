"""What is known for sure of a structure: pairs that are there, or cannot be.

Each statement says where it comes from, so that two that contradict each other are
told with both places, before anything is folded. Read from files by
`constraint_formats`. Positions count from 0, in messages from 1.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import decode, structures

# What a statement says of a position, or of two.
PAIR, NO_PAIR = "pair", "no pair"
UNPAIRED, PAIRED, DOWNSTREAM, UPSTREAM = "unpaired", "paired", "downstream", "upstream"
MODIFIED, WOBBLE = "modified", "wobble"
_SHOWN = {
    UNPAIRED: "unpaired",
    PAIRED: "paired",
    DOWNSTREAM: "paired with a later position",
    UPSTREAM: "paired with an earlier position",
    MODIFIED: "modified",
    WOBBLE: "paired with G, as FMN cuts there",
}
_MUST = (PAIRED, DOWNSTREAM, UPSTREAM, WOBBLE)


class Statement(NamedTuple):
    """One thing that is known.

    Attributes:
      kind: PAIR i and j are paired with each other; NO_PAIR they are not; UNPAIRED i
        has no partner; PAIRED it has one; DOWNSTREAM a later one; UPSTREAM an earlier
        one; WOBBLE it is a U whose partner is G; MODIFIED i is accessible to a
        chemical: unpaired, at the end of a helix, or in or next to a G-U pair.
      i: from 0.
      j: i < j; -1 where the statement is of one position.
      place: file and line, or whatever tells the reader where it stands.
    """

    kind: str
    i: int
    j: int
    place: str


@dataclasses.dataclass(frozen=True, eq=False)
class Constraints:
    """Statements about one sequence that do not contradict each other.

    Attributes:
      sequence: A C G U N, or as given: lower case and T are read.
      statements: in the order of the file.
      max_span: nucleotides from one end of a pair to the other, both counted, at most;
        0: any.

    Raises:
      ValueError: a position outside the sequence; two statements that contradict each
        other, with both places; a pair that the letters, the span or a hairpin of less
        than three nucleotides rule out; a position that must pair and has no partner.
    """

    sequence: str
    statements: tuple[Statement, ...] = ()
    max_span: int = 0

    def __post_init__(self) -> None:
        if self.max_span < 0:
            raise ValueError(f"maximum span {self.max_span} is < 0")
        _check(self)

    @property
    def forced(self) -> np.ndarray:
        """Pairs that are there, int64 (P, 2), i < j."""
        return self._pairs(PAIR)

    @property
    def forbidden(self) -> np.ndarray:
        """Pairs that are not there, int64 (P, 2), i < j."""
        return self._pairs(NO_PAIR)

    @functools.cached_property
    def unpaired(self) -> np.ndarray:
        """Which positions have no partner."""
        return self._where(UNPAIRED)

    @functools.cached_property
    def must_pair(self) -> np.ndarray:
        """Which positions have a partner, whoever it is."""
        return self._where(*_MUST)

    @functools.cached_property
    def direction(self) -> np.ndarray:
        """Where the partner of a position is: 1 later, -1 earlier, 0 anywhere."""
        return self._where(DOWNSTREAM).astype(int) - self._where(UPSTREAM)

    def allows(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Tells which pairs i < j the statements allow: bool (P,)."""
        length = len(self.sequence)
        is_out_L = self.unpaired
        is_fine = ~(is_out_L[i] | is_out_L[j])
        is_fine &= (self.direction[i] >= 0) & (self.direction[j] <= 0)
        if self.max_span:
            is_fine &= j - i < self.max_span
        partner_L = self._partner
        is_fine &= (partner_L[i] == j) | ((partner_L[i] < 0) & (partner_L[j] < 0))
        forbidden = self.forbidden
        is_fine &= ~np.isin(i * length + j, forbidden[:, 0] * length + forbidden[:, 1])
        if self._where(WOBBLE).any():
            is_g_L = np.array([letter == "G" for letter in self._letters], bool)
            is_cut_L = self._where(WOBBLE)
            is_fine &= (~is_cut_L[i] | is_g_L[j]) & (~is_cut_L[j] | is_g_L[i])
        return is_fine

    def buried(self, structure: structures.Structure) -> np.ndarray:
        """Returns which pairs of a structure no chemical could reach: bool (P,).

        Those of a modified nucleotide that are stacked on both sides, where neither
        they nor the neighbours are G-U.
        """
        is_modified_L, letters = self._where(MODIFIED), self._letters
        held = {(i, j) for i, j in structure.pairs.tolist()}
        found = []
        for i, j in structure.pairs.tolist():
            helix = [(i - 1, j + 1), (i, j), (i + 1, j - 1)]
            found.append(
                bool(is_modified_L[i] or is_modified_L[j])
                and held.issuperset(helix)
                and not any({letters[a], letters[b]} == {"G", "U"} for a, b in helix)
            )
        return np.array(found, bool)

    def place_of(self, position: int) -> str:
        """Returns what is said of a position that must pair, and where."""
        said = next(s for s in self.statements if s.kind in _MUST and s.i == position)
        return f"position {position + 1} is {_SHOWN[said.kind]} ({said.place})"

    @functools.cached_property
    def _letters(self) -> str:
        return self.sequence.upper().replace("T", "U")

    @functools.cached_property
    def _partner(self) -> np.ndarray:
        """Partners by forced pairs, -1 where there is none."""
        partner_L = np.full(len(self.sequence), -1)
        i, j = self.forced.T
        partner_L[i], partner_L[j] = j, i
        return partner_L

    def _pairs(self, kind: str) -> np.ndarray:
        found = [(s.i, s.j) for s in self.statements if s.kind == kind]
        return np.unique(np.array(found, np.int64).reshape(-1, 2), axis=0)

    def _where(self, *kinds: str) -> np.ndarray:
        is_so_L = np.zeros(len(self.sequence), bool)
        is_so_L[[s.i for s in self.statements if s.kind in kinds]] = True
        return is_so_L


def from_dot_bracket(
    text: str, sequence: str, place: str = "constraints", max_span: int = 0
) -> Constraints:
    """Reads ViennaRNA's constraint string, as `RNAfold -C --enforceConstraint` does.

    Args:
      text: `(` `)` a pair (`[` `]` and `{` `}` too, which may cross); `<` paired with a
        later position; `>` with an earlier one; `|` with any; `x` unpaired; `.` free.
      sequence: of the same length.
      place: for messages.
      max_span: see `Constraints`.

    Raises:
      ValueError: another length or character, an unmatched bracket; as `Constraints`.
    """
    if len(text) != len(sequence):
        raise ValueError(
            f"{place}: {len(text)} characters of constraints, the sequence has "
            f"{len(sequence)} nucleotides"
        )
    return Constraints(sequence, tuple(of_dot_bracket(text, place)), max_span)


BRACKETS = {")": "(", "]": "[", "}": "{"}
SINGLE = {"<": DOWNSTREAM, ">": UPSTREAM, "|": PAIRED, "x": UNPAIRED}


def of_dot_bracket(text: str, place: str) -> list[Statement]:
    """Returns the statements of a constraint string; see `from_dot_bracket`."""
    opened: dict[str, list[int]] = {bracket: [] for bracket in BRACKETS.values()}
    found = []
    for position, symbol in enumerate(text):
        at = f"{place}, position {position + 1}"
        if symbol in opened:
            opened[symbol].append(position)
        elif symbol in BRACKETS:
            if not opened[BRACKETS[symbol]]:
                raise ValueError(f"{at}: {symbol!r} closes nothing")
            start = opened[BRACKETS[symbol]].pop()
            found.append(Statement(PAIR, start, position, place))
        elif symbol in SINGLE:
            found.append(Statement(SINGLE[symbol], position, -1, place))
        elif symbol != ".":
            raise ValueError(
                f"{at}: {symbol!r} is not one of ( ) [ ] {{ }} < > | x and ."
            )
    left = [position for stack in opened.values() for position in stack]
    if left:
        first = min(left)
        raise ValueError(
            f"{place}, position {first + 1}: {text[first]!r} is never closed"
        )
    return sorted(found, key=lambda statement: statement.i)


def _check(given: Constraints) -> None:
    """Checks every statement alone, then against the others."""
    for statement in given.statements:
        _check_alone(given, statement)
    _check_partners(given)
    _check_free(given)


def _check_alone(given: Constraints, said: Statement) -> None:
    length, letters = len(given.sequence), given._letters
    positions = [said.i] if said.j < 0 else [said.i, said.j]
    for position in positions:
        if not 0 <= position < length:
            raise ValueError(
                f"{said.place}: position {position + 1} lies outside 1..{length}"
            )
    if said.kind == WOBBLE and letters[said.i] != "U":
        raise ValueError(
            f"{said.place}: FMN cuts at U, position {said.i + 1} is {letters[said.i]}"
        )
    if said.kind not in (PAIR, NO_PAIR):
        return
    shown = f"{said.place}: positions {said.i + 1} and {said.j + 1}"
    if said.i >= said.j:
        raise ValueError(f"{shown}: the first of a pair must be the smaller")
    if said.kind == NO_PAIR:
        return
    kind = letters[said.i] + letters[said.j]
    if kind not in decode.CANONICAL:
        raise ValueError(f"{shown} are {kind[0]} and {kind[1]}, not A-U, G-C or G-U")
    if said.j - said.i < decode.SHORTEST_LOOP:
        raise ValueError(
            f"{shown} are too near: three nucleotides lie within a hairpin"
        )
    if given.max_span and said.j - said.i >= given.max_span:
        raise ValueError(
            f"{shown} span {said.j - said.i + 1} nucleotides, at most "
            f"{given.max_span} are allowed"
        )


def _check_partners(given: Constraints) -> None:
    """Checks forced pairs against each other and what is said of their positions."""
    pair_of: dict[int, Statement] = {}
    for said in given.statements:
        if said.kind != PAIR:
            continue
        for here, there in ((said.i, said.j), (said.j, said.i)):
            other = pair_of.setdefault(here, said)
            partner = other.i + other.j - here
            if partner != there:
                raise _contradiction(
                    here, f"paired with {partner + 1}", other, _with(there), said
                )
    for said in given.statements:
        for here in (said.i, said.j):
            pair = pair_of.get(here)
            if pair is None or said.kind in (PAIR, PAIRED):
                continue
            there = pair.i + pair.j - here
            if said.kind == NO_PAIR and {said.i, said.j} == {here, there}:
                raise _contradiction(
                    here, _with(there), pair, "not paired with it", said
                )
            if (
                said.kind == UNPAIRED
                or (said.kind == DOWNSTREAM and there < here)
                or (said.kind == UPSTREAM and there > here)
                or (said.kind == WOBBLE and given._letters[there] != "G")
            ):
                raise _contradiction(here, _with(there), pair, _SHOWN[said.kind], said)


def _check_free(given: Constraints) -> None:
    """Checks that what must pair is not said to be unpaired, and can pair."""
    of_position: dict[int, Statement] = {}
    for said in given.statements:
        if said.kind in (PAIR, NO_PAIR, MODIFIED):
            continue
        other = of_position.setdefault(said.i, said)
        kinds = {other.kind, said.kind}
        if kinds == {DOWNSTREAM, UPSTREAM} or (UNPAIRED in kinds and len(kinds) > 1):
            raise _contradiction(
                said.i, _SHOWN[other.kind], other, _SHOWN[said.kind], said
            )
        if other.kind == PAIRED:  # says least
            of_position[said.i] = said
    for position in np.flatnonzero(given.must_pair).tolist():
        if not len(partners(given, position)):
            raise ValueError(
                f"{given.place_of(position)}, and no partner is left that its letter "
                f"{given._letters[position]} and the other constraints allow"
            )
    forced = structures.Structure(len(given.sequence), given.forced)
    buried = np.flatnonzero(given.buried(forced))
    if len(buried):
        i, j = forced.pairs[buried[0]] + 1
        modified = next(
            s for s in given.statements if s.kind == MODIFIED and s.i + 1 in (i, j)
        )
        raise ValueError(
            f"position {modified.i + 1} is modified ({modified.place}) and the pair "
            f"({i}, {j}) is within a helix that is forced; drop one of them"
        )


def partners(given: Constraints, position: int) -> np.ndarray:
    """Returns the canonical partners that a position may have, ascending."""
    letters = given._letters
    other = np.array(
        [
            place
            for place, letter in enumerate(letters)
            if letters[position] + letter in decode.CANONICAL
            and abs(place - position) >= decode.SHORTEST_LOOP
        ],
        np.int64,
    )
    low, high = np.minimum(other, position), np.maximum(other, position)
    return other[given.allows(low, high)]


def _with(partner: int) -> str:
    return f"paired with {partner + 1}"


def _contradiction(
    position: int, one: str, first: Statement, other: str, second: Statement
) -> ValueError:
    return ValueError(
        f"position {position + 1} is {one} ({first.place}) and {other} "
        f"({second.place}); drop one of them"
    )


def crossing(given: Constraints) -> tuple[Statement, Statement] | None:
    """Returns two forced pairs that cross each other; None: there are none."""
    forced: Sequence[Statement] = [s for s in given.statements if s.kind == PAIR]
    for number, one in enumerate(forced):
        for other in forced[number + 1 :]:
            first, second = sorted((one, other), key=lambda pair: pair.i)
            if first.i < second.i < first.j < second.j:
                return one, other
    return None
