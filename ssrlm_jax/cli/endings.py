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


_has_come = False  # whether Ctrl-C has, in the command that runs


def guarded(
    command: Callable[[], int], *, program: str = "ssrlm", is_process: bool = True
) -> int:
    """Runs a command and returns its exit status.

    Args:
      command: what it does. Its contexts are left when it is stopped, which removes
        what they have not finished.
      program: what messages begin with.
      is_process: whether the process is there for the command and ends when that is
        stopped. Python does not clean up then: threads of XLA may still compute, and
        crash.
    """
    leave = _leave if is_process else lambda status: status
    if sys.stdout is None:  # closed by the shell, `>&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (till Python ends)
    with _watched():
        try:
            try:
                status = command()
            finally:
                _empty()
            check()
        except BaseException as error:
            # Some libraries make another error of an interrupt.
            if isinstance(error, KeyboardInterrupt) or _has_come:
                with contextlib.suppress(OSError):
                    sys.stderr.write(f"{program}: interrupted\n")
                return leave(128 + signal.SIGINT)
            if isinstance(error, BrokenPipeError):
                return leave(128 + signal.SIGPIPE)
            raise
    return status


def check() -> None:
    """Raises KeyboardInterrupt if Ctrl-C has come and was lost in a library."""
    if _has_come:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """Raises KeyboardInterrupt at Ctrl-C, once, and again if a callback loses it."""
    global _has_come
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before is signal.SIG_IGN:  # of a job in the background
        yield
        return
    shown, alarm = sys.unraisablehook, signal.getsignal(signal.SIGALRM)
    _has_come = False
    signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = functools.partial(_raise_again, shown)
    try:
        yield
    finally:
        sys.unraisablehook = shown
        signal.signal(signal.SIGINT, before)
        if _has_come:
            signal.signal(signal.SIGALRM, alarm)
            _has_come = False


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _has_come
    _has_come = True
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the next one ends all at once
    # Compiled modules may abort when an exception comes while they are imported.
    while frame is not None and frame.f_code is not guarded.__code__:
        if frame.f_code.co_filename == _IMPORTING:
            _interrupt_again()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_again() -> None:
    signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _raise_again(shown: Callable[[Any], object], lost: Any) -> None:
    """Takes what nobody can catch, as errors of callbacks of the garbage collector."""
    if lost.exc_type is KeyboardInterrupt:
        _interrupt_again()
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
