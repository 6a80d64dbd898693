"""One process at a time: a lock that the kernel takes back however its holder ends."""

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def alone(file: pathlib.Path, complaint: str) -> Iterator[None]:
    """Holds a lock on a file, which is made, and its directory.

    On a file system without locks nothing is held, and the work goes on.

    Raises:
      ValueError: `complaint`; another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:  # of another user
        opened = os.open(file, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # no locks here
            if not _is_locked(opened, file):
                raise ValueError(complaint)
        yield
    finally:
        os.close(opened)


def _is_locked(opened: int, file: pathlib.Path) -> bool:
    """Locks an open file; False if another process has it, or had and removed it."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(opened).st_ino == file.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
