"""One process at a time: a lock that the kernel takes back however its holder ends."""

import contextlib
import fcntl
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
    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(complaint) from error
        except OSError:  # no locks here
            yield
            return
        yield
