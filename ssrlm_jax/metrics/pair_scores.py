"""Scores of base pairs: counts of one RNA, ratios of counts, average precision.

Strict: a predicted pair is right if the known structure has exactly it. With slack:
RiNALMo's rule (`allow_flexible_pairings`): precision against the known pairs and all
that lie one step away in i or in j, recall with the prediction widened in the same
way. Pairs are (i, j) with i < j; base triples count as the pairs they are.

What an empty structure counts as: nothing predicted where nothing is known is right
(precision, recall, F1 and MCC are 1); if only one of both is empty they are 0. UFold
does so too; RiNALMo and RNAformer give 0 for both empty.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import statistics
from ssrlm_jax.rna import pair_kinds, probabilities, structures

CANONICAL_CLASSES = ("watson-crick", "wobble")
CLASSES = (*CANONICAL_CLASSES, "non-canonical")


class Counts(NamedTuple):
    """Pairs of one RNA, or sums over several.

    Attributes:
      right: predicted pairs that are right.
      predicted: predicted pairs.
      found: known pairs that were predicted; differs from `right` with slack.
      known: known pairs.

    Example:
      >>> Counts(right=2, predicted=2, found=2, known=3).right
      2
    """

    right: int
    predicted: int
    found: int
    known: int


def count(
    predicted: structures.Structure, known: structures.Structure, *, slack: int = 0
) -> Counts:
    """Counts the pairs of a predicted structure that are right.

    Args:
      predicted: of the same length as `known`.
      known: the truth.
      slack: 0 or 1 step in i or in j.

    Raises:
      ValueError: lengths differ, or the slack is another.

    Example:
      >>> known = structures.from_dot_bracket("(((...)))")
      >>> count(structures.from_dot_bracket("((.....))"), known)
      Counts(right=2, predicted=2, found=2, known=3)
    """
    _check(predicted, known)
    if slack not in (0, 1):
        raise ValueError(f"slack={slack} is not 0 or 1")
    ours, theirs = _keys(predicted.pairs, slack), _keys(known.pairs, slack)
    right = np.isin(_keys(predicted.pairs, 0)[:, 0], theirs).sum()
    found = np.isin(_keys(known.pairs, 0)[:, 0], ours).sum()
    return Counts(int(right), len(predicted.pairs), int(found), len(known.pairs))


def count_by_class(
    predicted: structures.Structure, known: structures.Structure, sequence: str
) -> dict[str, Counts]:
    """Counts strictly within each class of letters; keys are CLASSES.

    Raises:
      ValueError: lengths differ.

    Example:
      >>> one = structures.from_dot_bracket("((...))")
      >>> count_by_class(one, one, "GGAAAUC")["wobble"]
      Counts(right=1, predicted=1, found=1, known=1)
    """
    _check(predicted, known)
    return {
        name: count(
            of_classes(predicted, sequence, name), of_classes(known, sequence, name)
        )
        for name in CLASSES
    }


def of_classes(
    structure: structures.Structure, sequence: str, *names: str
) -> structures.Structure:
    """Returns the pairs of some of CLASSES alone.

    Example:
      >>> found = of_classes(structures.from_dot_bracket("(())"), "GGUC", "wobble")
      >>> structures.to_dot_bracket(found)
      '.().'
    """
    letters = sequence.upper().replace("T", "U")
    chosen = [
        pair_kinds.kind(letters[i], letters[j]) in names
        for i, j in structure.pairs.tolist()
    ]
    return _part(structure, np.array(chosen, bool))


def count_crossing(
    predicted: structures.Structure, known: structures.Structure
) -> Counts:
    """Counts strictly the pairs that cross another of their own structure.

    Precision: of the predicted pairs that cross another predicted one, those that are
    known at all. Recall: of the known ones that cross another known one, those that
    are predicted at all.

    Example:
      >>> known = structures.from_dot_bracket("(.[).]")
      >>> count_crossing(structures.from_dot_bracket("(..).."), known)
      Counts(right=0, predicted=0, found=1, known=2)
    """
    ours = _part(predicted, structures.crossing(predicted))
    theirs = _part(known, structures.crossing(known))
    of_ours, of_theirs = count(ours, known), count(predicted, theirs)
    return Counts(of_ours.right, of_ours.predicted, of_theirs.found, of_theirs.known)


def precision(counts_N4: np.ndarray) -> np.ndarray:
    """Returns right / predicted; counts as `Counts`, along the last axis.

    Example:
      >>> float(precision(Counts(right=1, predicted=2, found=1, known=4)))
      0.5
    """
    right, predicted, _, known = np.moveaxis(np.asarray(counts_N4, float), -1, 0)
    return _ratio(right, predicted, known == 0)


def recall(counts_N4: np.ndarray) -> np.ndarray:
    """Returns found / known; counts as above.

    Example:
      >>> float(recall(Counts(right=1, predicted=2, found=1, known=4)))
      0.25
    """
    _, predicted, found, known = np.moveaxis(np.asarray(counts_N4, float), -1, 0)
    return _ratio(found, known, predicted == 0)


def f1(counts_N4: np.ndarray) -> np.ndarray:
    """Returns the harmonic mean of precision and recall; counts as above.

    Example:
      >>> float(f1(Counts(right=2, predicted=2, found=2, known=3)))
      0.8
    """
    p, r = precision(counts_N4), recall(counts_N4)
    return _ratio(2 * p * r, p + r, np.zeros(p.shape, bool))


def mcc(counts_N4: np.ndarray, num_pairs_N: np.ndarray) -> np.ndarray:
    """Returns Matthews' correlation over all (i, j), i < j; strict counts as above.

    Args:
      counts_N4: strict.
      num_pairs_N: pairs of positions, L (L - 1) / 2, or sums of it.

    Example:
      >>> float(mcc(Counts(right=2, predicted=2, found=2, known=2), 21))
      1.0
    """
    right, predicted, _, known = np.moveaxis(np.asarray(counts_N4, float), -1, 0)
    total = np.asarray(num_pairs_N, float)
    above = right * total - predicted * known
    below = predicted * known * (total - predicted) * (total - known)
    is_empty = (predicted == 0) & (known == 0)
    return _ratio(above, np.sqrt(below), is_empty)


class Ranked(NamedTuple):
    """Listed pairs of one RNA, and what is not listed and so comes last.

    Attributes:
      probability: float (P,).
      is_known: bool (P,).
      num_known: known pairs, listed or not.
      num_pairs: pairs of positions, L (L - 1) / 2.

    Example:
      >>> Ranked(np.array([0.75]), np.array([True]), 2, 21).num_known
      2
    """

    probability: np.ndarray
    is_known: np.ndarray
    num_known: int
    num_pairs: int


def rank(
    listed: probabilities.PairProbabilities, known: structures.Structure
) -> Ranked:
    """Returns what `average_precision` reads of one RNA.

    Example:
      >>> listed = probabilities.from_pairs([(1, 7, 0.75), (1, 6, 0.5)])
      >>> rank(listed, structures.from_dot_bracket("((...))")).is_known.tolist()
      [False, True]
    """
    place_P = np.stack([listed.i, listed.j], axis=1)
    is_known = np.isin(_keys(place_P, 0)[:, 0], _keys(known.pairs, 0)[:, 0])
    num_pairs = known.length * (known.length - 1) // 2
    return Ranked(listed.probability, is_known, len(known.pairs), num_pairs)


def average_precision(ranked: Sequence[Ranked]) -> float:
    """Returns the average precision of one RNA, or pooled over several.

    The sum over thresholds of precision times the recall gained, over all (i, j),
    i < j; equal probabilities are one threshold and unlisted pairs have 0. Never the
    trapezoid, which is too good. nan where no pair is known. Equals
    sklearn.metrics.average_precision_score.

    Example:
      >>> listed = probabilities.from_pairs([(1, 7, 0.75), (2, 6, 0.5), (1, 6, 0.25)])
      >>> average_precision([rank(listed, structures.from_dot_bracket("((...))"))])
      1.0
    """
    return float(_average_precision(ranked, np.ones((1, len(ranked))))[0])


def pooled_average_precision(
    ranked: Sequence[Ranked], seed: int
) -> statistics.Interval:
    """Returns the average precision of all RNAs together, with its interval.

    Example:
      >>> listed = probabilities.from_pairs([(1, 7, 0.75), (2, 6, 0.5)])
      >>> one = rank(listed, structures.from_dot_bracket("((...))"))
      >>> pooled_average_precision([one, one], seed=0).value
      1.0
    """
    if not ranked:
        return statistics.Interval(np.nan, np.nan, np.nan)
    times_SN = statistics.times_drawn(len(ranked), seed)
    samples_S = _average_precision(ranked, times_SN)
    return statistics.around(average_precision(ranked), samples_S)


def _average_precision(ranked: Sequence[Ranked], times_SN: np.ndarray) -> np.ndarray:
    """Returns average precisions with each RNA taken as often as `times_SN` says."""
    probability_P = np.concatenate([r.probability for r in ranked])
    is_known_P = np.concatenate([r.is_known for r in ranked])
    owner_P = np.repeat(np.arange(len(ranked)), [len(r.probability) for r in ranked])
    order = np.argsort(-probability_P, kind="stable")
    is_known_P, owner_P = is_known_P[order], owner_P[order]
    ordered_P = probability_P[order]
    is_last_P = np.append(ordered_P[1:] != ordered_P[:-1], True)[: len(ordered_P)]
    num_known_N = np.array([r.num_known for r in ranked], float)
    num_pairs_N = np.array([r.num_pairs for r in ranked], float)
    found = []
    for times_N in times_SN:
        weight_P = times_N[owner_P]
        right_T = np.cumsum(weight_P * is_known_P)[is_last_P]
        taken_T = np.cumsum(weight_P)[is_last_P]
        # The last threshold takes everything.
        right_T = np.append(right_T, times_N @ num_known_N)
        taken_T = np.append(taken_T, times_N @ num_pairs_N)
        gained_T = np.diff(right_T, prepend=0.0)
        total = right_T[-1]
        precision_T = right_T / np.maximum(taken_T, 1.0)
        found.append(gained_T @ precision_T / total if total else np.nan)
    return np.array(found)


def _check(predicted: structures.Structure, known: structures.Structure) -> None:
    if predicted.length != known.length:
        raise ValueError(
            f"the prediction has {predicted.length} nucleotides, the known structure "
            f"{known.length}"
        )


def _part(structure: structures.Structure, is_in: np.ndarray) -> structures.Structure:
    return structures.Structure(structure.length, structure.pairs[is_in])


def _keys(pairs_P2: np.ndarray, slack: int) -> np.ndarray:
    """Returns a number for each pair, and for those a step away; int64 (P, 1 or 5)."""
    i, j = np.asarray(pairs_P2, np.int64).reshape(-1, 2).T + 1
    steps = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)] if slack else [(0, 0)]
    return np.stack([(i + a) * 2**31 + (j + b) for a, b in steps], axis=1)


def _ratio(above: np.ndarray, below: np.ndarray, is_one: np.ndarray) -> np.ndarray:
    """Divides; 0 / 0 is 1 where `is_one`, else 0."""
    safe = np.where(below > 0, below, 1.0)
    return np.where(below > 0, above / safe, np.where(is_one, 1.0, 0.0))
