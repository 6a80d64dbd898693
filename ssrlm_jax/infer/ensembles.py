"""More than one structure: drawn ones, groups of them, and how far they are apart.

The distance of two structures is the number of pairs that one of them has alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import decode, probabilities, structures

APART = 0.3  # mean distance of two groups that are one, over the mean number of pairs
_SURE = 1e-6  # a probability is that far from 0 and 1


class Group(NamedTuple):
    """Structures that are like each other.

    Attributes:
      structure: the one with the smallest sum of distances to the others.
      share: of all structures that are in this group, 0..1.
    """

    structure: structures.Structure
    share: float


def drawn(
    listed: probabilities.PairProbabilities,
    sequence: str,
    number: int,
    rng: np.random.Generator,
) -> list[structures.Structure]:
    """Draws structures from probabilities of pairs.

    Of each helix, pairs (i, j), (i + 1, j - 1) and so on, one uniform number is drawn:
    its pairs with greater probabilities are there. So helices come and go as one, pair
    by pair from their weak ends, and a pair without rivals is there as often as its
    probability says. Of pairs that share a nucleotide the one that stays further below
    its probability is taken; pseudoknots are allowed.

    Args:
      listed: probabilities, 0..1.
      sequence: their letters.
      number: of structures.
      rng: of the draws.
    """
    helix_P = _helices(listed)
    p = np.clip(listed.probability.astype(np.float64), _SURE, 1 - _SURE)
    found = []
    for _ in range(number):
        drawn_P = rng.random(helix_P.max(initial=-1) + 1)[helix_P]
        room_P = np.log(p / (1 - p)) - np.log(drawn_P / (1 - drawn_P))
        room = 1 / (1 + np.exp(-room_P))  # above 0.5 where the draw is below p
        noisy = probabilities.PairProbabilities(listed.i, listed.j, room)
        found.append(decode.decode(noisy, sequence, threshold=0.5))
    return found


def groups(found: Sequence[structures.Structure]) -> list[Group]:
    """Returns groups of structures by their mean distances, the largest first."""
    if not found:
        return []
    distinct: dict[bytes, int] = {}
    number_N = np.array(
        [distinct.setdefault(one.pairs.tobytes(), len(distinct)) for one in found]
    )
    first_N = np.unique(number_N, return_index=True)[1]
    kinds = [found[place] for place in first_N]
    count_K = np.bincount(number_N)
    distance_KK = _distances(kinds)
    group_K = np.ones(len(kinds), int)
    if len(kinds) > 1:
        from scipy.cluster import hierarchy  # type: ignore[import-untyped]
        from scipy.spatial import distance  # type: ignore[import-untyped]

        mean = max(1.0, float(np.mean([len(one.pairs) for one in kinds])))
        tree = hierarchy.linkage(distance.squareform(distance_KK), "average")
        group_K = hierarchy.fcluster(tree, APART * mean, "distance")
    made = []
    for group in np.unique(group_K):
        own = np.flatnonzero(group_K == group)
        sum_K = (distance_KK[np.ix_(own, own)] * count_K[own]).sum(1)
        share = float(count_K[own].sum() / len(found))
        made.append(Group(kinds[own[sum_K.argmin()]], share))
    return sorted(made, key=lambda one: -one.share)


def spread(listed: probabilities.PairProbabilities) -> float:
    """Returns the mean distance of two structures of an ensemble, in pairs.

    As `RNA.fold_compound.mean_bp_distance`: twice the sum of p (1 - p).
    """
    p = listed.probability.astype(np.float64)
    return float(2 * (p * (1 - p)).sum())


def differences(one: structures.Structure, other: structures.Structure) -> np.ndarray:
    """Returns which nucleotides do not have the same partners: bool (L,)."""
    held = [set(map(tuple, each.pairs.tolist())) for each in (one, other)]
    differs_L = np.zeros(one.length, bool)
    differs_L[[place for pair in held[0] ^ held[1] for place in pair]] = True
    return differs_L


def _helices(listed: probabilities.PairProbabilities) -> np.ndarray:
    """Returns the number of the helix of each pair: int (P,), from 0."""
    helix_of: dict[tuple[int, int], int] = {}
    count = 0
    numbers = []
    for i, j in zip(listed.i.tolist(), listed.j.tolist(), strict=True):
        outer = helix_of.get((i - 1, j + 1))
        if outer is None:
            outer, count = count, count + 1
        helix_of[i, j] = outer
        numbers.append(outer)
    return np.array(numbers, int)


def _distances(kinds: Sequence[structures.Structure]) -> np.ndarray:
    """Returns float64 (K, K)."""
    length = kinds[0].length
    codes = [set((k.pairs[:, 0] * length + k.pairs[:, 1]).tolist()) for k in kinds]
    distance_KK = np.zeros((len(kinds), len(kinds)))
    for a, one in enumerate(codes):
        for b in range(a):
            distance_KK[a, b] = distance_KK[b, a] = len(one ^ codes[b])
    return distance_KK
