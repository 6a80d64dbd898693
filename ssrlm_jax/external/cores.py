"""Cores that this process may use, and whether it has them for itself."""

import multiprocessing
import os


def count() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def are_own() -> bool:
    """Says whether this process is none of several, which share the cores."""
    return multiprocessing.parent_process() is None
