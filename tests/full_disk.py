"""A disk that is full, for one process: no file may be longer than so many bytes."""

import contextlib
import resource


@contextlib.contextmanager
def after(num_bytes):
    """Fails what is written to any file after so many bytes of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
