"""Files of sequences and dot-brackets, as folding programs and bpRNA write them.

A record is `>name` or `#Name: name`, or neither, then a sequence and one structure or
more, each in one line or several, also in blocks that take turns. Before a line may
stand a label (`Seq: `) or an energy, behind a structure its energy, in brackets of any
kind (`dot_lines`). What is no structure of a record is noted, and the next record
looked for.

Source: manuals and output of RNAfold, RNAsubopt, RNAshapes, CONTRAfold, HotKnots and
Knotty; bpRNA's .st.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ssrlm_jax.rna import dot_lines, formats, strands

_SKETCH = re.compile(r"\[\s*[-+]?[\d.]+\s*\]")  # behind RNAfold's of all structures
_LABEL = re.compile(r"#\s*(name|length|pagenumber)\s*:\s*(\S*)", re.I)
_LOOP = re.compile(r"[A-Za-z]+\d+(\.\d+)?\s")  # of .st: S1 1..2 "GG" 5..6 "CC"
# First words of headers within a record; with its name before them, too.
_WITHIN = frozenset(
    ("structure", "secondary_structure", "ss", "secstr", "dotbracket", "dot-bracket")
    + ("dbn", "mfe", "mea", "centroid", "sequence", "seq")
)
_OF_LETTERS = re.compile(r"(.+)[_.:|/-](?:sequence|seq|rna)", re.I)  # "1ABC:A:sequence"
_PARTS = "_.:|/- "  # what parts a name from what stands behind it
_ST_LINES = ("a sequence", "dot-bracket", "loop types", "pseudoknots")  # in this order
_ST_LETTERS = ("SEHIMBX", "NK")  # of the last two

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
    held: _Block | None = None
    for block in _parts(path):
        if held is not None and _continues(held, block):
            held = _Block(_of_both(held.labels), held.body + block.body)
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _parts(path: formats.Path) -> Iterator[_Block]:
    """Yields labels and the lines below them, a header within a record for itself."""
    block = _Block([], [])
    for number, text in formats.text_lines(path):
        is_label = bool(_LABEL.match(text))
        if text[0] == ";" or (text[0] == "#" and not is_label):
            continue
        if text[0] != ">" and not is_label:
            block.body.append((number, text))
            continue
        if block.body or (text[0] == ">" and block.labels):
            yield block
            block = _Block([], [])
        block.labels.append((number, text))
    if block.labels or block.body:
        yield block


def _continues(before: _Block, block: _Block) -> bool:
    """Tells whether lines below a header belong to the record before.

    They are structures, and the header is `>structure` or its like, or begins with the
    record's own name.
    """
    text = block.labels[0][1] if block.labels else ""
    if text[:1] != ">" or not before.labels:
        return False
    if not before.body:
        return text[1:].strip().lower() in _WITHIN
    if not block.body or not dot_lines.is_structure(block.body[0][1]):
        return False
    (_, own), *_ = _of_both(before.labels)
    own, name = (formats.titled(one[1:]) for one in (own, text))
    is_own = bool(own) and name.startswith(own) and name[len(own) :][:1] in _PARTS
    return _is_within(text) or is_own


def _is_within(header: str) -> bool:
    """Tells whether a header names a part of a record: '>structure' or its like."""
    word = next(iter(header[1:].split()), "")
    return word.lower().rstrip(":") in _WITHIN


def _of_both(labels: list[_Line]) -> list[_Line]:
    """Returns labels of a sequence as those of its structure, too."""
    number, text = labels[0]
    found = _OF_LETTERS.fullmatch(next(iter(text.split()), ""))
    return [(number, found[1]), *labels[1:]] if found else labels


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
        first = next(
            (n for n, (_, text) in enumerate(body) if dot_lines.is_sequence(text)), None
        )
        if num_read or not block.labels or _is_prose(body[:first]):
            unused += body[:first]
            body = body[first:] if first is not None else []
        if not body:
            return
        if num_read and block.labels:
            number, text = body[0]
            expected = "'>name' is expected above another sequence"
            yield formats.Note(f"{path}:{number}: {expected}, found {text[:20]!r}")
            return
        num_read += 1
        found, body = _whole(body, bool(block.labels), unused)
        if problem := _misfit(block.labels, found.letters):
            yield formats.Note(f"{path}:{problem}")
            continue
        yield from _records(path, formats.numbered(name, num_read), found)


def _is_prose(lines: Sequence[_Line]) -> bool:
    """Tells whether lines above what looks like a sequence are no part of it."""
    return bool(lines) and all(
        len(text.split()) > 1 and not dot_lines.is_structure(text) for _, text in lines
    )


def _whole(
    body: list[_Line], is_one: bool, unused: list[_Line]
) -> tuple[_Folded, list[_Line]]:
    """Returns a sequence with its structures, also of blocks that take turns.

    They do where a structure is as long as its sequence and not closed: more of both
    comes behind it; unless there is one record only, in lines that are as long, but
    for the last. Where that does not close it, it is on its own.

    Args:
      body: lines from the sequence on.
      is_one: whether there is one record only.
      unused: gets what is not used.
    """
    alone = whole = last = _folded(body, unused)
    width = len(alone[0].letters)
    while _is_open(whole[0]) or (whole is not alone and is_one):
        rest, others = last[1], list[_Line]()
        is_last = not is_one and len(last[0].letters) != width
        if is_last or not rest or not dot_lines.is_sequence(rest[0][1]):
            break
        last = _folded(rest, others)
        if not is_one and len(last[0].letters) > width:
            break
        whole = _put_together(whole[0], last[0]), last[1]
        unused += others
    return alone if _is_open(whole[0]) else whole


def _put_together(found: _Folded, more: _Folded) -> _Folded:
    both = itertools.zip_longest(
        found.structures, more.structures, fillvalue=(found.line, "")
    )
    dots = [(number, first + last) for (number, first), (_, last) in both]
    return _Folded(found.line, found.letters + more.letters, dots)


def _is_open(found: _Folded) -> bool:
    """Tells whether the only structure lacks what closes or opens its brackets."""
    if len(found.structures) != 1:
        return False
    dots = found.structures[0][1]
    return len(dots) == len(found.letters) and any(
        dots.count(first) != dots.count(last) for first, last in dot_lines.BRACKETS
    )


def _folded(body: list[_Line], unused: list[_Line]) -> tuple[_Folded, list[_Line]]:
    """Returns a sequence with its structures, and the lines behind them."""
    end = 1
    while end < len(body) and not dot_lines.is_structure(body[end][1]):
        end += 1
    letters = "".join(dot_lines.letters(text) for _, text in body[:end])
    length = len(strands.joined(letters))
    found: list[_Line] = []
    held: _Line | None = None  # the beginning of a structure in several lines
    while end < len(body):
        number, text = body[end]
        left = length - len(strands.joined(held[1] if held else ""))
        dots, behind = dot_lines.parted(text, left)
        is_part = dot_lines.is_structure(text) or (
            held is not None and dot_lines.is_piece(dots)
        )
        if not is_part and dot_lines.is_sequence(text):
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
