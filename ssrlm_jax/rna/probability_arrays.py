"""Matrices of base-pair probabilities: numpy's files, and matrices of any other.

Pairs from `probabilities.LEAST` on are listed.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import functools
import io
import tokenize
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ssrlm_jax.rna import formats, packings, probabilities, textfile

SLACK = 1e-3  # above 1; programs round
_ARRAY = b"\x93NUMPY"
# Everything that numpy raises where an array is damaged.
_UNREADABLE = (
    *(*packings.DAMAGED, ValueError, RuntimeError, MemoryError),
    *(SyntaxError, tokenize.TokenError, OverflowError, TypeError),
)


class Listed(NamedTuple):
    """Probabilities of one RNA.

    Attributes:
      name: of the RNA; "" where the file does not say it.
      sequence: "" where the file does not hold it.
      length: nucleotides; 0: unknown, at least the positions of all pairs.
      listed: the probabilities.
      place: file, and line where there are several.
      breaks: as of `formats.Record`.
      is_padded: whether the first row and column of a matrix are empty, as those of
        ViennaRNA's, which count from 1.
    """

    name: str
    sequence: str
    length: int
    listed: probabilities.PairProbabilities
    place: str
    breaks: tuple[int, ...] = ()
    is_padded: bool = False


def read_array(path: formats.Path) -> Iterator[Listed]:
    """Reads the array of a file; errors as `of_matrix`."""
    with textfile.open_bytes(path) as file:
        array = _loaded(
            str(path), lambda: np.load(io.BytesIO(file.read()), allow_pickle=False)
        )
    yield of_matrix("", array, str(path))


def _loaded(place: str, load: Callable[[], Any]) -> Any:
    """Returns what numpy loads; a ValueError where it cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header of Python 2, or a damaged one
            return load()
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())
        told = f"{place}: numpy cannot read this array ({reason})"
        raise ValueError(told) from error


def read_archive(path: formats.Path) -> Iterator[Listed]:
    """Reads the square arrays of an archive; their names are those of the RNA."""
    others = []
    with textfile.open_packed(path) as file:
        archive = _loaded(str(path), lambda: np.load(file, allow_pickle=False))
        for name in archive.files:
            array = _loaded(f"{path}:{name}", functools.partial(archive.get, name))
            if _is_square(_squeezed(array)):
                own = "" if len(archive.files) == 1 else name
                yield of_matrix(own, array, f"{path}:{name}")
            else:
                others.append(f"{name} {array.shape}")
    if others:
        raise ValueError(f"{path}: not square matrices: {', '.join(others[:5])}")


def of_matrix(name: str, array: np.ndarray, place: str) -> Listed:
    """Returns what a matrix says; the larger of what stands above and below counts."""
    array = _squeezed(array)
    if not _is_square(array) or not array.size:
        raise ValueError(
            f"{place}: a square matrix of probabilities is expected, found the shape "
            f"{array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{place}: numbers are expected, found {array.dtype}")
    matrix_LL = array.astype(np.float64)
    is_right = (matrix_LL >= 0) & (matrix_LL <= 1 + SLACK)
    if not is_right.all():
        i, j = np.argwhere(~is_right)[0]
        raise ValueError(
            f"{place}: probabilities in 0..1 are expected, found {matrix_LL[i, j]:g} "
            f"at ({i + 1}, {j + 1})"
        )
    both_LL = np.minimum(np.maximum(matrix_LL, matrix_LL.T), 1.0)
    listed = probabilities.from_matrix(both_LL)
    is_padded = not both_LL[0].any()
    return Listed(name, "", len(matrix_LL), listed, place, is_padded=is_padded)


def _squeezed(array: np.ndarray) -> np.ndarray:
    """Returns a matrix without what is one batch, one channel."""
    for axis in reversed(range(array.ndim)):
        if array.ndim > 2 and array.shape[axis] == 1:
            array = array.take(0, axis)
    return array


def _is_square(array: np.ndarray) -> bool:
    return array.ndim == 2 and array.shape[0] == array.shape[1]


def is_array(path: formats.Path) -> bool:
    """Tells whether a file is numpy's, .npy; what is damaged is said by others."""
    try:
        with textfile.open_bytes(path) as file:
            return file.read(len(_ARRAY)) == _ARRAY
    except (*packings.DAMAGED, ValueError):
        return False


def is_archive(path: formats.Path) -> bool:
    """Tells whether a file is numpy's archive of arrays, .npz."""
    try:
        with textfile.open_packed(path) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except _UNREADABLE:
        return False
    return len(names) > 1 and all(name.endswith(".npy") for name in names)
