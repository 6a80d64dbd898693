"""Fetches files, and goes on where a broken connection or a killed command stopped.

What is fetched lies beside as `.unfinished`, with what the server said of its version
in `.unfinished.version`, and is renamed when it is whole and its checksum is right. A
file that has its name is never fetched again. Lengths are in bytes.
"""

import contextlib
import errno
import hashlib
import http.client
import pathlib
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from ssrlm_jax.prepare.download import public_sources

Report = Callable[[str, int, int | None], None]

NUM_TRIES = 6  # in a row without a new byte
_TIMEOUT = 60.0  # seconds without an answer
_BLOCK = 2**18
_PASSING = (408, 429)  # below 500, of those that can pass
_NETWORK = (urllib.error.URLError, http.client.HTTPException, OSError)


class MissingError(ValueError):
    """The server has no such file, or does not give it."""


class _DiskError(ValueError):
    """The file cannot be written here."""


class _Answer(NamedTuple):
    """What the server said of a file.

    Attributes:
      start: of the file that what follows begins at.
      total: length of the whole file; None: not said.
      version: ETag or date; "": not said.
    """

    start: int
    total: int | None
    version: str


def fetch_source(
    source: public_sources.Source,
    entries: Sequence[str],
    folder: pathlib.Path,
    *,
    report: Report = lambda name, done, total: None,
    wait: Callable[[float], None] = time.sleep,
) -> tuple[int, list[str]]:
    """Fetches entries of a source, or all of it where none are named.

    A file that the server does not have does not stop the others.

    Returns:
      How many files are here, and what was said of those that are missing.

    Raises:
      ValueError: as `fetch`, of any other failure; an id that can be none.
    """
    if not entries and source.entries:
        answer = fetch(source.entries, folder, report=report, wait=wait)
        entries = public_sources.found_entries(answer)
    files = [public_sources.entry_file(source, one) for one in entries] or source.files
    missing = []
    for file in files:
        try:
            fetch(file, folder, report=report, wait=wait)
        except MissingError as error:
            missing.append(str(error))
    return len(files) - len(missing), missing


def fetch(
    file: public_sources.File,
    folder: pathlib.Path,
    *,
    report: Report = lambda name, done, total: None,
    wait: Callable[[float], None] = time.sleep,
) -> pathlib.Path:
    """Fetches a file, unless it is there.

    Args:
      file: what.
      folder: where to; it is made.
      report: called with the name, the bytes that are here, and all if known.
      wait: called with the seconds between two tries: 1, 2, 4 ...

    Returns:
      Its path.

    Raises:
      MissingError: there is no such file, or it is not given.
      ValueError: no connection after `NUM_TRIES` tries without a new byte, a full
        disk, or another checksum; in one line.
    """
    path = folder / file.name
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{file.name}.unfinished"
    version = folder / f"{file.name}.unfinished.version"
    furthest, tries = _size(unfinished), 0
    while True:
        try:
            _transfer(file, unfinished, version, report)
            break
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in _PASSING:
                raise MissingError(
                    f"{file.url}: the server says {error.code} {error.reason}"
                ) from error
            reason = f"the server says {error.code} {error.reason}"
        except _NETWORK as error:
            reason = _reason(error)
        tries = 1 if _size(unfinished) > furthest else tries + 1
        furthest = max(furthest, _size(unfinished))
        if tries == NUM_TRIES:
            raise ValueError(
                f"{file.url}: {reason}, {NUM_TRIES} times; "
                f"{_size(unfinished):,} bytes are kept, the same command goes on"
            )
        wait(2.0 ** (tries - 1))
    _check(file, unfinished)
    unfinished.replace(path)
    version.unlink(missing_ok=True)
    return path


def _transfer(
    file: public_sources.File,
    unfinished: pathlib.Path,
    version: pathlib.Path,
    report: Report,
) -> None:
    """Fetches what is left of a file; a connection that ends early is an error.

    The rest is asked for on the condition that the file is still the same one; of a
    changed file, or of a server that knows no ranges, all is fetched.
    """
    held = _size(unfinished)
    headers = {"User-Agent": "ssrlm-jax", "Accept-Encoding": "identity"}
    known = version.read_text() if held and version.exists() else ""
    if known:
        headers |= {"Range": f"bytes={held}-", "If-Range": known}
    request = urllib.request.Request(file.url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
        if error.headers.get("Content-Range", "") == f"bytes */{held}":
            return  # all of it is here
        unfinished.unlink()
        raise ConnectionError("the file became shorter") from error
    with response:
        answer = _answer(response, held)
        if answer.start and answer.version != known:  # a server that knows no If-Range
            unfinished.unlink()
            raise ConnectionError("the file changed")
        with _at(unfinished, answer.start) as out:
            with _disk(unfinished):
                version.write_text(answer.version)
                _check_room(unfinished, answer)
            _copy(response, out, unfinished, file.name, answer, report)


def _answer(response: http.client.HTTPResponse, held: int) -> _Answer:
    """Reads the headers of an answer."""
    etag = response.headers.get("ETag", "")
    version = response.headers.get("Last-Modified", "")
    if etag and not etag.startswith("W/"):
        version = etag
    if response.headers.get_content_type() == "text/html":
        raise MissingError(f"{response.url}: a web page came instead of the file")
    length = response.headers.get("Content-Length", "")
    if response.status != 206:
        return _Answer(0, int(length) if length.isdigit() else None, version)
    found = response.headers.get("Content-Range", "")
    match = re.fullmatch(rf"bytes {held}-\d+/(\d+|\*)", found)
    if not match:
        raise ValueError(
            f"{response.url}: bytes from {held} asked for, found {found!r}"
        )
    return _Answer(held, None if match[1] == "*" else int(match[1]), version)


def _copy(
    response: http.client.HTTPResponse,
    out: BinaryIO,
    unfinished: pathlib.Path,
    name: str,
    answer: _Answer,
    report: Report,
) -> None:
    """Writes the body of an answer."""
    done = answer.start
    report(name, done, answer.total)
    while block := response.read(_BLOCK):
        with _disk(unfinished):
            out.write(block)
        done += len(block)
        report(name, done, answer.total)
    if answer.total is not None and done != answer.total:
        raise ConnectionError(
            f"the connection ended at byte {done:,} of {answer.total:,}"
        )
    if answer.total is None:
        report(name, done, done)


def _at(unfinished: pathlib.Path, start: int) -> BinaryIO:
    """Opens a file to be written on from `start`."""
    with _disk(unfinished):
        return open(unfinished, "ab" if start else "wb", buffering=0)


@contextlib.contextmanager
def _disk(path: pathlib.Path) -> Iterator[None]:
    """Makes a failure to write another error than one of the network."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise _DiskError(f"{path}: cannot be written ({error.strerror})") from error
        raise _DiskError(
            f"{path}: the disk is full; what is there is kept, the same command goes on"
        ) from error


def _check_room(unfinished: pathlib.Path, answer: _Answer) -> None:
    """Raises a ValueError where the rest of the file has no room."""
    left = (answer.total or 0) - answer.start
    free = shutil.disk_usage(unfinished.parent).free
    if left > free:
        raise _DiskError(
            f"{unfinished}: the disk is too full: {left:,} bytes are to come, "
            f"{free:,} are free"
        )


def _check(file: public_sources.File, unfinished: pathlib.Path) -> None:
    """Raises a ValueError, and removes the file, where its checksum is wrong."""
    if not file.md5:
        return
    with open(unfinished, "rb") as held:
        found = hashlib.file_digest(held, "md5").hexdigest()
    if found != file.md5:
        unfinished.unlink()
        raise ValueError(
            f"{file.url}: md5 {file.md5} expected, found {found}; what came is removed"
        )


def _size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: BaseException) -> str:
    """Says what is wrong with a connection."""
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return f"no answer within {_TIMEOUT:g} seconds"
    if isinstance(inner, http.client.IncompleteRead):
        return "the connection ended early"
    return f"no connection ({getattr(inner, 'strerror', None) or inner})"
