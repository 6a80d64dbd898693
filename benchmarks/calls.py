"""Commands with a time limit, whose processes end with them, and what they held."""

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_EVERY_S = 0.05  # between two readings of memory, at least
_SHARE = 20  # times what a reading took: it walks all pages, and they stand still
_SESSION = 3  # place among the fields of /proc/PID/stat behind the name


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
      status: its exit status.
      stdout: what it printed.
      stderr: what it complained of.
      seconds: that it took.
      peak_mib: the most that it and the processes it started held at once; what they
        share is counted once, what other programs hold too, as libraries of Python, in
        part. 0: not known, outside Linux, or not asked for.
    """

    status: int
    stdout: str
    stderr: str
    seconds: float
    peak_mib: float

    def complaint(self) -> str:
        """Returns why it failed, in one line; "": it did not."""
        if not self.status:
            return ""
        said = (self.stderr or self.stdout).strip().splitlines()
        return said[-1] if said else f"exit status {self.status}"


def run(
    words: Sequence[str],
    seconds: float,
    *,
    environment: Mapping[str, str] | None = None,
    folder: pathlib.Path | None = None,
    is_memory_read: bool = True,
) -> Ended:
    """Runs a command in a session of its own, of which nothing is left behind.

    Args:
      words: of the command.
      seconds: that it may take.
      environment: variables beside those of this process.
      folder: that it runs in; None: this one.
      is_memory_read: while it runs, which takes up to a twentieth of a core from it.

    Raises:
      subprocess.TimeoutExpired: it took more than `seconds`.
    """
    held, stopped = [0.0], threading.Event()
    begun = time.perf_counter()
    with subprocess.Popen(
        words,
        cwd=folder,
        env=None if environment is None else os.environ | dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        watch = (process.pid, held, stopped)
        watching = threading.Thread(target=_watch, args=watch)
        if not is_memory_read:
            stopped.set()
        watching.start()
        try:
            stdout, stderr = process.communicate(timeout=seconds)
            spent = time.perf_counter() - begun
        finally:
            stopped.set()
            watching.join()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(process.returncode, stdout, stderr, spent, max(held))


def _watch(session: int, held: list[float], stopped: threading.Event) -> None:
    pause = _EVERY_S
    while not stopped.wait(pause):
        begun = time.thread_time()  # waiting for a core takes nothing from the command
        held.append(_held_mib(session))
        pause = max(_EVERY_S, _SHARE * (time.thread_time() - begun))


def _held_mib(session: int) -> float:
    """Returns what the processes of a session hold now."""
    kib = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[_SESSION]) == session:
                text = path.with_name("smaps_rollup").read_text()
                kib += sum(
                    int(line.split()[1])
                    for line in text.splitlines()
                    if line.startswith("Pss:")
                )
    return kib / 1024
