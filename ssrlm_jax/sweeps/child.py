"""What the process of a job does first: it ends with its parent, on its own cores."""

import contextlib
import os
import pathlib
import signal
import threading
import time

from ssrlm_jax import locks

PARENT, LOCK, CORES = "SSRLM_SWEEP_PARENT", "SSRLM_SWEEP_LOCK", "SSRLM_SWEEP_CORES"
_POLL_SECONDS = 0.5
_MOST_SECONDS = 10.0

_held = contextlib.ExitStack()  # till the process ends


def begin() -> None:
    """Reads what the parent has set in the environment.

    Raises:
      ValueError: another process does the job.
    """
    parent = int(os.environ[PARENT])
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    # Schedulers send it as a warning to all processes; the parent acts on it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    cores = os.environ.get(CORES)
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    _hold(pathlib.Path(os.environ[LOCK]))


def _hold(lock: pathlib.Path) -> None:
    """Holds the lock of a job; who looks whether it is held, holds it for a moment."""
    complaint = f"another process does this job ({lock.parent}); wait for it or stop it"
    begun = time.monotonic()
    while True:
        try:
            _held.enter_context(locks.alone(lock, complaint))
            return
        except ValueError:
            if time.monotonic() - begun > _MOST_SECONDS:
                raise
        time.sleep(_POLL_SECONDS / 50)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)
