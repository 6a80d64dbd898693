"""Groups → sets: what belongs together stays together, and the seed decides.

Shares count records, not groups: large groups are dealt first, each to the set that
is emptiest beside its share.
"""

from collections.abc import Sequence

import numpy as np


def merged(labels_N: np.ndarray, links_P2: np.ndarray) -> np.ndarray:
    """Joins groups that are linked.

    Args:
      labels_N: int, the group of each record.
      links_P2: int, records from 0 whose groups belong together.

    Returns:
      group_N int64: the least record of each joined group.
    """
    first: dict[int, int] = {}
    root = list(range(len(labels_N)))

    def find(record: int) -> int:
        while root[record] != record:
            root[record] = root[root[record]]
            record = root[record]
        return record

    links = [(first.setdefault(k, n), n) for n, k in enumerate(labels_N.tolist())]
    for one, two in [*links, *np.asarray(links_P2).tolist()]:
        low, high = sorted((find(one), find(two)))
        root[high] = low
    return np.array([find(n) for n in range(len(labels_N))], np.int64)


def dealt(group_N: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Deals groups to sets in proportion to shares.

    Args:
      group_N: int, the group of each record.
      shares: of each set, any scale; a set of share 0 stays empty.
      seed: decides the order of groups of one size, and which set of equals.

    Returns:
      set_N int64, from 0; the members of a group have the same.
    """
    names, inverse_N, sizes = np.unique(
        group_N, return_inverse=True, return_counts=True
    )
    wanted = np.asarray(shares, float) / np.sum(shares) * len(group_N)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    chosen, held = np.empty(len(names), np.int64), np.zeros(len(wanted))
    is_open = wanted > 0
    for group in order:
        lack = np.where(is_open, wanted - held, -np.inf)
        share = np.maximum(lack, 0.0) if (lack > 0).any() else is_open.astype(float)
        chosen[group] = rng.choice(len(wanted), p=share / share.sum())
        if sizes[group] > lack[chosen[group]]:
            chosen[group] = int(np.argmax(lack))
        held[chosen[group]] += sizes[group]
    return chosen[inverse_N]
