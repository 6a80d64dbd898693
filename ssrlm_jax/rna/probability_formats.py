"""Files of base-pair probabilities, as programs write them; told apart by content.

What is listed in a file is taken as it is; of matrices pairs from
`probabilities.LEAST` on. Few of these files hold a sequence, and some no name: what a
file is called then says whose they are. docs/formats.md has a table.

Source: the manuals of ViennaRNA, CONTRAfold, LinearPartition, RNAstructure and UNAFold,
and SPOT-RNA's code.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from ssrlm_jax.rna import (
    alphabet,
    drawing,
    formats,
    probabilities,
    probability_arrays,
    strands,
    textfile,
)

SUFFIX = ".prob"  # of what `ssrlm fold` writes, and of SPOT-RNA's matrices

_POSTERIOR = re.compile(r"\d+\s+\S(\s+\d+:\S+)*")  # CONTRAfold: "1 G 72:0.43"
_PLOT = re.compile("%%Title: RNA (Local )?Dot ?Plot", re.I)  # RNAfold, RNAplfold
_PROBABILITY = ("p", "bpp", "log", "-log")  # the last of three columns' names begins so
_MOST_DIGITS = 10  # of a position
_SAMPLE_LINES = 8  # by which a format is told
_END = (0, ">")  # behind the last line of a file

_Line = tuple[int, str]
_Triple = tuple[int, int, float]


def each(path: formats.Path) -> Iterator[probability_arrays.Listed] | None:
    """Returns what a file holds of probabilities; None: it is no such file.

    Raises:
      ValueError: as `textfile.lines`; the iterator: it is malformed.
    """
    if probability_arrays.is_archive(path):
        return probability_arrays.read_archive(path)
    if probability_arrays.is_array(path):
        return probability_arrays.read_array(path)
    first = next((text for _, text in formats.text_lines(path)), "")
    if first.startswith(drawing.HEADER):
        return _plot(path) if _is_plot(path) else None
    sample = [text for _, text in itertools.islice(_data(path), _SAMPLE_LINES)]
    for is_kind, reader in _KINDS:
        if is_kind(sample):
            return reader(path)
    is_own = textfile.name_of(path).lower().endswith(SUFFIX)
    return _lists(path) if is_own else None


def posteriors(lines: Iterable[_Line]) -> tuple[str, list[_Triple]]:
    """Reads CONTRAfold's lines of `i letter j:p j:p ...`.

    Args:
      lines: numbers and texts.

    Returns:
      The letters, and pairs from 1 with their probabilities, in any range.

    Raises:
      ValueError: another line, with its number.
    """
    letters, triples = "", list[_Triple]()
    for number, text in lines:
        place, letter, *entries = [*text.split(), *["", ""]]
        if place != str(len(letters) + 1) or not _POSTERIOR.fullmatch(text.strip()):
            raise ValueError(
                f"{number}: 'i letter j:p' with i = {len(letters) + 1} expected, found "
                f"{text[:30]!r}"
            )
        letters += letter
        for entry in filter(None, entries):
            j, _, probability = entry.partition(":")
            triples.append((int(place), int(j), _number(probability)))
    return letters, triples


def _data(path: formats.Path) -> Iterator[_Line]:
    """Yields the lines that are no comments; '%' is NUPACK's."""
    return (line for line in formats.text_lines(path) if line[1][0] not in "#;%")


def _plot(path: formats.Path) -> Iterator[probability_arrays.Listed]:
    drawn = drawing.read(path)
    yield _listed(
        drawn.name, drawn.sequence, 0, drawn.probabilities, str(path), drawn.breaks
    )


def _posteriors(path: formats.Path) -> Iterator[probability_arrays.Listed]:
    """Reads CONTRAfold's lines; where there are several RNAs, each below `>name`."""
    name, held = "", list[_Line]()
    for line in itertools.chain(_data(path), [_END]):
        if line[1][0] != ">":
            held.append(line)
            continue
        if held:
            place = f"{path}:{held[0][0]}" if name else str(path)
            yield _of_posteriors(name, held, path, place)
        name, held = formats.titled(line[1][1:]), []


def _of_posteriors(
    name: str, lines: Iterable[_Line], path: formats.Path, place: str
) -> probability_arrays.Listed:
    try:
        letters, triples = posteriors(lines)
    except ValueError as error:
        raise ValueError(f"{path}:{error}") from error
    for i, j, probability in triples:
        if not _is_right(i, j, probability, len(letters)):
            raise ValueError(
                f"{place}: probability {probability:g} of the pair ({i}, {j}); "
                f"1 <= i < j <= {len(letters)} and 0..1 are expected"
            )
    return _listed(name, letters, 0, triples, place)


def _lists(path: formats.Path) -> Iterator[probability_arrays.Listed]:
    """Reads lines of `i j p`: ours, LinearPartition's, RNAstructure's, UNAFold's.

    Above them may stand `>name`, a sequence, a length, and a header `i j ...`, which
    says -log10 where the numbers are no probabilities. Behind a length, NUPACK's pairs
    with what is one more are unpaired nucleotides.
    """
    name, sequence, place = "", "", ""
    length, is_log = 0, False
    triples: list[_Triple] = []
    for number, text in itertools.chain(_data(path), [_END]):
        if not number and not place:
            raise ValueError(f"{path}: the file is empty")
        fields = textfile.fields(text) or [text]
        if text[0] == ">":
            if place:
                yield _of_list(name, sequence, length, triples, place)
            name, sequence, length, is_log = formats.titled(text[1:]), "", 0, False
            triples, place = [], f"{path}:{number}"
            continue
        place = place or f"{path}:{number}"
        if _is_triple(fields) and length and int(fields[1]) == length + 1:
            continue
        if _is_triple(fields):
            p = _number(fields[2])
            p = 10.0**-p if is_log else p
            triples.append((int(fields[0]), int(fields[1]), p))
            most = length or len(strands.joined(sequence)) or max(map(int, fields[:2]))
            if not _is_right(*triples[-1], most):
                raise _no_pair(path, number, text, most)
        elif triples:
            raise _no_pair(path, number, text, length or len(sequence))
        elif len(fields) == 1 and fields[0].isdecimal():
            length = int(fields[0])
        elif _is_header(fields):
            is_log = "log" in fields[-1].lower()
        elif text.replace(" ", "").isdecimal() or textfile.is_number(fields[-1]):
            raise _no_pair(path, number, text, length or len(sequence))
        else:
            sequence += alphabet.as_text(alphabet.cleaned(text.encode()))


def _of_list(
    name: str, sequence: str, length: int, triples: Sequence[_Triple], place: str
) -> probability_arrays.Listed:
    try:
        letters, breaks = strands.split(sequence)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    return _listed(name, letters, length, triples, place, breaks)


def _no_pair(path: formats.Path, number: int, text: str, most: int) -> ValueError:
    return ValueError(
        f"{path}:{number}: 'i j probability' with 1 <= i < j <= {most} and 0..1 "
        f"expected, found {text[:30]!r}"
    )


def _matrix(path: formats.Path) -> Iterator[probability_arrays.Listed]:
    """Reads rows of numbers: SPOT-RNA's, numpy.savetxt's, pandas' with names."""
    rows: list[np.ndarray] = []
    lines = _data(path)
    first, *_ = sample = [
        textfile.fields(text) for _, text in itertools.islice(lines, 2)
    ]
    has_names = _has_names(sample)
    for number, text in itertools.islice(_data(path), int(has_names), None):
        try:
            rows.append(np.array(textfile.fields(text)[int(has_names) :], np.float64))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: a row of numbers: {error}") from error
        if len(rows[-1]) != len(rows[0]):
            raise ValueError(
                f"{path}:{number}: {len(rows[0])} numbers expected, found "
                f"{len(rows[-1])}"
            )
    letters = "".join(first) if has_names else ""
    found = probability_arrays.of_matrix("", np.array(rows), str(path))
    is_sequence = len(letters) == found.length and not alphabet.num_other(letters)
    yield found._replace(sequence=letters if is_sequence else "")


def _listed(
    name: str,
    sequence: str,
    length: int,
    triples: Sequence[_Triple],
    place: str,
    breaks: tuple[int, ...] = (),
) -> probability_arrays.Listed:
    try:
        listed = probabilities.from_pairs((i, j, min(p, 1.0)) for i, j, p in triples)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    return probability_arrays.Listed(
        name, sequence, length or len(sequence), listed, place, breaks
    )


def _is_right(i: int, j: int, probability: float, length: int) -> bool:
    return (
        1 <= min(i, j) < max(i, j) <= length
        and 0 <= probability <= 1 + probability_arrays.SLACK
    )


def _number(text: str) -> float:
    """Returns a number; one that is out of all ranges where it is none."""
    return float(text) if textfile.is_number(text) else -1.0


def _is_triple(fields: Sequence[str]) -> bool:
    return (
        len(fields) == 3
        and fields[0].isdecimal()
        and fields[1].isdecimal()
        and max(map(len, fields[:2])) < _MOST_DIGITS
        and textfile.is_number(fields[2])
    )


def _is_header(fields: Sequence[str]) -> bool:
    """Tells whether a line names columns: `i j ...`, or others and a probability."""
    first, second, *last = [*(field.lower() for field in fields), "", ""]
    is_named = len(fields) == 3 and last[0].startswith(_PROBABILITY)
    return (first, second) == ("i", "j") or is_named


def _has_names(rows: Sequence[Sequence[str]]) -> bool:
    """Tells whether a first row names columns, and the first column rows."""
    if len(rows) < 2 or len(rows[1]) != len(rows[0]) + 1 or len(rows[0]) < 2:
        return False
    first, second = rows
    counts = [[str(n + k) for n in range(len(first))] for k in (0, 1)]
    is_counted = list(first) in counts
    is_named = is_counted or not any(map(textfile.is_number, first))
    return is_named and all(map(textfile.is_number, second[1:]))


def _is_plot(path: formats.Path) -> bool:
    lines = itertools.islice(formats.text_lines(path), _SAMPLE_LINES)
    return any(_PLOT.match(text) for _, text in lines)


def _is_posteriors(sample: Sequence[str]) -> bool:
    rows = [text for text in sample if text[0] != ">"]
    return bool(rows) and all(map(_POSTERIOR.fullmatch, rows))


def _is_list(sample: Sequence[str]) -> bool:
    """Tells whether pairs come first, below a name, a sequence, a length, a header."""
    rows = [textfile.fields(text) for text in sample if text[0] != ">"]
    above = [row for row in rows if not _is_triple(row)]
    has_header = any(map(_is_header, above))
    has_pair = any(_is_triple(row) and 1 <= int(row[0]) != int(row[1]) for row in rows)
    is_above = all(len(row) == 1 or _is_header(row) for row in above)
    return is_above and (has_pair or has_header)


def _is_matrix(sample: Sequence[str]) -> bool:
    rows = [textfile.fields(text) for text in sample]
    if _has_names(rows[:2]):
        rows = [row[1:] for row in rows[1:]]
    return bool(rows) and all(
        len(row) > 1 and all(map(textfile.is_number, row)) for row in rows
    )


_KINDS: tuple[
    tuple[
        Callable[[Sequence[str]], bool],
        Callable[[formats.Path], Iterator[probability_arrays.Listed]],
    ],
    ...,
] = (
    (_is_posteriors, _posteriors),
    (_is_list, _lists),
    (_is_matrix, _matrix),
)
