"""Cores that this process may use, and whether it has them for itself."""

import concurrent.futures
import contextlib
import math
import multiprocessing
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TypeVar

One = TypeVar("One")
Other = TypeVar("Other")

_QUOTA = pathlib.Path("/sys/fs/cgroup/cpu.max")  # microseconds, of so many


def count() -> int:
    """Returns how many cores this process may use, of a container its share."""
    number = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        number = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max": all
        share, period = map(int, _QUOTA.read_text().split())
        number = min(number, math.ceil(share / period))
    return number


def are_own() -> bool:
    """Says whether this process is none of several, which share the cores."""
    return multiprocessing.parent_process() is None


def by_threads(function: Callable[[One], Other], given: Sequence[One]) -> list[Other]:
    """Returns what a function that lets other threads go on says of each, in order.

    Args:
      function: called by a thread for each core, where this process has them.
      given: what it gets.
    """
    if len(given) < 2 or not are_own():
        return list(map(function, given))
    with concurrent.futures.ThreadPoolExecutor(count()) as pool:
        return list(pool.map(function, given))
