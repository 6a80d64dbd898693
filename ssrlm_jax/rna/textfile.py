"""Lines of text files and streams, plain or gz, told apart by content.

Every complaint is a ValueError that begins with the file and the line, from 1.
"""

import gzip
import io
import os
import zlib
from collections.abc import Generator

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PART_BYTES = 2**20
_LINE_BYTES = 2**30  # more is no line, and would not fit into memory

Path = str | os.PathLike[str]
Bytes = io.BufferedIOBase
Line = tuple[int, bytes]  # its number, and its text without its end


def open_bytes(path: Path) -> Bytes:
    """Opens a plain or gz file."""
    with open(path, "rb") as file:
        is_gzip = file.read(len(_GZIP)) == _GZIP
    return gzip.open(path, "rb") if is_gzip else open(path, "rb")


def lines(path: Path) -> Generator[Line]:
    """Yields the lines of a file.

    Raises:
      ValueError: the file cannot be read, its gz is cut off or damaged, or a line is
        longer than 1 GiB.
    """
    for number, text in _numbered(_opened(path), path, _LINE_BYTES):
        if len(text) >= _LINE_BYTES:
            raise ValueError(f"{path}:{number}: a line of more than 1 GiB")
        yield number, text


def parts(path: Path) -> Generator[Line]:
    """Yields lines; one longer than 1 MiB in parts with one number. Errors as `lines`.

    A file that cannot be opened is an error at once.
    """
    return _numbered(_opened(path), path, _PART_BYTES)


def stream_parts(file: io.BufferedReader, shown: str) -> Generator[Line]:
    """Yields lines as `parts`, of what is read only once; messages begin with `shown`.

    Closes the file.
    """
    try:
        is_gzip = file.peek(len(_GZIP)).startswith(_GZIP)
    except OSError as error:
        raise _cannot(shown, error) from error
    stream = gzip.GzipFile(fileobj=file) if is_gzip else file
    return _numbered(stream, shown, _PART_BYTES)


def _opened(path: Path) -> Bytes:
    try:
        return open_bytes(path)
    except OSError as error:
        raise _cannot(path, error) from error


def _numbered(file: Bytes, path: Path, most: int) -> Generator[Line]:
    number = 1
    try:
        part = file.readline(most).removeprefix(_BYTE_ORDER_MARK)
        while part:
            yield number, part.rstrip(b"\r\n")
            number += part.endswith(b"\n")
            part = file.readline(most)
    except EOFError as error:
        raise ValueError(f"{path}:{number}: the gz file ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}:{number}: damaged gz ({error})") from error
    except OSError as error:
        raise _cannot(path, error) from error
    finally:
        file.close()


def _cannot(path: Path, error: OSError) -> ValueError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return ValueError(f"{path}: cannot be read ({reason})")
