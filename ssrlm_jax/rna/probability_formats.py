"""Files of base-pair probabilities, as programs write them; told apart by content.

What is listed in a file is taken as it is; of matrices pairs from
`probabilities.LEAST` on. Few of these files hold a sequence, and some no name: what a
file is called then says whose they are. docs/formats.md has a table.

Source: the manuals of ViennaRNA, CONTRAfold, LinearPartition, RNAstructure and UNAFold,
and SPOT-RNA's code.
"""

import io
import itertools
import re
import tokenize
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import (
    alphabet,
    drawing,
    formats,
    packings,
    probabilities,
    strands,
    textfile,
)

SUFFIX = ".prob"  # of what `ssrlm fold` writes, and of SPOT-RNA's matrices

_ARRAY = b"\x93NUMPY"
# Everything that numpy raises where an array is damaged.
_UNREADABLE = (
    *(*packings.DAMAGED, ValueError, RuntimeError, MemoryError),
    *(SyntaxError, tokenize.TokenError, OverflowError, TypeError),
)
_POSTERIOR = re.compile(r"\d+\s+\S(\s+\d+:\S+)*")  # CONTRAfold: "1 G 72:0.43"
_PLOT = re.compile("%%Title: RNA Dot ?Plot", re.I)
_SLACK = 1e-3  # above 1; programs round
_MOST_DIGITS = 10  # of a position
_SAMPLE_LINES = 8  # by which a format is told
_END = (0, ">")  # behind the last line of a file

_Line = tuple[int, str]
_Triple = tuple[int, int, float]


class Listed(NamedTuple):
    """Probabilities of one RNA.

    Attributes:
      name: of the RNA; "" where the file does not say it.
      sequence: "" where the file does not hold it.
      length: nucleotides; 0: unknown, at least the positions of all pairs.
      listed: the probabilities.
      place: file, and line where there are several.
      breaks: as of `formats.Record`.
    """

    name: str
    sequence: str
    length: int
    listed: probabilities.PairProbabilities
    place: str
    breaks: tuple[int, ...] = ()


def each(path: formats.Path) -> Iterator[Listed] | None:
    """Returns what a file holds of probabilities; None: it is no such file.

    Raises:
      ValueError: as `textfile.lines`; the iterator: it is malformed.
    """
    if _is_archive(path):
        return _archive(path)
    if _is_array(path):
        return _array(path)
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
    """Yields the lines that are no comments."""
    return (line for line in formats.text_lines(path) if line[1][0] not in "#;")


def _plot(path: formats.Path) -> Iterator[Listed]:
    drawn = drawing.read(path)
    yield _listed(
        drawn.name, drawn.sequence, 0, drawn.probabilities, str(path), drawn.breaks
    )


def _posteriors(path: formats.Path) -> Iterator[Listed]:
    try:
        letters, triples = posteriors(_data(path))
    except ValueError as error:
        raise ValueError(f"{path}:{error}") from error
    for i, j, probability in triples:
        if not _is_right(i, j, probability, len(letters)):
            raise ValueError(
                f"{path}: probability {probability:g} of the pair ({i}, {j}); "
                f"1 <= i < j <= {len(letters)} and 0..1 are expected"
            )
    yield _listed("", letters, 0, triples, str(path))


def _lists(path: formats.Path) -> Iterator[Listed]:
    """Reads lines of `i j p`: ours, LinearPartition's, RNAstructure's, UNAFold's.

    Above them may stand `>name`, a sequence, a length, and a header `i j ...`, which
    says -log10 where the numbers are no probabilities.
    """
    name, sequence, place = "", "", ""
    length, is_log = 0, False
    triples: list[_Triple] = []
    for number, text in itertools.chain(_data(path), [_END]):
        if not number and not place:
            raise ValueError(f"{path}: the file is empty")
        fields = text.replace(",", " ").split() or [text]
        if text[0] == ">":
            if place:
                yield _of_list(name, sequence, length, triples, place)
            name, sequence, length, is_log = formats.titled(text[1:]), "", 0, False
            triples, place = [], f"{path}:{number}"
            continue
        place = place or f"{path}:{number}"
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
) -> Listed:
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


def _matrix(path: formats.Path) -> Iterator[Listed]:
    """Reads rows of numbers: SPOT-RNA's, and what numpy.savetxt writes."""
    rows: list[np.ndarray] = []
    for number, text in _data(path):
        try:
            rows.append(np.array(text.replace(",", " ").split(), np.float64))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: a row of numbers: {error}") from error
        if len(rows[-1]) != len(rows[0]):
            raise ValueError(
                f"{path}:{number}: {len(rows[0])} numbers expected, found "
                f"{len(rows[-1])}"
            )
    yield _of_matrix("", np.array(rows), str(path))


def _array(path: formats.Path) -> Iterator[Listed]:
    try:
        with textfile.open_bytes(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header of Python 2, or a damaged one
            array = np.load(io.BytesIO(file.read()), allow_pickle=False)
    except _UNREADABLE as error:
        raise _no_array(str(path), error) from error
    yield _of_matrix("", array, str(path))


def _no_array(place: str, error: BaseException) -> ValueError:
    reason = " ".join(str(error).split())
    return ValueError(f"{place}: numpy cannot read this array ({reason})")


def _archive(path: formats.Path) -> Iterator[Listed]:
    """Reads the square arrays of an archive; their names are those of the RNA."""
    others = []
    try:
        archive = np.load(path, allow_pickle=False)
    except _UNREADABLE as error:
        raise _no_array(str(path), error) from error
    with archive:
        for name in archive.files:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    array = archive[name]
            except _UNREADABLE as error:
                raise _no_array(f"{path}:{name}", error) from error
            if array.ndim == 2 and array.shape[0] == array.shape[1]:
                own = "" if len(archive.files) == 1 else name
                yield _of_matrix(own, array, f"{path}:{name}")
            else:
                others.append(f"{name} {array.shape}")
    if others:
        raise ValueError(f"{path}: not square matrices: {', '.join(others[:5])}")


def _of_matrix(name: str, array: np.ndarray, place: str) -> Listed:
    """Returns what a matrix says; the larger of what stands above and below counts."""
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(
            f"{place}: a square matrix of probabilities is expected, found the shape "
            f"{array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{place}: numbers are expected, found {array.dtype}")
    matrix_LL = array.astype(np.float64)
    is_right = (matrix_LL >= 0) & (matrix_LL <= 1 + _SLACK)
    if not is_right.all():
        i, j = np.argwhere(~is_right)[0]
        raise ValueError(
            f"{place}: probabilities in 0..1 are expected, found {matrix_LL[i, j]:g} "
            f"at ({i + 1}, {j + 1})"
        )
    both_LL = np.minimum(np.maximum(matrix_LL, matrix_LL.T), 1.0)
    listed = probabilities.from_matrix(both_LL)
    return Listed(name, "", len(matrix_LL), listed, place)


def _listed(
    name: str,
    sequence: str,
    length: int,
    triples: Sequence[_Triple],
    place: str,
    breaks: tuple[int, ...] = (),
) -> Listed:
    try:
        listed = probabilities.from_pairs((i, j, min(p, 1.0)) for i, j, p in triples)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    return Listed(name, sequence, length or len(sequence), listed, place, breaks)


def _is_right(i: int, j: int, probability: float, length: int) -> bool:
    return 1 <= min(i, j) < max(i, j) <= length and 0 <= probability <= 1 + _SLACK


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
    return [field.lower() for field in fields[:2]] == ["i", "j"]


def _is_array(path: formats.Path) -> bool:
    """Tells whether a file is numpy's, .npy; what is damaged is said by others."""
    try:
        with textfile.open_bytes(path) as file:
            return file.read(len(_ARRAY)) == _ARRAY
    except (*packings.DAMAGED, ValueError):
        return False


def _is_archive(path: formats.Path) -> bool:
    """Tells whether a file is numpy's archive of arrays, .npz."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _UNREADABLE:
        return False
    return len(names) > 1 and all(name.endswith(".npy") for name in names)


def _is_plot(sample: Sequence[str]) -> bool:
    return any(map(_PLOT.match, sample))


def _is_posteriors(sample: Sequence[str]) -> bool:
    return bool(sample) and all(map(_POSTERIOR.fullmatch, sample))


def _is_list(sample: Sequence[str]) -> bool:
    """Tells whether pairs come first, below a name, a sequence, a length, a header."""
    rows = [text.replace(",", " ").split() for text in sample if text[0] != ">"]
    above = [row for row in rows if not _is_triple(row)]
    has_header = any(map(_is_header, above))
    has_pair = any(_is_triple(row) and 1 <= int(row[0]) != int(row[1]) for row in rows)
    is_above = all(len(row) == 1 or _is_header(row) for row in above)
    return is_above and (has_pair or has_header)


def _is_matrix(sample: Sequence[str]) -> bool:
    rows = [text.replace(",", " ").split() for text in sample]
    return bool(rows) and all(
        len(row) > 1 and all(map(textfile.is_number, row)) for row in rows
    )


_KINDS: tuple[
    tuple[Callable[[Sequence[str]], bool], Callable[[formats.Path], Iterator[Listed]]],
    ...,
] = (
    (_is_plot, _plot),
    (_is_posteriors, _posteriors),
    (_is_list, _lists),
    (_is_matrix, _matrix),
)
