"""From probabilities of base pairs to a structure; the only decoder of the package.

A pair is taken only where its probability is at least the threshold. Positions count
from 0, in messages from 1.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ssrlm_jax.rna import probabilities, structures

CANONICAL = frozenset({"AU", "UA", "GC", "CG", "GU", "UG"})
SHORTEST_LOOP = 4  # j - i of a pair that is not a sharp loop, at least

_Pairs = probabilities.PairProbabilities
_Chosen = np.ndarray  # indices of the chosen pairs in the list
_AT_LEAST = 2.0**-40  # what a pair at the threshold gains; less than float32 can tell


def decode(
    probabilities: _Pairs,
    sequence: str,
    *,
    threshold: float,
    method: str = "greedy",
    max_pairs_per_base: int = 1,
    allow_sharp_loops: bool = True,
    is_canonical_only: bool = False,
    breaks: Sequence[int] = (),
) -> structures.Structure:
    """Returns the structure that a method reads from probabilities.

    The flags are those that RiNALMo publishes: `allow_sharp_loops`, `allow_nc_pairs`
    (here `is_canonical_only`, its opposite) and `allow_flexible_pairings`, which does
    not change a structure: it is the slack of metrics/pair_scores.py.

    Args:
      probabilities: of pairs; what is not listed is never taken. Left as it is.
      sequence: letters of the strand; T is U, lower case is upper case.
      threshold: 0..1, the least probability of a pair, itself included.
      method: one of METHODS.
        "greedy": the most probable pair first, then the next one whose nucleotides
          are free; of equal ones the one with the smaller i, then j. RiNALMo's rule.
        "matching": the pairs whose gains, probability - threshold, have the largest
          sum (maximum-weight matching); one pair gives way to two only if they gain
          more together. With pseudoknots, as "greedy".
        "nested": the largest sum of gains without pseudoknots: the structure of
          maximum expected accuracy. Source: Do et al. 2006, Bioinformatics 22(14).
        "threshold": every pair, whatever the number of partners.
      max_pairs_per_base: partners of a nucleotide. 2 and more give base triples: for
        "greedy" directly, for "matching" by as many rounds, each among the pairs that
        the rounds before left. Has no meaning for "threshold".
      allow_sharp_loops: whether pairs with j - i < 4 are taken.
      is_canonical_only: whether only A-U, G-C and G-U are taken.
      breaks: where a second strand begins: no loop is sharp that it opens.

    Returns:
      A structure of the length of the sequence.

    Raises:
      ValueError: a pair that lies outside the sequence or has i >= j, a probability
        that does not lie in 0..1, an unknown method, or "nested" with triples.

    Example:
      >>> i, j = np.array([0, 0, 1]), np.array([7, 8, 7])
      >>> listed = probabilities.PairProbabilities(i, j, np.array([0.6, 0.7, 0.9]))
      >>> structures.to_dot_bracket(decode(listed, "GGAAAAACC", threshold=0.5))
      '((.....))'
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is not one of {tuple(METHODS)}")
    if max_pairs_per_base < 1:
        raise ValueError(f"max_pairs_per_base={max_pairs_per_base} is < 1")
    if method == "nested" and max_pairs_per_base > 1:
        raise ValueError(
            f"method='nested' knows one partner of a nucleotide, "
            f"max_pairs_per_base={max_pairs_per_base} given; take 'greedy'"
        )
    length = len(sequence)
    # Before any is left out: one pair outside tells that the list is of another RNA.
    _check(probabilities, length)
    i, j, probability = probabilities
    least = float(probability.dtype.type(threshold))  # 0.7 is not that of float32
    is_open = probability >= least
    if not allow_sharp_loops:
        is_loop = j - i >= SHORTEST_LOOP
        for start in breaks:
            is_loop |= (i < start) & (j >= start)
        is_open &= is_loop
    if is_canonical_only:
        is_open &= _is_canonical(i, j, sequence)
    listed = _Pairs(i[is_open], j[is_open], probability[is_open])
    chosen = METHODS[method](listed, length, least, max_pairs_per_base)
    pairs = np.stack([listed.i[chosen], listed.j[chosen]], axis=1)
    return structures.Structure(length, pairs)


def _check(listed: _Pairs, length: int) -> None:
    i, j, probability = listed
    is_wrong = probabilities.are_wrong(listed, length)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise ValueError(
            f"probability {probability[row]:g} of the pair ({i[row] + 1}, "
            f"{j[row] + 1}); 1 <= i < j <= {length} and 0..1 are expected"
        )


def _is_canonical(i: np.ndarray, j: np.ndarray, sequence: str) -> np.ndarray:
    letters = sequence.upper().replace("T", "U")
    kinds = (letters[a] + letters[b] for a, b in zip(i, j, strict=True))
    return np.fromiter((kind in CANONICAL for kind in kinds), bool, len(i))


def _all(listed: _Pairs, length: int, threshold: float, most: int) -> _Chosen:
    del length, threshold, most
    return np.arange(len(listed.i))


def _greedy(listed: _Pairs, length: int, threshold: float, most: int) -> _Chosen:
    del threshold
    i, j, probability = listed
    # The last key counts most. Equal ones by i, then j: the order of the list
    # changes nothing.
    order = np.lexsort((j, i, -probability))
    free = [most] * length
    chosen = []
    for index, a, b in zip(
        order.tolist(), i[order].tolist(), j[order].tolist(), strict=True
    ):
        if free[a] and free[b]:
            free[a] -= 1
            free[b] -= 1
            chosen.append(index)
    return np.array(chosen, np.int64)


def _matching(listed: _Pairs, length: int, threshold: float, most: int) -> _Chosen:
    del length
    left = np.arange(len(listed.i))
    chosen = np.empty(0, np.int64)
    for _ in range(most):
        found = _match(listed, left, threshold)
        chosen = np.concatenate([chosen, found])
        left = np.setdiff1d(left, found)
    return chosen


def _match(listed: _Pairs, left: np.ndarray, threshold: float) -> np.ndarray:
    """Returns the indices of one maximum-weight matching among those `left`."""
    import networkx  # a seventh of a second

    i, j = listed.i[left], listed.j[left]
    # Most pairs share no nucleotide with another and need no search.
    num_partners = np.bincount(np.concatenate([i, j]), minlength=1)
    is_alone = (num_partners[i] == 1) & (num_partners[j] == 1)
    graph = networkx.Graph()
    for index in left[~is_alone].tolist():
        gain = float(listed.probability[index]) - threshold + _AT_LEAST
        pair = int(listed.i[index]), int(listed.j[index])
        graph.add_edge(*pair, weight=gain, index=index)
    found = left[is_alone].tolist()
    # Part by part: the time of a matching grows with the cube of its nodes.
    for nodes in networkx.connected_components(graph):
        part = graph.subgraph(nodes)
        found += [
            part.edges[pair]["index"] for pair in networkx.max_weight_matching(part)
        ]
    return np.array(found, np.int64)


def _nested(listed: _Pairs, length: int, threshold: float, most: int) -> _Chosen:
    """Fills rows best[i][j + 1], the best sum of gains within i..j.

    A row is stored only where a pair begins: time is pairs times length, memory
    beginnings times length.
    """
    del most
    i, j, probability = listed
    order = np.lexsort((j, i))
    gain = probability.astype(np.float64) - threshold + _AT_LEAST
    starts = np.searchsorted(i[order], np.arange(length + 1))
    nothing = np.zeros(length + 1)
    rows = [nothing] * (length + 1)
    for first in range(length - 1, -1, -1):
        # The same array, no copy, where no pair begins.
        rows[first] = rows[first + 1]
        here = order[starts[first] : starts[first + 1]]
        if not len(here):
            continue
        row = rows[first + 1].copy()
        for index in here.tolist():
            last = int(j[index])
            inner = gain[index] + rows[first + 1][last]
            outside = rows[last + 1][last + 1 :]
            row[last + 1 :] = np.maximum(row[last + 1 :], inner + outside)
        rows[first] = row
    return _trace(rows, listed, order, starts, gain)


def _trace(
    rows: list[np.ndarray],
    listed: _Pairs,
    order: np.ndarray,
    starts: np.ndarray,
    gain: np.ndarray,
) -> _Chosen:
    """Returns the pairs that make up the best sum of the whole strand."""
    chosen = []
    # No recursion: a strand may have more nested pairs than Python has frames.
    todo = [(0, len(rows) - 1)]  # first position, end (one past the last)
    while todo:
        first, end = todo.pop()
        while first < end and rows[first][end] == rows[first + 1][end]:
            first += 1
        if first >= end:
            continue
        for index in order[starts[first] : starts[first + 1]].tolist():
            last = int(listed.j[index])
            if last >= end:
                continue
            inner = gain[index] + rows[first + 1][last]
            # Equal to the last bit: these are the sums that the rows were filled with.
            if inner + rows[last + 1][end] == rows[first][end]:
                chosen.append(index)
                todo += [(first + 1, last), (last + 1, end)]
                break
    return np.array(chosen, np.int64)


METHODS: dict[str, Callable[[_Pairs, int, float, int], _Chosen]] = {
    "greedy": _greedy,
    "matching": _matching,
    "nested": _nested,
    "threshold": _all,
}
