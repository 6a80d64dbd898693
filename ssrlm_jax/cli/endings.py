"""How a command ends when its user or its reader stops it: quietly, as others do.

The exit status is 128 and the signal's number: 130 after Ctrl-C, 141 when what reads
standard output has ended (`| head`). Imports nothing of ours, so that it holds while
everything else is imported.
"""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

_AGAIN_S = 0.05  # until an interrupt that was lost or had to wait is raised again
_IMPORTING = "<frozen importlib._bootstrap>"  # the file of frames of an import


def guarded(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit status; stopped, it ends the process.

    Contexts of the command are left first, which removes what they have not finished.
    Python does not clean up then: threads of XLA may still compute, and crash.
    """
    with _watched():
        try:
            try:
                status = command()
            finally:
                _empty()
            check()
        except BaseException as error:
            # Some libraries make another error of an interrupt.
            if isinstance(error, KeyboardInterrupt) or _is_interrupted():
                with contextlib.suppress(OSError):
                    sys.stderr.write("ssrlm: interrupted\n")
                _leave(128 + signal.SIGINT)
            if isinstance(error, BrokenPipeError):
                _leave(128 + signal.SIGPIPE)
            raise
    return status


def check() -> None:
    """Raises KeyboardInterrupt if Ctrl-C has come and was lost in a library."""
    if _is_interrupted():
        raise KeyboardInterrupt


def _is_interrupted() -> bool:
    """Tells whether Ctrl-C has come; the next one then ends the process at once."""
    return signal.getsignal(signal.SIGINT) is signal.SIG_DFL


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """Raises KeyboardInterrupt at Ctrl-C, once, and again if a callback loses it."""
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before is signal.SIG_IGN:  # of a job in the background
        yield
        return
    shown, alarm = sys.unraisablehook, signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = functools.partial(_raise_again, shown)
    try:
        yield
    finally:
        sys.unraisablehook = shown
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGALRM, alarm)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Compiled modules may abort when an exception comes while they are imported.
    while frame is not None and frame.f_code is not guarded.__code__:
        if frame.f_code.co_filename == _IMPORTING:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _raise_again(shown: Callable[[Any], object], lost: Any) -> None:
    """Takes what nobody can catch, as errors of callbacks of the garbage collector."""
    if lost.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    else:
        shown(lost)


def _empty() -> None:
    """Empties standard output; what it does not take Python would try once more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:  # a full disk, which the command has told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(status: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
