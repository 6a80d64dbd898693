"""Secondary structure of one RNA strand: a set of base pairs and a length.

`Structure` is the only form in which the package passes secondary structure
around. Text forms exist at the edges, in `formats`; partner arrays where a row or
a model needs them.

Positions count from 0 in code and from 1 in files and messages.
"""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

_OPENING = "([{<ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CLOSING = ")]}>abcdefghijklmnopqrstuvwxyz"
_OPENED_BY = dict(zip(_CLOSING, _OPENING, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """Base pairs of a strand.

    Attributes:
      length: number of nucleotides.
      pairs: int32 (P, 2), i < j in every row, rows sorted and distinct. A
        nucleotide may occur in several rows: the PDB holds base triples.

    Example, to and from biotite, of which base pairs are the same array:
      >>> import biotite.structure
      >>> found = biotite.structure.base_pairs_from_dot_bracket("(([[))]].")
      >>> structure = Structure(9, found)
      >>> to_dot_bracket(structure)
      '(([[))]].'
      >>> len(biotite.structure.pseudoknots(structure.pairs)[0])  # an order each
      4
    """

    length: int
    pairs: np.ndarray

    def __post_init__(self) -> None:
        given = np.asarray(self.pairs, np.int64).reshape(-1, 2)
        pairs = np.empty((0, 2), np.int32)
        if len(given):
            low, high = np.minimum(*given.T), np.maximum(*given.T)
            if low.min() < 0 or high.max() >= self.length:
                i, j = given[(low < 0) | (high >= self.length)][0] + 1
                raise ValueError(
                    f"pair ({i}, {j}) lies outside positions 1..{self.length}"
                )
            if (low == high).any():
                position = low[low == high][0] + 1
                raise ValueError(f"position {position} is paired with itself")
            order = low * self.length + high
            order.sort()
            order = order[np.append(True, order[1:] != order[:-1])]
            pairs = np.empty((len(order), 2), np.int32)
            pairs[:, 0], pairs[:, 1] = np.divmod(order, self.length)
        object.__setattr__(self, "pairs", pairs)


def from_dot_bracket(text: str) -> Structure:
    """Reads dot-bracket notation; letters such as A..a mark pseudoknots.

    Args:
      text: one character for each nucleotide.

    Returns:
      The structure; `len(text)` nucleotides.

    Raises:
      ValueError: an unknown character or an unmatched bracket, with its position.

    Source: Antczak et al. 2018, Bioinformatics 34(8), for the letters.

    Example:
      >>> from_dot_bracket("((...))").pairs.tolist()
      [[0, 6], [1, 5]]
    """
    opened: dict[str, list[int]] = {bracket: [] for bracket in _OPENING}
    pairs = []
    for position, symbol in enumerate(text):
        if symbol == ".":
            continue
        if symbol in opened:
            opened[symbol].append(position)
        elif symbol in _OPENED_BY:
            stack = opened[_OPENED_BY[symbol]]
            if not stack:
                raise ValueError(
                    f"dot-bracket position {position + 1}: {symbol!r} closes nothing"
                )
            pairs.append((stack.pop(), position))
        else:
            raise ValueError(
                f"dot-bracket position {position + 1}: {symbol!r} is not one of "
                f"'.', {_OPENING!r}, {_CLOSING!r}"
            )
    left_open = [position for stack in opened.values() for position in stack]
    if left_open:
        first = min(left_open)
        raise ValueError(
            f"dot-bracket position {first + 1}: {text[first]!r} is never closed"
        )
    return Structure(len(text), np.array(pairs, np.int32).reshape(-1, 2))


def to_dot_bracket(structure: Structure) -> str:
    """Writes dot-bracket notation; a pair that crosses others gets the next bracket.

    Raises:
      ValueError: a base triple, or more crossings than there are brackets.

    Example:
      >>> to_dot_bracket(Structure(8, np.array([(0, 4), (2, 7)])))
      '(.[.)..]'
    """
    text = ["."] * structure.length
    inner: list[list[int]] = [[] for _ in _OPENING]  # closing positions, innermost last
    for i, j in structure.pairs.tolist():
        if text[i] != "." or text[j] != ".":
            position = (i if text[i] != "." else j) + 1
            raise ValueError(
                f"position {position} has two partners, which dot-bracket cannot write"
            )
        for stack in inner:
            while stack and stack[-1] < i:
                stack.pop()
        free = [n for n, stack in enumerate(inner) if not stack or stack[-1] > j]
        if not free:
            raise ValueError(
                f"pair ({i + 1}, {j + 1}) crosses more pairs than there are brackets"
            )
        inner[free[0]].append(j)
        text[i], text[j] = _OPENING[free[0]], _CLOSING[free[0]]
    return "".join(text)


def crossing(structure: Structure) -> np.ndarray:
    """Returns which pairs cross another one: bool (P,), in the order of `pairs`.

    Pairs (i, j) and (k, l) cross where i < k < j < l; pairs that share a nucleotide
    do not.

    Example:
      >>> crossing(from_dot_bracket("(.[).]")).tolist()
      [True, True]
      >>> crossing(from_dot_bracket("(..)()")).tolist()
      [False, False]
    """
    i, j = structure.pairs.T
    crosses_PP = (i[:, None] < i) & (i < j[:, None]) & (j[:, None] < j)
    return (crosses_PP | crosses_PP.T).any(1)


def partners(structure: Structure) -> tuple[np.ndarray, int]:
    """Returns where each nucleotide's partner is.

    Returns:
      partner_L int32, -1 where there is none, and how many pairs it cannot hold:
      of a base triple only the first pair, in the order of `pairs`, is kept.

    Example:
      >>> partner_L, num_dropped = partners(from_dot_bracket("(..)."))
      >>> partner_L.tolist(), num_dropped
      ([3, -1, -1, 0, -1], 0)
    """
    partner_L = np.full(structure.length, -1, np.int32)
    i, j = structure.pairs.T
    if np.bincount(structure.pairs.ravel(), minlength=1).max() <= 1:
        partner_L[i], partner_L[j] = j, i
        return partner_L, 0
    num_dropped = 0
    for low, high in structure.pairs.tolist():
        if partner_L[low] < 0 and partner_L[high] < 0:
            partner_L[low], partner_L[high] = high, low
        else:
            num_dropped += 1
    return partner_L, num_dropped


def from_partners(partner_L: ArrayLike) -> Structure:
    """Returns the structure in which each nucleotide has the partner that is named.

    Args:
      partner_L: int (L,), positions from 0; below 0 there is none.

    Raises:
      ValueError: a partner outside of the strand, or that names another partner.

    Example, of `Prediction.to_pandas()`, which counts from 1:
      >>> import pandas as pd
      >>> table = pd.DataFrame({"partner": pd.array([5, None, None, None, 1])})
      >>> structure = from_partners(table["partner"].fillna(0) - 1)
      >>> to_dot_bracket(structure)
      '(...)'
    """
    partner_L = np.asarray(partner_L, np.int64)
    i = np.flatnonzero(partner_L >= 0)
    structure = Structure(len(partner_L), np.stack([i, partner_L[i]], axis=1))
    wrong = i[partner_L[partner_L[i]] != i]
    if len(wrong):
        first, partner = wrong[0], partner_L[wrong[0]]
        raise ValueError(
            f"position {first + 1} has the partner {partner + 1}, which has "
            f"{partner_L[partner] + 1 if partner_L[partner] >= 0 else 'none'}"
        )
    return structure


def without_triples(structure: Structure) -> Structure:
    """Returns a structure of the pairs that `partners` keeps.

    Example:
      >>> without_triples(Structure(9, [(0, 4), (0, 8)])).pairs.tolist()
      [[0, 4]]
    """
    return from_partners(partners(structure)[0])


def projected(structure: Structure, is_kept_L: np.ndarray) -> Structure:
    """Returns a structure of the positions that are kept, with the pairs among them.

    Args:
      structure: of L positions.
      is_kept_L: bool; every position where all of it is true.

    Example:
      >>> kept = np.array([True, True, False, True, True])
      >>> to_dot_bracket(projected(from_dot_bracket("((.))"), kept))
      '(())'
    """
    if is_kept_L.all():
        return structure
    pairs = structure.pairs[is_kept_L[structure.pairs].all(axis=1)]
    place_L = np.cumsum(is_kept_L) - 1
    return Structure(int(is_kept_L.sum()), place_L[pairs])
