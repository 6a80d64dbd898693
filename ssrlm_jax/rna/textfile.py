"""Lines of text files and streams, whatever they are packed in and encoded by.

gz, bz2, xz and zip are told by content, as are UTF-8, UTF-16 and UTF-32 with or
without a byte order mark, and lines that end in CR alone; text comes as UTF-8. Bytes
that are none of these stay as they are. Every complaint is a ValueError that begins
with the file and, where there is one, the line, from 1.
"""

import bz2
import gzip
import io
import lzma
import os
import shutil
import sys
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import IO, Any, NamedTuple

STANDARD_INPUT = "-"
SHOWN_INPUT = "standard input"
PACKED = (".gz", ".bz2", ".xz", ".zip")  # what names of packed files end in
# Everything that a damaged file raises while it is read.
DAMAGED = (
    EOFError, OSError, UnicodeError, lzma.LZMAError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip

_HEAD_BYTES = 512
_BUFFER_BYTES = 2**17
_PART_BYTES = 2**20
_LINE_BYTES = 2**30  # more is no line, and would not fit into memory
_MOST_PACKINGS = 3  # one in the other
_UTF8 = b"\xef\xbb\xbf"
_ENCODINGS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_REFUSED = {
    b"\x28\xb5\x2f\xfd": "is packed by zstd; unpack it (zstd -d)",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive; unpack it",
    b"Rar!\x1a\x07": "is a RAR archive; unpack it",
    b"\x1f\x9d": "is packed by compress; unpack it (gunzip)",
    b"%PDF-": "is a PDF document; plain text is expected",
    b"{\\rtf": "is rich text; save it as plain text",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "is a document of an office program; save it "
    "as plain text",
}
_TAR = (257, b"ustar")  # where its mark stands

Path = str | os.PathLike[str]
Line = tuple[int, bytes]  # its number, and its text without its end


class Opened(NamedTuple):
    """Text as UTF-8, and what it was unpacked from: "gz" and so on, or ""."""

    file: io.BufferedReader
    packed: str


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
            raise _cannot(shown, error) from error

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
        raise _cannot(path, error) from error


def name_of(path: Path) -> str:
    """Returns a file's name as it is unpacked, without the end that tells how.

    Example:
      >>> name_of("some/RF00001.fa.GZ")
      'RF00001.fa'
    """
    name = os.path.basename(path)
    stem, end = os.path.splitext(name)
    return stem if end.lower() in PACKED else name


def is_hidden(path: Path) -> bool:
    """Tells whether systems hide a file: .DS_Store, ._my.fa, Thumbs.db."""
    name = os.path.basename(path)
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def open_bytes(path: Path) -> io.BufferedReader:
    """Opens a file's text as UTF-8; reading raises what DAMAGED lists.

    Raises:
      OSError: it cannot be opened.
      ValueError: it is no text.
    """
    return _opened(path).file


def content(path: Path) -> bytes:
    """Returns all bytes of a file: unpacked, and otherwise as they are.

    Raises:
      ValueError: the file cannot be read, or is cut off or damaged.
    """
    file, packed = _checked(path, is_text=False)
    with file:
        try:
            return file.read()
        except DAMAGED as error:
            raise _damaged(path, 0, packed, error) from error


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
        opened = _unpacked(file, shown)
    except OSError as error:
        raise _cannot(shown, error) from error
    return _numbered(opened, shown, _PART_BYTES)


def _checked(path: Path, is_text: bool = True) -> Opened:
    try:
        return _opened(path, is_text)
    except OSError as error:
        raise _cannot(path, error) from error


def _opened(path: Path, is_text: bool = True) -> Opened:
    file = path.open() if isinstance(path, Kept) else open(path, "rb")  # noqa: SIM115
    try:
        return _unpacked(file, os.fspath(path), is_text)
    except BaseException:
        file.close()
        raise


def _unpacked(file: io.BufferedReader, shown: str, is_text: bool = True) -> Opened:
    """Unpacks, and encodes text as UTF-8, what a file holds."""
    stream, packed = file, ""
    for _ in range(_MOST_PACKINGS):
        head, stream = _begun(stream, shown, packed)
        mark = next((mark for mark in _PACKINGS if head.startswith(mark)), None)
        if mark is None:
            break
        packed, unpack = _PACKINGS[mark]
        stream = io.BufferedReader(_Stream(unpack(stream, shown), stream))
    else:
        head, stream = _begun(stream, shown, packed)
    _refuse(head, shown)
    return Opened(_as_utf8(head, stream) if is_text else stream, packed)


def _begun(
    stream: io.BufferedReader, shown: str, packed: str
) -> tuple[bytes, io.BufferedReader]:
    """Returns the first bytes of a stream, and the stream with them.

    More is waited for only as long as what is there may be the beginning of a mark.
    """
    head = b""
    try:
        while any(m.startswith(head) and m != head for m in _MARKS):
            part = stream.read1(_HEAD_BYTES - len(head))
            if not part:
                break
            head += part
    except DAMAGED as error:
        raise _damaged(shown, 1, packed, error) from error
    return head, io.BufferedReader(_Stream(stream, head=head), _BUFFER_BYTES)


def _refuse(head: bytes, shown: str) -> None:
    """Raises a ValueError if the first bytes are not those of text."""
    for mark, reason in _REFUSED.items():
        if head.startswith(mark):
            raise ValueError(f"{shown}: {reason}")
    place, mark = _TAR
    if head[place : place + len(mark)] == mark:
        raise ValueError(f"{shown}: is a tar archive; unpack it (tar -x)")
    if head.lstrip()[:9].lower() in (b"<!doctype", b"<html>"):
        raise ValueError(f"{shown}: is a page of the web; save its text")


def _as_utf8(head: bytes, stream: io.BufferedReader) -> io.BufferedReader:
    """Returns a stream as UTF-8 without a mark, whose lines end as lines do."""
    if head.startswith(_UTF8):
        stream.read(len(_UTF8))
        head = head.removeprefix(_UTF8)
    encoding = next((e for mark, e in _ENCODINGS.items() if head.startswith(mark)), "")
    if not encoding and len(head) >= 4 and 0 not in (head[0], head[2]):
        encoding = "UTF-16-LE" if head[1] == head[3] == 0 else ""
    elif not encoding and len(head) >= 4 and 0 not in (head[1], head[3]):
        encoding = "UTF-16-BE" if head[0] == head[2] == 0 else ""
    is_cr = b"\r" in head[:-1] and b"\n" not in head
    if not encoding and not is_cr:
        return stream
    errors = "strict" if encoding else "surrogateescape"
    text = io.TextIOWrapper(stream, encoding or "utf-8", errors, newline=None)
    return io.BufferedReader(_Encoded(text, errors), _BUFFER_BYTES)


class _Stream(io.RawIOBase):
    """A stream behind its first bytes, which were read; closes what is below it."""

    def __init__(self, stream: Any, *below: IO[bytes], head: bytes = b"") -> None:
        self._streams, self._head = (stream, *below), head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._head:
            part, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            part = self._streams[0].read1(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        super().close()


class _Encoded(io.RawIOBase):
    """Text as UTF-8."""

    def __init__(self, text: io.TextIOWrapper, errors: str) -> None:
        self._text, self._errors = text, errors

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._text.read(len(buffer) // 4).encode("utf-8", self._errors)
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._text.close()
        super().close()


def _unzipped(stream: io.BufferedReader, shown: str) -> io.BufferedReader:
    """Opens the one file of a zip archive, which is read whole to find its end."""
    whole = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        shutil.copyfileobj(stream, whole)
        archive = zipfile.ZipFile(whole)
        inside = [
            one.filename
            for one in archive.infolist()
            if not one.is_dir()
            and not is_hidden(one.filename)
            and not one.filename.startswith("__MACOSX/")
        ]
        if len(inside) != 1:
            some = f" ({', '.join(inside[:3])}, ...)" if inside else ""
            raise ValueError(
                f"{shown}: a zip archive of {len(inside)} files{some}; one of one file "
                "is read: unpack it (unzip)"
            )
        return io.BufferedReader(_Stream(archive.open(inside[0]), whole))
    except (*DAMAGED, RuntimeError) as error:  # the latter: with a password
        whole.close()
        raise _damaged(shown, 0, "zip", error) from error
    except ValueError:
        whole.close()
        raise


_PACKINGS: dict[
    bytes, tuple[str, Callable[[io.BufferedReader, str], io.BufferedIOBase]]
] = {
    b"\x1f\x8b": ("gz", lambda stream, _: gzip.GzipFile(fileobj=stream)),
    b"\xfd7zXZ\0": ("xz", lambda stream, _: lzma.LZMAFile(stream)),  # noqa: SIM115
    b"PK\x03\x04": ("zip", _unzipped),
    b"PK\x05\x06": ("zip", _unzipped),  # without a file
} | {
    b"BZh%d1AY&SY" % level: ("bz2", lambda stream, _: bz2.BZ2File(stream))
    for level in range(1, 10)
}
_MARKS = (*_PACKINGS, *_ENCODINGS, *_REFUSED, _UTF8)


def _numbered(opened: Opened, path: Path, most: int) -> Generator[Line]:
    number = 1
    file, packed = opened
    try:
        part = file.readline(most)
        while part:
            yield number, part.rstrip(b"\r\n")
            number += part.endswith(b"\n")
            part = file.readline(most)
    except DAMAGED as error:
        raise _damaged(path, number, packed, error) from error
    finally:
        file.close()


def _damaged(path: Path, number: int, packed: str, error: Exception) -> ValueError:
    """Returns what is told of a file that cannot be read on; 0: of no line."""
    if isinstance(error, OSError) and error.errno:
        return _cannot(path, error)
    place = f"{path}:{number}" if number else f"{path}"
    if isinstance(error, EOFError):
        return ValueError(f"{place}: the {packed} file ends too early")
    if isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        return ValueError(f"{place}: damaged {error.encoding} ({error.reason})")
    return ValueError(f"{place}: damaged {packed} ({error})")


def _cannot(path: Path, error: OSError) -> ValueError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return ValueError(f"{path}: cannot be read ({reason})")
