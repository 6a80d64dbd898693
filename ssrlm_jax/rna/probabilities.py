"""Base-pair probabilities of one RNA strand, sparse: pairs that matter, no matrix.

Every program and model gives them in this form; a dense symmetric matrix exists only
at the edges. Positions count from 0.
"""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import files

LEAST = 0.01  # of a pair that is listed


class PairProbabilities(NamedTuple):
    """Probabilities of base pairs; pairs below `LEAST` are left out.

    Attributes:
      i: int32 (P,), from 0; rows are sorted by i, then j.
      j: int32 (P,), from 0; i < j.
      probability: float32 (P,), 0..1.

    Example:
      >>> listed = from_pairs([(1, 9, 0.75), (2, 8, 0.5)])
      >>> listed.i.tolist(), listed.j.tolist(), listed.probability.tolist()
      ([0, 1], [8, 7], [0.75, 0.5])
    """

    i: np.ndarray
    j: np.ndarray
    probability: np.ndarray


def from_matrix(probability_LL: np.ndarray, least: float = LEAST) -> PairProbabilities:
    """Lists the pairs of a matrix that are at least as probable as `least`.

    Args:
      probability_LL: 0..1; the upper triangle is read.
      least: 0 lists every pair.

    Example:
      >>> from_matrix(np.array([[0.0, 0.5], [0.5, 0.0]])).probability.tolist()
      [0.5]
    """
    i, j = np.nonzero(np.triu(np.asarray(probability_LL) >= least, 1))
    probability = np.asarray(probability_LL)[i, j].astype(np.float32)
    return PairProbabilities(i.astype(np.int32), j.astype(np.int32), probability)


def from_tiles(
    tiles: Iterable[tuple[int, int, np.ndarray]], least: float = LEAST
) -> PairProbabilities:
    """Lists the pairs of a matrix that comes in parts, in any order.

    Args:
      tiles: row and column of a part's first element, and the part; together they hold
        the upper triangle, and the rest is not read.
      least: of a probability that is listed.

    Example:
      >>> right = np.array([[0.0, 0.5], [0.25, 0.0]])
      >>> listed = from_tiles([(0, 0, np.zeros((2, 2))), (0, 2, right)])
      >>> listed.i.tolist(), listed.j.tolist()
      ([0, 1], [3, 2])
    """
    parts = []
    for row, column, probability_LM in tiles:
        i, j = np.nonzero(probability_LM >= least)
        is_upper = i + row < j + column
        i, j = i[is_upper], j[is_upper]
        parts.append((i + row, j + column, probability_LM[i, j]))
    i, j, probability = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((j, i))
    return PairProbabilities(
        i[order].astype(np.int32),
        j[order].astype(np.int32),
        probability[order].astype(np.float32),
    )


def from_logits(logits_LL: np.ndarray, separation: int = 1) -> PairProbabilities:
    """Lists the pairs (i, j), j - i >= separation, of a matrix of logits.

    Example:
      >>> from_logits(np.array([[0.0, 0.0], [0.0, 0.0]])).probability.tolist()
      [0.5]
    """
    probability_LL = 1.0 / (1.0 + np.exp(-logits_LL.astype(np.float64)))
    return from_matrix(np.triu(probability_LL, separation))


def at_least(listed: PairProbabilities, least: float = LEAST) -> PairProbabilities:
    """Returns the pairs that are at least as probable as `least`.

    Example:
      >>> at_least(from_pairs([(1, 9, 0.75), (2, 8, 0.25)]), 0.5).probability.tolist()
      [0.75]
    """
    is_kept = listed.probability >= least
    return PairProbabilities(*(column[is_kept] for column in listed))


def without(listed: PairProbabilities, first: int, number: int) -> PairProbabilities:
    """Returns the pairs of what is left when positions are cut out.

    Args:
      listed: of all positions.
      first: position that is cut out, from 0.
      number: of them.

    Example:
      >>> without(from_pairs([(1, 9, 0.75), (2, 4, 0.5)]), 2, 3).j.tolist()
      [5]
    """
    i, j, probability = listed
    is_kept = ~np.logical_or.reduce(
        [(first <= side) & (side < first + number) for side in (i, j)]
    )
    i, j = (side - number * (side >= first) for side in (i, j))
    return PairProbabilities(i[is_kept], j[is_kept], probability[is_kept])


def are_wrong(listed: PairProbabilities, length: int | None = None) -> np.ndarray:
    """Returns which rows are none of a pair, bool (P,).

    Args:
      listed: rows of any numbers.
      length: of the strand in which 0 <= i < j < length; None: it is not known.

    Example:
      >>> are_wrong(from_pairs([(1, 9, 0.75), (2, 8, 1.5)]), 8).tolist()
      [True, True]
    """
    i, j, probability = listed
    is_wrong_P = (i < 0) | (i >= j) | ~((probability >= 0) & (probability <= 1))
    return is_wrong_P if length is None else is_wrong_P | (j >= length)


def to_matrix(probabilities: PairProbabilities, length: int) -> np.ndarray:
    """Returns a symmetric float32 matrix (length, length); unlisted pairs are 0.

    Example:
      >>> to_matrix(from_pairs([(1, 2, 0.75)]), 3).tolist()
      [[0.0, 0.75, 0.0], [0.75, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    matrix_LL = np.zeros((length, length), np.float32)
    i, j, probability = probabilities
    matrix_LL[i, j] = matrix_LL[j, i] = probability
    return matrix_LL


def to_maps(listed: Sequence[Sequence[PairProbabilities]], length: int) -> np.ndarray:
    """Returns what S sources say of the pairs of B sequences, padded.

    Args:
      listed: B times S.
      length: L; no sequence is longer.

    Returns:
      float16 (B, L, L, S), symmetric; unlisted pairs are 0.

    Example:
      >>> to_maps([[from_pairs([(1, 2, 0.75)])]], 3).shape
      (1, 3, 3, 1)
    """
    num_sources = len(listed[0])
    map_BLMS = np.zeros((len(listed), length, length, num_sources), np.float16)
    for map_LMS, sources in zip(map_BLMS, listed, strict=True):
        for number, (i, j, probability) in enumerate(sources):
            map_LMS[i, j, number] = map_LMS[j, i, number] = probability
    return map_BLMS


def from_pairs(pairs: Iterable[tuple[int, int, float]]) -> PairProbabilities:
    """Lists pairs that are given from 1, in any order, either letter first.

    Raises:
      ValueError: one is there twice with different probabilities.

    Example:
      >>> from_pairs([(9, 1, 0.75)]).i.tolist()
      [0]
    """
    table = np.array([(*sorted((i, j)), p) for i, j, p in pairs], np.float64)
    table = np.unique(table.reshape(-1, 3), axis=0)
    i, j = table[:, :2].astype(np.int32).T
    is_twice = (np.diff(i) == 0) & (np.diff(j) == 0)
    if is_twice.any():
        row = int(np.argmax(is_twice))
        raise ValueError(f"the pair ({i[row]}, {j[row]}) is listed twice")
    return PairProbabilities(i - 1, j - 1, table[:, 2].astype(np.float32))


def write(
    path: str | os.PathLike[str], name: str, sequence: str, listed: PairProbabilities
) -> None:
    r"""Writes a file of one RNA: `>name`, its sequence, then `i j probability` lines.

    Columns are separated by tabs, positions count from 1. The file appears whole.

    Example:
      >>> import pathlib, tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = pathlib.Path(folder, "a.prob")
      ...     write(path, "a", "GAAAC", from_pairs([(1, 5, 0.75)]))
      ...     path.read_text().splitlines()
      ['>a', 'GAAAC', '1\t5\t0.75']
    """
    rows = zip(listed.i + 1, listed.j + 1, listed.probability, strict=True)
    lines = [f">{name}", sequence, *(f"{i}\t{j}\t{p:.6g}" for i, j, p in rows)]
    files.write_text(path, "\n".join(lines) + "\n")
