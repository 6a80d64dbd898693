"""Lines of text files and streams, however `packings` finds them packed and encoded.

Every complaint is a ValueError that begins with the file and, where there is one, the
line, from 1.
"""

import io
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Generator, Iterator
from typing import IO, Any

from ssrlm_jax.rna import packings

STANDARD_INPUT = "-"
SHOWN_INPUT = "standard input"
_PART_BYTES = 2**20
_LINE_BYTES = 2**30  # more is no line, and would not fit into memory

Path = packings.Path
Line = tuple[int, bytes]  # its number, and its text without its end


class _Lines(io.RawIOBase):
    """Lines as the bytes of a file."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines, self._held, self._number = lines, b"", 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            line = next(self._lines, None)
            if line is None:
                return 0
            ends = b"\n" * (line[0] - self._number)
            self._number, self._held = line[0], ends + line[1]
        part, self._held = self._held[: len(buffer)], self._held[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


class Kept(os.PathLike[str]):
    """What can be read only once, such as a pipe, kept to be read again.

    As text it is the name of what was read.
    """

    def __init__(self, file: IO[bytes], shown: str) -> None:
        """Reads all of `file`; raises a ValueError where that fails."""
        self._shown = shown
        opened, self._held = tempfile.mkstemp()
        weakref.finalize(self, os.unlink, self._held)
        try:
            with open(opened, "wb") as held:
                shutil.copyfileobj(file, held)
        except OSError as error:
            raise packings.cannot(shown, error) from error

    def __fspath__(self) -> str:
        return self._shown

    def __str__(self) -> str:
        return self._shown

    def open(self) -> io.BufferedReader:
        """Returns all that was read, from its beginning."""
        return open(self._held, "rb")


def kept(lines: Iterator[Line], shown: str) -> Kept:
    """Keeps lines that are read only once as what is read again, shown as `shown`."""
    return Kept(io.BufferedReader(_Lines(lines)), shown)


def again(path: Path) -> Path:
    """Returns what can be read several times in place of a path.

    Args:
      path: of a file; of a pipe, such as a shell's <(zcat my.fa.gz), which is read
        now; "-" for standard input, too.

    Raises:
      ValueError: it cannot be read.
    """
    if os.fspath(path) == STANDARD_INPUT:
        with open(sys.stdin.fileno(), "rb", closefd=False) as file:
            return Kept(file, SHOWN_INPUT)
    if isinstance(path, Kept) or not os.path.exists(path) or os.path.isfile(path):
        return path
    try:
        with open(path, "rb") as file:
            return Kept(file, os.fspath(path))
    except OSError as error:
        raise packings.cannot(path, error) from error


def name_of(path: Path) -> str:
    """Returns a file's name as it is unpacked, without the end that tells how.

    Example:
      >>> name_of("some/RF00001.fa.GZ")
      'RF00001.fa'
    """
    name = os.path.basename(path)
    stem, end = os.path.splitext(name)
    return stem if end.lower() in packings.PACKED else name


def open_bytes(path: Path) -> io.BufferedReader:
    """Opens a file's text as UTF-8; reading raises what packings.DAMAGED lists.

    Raises:
      OSError: it cannot be opened.
      ValueError: it is no text.
    """
    return _opened(path).file


def open_packed(path: Path) -> io.BufferedReader:
    """Opens a file's bytes as they are; an OSError where that fails."""
    return path.open() if isinstance(path, Kept) else open(path, "rb")


def content(path: Path) -> bytes:
    """Returns all bytes of a file: unpacked, and otherwise as they are.

    Raises:
      ValueError: the file cannot be read, or is cut off or damaged.
    """
    file, packed = _checked(path, is_text=False)
    with file:
        try:
            return file.read()
        except packings.DAMAGED as error:
            raise packings.damaged(path, 0, packed, error) from error


def lines(path: Path) -> Generator[Line]:
    """Yields the lines of a file.

    Raises:
      ValueError: the file cannot be read, is cut off or damaged, or a line is longer
        than 1 GiB.
    """
    for number, text in _numbered(_checked(path), path, _LINE_BYTES):
        if len(text) >= _LINE_BYTES:
            raise ValueError(f"{path}:{number}: a line of more than 1 GiB")
        yield number, text


def parts(path: Path) -> Generator[Line]:
    """Yields lines; one longer than 1 MiB in parts with one number. Errors as `lines`.

    A file that cannot be opened is an error at once.
    """
    return _numbered(_checked(path), path, _PART_BYTES)


def stream_parts(file: io.BufferedReader, shown: str) -> Generator[Line]:
    """Yields lines as `parts`, of what is read only once; messages begin with `shown`.

    Closes the file.
    """
    try:
        opened = packings.unpacked(file, shown)
    except OSError as error:
        raise packings.cannot(shown, error) from error
    return _numbered(opened, shown, _PART_BYTES)


def _checked(path: Path, is_text: bool = True) -> packings.Opened:
    try:
        return _opened(path, is_text)
    except OSError as error:
        raise packings.cannot(path, error) from error


def _opened(path: Path, is_text: bool = True) -> packings.Opened:
    file = open_packed(path)
    try:
        return packings.unpacked(file, os.fspath(path), is_text)
    except BaseException:
        file.close()
        raise


def fields(text: str) -> list[str]:
    """Returns what blanks or commas separate."""
    return text.replace(",", " ").split()


def is_number(text: str) -> bool:
    """Returns whether a field is a number, nan and infinity included."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbered(opened: packings.Opened, path: Path, most: int) -> Generator[Line]:
    number = 1
    file, packed = opened
    try:
        part = file.readline(most)
        while part:
            yield number, part.rstrip(b"\r\n")
            number += part.endswith(b"\n")
            part = file.readline(most)
    except packings.DAMAGED as error:
        raise packings.damaged(path, number, packed, error) from error
    finally:
        file.close()
