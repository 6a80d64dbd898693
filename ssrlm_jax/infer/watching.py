"""A bar for who waits, in a notebook or on a terminal; only where it is asked for."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import rich.console
import rich.progress

T = TypeVar("T")


def watched(found: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Yields what comes, and shows how much has.

    The bar is on standard error where that is a terminal, in a notebook below the cell;
    it goes when all is done.

    Args:
      found: whatever takes its time.
      total: how many there will be.
      title: of the bar.
    """
    console = rich.console.Console(stderr=True)
    yield from rich.progress.track(
        found, title, total=total, console=console, transient=True
    )
