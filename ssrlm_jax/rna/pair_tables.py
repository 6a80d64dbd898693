"""Text files with a line for each nucleotide: CT (mfold, RNAstructure) and BPSEQ (CRW).

One structure or many in a file. A nucleotide has one partner at most. A structure that
cannot be read is left out and noted, and the next is looked for.

Source: RNAstructure's help on file formats for CT; Gutell's Comparative RNA Web for
BPSEQ; headers of UFold, DSSR and CRW as these write them.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import alphabet, formats, structures, textfile

_HEADER = re.compile(r"(\d+)(?:\s+(.*))?")  # of CT: "22 title"
_UFOLD = re.compile(r"[>#]?\s*seq length:\s*(\d+)\s*(.*)", re.I)
_LABEL = re.compile(r"[#;>]|[A-Za-z][\w ]*:|[A-Za-z]{4,}\s")  # of CRW, of BPSEQ
_NAMED = re.compile(r"#\s*Name:\s*(\S+)|>\s*(\S+)|#\s*([^\s:]+)$", re.I)
_FILE_NAMED = re.compile(r"Filename:\s*(\S+)", re.I)
_FIRST = ("0", "1")  # some programs count from 0
_NONE = "-1"  # the partner of who has none, of some programs; of others 0
_LONG_WORD = 12  # letters A C G U T, which are a sequence
_END = (0, "#")  # a label behind the last line of a file

_Line = tuple[int, str]


class _Form(NamedTuple):
    """What a line has: how many fields, and which of them is the partner."""

    num_fields: int
    partner: int
    is_exact: bool


_CT = _Form(5, 4, is_exact=False)  # programs write one more, or several
_BPSEQ = _Form(3, 2, is_exact=True)


def is_row(text: str, num_fields: int = _BPSEQ.num_fields) -> bool:
    """Tells whether a line is that of a nucleotide: its place, a letter, numbers."""
    fields = textfile.fields(text)
    numbers = [*fields[:1], *fields[2:num_fields]]
    return (
        len(fields) >= num_fields
        and all(field.isdecimal() or field == _NONE for field in numbers)
        and not fields[1].isdecimal()
    )


def is_ct_row(text: str) -> bool:
    """Tells whether a line is that of a nucleotide in a CT file."""
    return is_row(text, _CT.num_fields)


def is_first(text: str) -> bool:
    """Tells whether the line of a nucleotide is of the first one of a strand."""
    position, letter, *_ = textfile.fields(text)
    return position in _FIRST and len(letter) == 1


def is_ct_header(text: str) -> bool:
    """Tells whether a line may begin a structure of a CT file."""
    return bool(_header(text))


def is_label(text: str) -> bool:
    """Tells whether a line may stand above the nucleotides of CT and BPSEQ files.

    Words of sequences are no label, which nobody reads.
    """
    is_said = bool(_LABEL.match(text)) and not is_row(text)
    words = text.split() if is_said and text[0] not in "#;>" else []
    return is_said and not any(map(_is_sequence, words))


def ct(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the structures of a CT file.

    A header `LENGTH TITLE`, then lines of `position letter before after partner
    number`; further columns, comments ('#', ';') and what stands above the first header
    (Comparative RNA Web) are not read. The name is the first word of the title that is
    no energy, or what DSSR has in brackets; the file's, where there is none. Without a
    header a structure ends where the next one begins, which is noted.

    Raises:
      ValueError: as `textfile.lines`; there is no nucleotide.
    """
    lines = formats.text_lines(path)
    name, num_read, is_lost = "", 0, False
    before: formats.Record | None = None
    line = next(lines, None)
    while line is not None:
        number, text = line
        header = _header(text)
        is_bare = header is None and is_ct_row(text) and is_first(text)
        if header is None and not is_bare:
            name = _label(text) or name
            if not is_label(text) and not is_lost:
                is_lost = True
                yield formats.Note(
                    f"{path}:{number}: a header 'LENGTH TITLE' is expected, found "
                    f"{text[:20]!r}"
                )
            line = next(lines, None)
            continue
        num_read, is_lost = num_read + 1, False
        length, title = header or (0, "")
        own = formats.titled(title) or name
        own = own or formats.numbered(formats.stem(path), num_read if is_bare else 1)
        rows, line = _take(lines, [(number, text)] if is_bare else [], length)
        if is_bare:
            told = f"no header 'LENGTH TITLE'; taken for {len(rows)} nucleotides"
            yield formats.Note(f"{path}:{number}: {told}", is_record=False)
        one = _of_ct(path, number, own, rows, length)
        if isinstance(one, formats.Record):
            before = one = _ranked(one, before)
        yield one
    if not num_read and not is_lost:
        raise ValueError(f"{path}: the file has no nucleotides")


def bpseq(path: formats.Path) -> Iterator[formats.Read]:
    """Yields the structures of a BPSEQ file.

    Lines of `position letter partner`. Above each structure '#' or `Word: text`;
    `#Name:` names it, else the file does. The next structure begins where such a line
    or position 1 comes again.

    Raises:
      ValueError: as `textfile.lines`; there is no nucleotide.
    """
    name, rows, num_read = "", list[_Line](), 0
    for number, text in itertools.chain(formats.text_lines(path), [_END]):
        is_header = is_label(text)
        if rows and (is_header or _is_next(rows, text)):
            num_read += 1
            own = name or formats.numbered(formats.stem(path), num_read)
            yield _read(path, rows[0][0], own, rows, _BPSEQ)
            name, rows = "", []
        if is_header:
            name = _label(text) or name
        else:
            rows.append((number, text))
    if not num_read:
        raise ValueError(f"{path}: the file has no nucleotides")


def _is_sequence(word: str) -> bool:
    return len(word) >= _LONG_WORD and not alphabet.num_other(word)


def _header(text: str) -> tuple[int, str] | None:
    """Returns length and title of a header of a CT file."""
    found = _UFOLD.fullmatch(text) or _HEADER.fullmatch(text)
    if not found or is_row(text) or not 0 < int(found[1][:10]) < 10**9:
        return None
    return int(found[1]), found[2] or ""


def _take(
    lines: Iterator[_Line], rows: list[_Line], count: int
) -> tuple[list[_Line], _Line | None]:
    """Returns so many lines of nucleotides, or fewer, and the next line.

    Args:
      lines: of the file.
      rows: those that are there already.
      count: 0: up to the next structure.
    """
    for line in lines:
        is_next = not count and (is_label(line[1]) or _is_next(rows, line[1]))
        if is_next or (count and len(rows) == count) or _header(line[1]):
            return rows, line
        if line[1][0] not in "#;" or is_row(line[1]):
            rows.append(line)
    return rows, None


def _is_next(rows: Sequence[_Line], text: str) -> bool:
    """Tells whether the line of a nucleotide is the first of a further structure."""
    first, last = textfile.fields(text)[:1], textfile.fields(rows[-1][1])[:1]
    return first == ["0"] or (first == ["1"] and last != ["0"])


def _of_ct(
    path: formats.Path, number: int, name: str, rows: list[_Line], length: int
) -> formats.Read:
    if len(rows) < length:
        return formats.Note(
            f"{path}:{number}: {length} lines of nucleotides expected, found "
            f"{len(rows)}"
        )
    return _read(path, number, name, rows, _CT)


def _label(text: str) -> str:
    """Returns the name that a line above nucleotides gives, else ""."""
    if found := _FILE_NAMED.match(text):
        return formats.stem(found[1].rstrip(","))
    found = _NAMED.match(text)
    return next(filter(None, found.groups()), "") if found else ""


def _ranked(one: formats.Record, before: formats.Record | None) -> formats.Record:
    """Returns a record as one more structure of a sequence, where it is."""
    if before is None or (one.name, one.sequence) != (before.name, before.sequence):
        return one
    return dataclasses.replace(one, rank=before.rank + 1)


def _read(
    path: formats.Path, header: int, name: str, rows: Sequence[_Line], form: _Form
) -> formats.Read:
    """Makes a record of one line for each nucleotide, counted from 1 or from 0."""
    letters = []
    partner_L = np.zeros(len(rows), np.int64)
    base = int(textfile.fields(rows[0][1])[0] == "0") if rows else 0
    for index, (number, text) in enumerate(rows):
        fields = textfile.fields(text)
        if problem := _problem(fields, index + 1 - base, len(rows) - base, form):
            return formats.Note(f"{path}:{number}: {problem}")
        letters.append(fields[1])
        found = int(fields[form.partner])
        partner_L[index] = max(found + base, 0)
    here = np.flatnonzero(partner_L)
    there = partner_L[here] - 1
    wrong = here[partner_L[there] != here + 1]
    if len(wrong):
        first, other = int(wrong[0]), int(partner_L[wrong[0]])
        return formats.Note(
            f"{path}:{rows[first][0]}: {first + 1 - base} is paired with "
            f"{other - base}, whose partner {first + 1 - base} is expected, found "
            f"{partner_L[other - 1] - base}"
        )
    pairs = np.stack([here, there], axis=1)
    structure = structures.Structure(len(rows), pairs)
    place = f"{path}:{header}"
    record = formats.Record(name, "".join(letters), structure, place=place)
    return formats.unlinked(record)


def _problem(fields: list[str], position: int, last: int, form: _Form) -> str:
    """Returns what is wrong with the line of a nucleotide, else ""."""
    num_fields, partner, is_exact = form
    num_found = len(fields)
    if is_exact and num_found > num_fields and fields[num_fields][0] == "#":  # DSSR's
        num_found = num_fields
    if num_found < num_fields or (is_exact and num_found > num_fields):
        shown = " ".join(fields)[:20]
        return f"{num_fields} fields expected, found {num_found}: {shown!r}"
    if fields[0] != str(position):
        return f"position {position} expected, found {fields[0]!r}"
    if len(fields[1]) != 1:
        return f"one letter expected, found {fields[1]!r}"
    found = fields[partner]
    is_inside = found.isdecimal() and len(found) < 10 and int(found) <= last
    if found != _NONE and (not is_inside or int(found) == position):
        return f"a partner in 0..{last} other than {position} expected, found {found!r}"
    return ""
