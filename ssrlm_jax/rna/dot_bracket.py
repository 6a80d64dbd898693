"""Files of sequences and dot-brackets, as folding programs and bpRNA write them.

A record is `>name` or `#Name: name`, or neither, then a sequence and one structure or
more, each in one line or several. Behind a structure stands its energy, in brackets of
any kind. What is no structure of a record is noted, and the next record looked for.

Source: RNAfold's, RNAsubopt's and CONTRAfold's manuals and output; bpRNA's .st.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ssrlm_jax.rna import alphabet, formats, strands

_BRACKETS = frozenset("()[]{}<>")
_SYMBOLS = _BRACKETS | frozenset(".,:|_-~&+")  # of structures, without letters
_BEHIND = re.compile(  # a structure: (-1.20), [ -3], {-2.9 MEA=20.1}, (e=-3.4), -1.2
    r"(?:\s+[(\[{]?|[(\[{])\s*(?:[A-Za-z]\w*\s*[=:]\s*)?[-+]?(?:\.?\d|inf|nan)", re.I
)
_SKETCH = re.compile(r"\[\s*[-+]?[\d.]+\s*\]")  # behind RNAfold's of all structures
_NUMBER = re.compile(r"[-+]?\d+\.\d+")
_LABEL = re.compile(r"#\s*(name|length|pagenumber)\s*:\s*(\S*)", re.I)
_LOOP = re.compile(r"[A-Za-z]+\d+(\.\d+)?\s")  # of .st: S1 1..2 "GG" 5..6 "CC"
_WITHIN = ("structure", "sequence", "ss")  # headers within a record, of CONTRAfold
_ST_LINES = ("a sequence", "dot-bracket", "loop types", "pseudoknots")  # in this order
_ST_LETTERS = ("SEHIMBX", "NK")  # of the last two
_LEAST_SHARE = 0.7  # of A C G T U N in what is taken for a sequence without a header

_Line = tuple[int, str]


class _Block(NamedTuple):
    """The labels of a record ('#', '>') and the lines below them."""

    labels: list[_Line]
    body: list[_Line]


class _Folded(NamedTuple):
    """A sequence as it stands in a file, its line, and the lines of its structures."""

    line: int
    letters: str
    structures: list[_Line]


def is_structure(text: str) -> bool:
    """Tells whether a line is a dot-bracket, or a part of one, perhaps with an energy.

    Most of it is dots and brackets: some codes of modified nucleotides look like
    brackets, and pseudoknots are letters.
    """
    dots, _ = _parted(text)
    num_symbols = sum(letter in _SYMBOLS for letter in dots)
    return 2 * num_symbols > len(dots) and _is_piece(dots)


def has_brackets(text: str) -> bool:
    """Tells whether a line is a structure with pairs."""
    return not _BRACKETS.isdisjoint(text) and is_structure(text)


def is_sequence(text: str) -> bool:
    """Tells whether a line may be a sequence: letters, mostly those of RNA."""
    letters = _letters(text)
    num_known = len(letters) - alphabet.num_other(letters)
    num_known += letters.upper().count("N")
    return num_known >= max(1, _LEAST_SHARE * len(letters)) and not is_structure(text)


def is_within(header: str) -> bool:
    """Tells whether a header names a part of a record: '>structure' or its like."""
    return header[1:].strip().lower().rstrip(":") in _WITHIN


def records(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the records of a file; each structure of a sequence is one.

    Of several structures the first has the place of its sequence, the others that of
    their own lines. RNAfold's sketch of the ensemble, in square brackets behind the
    first structure, is none of them.

    Raises:
      ValueError: as `textfile.lines`; there is no sequence.
    """
    unused: list[_Line] = []
    num_read = 0
    for block in _blocks(path):
        for one in _of_block(path, block, unused):
            num_read += 1
            yield one
    if not num_read:
        raise ValueError(f"{path}: no sequence with a dot-bracket line is found")
    yield from _not_used(path, unused)


def _not_used(path: formats.Path, unused: Sequence[_Line]) -> Iterator[formats.Note]:
    """Yields a note on lines that were not used, if there are any."""
    if unused:
        (line, text), num_more = unused[0], len(unused) - 1
        more = f", and {num_more} more such lines" if num_more else ""
        told = f"{path}:{line}: not used: {text[:40]!r}{more}"
        yield formats.Note(told, is_record=False)


def st(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the records of a file of bpRNA's type .st.

    `#Name:` and other labels, then sequence, dot-bracket, loop types and pseudoknots,
    a line each, then loops one by one, which are not read: they follow from the pairs.
    A file may end after the dot-bracket, as shortened copies of SPOT-RNA's sets do.

    Raises:
      ValueError: as `textfile.lines`; the file is empty.
    """
    is_empty = True
    unused: list[_Line] = []
    for block in _blocks(path):
        is_empty = False
        unused += [line for line in block.body[4:] if not _LOOP.match(line[1])]
        if problem := _st_problem(block):
            yield formats.Note(f"{path}:{problem}")
        else:
            yield from _of_block(path, block._replace(body=block.body[:2]), [])
    if is_empty:
        raise ValueError(f"{path}: the file is empty")
    yield from _not_used(path, unused)


def _blocks(path: formats.Path) -> Iterator[_Block]:
    """Yields the labels of each record and the lines below them."""
    block = _Block([], [])
    for number, text in formats.text_lines(path):
        is_label = bool(_LABEL.match(text))
        if text[0] == ";" or (text[0] == "#" and not is_label):
            continue
        if text[0] != ">" and not is_label:
            block.body.append((number, text))
            continue
        if _is_within(text, block):
            continue
        if block.body or (text[0] == ">" and block.labels):
            yield block
            block = _Block([], [])
        block.labels.append((number, text))
    if block.labels or block.body:
        yield block


def _is_within(text: str, block: _Block) -> bool:
    """Tells whether a header is one within a record that has no structure yet.

    It is `>structure` or its like, or the record's own header again.
    """
    if text[0] != ">" or not block.labels:
        return False
    name, own = (" ".join(t[1:].split()[:1]) for t in (text, block.labels[0][1]))
    is_header = is_within(text) or (name == own and bool(block.body))
    return is_header and not any(is_structure(line) for _, line in block.body)


def _of_block(
    path: formats.Path, block: _Block, unused: list[_Line]
) -> Iterator[formats.Read]:
    """Yields the records below labels; where there are none, there may be several."""
    body, name = block.body, _name(path, block.labels)
    if not body:
        number, text = block.labels[-1]
        expected = "a sequence and a dot-bracket line are expected below"
        yield formats.Note(f"{path}:{number}: {expected} {text[:20]!r}")
        return
    num_read = 0
    while body:
        if num_read or not block.labels:
            start = (n for n, (_, text) in enumerate(body) if is_sequence(text))
            first = next(start, len(body))
            unused += body[:first]
            body = body[first:]
        if not body:
            return
        if num_read and block.labels:
            number, text = body[0]
            expected = "'>name' is expected above another sequence"
            yield formats.Note(f"{path}:{number}: {expected}, found {text[:20]!r}")
            return
        num_read += 1
        found, body = _folded(body, unused)
        if problem := _misfit(block.labels, found.letters):
            yield formats.Note(f"{path}:{problem}")
            continue
        yield from _records(path, formats.numbered(name, num_read), found)


def _folded(body: list[_Line], unused: list[_Line]) -> tuple[_Folded, list[_Line]]:
    """Returns a sequence with its structures, and the lines behind them."""
    end = 1
    while end < len(body) and not is_structure(body[end][1]):
        end += 1
    letters = "".join(_letters(text) for _, text in body[:end])
    length = len(strands.joined(letters))
    found: list[_Line] = []
    held: _Line | None = None  # the beginning of a structure in several lines
    while end < len(body):
        number, text = body[end]
        dots, behind = _parted(text)
        is_part = is_structure(text) or (held is not None and _is_piece(dots))
        if not is_part and is_sequence(text):
            break
        end += 1
        if not is_part:
            unused.append((number, text))
            continue
        if held and len(strands.joined(held[1] + dots)) > length:
            found.append(held)
            held = None
        if found and _SKETCH.fullmatch(behind):
            continue
        held = (held[0], held[1] + dots) if held else (number, dots)
        if behind or len(strands.joined(held[1])) >= length:
            found.append(held)
            held = None
    if held:
        found.append(held)
    return _Folded(body[0][0], letters, found), body[end:]


def _records(path: formats.Path, name: str, found: _Folded) -> Iterator[formats.Read]:
    """Yields a record for each structure; none where the first is malformed."""
    place = f"{path}:{found.line}"
    if not found.structures:
        yield formats.Note(
            f"{place}: {name}: a dot-bracket line is expected below the sequence"
        )
    for count, (number, dots) in enumerate(found.structures):
        own = f"{path}:{number}"
        try:
            record = formats.folded(name, found.letters, dots, own if count else place)
            yield dataclasses.replace(record, rank=count)
        except ValueError as error:
            yield formats.Note(f"{own}: {error}")
            if not count:
                return


def _parted(text: str) -> tuple[str, str]:
    """Returns a structure, without blanks in it, and what is behind it."""
    found = _BEHIND.search(text)
    end = found.start() if found else len(text)
    words = text[:end].split()
    count = next((n for n, w in enumerate(words) if n and not _SYMBOLS & set(w)), None)
    behind = " ".join(words[count:]) if count else ""
    return "".join(words[:count]), behind + text[end:].strip()


def _is_piece(dots: str) -> bool:
    """Tells whether all letters may stand in a structure."""
    return bool(dots) and all(
        letter in _SYMBOLS or (letter.isascii() and letter.isalpha()) for letter in dots
    )


def _letters(text: str) -> str:
    """Returns a part of a sequence, without numbers beside it."""
    words = text.split()
    count = next((n for n, word in enumerate(words) if _NUMBER.fullmatch(word)), None)
    return alphabet.as_text(alphabet.cleaned(" ".join(words[:count]).encode()))


def _name(path: formats.Path, labels: list[_Line]) -> str:
    """Returns the name that labels give, else the file's."""
    name = ""
    for _, text in labels:
        found = _LABEL.match(text)
        if found and found[1].lower() == "name":
            name = found[2]
        elif not found:
            name = formats.titled(text[1:])
    return name or formats.stem(path)


def _misfit(labels: list[_Line], letters: str) -> str:
    """Returns where a label says another length, else ""."""
    for number, text in labels:
        found = _LABEL.match(text)
        length = found[2].replace(",", "") if found else ""  # "1,234", even ",4,"
        if found and found[1].lower() == "length" and length != str(len(letters)):
            return f"{number}: #Length: {len(letters)} expected, found {length}"
    return ""


def _st_problem(block: _Block) -> str:
    """Returns the line and what is wrong with a record of bpRNA's, else ""."""
    labels, body = block
    if len(body) < len(_ST_LINES) and len(body) != 2:
        number = (body or labels)[-1][0]
        return f"{number}: {_ST_LINES[len(body)]} expected below, found nothing"
    (_, sequence), _, *annotations = body[:4]
    for (number, text), what, accepted in zip(
        annotations, _ST_LINES[2:], _ST_LETTERS, strict=False
    ):
        if len(text) != len(sequence) or set(text) - set(accepted):
            return (
                f"{number}: {what} expected, {len(sequence)} letters of {accepted}, "
                f"found {len(text)}: {text[:20]!r}"
            )
    return ""
