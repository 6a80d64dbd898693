"""Text files of one strand's base pairs: CT, BPSEQ, bpRNA's .st, .dbn.

Plain or gz. Every complaint is a ValueError that begins with the file and the line,
counted from 1. A nucleotide has one partner at most: none of these can hold a base
triple, and writing one is an error. Dot-bracket as RNAfold writes it, with energies,
is read by `formats`.
"""

import itertools
import os
import pathlib
import re
from collections.abc import Callable, Iterator

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import formats, strands, structures, textfile

_ENERGY = re.compile(r"(ENERGY|dG)\s*=\s*[-+.\d]+\s*(kcal/mol)?\s*(\[[^]]*\])?", re.I)
_BPSEQ_HEADER = re.compile(r"#|[A-Za-z][\w ]*:")  # "# ...", "Accession Number: ..."
_ST_LINES = ("a sequence", "dot-bracket", "loop types", "pseudoknots")  # in this order
_ST_LETTERS = ("SEHIMBX", "NK")  # of the last two

_Line = tuple[int, str]


def structure_of(record: formats.Record) -> structures.Structure:
    """Returns the structure of a record.

    Raises:
      ValueError: it has none.
    """
    if record.structure is None:
        raise ValueError(f"{record.name}: a record with a structure is expected")
    return record.structure


def read_ct(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the structures of a CT file (mfold, RNAstructure), one or more.

    Lines of `position letter before after partner number`; further columns and lines
    that begin with '#' are ignored. The name is the first word of the title, without
    an energy; the file's, where there is none.

    Raises:
      ValueError: as `textfile.lines`; a line of another form, fewer lines than the
        header says, a partner that does not have this one as its partner.
    """
    lines = _no_comments(_lines(path))
    is_empty = True
    for number, text in lines:
        count, _, title = text.replace("\t", " ").partition(" ")
        if not count.isdecimal() or not int(count):
            raise ValueError(
                f"{path}:{number}: a header 'LENGTH TITLE' is expected, "
                f"found {text[:20]!r}"
            )
        rows = list(itertools.islice(lines, int(count)))
        if len(rows) < int(count):
            raise ValueError(
                f"{path}:{number}: {count} lines of nucleotides expected, "
                f"found {len(rows)}"
            )
        words = _ENERGY.sub("", title).split()
        name = words[0] if words else _stem(path)
        yield _from_rows(path, number, name, rows, num_fields=6, partner=4)
        is_empty = False
    if is_empty:
        raise ValueError(f"{path}: the file is empty")


def read_bpseq(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the one structure of a BPSEQ file (Comparative RNA Web).

    Lines of `position letter partner`. Above them '#' or `Word: text`; `#Name:` names
    the record, else the file does.

    Raises:
      ValueError: as `textfile.lines`; a line of another form, a partner that does not
        have this one as its partner.
    """
    name = _stem(path)
    rows: list[_Line] = []
    for number, text in _lines(path):
        if rows or not _BPSEQ_HEADER.match(text):
            rows.append((number, text))
        elif label := _label(text, "name"):
            name = label
    if not rows:
        raise ValueError(f"{path}: the file has no nucleotides")
    yield _from_rows(path, rows[0][0], name, rows, num_fields=3, partner=2)


def read_st(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a file of bpRNA's type .st.

    `#Name:` and other labels, then sequence, dot-bracket, loop types and pseudoknots,
    a line each, then loops one by one, which are not read: they follow from the pairs.
    A file may end after the dot-bracket, as shortened copies of SPOT-RNA's sets do.

    Raises:
      ValueError: as `textfile.lines`; a missing line, one of another length or with
        other letters, a malformed structure, another length than `#Length:` says.
    """
    for labels, body in _blocks(path):
        if len(body) < len(_ST_LINES) and len(body) != 2:
            number = body[-1][0] if body else labels[-1][0]
            raise ValueError(
                f"{path}:{number}: {_ST_LINES[len(body)]} expected below, found nothing"
            )
        (_, sequence), _, *annotations = body[:4]
        for (number, text), what, accepted in zip(
            annotations, _ST_LINES[2:], _ST_LETTERS, strict=False
        ):
            if len(text) != len(sequence) or set(text) - set(accepted):
                raise ValueError(
                    f"{path}:{number}: {what} expected, {len(sequence)} letters of "
                    f"{accepted}, found {len(text)}: {text[:20]!r}"
                )
        yield _from_dots(path, labels, body[:2])


def read_dbn(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a .dbn file: a sequence and a dot-bracket line each.

    Above them `>name`, or bpRNA's `#Name:` and other labels, or nothing: then the
    file names the record.

    Raises:
      ValueError: as `textfile.lines`; a missing line, a malformed structure or one of
        another length, another length than `#Length:` says.
    """
    for labels, body in _blocks(path):
        if len(body) % 2 or not body or (labels and len(body) > 2):
            number = body[-1][0] if body else labels[-1][0]
            raise ValueError(
                f"{path}:{number}: a sequence and a dot-bracket line are expected, "
                f"found {len(body)} lines"
            )
        for first in range(0, len(body), 2):
            yield _from_dots(path, labels, body[first : first + 2])


READERS: dict[str, Callable[[formats.Path], Iterator[formats.Record]]] = {
    ".ct": read_ct,
    ".bpseq": read_bpseq,
    ".st": read_st,
    ".dbn": read_dbn,
}


def suffix(path: formats.Path) -> str:
    """Returns what tells a file's format: its suffix in lower case, without .gz."""
    name = os.fspath(path).lower().removesuffix(".gz")
    return pathlib.PurePath(name).suffix


def read_any(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a file: of a format of READERS, or as `formats.read`.

    Raises:
      ValueError: as the readers.
    """
    return read(path) if suffix(path) in READERS else formats.read(path)


def read(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a file whose suffix is a key of READERS, or that with .gz.

    Raises:
      ValueError: another suffix; as the reader.
    """
    if suffix(path) not in READERS:
        raise ValueError(f"{path}: its suffix is not one of {', '.join(READERS)}")
    yield from READERS[suffix(path)](path)


def write_ct(path: formats.Path, record: formats.Record) -> None:
    """Writes a CT file of one structure.

    Raises:
      ValueError: no structure, or a base triple; an empty sequence; a name with white
        space, or none.
    """
    partner_L = _partners(path, record)
    length = len(partner_L)
    rows = [
        f"{i} {letter} {i - 1} {(i + 1) % (length + 1)} {partner} {i}"
        for i, (letter, partner) in enumerate(_rows(record, partner_L), 1)
    ]
    _write(path, [f"{length} {record.name}", *rows])


def write_bpseq(path: formats.Path, record: formats.Record) -> None:
    """Writes a BPSEQ file; errors as `write_ct`."""
    rows = enumerate(_rows(record, _partners(path, record)), 1)
    lines = [f"{i} {letter} {partner}" for i, (letter, partner) in rows]
    _write(path, [f"#Name: {record.name}", *lines])


def write_dbn(path: formats.Path, record: formats.Record) -> None:
    """Writes a .dbn file, '&' between strands; errors as `write_ct`, or crossings."""
    structure = _checked(path, record)
    try:
        dots = structures.to_dot_bracket(structure)
    except ValueError as error:
        raise ValueError(f"{path}: {record.name}: {error}") from error
    shown = (strands.marked(text, record.breaks) for text in (record.sequence, dots))
    _write(path, [f">{record.name}", *shown])


def _lines(path: formats.Path) -> Iterator[_Line]:
    """Yields the lines that are not blank, without white space at their ends."""
    for number, line in textfile.lines(path):
        if text := line.decode("utf-8", "replace").strip():
            yield number, text


def _no_comments(lines: Iterator[_Line]) -> Iterator[_Line]:
    return (line for line in lines if not line[1].startswith("#"))


def _blocks(path: formats.Path) -> Iterator[tuple[list[_Line], list[_Line]]]:
    """Yields the labels ('#', '>') of each record and the lines below them."""
    labels: list[_Line] = []
    body: list[_Line] = []
    for number, text in _lines(path):
        if text[0] not in "#>":
            body.append((number, text))
            continue
        if body or (text[0] == ">" and labels):
            yield labels, body
            labels, body = [], []
        labels.append((number, text))
    if not labels and not body:
        raise ValueError(f"{path}: the file is empty")
    yield labels, body


def _label(text: str, name: str) -> str:
    """Returns the first word of '#Name: word'; "" where this is another label."""
    found, colon, value = text.lstrip("# ").partition(":")
    is_it = text.startswith("#") and colon and found.strip().lower() == name
    return value.split()[0] if is_it and value.split() else ""


def _from_dots(
    path: formats.Path, labels: list[_Line], body: list[_Line]
) -> formats.Record:
    """Makes a record of labels, a sequence and a dot-bracket line."""
    name, (line, sequence), (below, dots) = _stem(path), *body
    dots = formats.without_energy(dots)
    for number, text in labels:
        words = text[1:].split() if text[0] == ">" else []
        name = words[0] if words else _label(text, "name") or name
        length = _label(text, "length").replace(",", "")  # "1,234", even ",4,"
        if length and length != str(len(sequence)):
            raise ValueError(
                f"{path}:{number}: #Length: {len(sequence)} expected, found {length}"
            )
    if len(dots) != len(sequence):
        raise ValueError(
            f"{path}:{below}: dot-bracket of {len(sequence)} positions expected, "
            f"found {len(dots)}: {dots[:20]!r}"
        )
    try:
        structure = structures.from_dot_bracket(dots)
    except ValueError as error:
        raise ValueError(f"{path}:{below}: {error}") from error
    return formats.Record(name, sequence, structure, place=f"{path}:{line}")


def _from_rows(
    path: formats.Path,
    header: int,
    name: str,
    rows: list[_Line],
    *,
    num_fields: int,
    partner: int,
) -> formats.Record:
    """Makes a record of one line for each nucleotide; `partner`: in which column."""
    letters = []
    partner_L = np.zeros(len(rows), np.int64)
    for position, (number, text) in enumerate(rows, 1):
        place, fields = f"{path}:{number}", text.split()
        # CT has more columns in some programs' files, BPSEQ never.
        if len(fields) < num_fields or (num_fields == 3 and len(fields) > 3):
            raise ValueError(
                f"{place}: {num_fields} fields expected, found {len(fields)}: "
                f"{text[:20]!r}"
            )
        if fields[0] != str(position):
            raise ValueError(
                f"{place}: position {position} expected, found {fields[0]!r}"
            )
        if len(fields[1]) != 1:
            raise ValueError(f"{place}: one letter expected, found {fields[1]!r}")
        found = fields[partner]
        is_inside = found.isdecimal() and len(found) < 10 and int(found) <= len(rows)
        if not is_inside or int(found) == position:
            raise ValueError(
                f"{place}: a partner in 0..{len(rows)} other than {position} "
                f"expected, found {found!r}"
            )
        letters.append(fields[1])
        partner_L[position - 1] = int(found)
    here = np.flatnonzero(partner_L)
    there = partner_L[here] - 1
    wrong = here[partner_L[there] != here + 1]
    if len(wrong):
        first, other = int(wrong[0]), int(partner_L[wrong[0]])
        raise ValueError(
            f"{path}:{rows[first][0]}: {first + 1} is paired with {other}, whose "
            f"partner {first + 1} is expected, found {partner_L[other - 1]}"
        )
    pairs = np.stack([here, there], axis=1)
    structure = structures.Structure(len(rows), pairs)
    return formats.Record(name, "".join(letters), structure, place=f"{path}:{header}")


def _stem(path: formats.Path) -> str:
    name = pathlib.PurePath(path).name
    return pathlib.PurePath(name.removesuffix(".gz")).stem


def _checked(path: formats.Path, record: formats.Record) -> structures.Structure:
    """Returns the structure of a record that can be written."""
    if record.structure is None or not record.sequence:
        raise ValueError(f"{path}: a sequence with a structure is expected")
    if record.structure.length != len(record.sequence):
        raise ValueError(
            f"{path}: the structure has {record.structure.length} positions, "
            f"the sequence {len(record.sequence)}"
        )
    if record.name.split() != [record.name]:
        raise ValueError(f"{path}: a name of one word expected, found {record.name!r}")
    return record.structure


def _partners(path: formats.Path, record: formats.Record) -> np.ndarray:
    """Returns partners from 1, 0 where there is none."""
    partner_L, num_dropped = structures.partners(_checked(path, record))
    if num_dropped:
        raise ValueError(
            f"{path}: {record.name} has {num_dropped} pairs of nucleotides that are "
            f"paired already; one partner for each is expected"
        )
    return partner_L + 1


def _rows(record: formats.Record, partner_L: np.ndarray) -> Iterator[tuple[str, int]]:
    return zip(record.sequence, partner_L.tolist(), strict=True)


def _write(path: formats.Path, lines: list[str]) -> None:
    files.write_text(path, "\n".join(lines) + "\n")
