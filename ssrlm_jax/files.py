"""Files that appear whole or not at all: written beside their place, then renamed.

What goes wrong on the way is an OSError that names the file, and leaves nothing.
"""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

Path = str | os.PathLike[str]


def expanded(path: Path) -> pathlib.Path:
    """Returns a path in which "~" is the home.

    Raises:
      ValueError: there is no home, as of a user whom a container does not know.
    """
    try:
        return pathlib.Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{os.fspath(path)}: there is no home directory; set HOME, or give a path "
            "without '~'"
        ) from error


def beside(path: Path) -> pathlib.Path:
    """Returns where a file is written before it takes its place."""
    return pathlib.Path(f"{os.fspath(path)}.unfinished")


@contextlib.contextmanager
def whole(path: Path) -> Iterator[pathlib.Path]:
    """Yields where to write a file, which takes its place at the end.

    Raises:
      OSError: it cannot be written, such as on a full disk; nothing is left.
    """
    part = beside(path)
    try:
        yield part
        part.replace(path)
    except OSError as error:
        discard(path)
        # A broken pipe is not this file's; an error without a number is our own.
        if error.errno in (None, errno.EPIPE):
            raise
        raise cannot(path, error) from error
    except BaseException:
        discard(path)
        raise


@contextlib.contextmanager
def whole_directory(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty directory, which takes its place at the end, of what is there.

    Raises:
      OSError: it cannot be written, such as on a full disk; nothing is left.
    """
    part = directory.with_name(f".{directory.name}.unfinished")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if directory.exists():
            shutil.rmtree(directory)
        part.rename(directory)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise cannot(directory, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Writes a file of text; errors as `whole`."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def discard(path: Path) -> None:
    """Removes what was written beside a file, if anything was."""
    with contextlib.suppress(OSError):  # the first error is reported
        beside(path).unlink(missing_ok=True)


def cannot(path: Path, error: OSError) -> OSError:
    """Returns the error of writing a file as one that names it and what to do."""
    reason = error.strerror or str(error)
    return OSError(
        f"{os.fspath(path)} cannot be written ({reason}); make room, or give another "
        "place"
    )


def check_place(path: Path) -> None:
    """Checks that a file or directory can be made, or replaced, where `path` says.

    Raises:
      ValueError: what there is of the path is no directory, or nothing can be
        written into it.
    """
    path = pathlib.Path(path)
    try:
        above = (part for part in path.absolute().parents if part.exists())
        nearest = path if path.is_dir() else next(above)
        with tempfile.TemporaryFile(dir=nearest):
            pass
        beside(path).is_file()  # a name may be too long
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror}); give a place that can"
        ) from error


def check_free(path: pathlib.Path, *, is_replaced: bool) -> None:
    """Checks that a place for results is free: no file, and no directory with any.

    Raises:
      ValueError: it is taken, and `is_replaced` is false.
    """
    is_directory = path.is_dir()
    is_taken = any(path.iterdir()) if is_directory else path.exists()
    if is_taken and not is_replaced:
        what = "is not empty" if is_directory else "exists"
        raise ValueError(f"{path} {what}; give another place, or --force to replace")


def check_directory(path: pathlib.Path, *, is_replaced: bool) -> None:
    """Checks that a directory of results can be written; errors as `check_file`."""
    check_place(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; a directory is expected")
    check_free(path, is_replaced=is_replaced)


def check_file(path: pathlib.Path, *, is_replaced: bool) -> None:
    """Checks that a file of results can be written.

    Raises:
      ValueError: as `check_free` and `check_place`, or it is of another kind.
    """
    check_place(path)
    if path.is_dir():
        raise ValueError(f"{path} is a directory; a file is expected")
    check_free(path, is_replaced=is_replaced)
