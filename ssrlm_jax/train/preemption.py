"""Requests to stop: SIGTERM from a scheduler, or ctrl-C.

A request only raises a flag; the loop finishes its step, saves and returns, and the
command exits with 0: whoever asked is not told of an error. A second ctrl-C stops at
once, which harms nothing: checkpoints are written beside their place.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_Handler = Callable[[int, FrameType | None], object] | int | None  # as `signal` has it


class Watch:
    """Notes requests to stop while it is entered.

    Attributes:
      is_asked: a request has come.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._before: dict[int, _Handler] = {}

    def __enter__(self) -> Self:
        # Python hands signals to the main thread only.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.is_asked = True  # nothing else: a handler may interrupt anything
