"""How a command ends when its user or its reader stops it: quietly, as others do.

The exit status is 128 and the signal's number: 130 after Ctrl-C, 141 when what reads
standard output has ended (`| head`). Imports nothing of ours, so that it holds while
everything else is imported.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

# Where an exception is lost, or compiled modules crash of it: in an import, and in
# what JAX does when garbage is collected.
_IMPORTING = "<frozen importlib._bootstrap>"
_COLLECTING = "_xla_gc_callback"
_AGAIN_S = 0.05  # until it is tried again

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
    leave = _leave if is_process else int
    if sys.stdout is None:  # closed by the shell, `>&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (till Python ends)
    with _noticed():
        try:
            status = command()
            _empty()
            check()
            return status
        except BaseException as error:
            # Some libraries make another error of an interrupt.
            if isinstance(error, KeyboardInterrupt) or _has_come:
                with contextlib.suppress(OSError):
                    sys.stderr.write(f"{program}: interrupted\n")
                return leave(128 + signal.SIGINT)
            if isinstance(error, BrokenPipeError):
                return leave(128 + signal.SIGPIPE)
            raise


def check() -> None:
    """Raises KeyboardInterrupt if Ctrl-C has come and was lost in a library."""
    if _has_come:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _noticed() -> Iterator[None]:
    """Notes that Ctrl-C has come; a second one ends all at once."""
    global _has_come
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and before is not signal.SIG_IGN:  # of a job in the background
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)
            _has_come = False


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _has_come
    _has_come = True
    while frame is not None and frame.f_code is not guarded.__code__:
        code = frame.f_code
        if code.co_filename == _IMPORTING or code.co_name == _COLLECTING:
            main = threading.get_ident()
            threading.Timer(_AGAIN_S, _interrupt_again, [main]).start()
            return
        frame = frame.f_back
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


def _interrupt_again(main: int) -> None:
    # Unless it has been told, of another Ctrl-C that had to wait, or has ended.
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.pthread_kill(main, signal.SIGINT)


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
