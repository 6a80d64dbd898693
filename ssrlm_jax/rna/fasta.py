"""FASTA, the one reader of it: headers, and what is below them in pieces.

A stream that holds a piece at a time; `formats.read_fasta` makes records of the
pieces, `infer.inputs` and `prepare.corpus.record_batches` what commands need. A bad
record is an error; or, where the others are wanted all the same, it is told in its
place. Lines that begin with ';' are comments, as are those with '#' that are not mostly
letters of RNA, and '//'; positions and blanks in a sequence, and '*' at its end, do not
count.
"""

import contextlib
from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple

from ssrlm_jax.rna import alphabet, textfile

_BLOCK_BYTES = 2**21
_BRACKETS = b"()[]{}<>"
_END = b"//"  # of a record, in GenBank's format and others
STRUCTURE = "a line of a structure, where a sequence is expected"


class Part(NamedTuple):
    """A header, a piece of the sequence below it, or what is wrong.

    Attributes:
      line: in the file, from 1; of what is wrong with a record, its header's.
      name: the first word of the header; None: this is no header.
      letters: the piece, as `alphabet.cleaned` returns it.
      problem: what is wrong, where bad records are told; else "".
    """

    line: int
    name: str | None = None
    letters: bytes = b""
    problem: str = ""


def parts(
    lines: Generator[textfile.Line], shown: textfile.Path, *, is_lenient: bool = False
) -> Iterator[Part]:
    """Yields the headers of FASTA and the sequence below each in pieces.

    Letters are not looked at.

    Args:
      lines: of `textfile.parts` or `stream_parts`; closed at the end.
      shown: what messages begin with.
      is_lenient: tell what is wrong as a part and go on; a header without a name gets
        `record` and its number.

    Raises:
      ValueError: as `textfile.lines`; there is nothing; unless lenient: letters above
        the first header; a header without a name or without a sequence; a line of a
        structure.
    """

    def wrong(line: int, problem: str) -> Part:
        if not is_lenient:
            raise ValueError(f"{shown}:{line}: {problem}")
        return Part(line, problem=problem)

    header = num_headers = length = 0  # of the letters below a header
    stars = b""  # are left out at the end of a record
    is_empty = is_begun = False  # the record; the file
    with contextlib.closing(lines):
        for number, text in _no_comments(lines):
            if number == header:  # more of a long header
                continue
            if text[:1] == b">":
                if is_empty:
                    yield wrong(header, "a header without a sequence")
                header, is_empty, num_headers = number, True, num_headers + 1
                stars, length = b"", 0
                name = b"".join(text[1:].split(None, 1)[:1]).decode("utf-8", "replace")
                if not name and not is_lenient:
                    wrong(number, "a header without a name")
                yield Part(number, name or f"record{num_headers}")
            elif header and (_is_structure(text) or _is_open(text, length)):
                yield wrong(number, STRUCTURE)
            elif header:
                letters = stars + alphabet.cleaned(text)
                piece = letters.rstrip(b"*")
                stars = letters[len(piece) :]
                if piece:
                    is_empty = False
                    length += len(piece)
                    yield Part(number, None, piece)
            elif not is_begun:
                found = repr(text[:20].decode("latin-1"))
                problem = f"not FASTA; a header '>name' is expected, found {found}"
                yield wrong(number, problem)
            is_begun = True
    if is_empty:
        yield wrong(header, "a header without a sequence")
    if not is_begun:
        raise ValueError(f"{shown}: the file is empty")


def _no_comments(lines: Iterable[textfile.Line]) -> Iterator[textfile.Line]:
    """Yields the lines that are not blank and no comments, stripped."""
    last = comment = 0
    has_header = False
    for number, text in lines:
        text = text.strip()
        if text and number != last and _is_comment(text, has_header):
            comment = number
        if text and number != comment:
            has_header |= text[:1] == b">"
            yield number, text
        last = number


def _is_comment(text: bytes, has_header: bool) -> bool:
    """Tells whether a line is one; below a header '#' may be a modified nucleotide."""
    if text[:1] != b"#" or not has_header:
        return text[:1] in (b"#", b";") or text == _END
    rest = alphabet.as_text(text[1:])
    return 2 * alphabet.num_other(rest) > len(rest)


def _is_structure(text: bytes) -> bool:
    """Tells whether a line is dot-bracket notation, mostly."""
    if text.isalpha():
        return False
    size = len(text)
    num_brackets = size - len(text.translate(None, _BRACKETS))
    num_dots = text.count(b".")
    return num_brackets > 0 and 2 * (num_brackets + num_dots) > size


def _is_open(text: bytes, length: int) -> bool:
    """Tells whether a line is the structure of so many letters, none of them paired."""
    return len(text) == length and text.count(b".") == length


def blocks(path: textfile.Path) -> Iterator[bytes]:
    """Yields a FASTA file in blocks of whole records, as they are in the file.

    Raises:
      ValueError: a record is longer than a block, 2 MiB.
      As `packings.DAMAGED`: the file cannot be read.
    """
    with textfile.open_bytes(path) as file:
        held = b""
        while part := file.read(_BLOCK_BYTES):
            held += part
            cut = held.rfind(b"\n>") + 1
            if cut:
                yield held[:cut]
                held = held[cut:]
            elif len(held) > _BLOCK_BYTES:
                raise ValueError(f"{path}: a record is longer than a block")
        if held:
            yield held
