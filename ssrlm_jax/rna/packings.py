"""What files are packed in and encoded by, told by their first bytes.

gz, bz2, xz and zip are unpacked; UTF-16 and UTF-32, with or without a byte order mark,
and lines that end in CR alone become UTF-8 with lines as everywhere. Bytes that are
none of these stay as they are. A complaint is a ValueError that begins with the file
and, where there is one, the line, from 1.
"""

import bz2
import gzip
import io
import lzma
import os
import pathlib
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, NamedTuple

PACKED = (".gz", ".bz2", ".xz", ".zip")  # what names of packed files end in
# Everything that a damaged file raises while it is read.
DAMAGED = (
    EOFError, OSError, UnicodeError, lzma.LZMAError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip

_HEAD_BYTES = 512
_BUFFER_BYTES = 2**17
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
_LONE_CR = re.compile(rb"\r[^\n]")
_TAR = (257, b"ustar")  # where its mark stands

Path = str | os.PathLike[str]


class Opened(NamedTuple):
    """Text as UTF-8, and what it was unpacked from: "gz" and so on, or ""."""

    file: io.BufferedReader
    packed: str


def is_hidden(path: Path) -> bool:
    """Tells whether systems hide a file: .DS_Store, ._my.fa, Thumbs.db."""
    name = os.path.basename(path)
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def files_in(folder: Path) -> list[pathlib.Path]:
    """Returns the files of a folder and of all within it, sorted; no hidden ones."""
    top = pathlib.Path(folder)
    return [
        path
        for path in sorted(top.rglob("*"))
        if path.is_file() and not any(map(is_hidden, path.relative_to(top).parts))
    ]


def unpacked(file: io.BufferedReader, shown: str, is_text: bool = True) -> Opened:
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
        raise damaged(shown, 1, packed, error) from error
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
    if not encoding and not _LONE_CR.search(head):
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
        if "[Content_Types].xml" in inside:
            raise ValueError(
                f"{shown}: a document of Word or a sheet of Excel; save it as plain "
                "text"
            )
        if len(inside) != 1:
            some = f" ({', '.join(inside[:3])}, ...)" if inside else ""
            raise ValueError(
                f"{shown}: a zip archive of {len(inside)} files{some}; one of one file "
                "is read: unpack it (unzip)"
            )
        return io.BufferedReader(_Stream(archive.open(inside[0]), whole))
    except (*DAMAGED, RuntimeError, IndexError) as error:  # password, no name
        whole.close()
        raise damaged(shown, 0, "zip", error) from error
    except ValueError:
        whole.close()
        raise


_PACKINGS: dict[bytes, tuple[str, Callable[[io.BufferedReader, str], Any]]] = {
    b"\x1f\x8b": ("gz", lambda stream, _: gzip.GzipFile(fileobj=stream)),
    b"\xfd7zXZ\0": ("xz", lambda stream, _: lzma.LZMAFile(stream)),  # noqa: SIM115
    b"PK\x03\x04": ("zip", _unzipped),
    b"PK\x05\x06": ("zip", _unzipped),  # without a file
} | {
    b"BZh%d1AY&SY" % level: ("bz2", lambda stream, _: bz2.BZ2File(stream))
    for level in range(1, 10)
}
_MARKS = (*_PACKINGS, *_ENCODINGS, *_REFUSED, _UTF8)


def damaged(path: Path, number: int, packed: str, error: Exception) -> ValueError:
    """Returns what is told of a file that cannot be read on; 0: of no line."""
    if isinstance(error, OSError) and error.errno:
        return cannot(path, error)
    place = f"{path}:{number}" if number else f"{path}"
    if isinstance(error, EOFError):
        return ValueError(f"{place}: the {packed} file ends too early")
    if isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        return ValueError(f"{place}: damaged {error.encoding} ({error.reason})")
    return ValueError(f"{place}: damaged {packed} ({error})")


def cannot(path: Path, error: OSError) -> ValueError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return ValueError(f"{path}: cannot be read ({reason})")
