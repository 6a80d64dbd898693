"""Which nucleotide of a model is which of a known strand.

One rule: equal letters count in order; else the numbers of the authors count, where
what they name agrees; else an alignment does. Positions count from 0.
"""

import functools
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import coordinates

WAYS = ("letters", "numbers", "alignment")
MIN_SAME = 0.85  # share of equal letters of what stands on each other, and of steps
MIN_SHARE = 0.7  # of the shorter strand that stands on a letter of the other
NUMBERS_SAME = 0.9  # share of common numbers with equal letters, and of what ...
# ... an alignment finds, for numbers to count
MAX_SKIPPED = 1_000  # nucleotides of a gap; numbers of authors may jump by more
_LETTERS = "ACGUN"
_SAME, _OTHER = 5, -4  # N beside any letter: 0
_GAP = (-6, -1)  # opened, extended; free at the ends
# An alignment counts where its equal letters, less what stands against it, are so many
# more than two strands of such lengths share by chance: log4 of the number of places.
_MARGIN, _AGAINST = 4.0, 3.0


class Matched(NamedTuple):
    """A model's strand laid along a known one.

    Attributes:
      at_L: int32, the position in the model of each known nucleotide; -1 where the
        model has none.
      num_same: those with equal letters, which are known in both.
      num_other: those with other letters, and steps at which one strand has letters
        that the other lacks without a break there.
      way: of WAYS.
    """

    at_L: np.ndarray
    num_same: int
    num_other: int
    way: str


def match(
    known: coordinates.Chain,
    model: coordinates.Chain,
    is_known_L: np.ndarray | None = None,
    is_model_L: np.ndarray | None = None,
) -> Matched | None:
    """Lays a model's strand along a known one.

    Nucleotides that were not seen keep their places where the file names them; where
    only numbers of the authors tell that some are missing, these are unknown letters.

    Args:
      known: the known strand.
      model: the model's.
      is_known_L: bool, the nucleotides of the known strand to look at; None: all.
      is_model_L: of the model's, likewise.

    Returns:
      None where the strands are of different RNA: less than MIN_SHARE of the shorter
      one stands on the other, less than MIN_SAME of that is equal, or so much is equal
      by chance.
    """
    found = _match(_key(known, is_known_L), _key(model, is_model_L))
    if found is None or (is_known_L is None and is_model_L is None):
        return found
    at_L = found.at_L.copy()
    if is_known_L is not None:
        at_L[~is_known_L] = -1
    if is_model_L is not None:
        at_L[~is_model_L[at_L]] = -1
    return found._replace(at_L=at_L)


class _Key(NamedTuple):
    """What decides a match."""

    letters: str
    numbers: tuple[str, ...]
    gaps: tuple[tuple[int, int], ...]


def _key(chain: coordinates.Chain, is_L: np.ndarray | None) -> _Key:
    if is_L is None:
        return _Key(chain.letters, chain.numbers, chain.gaps)
    letters = (x if one else "N" for x, one in zip(chain.letters, is_L, strict=True))
    numbers = (x if one else "" for x, one in zip(chain.numbers, is_L, strict=True))
    return _Key("".join(letters), tuple(numbers), chain.gaps)


@functools.lru_cache(maxsize=4096)
def _match(known: _Key, model: _Key) -> Matched | None:
    if known.letters == model.letters:
        at_L = np.arange(len(known.letters), dtype=np.int32)
        return _judged(known, model, at_L, 0, "letters")
    aligned = max(
        (_aligned(known, model, *spread) for spread in _spreads(known, model)),
        key=lambda one: one.num_same - _AGAINST * one.num_other if one else -math.inf,
    )
    numbered = _numbered(known, model)
    if numbered and (
        not aligned or numbered.num_same >= NUMBERS_SAME * aligned.num_same
    ):
        return numbered
    return aligned


def _judged(
    known: _Key, model: _Key, at_L: np.ndarray, num_steps: int, way: str
) -> Matched | None:
    """Counts equal letters; None where they are too few."""
    letters = [(known.letters[i], model.letters[at_L[i]]) for i in _both(at_L)]
    num_same = sum(a == b != "N" for a, b in letters)
    num_other = sum(a != b and "N" not in (a, b) for a, b in letters)
    num_laid = num_same + num_other
    num_other += num_steps
    sizes = [len(x.letters) - x.letters.count("N") for x in (known, model)]
    if not num_same or num_laid < MIN_SHARE * min(sizes):
        return None
    if num_same < MIN_SAME * (num_same + num_other):
        return None
    if way == "alignment":
        excess = num_same - _AGAINST * num_other
        if excess < _MARGIN + math.log(math.prod(sizes), 4):
            return None
    at_L.setflags(write=False)  # it is kept, and shared
    return Matched(at_L, num_same, num_other, way)


def _both(at_L: np.ndarray) -> list[int]:
    found: list[int] = np.flatnonzero(at_L >= 0).tolist()
    return found


def _numbered(known: _Key, model: _Key) -> Matched | None:
    """Matches by numbers of the authors; None where they do not fit."""
    index_of = {number: n for n, number in enumerate(model.numbers) if number}
    at_L = np.array([index_of.get(number, -1) for number in known.numbers], np.int32)
    found = _judged(known, model, at_L, 0, "numbers")
    if found and found.num_same < NUMBERS_SAME * (found.num_same + found.num_other):
        return None
    return found


def _spreads(known: _Key, model: _Key) -> Iterator[tuple[bool, bool]]:
    """Yields whether each strand is spread by its numbers: both may lack the same."""
    has = [any(skipped for _, skipped in one.gaps) for one in (known, model)]
    yield from itertools.product(*((True, False) if any_ else (False,) for any_ in has))


def _aligned(
    known: _Key, model: _Key, is_known_spread: bool, is_model_spread: bool
) -> Matched | None:
    """Matches by alignment; None where it does not fit."""
    import biotite.sequence as bs  # a third of a second
    from biotite.sequence import align

    spread = [_spread(known, is_known_spread), _spread(model, is_model_spread)]
    indices, texts = zip(*spread, strict=True)
    alphabet = bs.LetterAlphabet(_LETTERS)
    scores_VV = np.full((len(_LETTERS), len(_LETTERS)), _OTHER, np.int32)
    np.fill_diagonal(scores_VV, _SAME)
    scores_VV[-1] = scores_VV[:, -1] = 0
    # biotite has it in Cython, without types.
    found = align.align_optimal(  # type: ignore[attr-defined]
        *(bs.GeneralSequence(alphabet, text) for text in texts),
        align.SubstitutionMatrix(alphabet, alphabet, scores_VV),
        gap_penalty=_GAP,
        terminal_penalty=False,
        max_number=1,
    )
    trace_N2 = found[0].trace
    trace_N2 = trace_N2[(trace_N2 >= 0).all(1)]
    laid_N2 = np.stack([indices[n][trace_N2[:, n]] for n in (0, 1)], axis=-1)
    laid = [(i, m) for i, m in laid_N2.tolist() if i >= 0 and m >= 0]
    turned = [(m, i) for i, m in _at_breaks(laid, known, model)]
    laid = [(i, m) for m, i in _at_breaks(turned, model, known)]
    at_L = np.full(len(known.letters), -1, np.int32)
    for i, m in laid:
        at_L[i] = m
    return _judged(known, model, at_L, _unsaid(laid, known, model), "alignment")


def _at_breaks(
    laid: list[tuple[int, int]], one: _Key, other: _Key
) -> list[tuple[int, int]]:
    """Moves letters of `one` that are left over to where `other` is broken.

    That is as good an alignment where the letters that change places are equal.

    Args:
      laid: positions in both that stand on each other, rising.
      one: the strand whose letters may be left over.
      other: the strand that lacks them.
    """
    breaks = {position for position, _ in other.gaps}
    kept = list(laid)
    for n in range(len(kept) - 1):
        (i, m), (j, after) = kept[n], kept[n + 1]
        size = j - i - 1
        if after != m + 1 or not size or m in breaks:
            continue
        for at, step, by in ((n, -1, size), (n + 1, 1, -size)):
            moved = list(kept)
            while 0 <= at < len(kept) and kept[at][0] - kept[at][1] == (
                i - m if step < 0 else j - after
            ):
                p, q = kept[at]
                if one.letters[p] != one.letters[p + by]:
                    break
                moved[at] = (p + by, q)
                if q + min(step, 0) in breaks:
                    kept = moved
                    break
                at += step
            if kept is moved:
                break
    return kept


def _spread(key: _Key, is_spread: bool) -> tuple[np.ndarray, str]:
    """Returns positions and letters; -1 and N for those that numbers skip."""
    skipped = dict(key.gaps) if is_spread else {}
    indices: list[int] = []
    for position in range(len(key.letters)):
        indices.append(position)
        indices += [-1] * min(skipped.get(position, 0), MAX_SKIPPED)
    text = "".join("N" if n < 0 else key.letters[n] for n in indices)
    return np.array(indices, np.int32), text


def _unsaid(laid: list[tuple[int, int]], known: _Key, model: _Key) -> int:
    """Counts steps at which a strand lacks letters that the other has, unbroken."""
    breaks = [{position for position, _ in one.gaps} for one in (known, model)]
    num = 0
    for first, second in itertools.pairwise(laid):
        for mine, theirs in ((0, 1), (1, 0)):
            is_over = second[theirs] - first[theirs] > second[mine] - first[mine]
            num += is_over and first[mine] not in breaks[mine]
    return num
