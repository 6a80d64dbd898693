"""Kinds of base pairs, by letters and edges.

A pair counts as Watson-Crick or wobble by its letters and, where the edges are known,
only if it is cis Watson-Crick/Watson-Crick (cWW). Positions count from 0.

Source: Leontis and Westhof 2001, RNA 7(4), for edges.
"""

from typing import NamedTuple

KINDS = ("watson-crick", "wobble", "non-canonical")
_WATSON_CRICK = frozenset({"AU", "UA", "CG", "GC"})
_WOBBLE = frozenset({"GU", "UG"})


class Pair(NamedTuple):
    """A base pair, within a chain or between two.

    Attributes:
      chain: of the first nucleotide; the index of the chain in the call.
      i: its position.
      other: chain of the second, not before `chain`.
      j: its position; greater than `i` within a chain.
      edges: cis or trans and the edges of `i` and `j`, such as "cWW"; "" if unknown.
    """

    chain: int
    i: int
    other: int
    j: int
    edges: str = ""


def ordered(chain: int, i: int, other: int, j: int, edges: str = "") -> Pair:
    """Returns a pair with its earlier nucleotide first."""
    if (chain, i) <= (other, j):
        return Pair(chain, i, other, j, edges)
    return Pair(other, j, chain, i, edges[:1] + edges[:0:-1])


def kind(first: str, second: str, edges: str = "") -> str:
    """Returns which of `KINDS` a pair of letters is.

    Args:
      first: letter of one nucleotide, A C G U or N.
      second: of the other.
      edges: such as "cWW"; "" where unknown: the letters alone decide.
    """
    if edges in ("", "cWW"):
        if first + second in _WATSON_CRICK:
            return "watson-crick"
        if first + second in _WOBBLE:
            return "wobble"
    return "non-canonical"
