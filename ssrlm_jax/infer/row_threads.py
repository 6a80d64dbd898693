"""Rows that are computed at the same time, each by a thread.

XLA shares each operation of a short RNA among a CPU's cores, which wait for each other
after every one. Cores with a row each wait once.
"""

import concurrent.futures
import contextlib
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

    Where memory is full rows are computed one by one: the error is that of one alone.

    Args:
      rows: from short to long sequences.
      compute: of a row; may be called by several threads, and again.
      most_pairs: of the maps that are in memory at the same time.
    """
    threads = [_num_threads(row, most_pairs) for row in rows]
    num_short = sum(number > 1 for number in threads)
    found: dict[int, T] = {}
    if num_short > 1:
        with contextlib.suppress(MemoryError):
            _compute(rows[:num_short], compute, threads[num_short - 1], found)
    for place, row in enumerate(rows):
        if place not in found:
            found[place] = compute(row)
    return [found[place] for place in range(len(rows))]


def _compute(
    rows: Sequence[sequence_rows.Row],
    compute: Callable[[sequence_rows.Row], T],
    num_threads: int,
    found: dict[int, T],
) -> None:
    """Computes rows by threads; `found` gets what comes out, by place.

    Raises:
      MemoryError: it is full; rows that were under way are done.
    """
    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        waiting: dict[concurrent.futures.Future[T], int] = {}
        try:
            for place in reversed(range(len(rows))):  # long ones first, to end together
                waiting[pool.submit(compute, rows[place])] = place
            for one in concurrent.futures.as_completed(waiting):
                found[waiting[one]] = one.result()
        except BaseException as error:
            pool.shutdown(cancel_futures=True)
            if "RESOURCE_EXHAUSTED" in str(error):  # as JAX says it
                raise MemoryError(str(error)) from error
            raise


def _num_threads(row: sequence_rows.Row, most_pairs: int) -> int:
    """Returns how many rows of this length may be computed at the same time."""
    if not cores.are_own() or jax.default_backend() != "cpu":
        return 1
    return min(cores.count(), most_pairs // row.longest**2)
