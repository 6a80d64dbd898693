"""Rows that are computed at the same time, each by a thread.

XLA shares each operation of a short RNA among a CPU's cores, which wait for each other
after every one. Cores with a row each wait once.
"""

import concurrent.futures
from collections.abc import Callable, Sequence
from typing import TypeVar

import jax

from ssrlm_jax.external import cores
from ssrlm_jax.infer import sequence_rows

T = TypeVar("T")


def computed(
    rows: Sequence[sequence_rows.Row],
    compute: Callable[[sequence_rows.Row], T],
    most_pairs: int,
) -> list[T]:
    """Returns what is computed of each row; after an error no other row is begun.

    Args:
      rows: from short to long sequences.
      compute: of a row; may be called by several threads.
      most_pairs: of the maps that are in memory at the same time.
    """
    threads = [_num_threads(row, most_pairs) for row in rows]
    num_short = sum(number > 1 for number in threads)
    if num_short < 2:
        return [compute(row) for row in rows]
    with concurrent.futures.ThreadPoolExecutor(threads[num_short - 1]) as pool:
        # Long ones first, so that threads end together.
        waiting = [pool.submit(compute, row) for row in reversed(rows[:num_short])]
        try:
            for one in concurrent.futures.as_completed(waiting):
                one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    found = [one.result() for one in reversed(waiting)]
    return found + [compute(row) for row in rows[num_short:]]


def _num_threads(row: sequence_rows.Row, most_pairs: int) -> int:
    """Returns how many rows of this length may be computed at the same time."""
    if not cores.are_own() or jax.default_backend() != "cpu":
        return 1
    return min(cores.count(), most_pairs // row.longest**2)
