"""Chooses the threshold of a pair's probability that gives the best mean F1.

On validation RNAs only; a test set is scored with what was chosen here.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import decode, probabilities, structures

GRID = tuple(n / 100 for n in range(1, 100))
# For rules that decode anew for each threshold, which takes longer.
FEW = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, *(n / 10 for n in range(2, 10)))
CUTTABLE = ("greedy", "threshold")  # rules whose list a threshold cuts off


class Decoded(NamedTuple):
    """A structure that was decoded without a threshold.

    Rules of `CUTTABLE` take pairs from the most probable one down, so that a threshold
    cuts the list off and changes nothing before: one decoding serves all thresholds.

    Attributes:
      probability: float (P,), of each pair.
      is_true: bool (P,), whether the known structure has it.
      num_true: pairs of the known structure.
    """

    probability: np.ndarray
    is_true: np.ndarray
    num_true: int


class Known(NamedTuple):
    """An RNA of the validation set.

    Attributes:
      sequence: its letters.
      structure: the known one.
      listed: probabilities of pairs that a model gives it.
    """

    sequence: str
    structure: structures.Structure
    listed: probabilities.PairProbabilities


class Choice(NamedTuple):
    """A threshold and the means over sequences that it gives, strict, 0..1."""

    threshold: float
    precision: float
    recall: float
    f1: float


def choose(decoded: Sequence[Decoded]) -> Choice:
    """Returns the threshold of `GRID` with the highest mean F1, the first of equals.

    A sequence without pairs has an F1 of 1 where none is predicted, else 0.

    Raises:
      ValueError: there are no sequences.
    """
    if not decoded:
        raise ValueError("a threshold needs at least one sequence to be chosen on")
    grid_G = np.array(GRID)
    predicted_NG = np.stack([_num_from(d.probability, grid_G) for d in decoded])
    right_NG = np.stack([_num_from(d.probability[d.is_true], grid_G) for d in decoded])
    known_N1 = np.array([d.num_true for d in decoded])[:, None]
    known_NG = np.broadcast_to(known_N1, right_NG.shape)
    counts_NG4 = np.stack([right_NG, predicted_NG, right_NG, known_NG], axis=-1)
    means_3G = [
        score(counts_NG4).mean(0)
        for score in (pair_scores.precision, pair_scores.recall, pair_scores.f1)
    ]
    best = int(np.argmax(means_3G[-1]))
    return Choice(GRID[best], *(float(mean_G[best]) for mean_G in means_3G))


def decoded(known: Known, *, method: str = "greedy", **flags: Any) -> Decoded:
    """Returns what a rule takes without a threshold.

    Args:
      known: an RNA.
      method: one of `CUTTABLE`.
      **flags: of `rna.decode.decode`, other than `threshold` and `method`.
    """
    sequence, structure, listed = known
    found = decode.decode(listed, sequence, threshold=0.0, method=method, **flags)
    i, j = found.pairs.T
    probability_LL = probabilities.to_matrix(listed, len(sequence))
    is_true_P = labels(structure, i, j)
    return Decoded(probability_LL[i, j], is_true_P, len(structure.pairs))


def labels(structure: structures.Structure, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Returns which of the pairs (i, j) the structure has, bool."""
    is_pair_LL = np.zeros((structure.length, structure.length), bool)
    is_pair_LL[tuple(structure.pairs.T)] = True
    return is_pair_LL[i, j]


def choose_for(known: Sequence[Known], *, method: str, **flags: Any) -> Choice:
    """Returns the threshold with the highest mean F1 under any rule.

    Args:
      known: RNAs.
      method: of `rna.decode.METHODS`; those of `CUTTABLE` are tried on all of `GRID`,
        others on `FEW`.
      **flags: of `rna.decode.decode`, other than `threshold` and `method`.

    Raises:
      ValueError: as `choose`; flags that do not go with the method.
    """
    if method in CUTTABLE or not known:
        return choose([decoded(one, method=method, **flags) for one in known])
    best = None
    for threshold in FEW:
        counts = []
        for sequence, structure, listed in known:
            found = decode.decode(
                listed, sequence, threshold=threshold, method=method, **flags
            )
            counts.append(pair_scores.count(found, structure))
        counts_N4 = np.array(counts)
        scores = (pair_scores.precision, pair_scores.recall, pair_scores.f1)
        choice = Choice(threshold, *(float(one(counts_N4).mean()) for one in scores))
        if best is None or choice.f1 > best.f1:
            best = choice
    assert best is not None, "FEW is not empty"
    return best


def _num_from(probability: np.ndarray, grid_G: np.ndarray) -> np.ndarray:
    """Counts the probabilities of each threshold and more, rounded as in `decode`."""
    ordered = np.sort(probability)
    rounded_G = grid_G.astype(ordered.dtype)
    return len(ordered) - np.searchsorted(ordered, rounded_G, side="left")
