"""Sequences -> padded arrays of few shapes, for whatever runs an encoder."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import alphabet

STEP, RATIO = 8, 1.12  # padding of a few percent; 37 lengths up to 1,000


class Tokens(NamedTuple):
    """Padded sequences.

    Attributes:
      token_BL: uint8 (B, length + 2), `<cls>`, letters, `<eos>`, then `<pad>`.
      segment_BL: uint8, 1 where there is a sequence, 0 in padding.
      length_B: int32, nucleotides.
    """

    token_BL: np.ndarray
    segment_BL: np.ndarray
    length_B: np.ndarray


def lengths(longest: int, step: int = STEP, ratio: float = RATIO) -> list[int]:
    """Returns the lengths that sequences are padded to, from small to large.

    Args:
      longest: the last one.
      step: nucleotides; all but the last are multiples of it.
      ratio: of a length to the one before, at most; above 1.
    """
    found = [step]
    while found[-1] < longest:
        rounded = math.floor(found[-1] * ratio / step) * step
        found.append(max(found[-1] + step, rounded))
    return [length for length in found if length < longest] + [longest]


def least(
    length: int, longest: int | None, step: int = STEP, ratio: float = RATIO
) -> int:
    """Returns the least of `lengths` that holds `length`.

    Args:
      length: at most `longest`.
      longest: None: the lengths go on without end.
      step: as there.
      ratio: as there.
    """
    ladder = lengths(2 * length + step if longest is None else longest, step, ratio)
    return ladder[int(np.searchsorted(ladder, length))]


def pad(sequences: Sequence[str], length: int) -> Tokens:
    """Returns sequences as padded tokens; an empty one is an example of padding.

    Args:
      sequences: letters as `alphabet` reads them.
      length: nucleotides, at least those of the longest.

    Raises:
      ValueError: a letter that is not of RNA.
    """
    shape = (len(sequences), length + 2)
    token_BL = np.full(shape, alphabet.PAD, np.uint8)
    segment_BL = np.zeros(shape, np.uint8)
    for row, sequence in enumerate(sequences):
        if not sequence:
            continue
        token_L, _ = alphabet.encode(sequence)
        n = len(token_L)
        token_BL[row, 0], token_BL[row, n + 1] = alphabet.CLS, alphabet.EOS
        token_BL[row, 1 : n + 1] = token_L
        segment_BL[row, : n + 2] = 1
    length_B = np.array([len(sequence) for sequence in sequences], np.int32)
    return Tokens(token_BL, segment_BL, length_B)


class Row(NamedTuple):
    """Sequences one after the other in a row, and padding at its end.

    Attributes:
      token_BL: uint8 (1, length), `<cls>`, letters and `<eos>` of each, then `<pad>`.
      segment_BL: uint8, 1, 2, 3 ... by sequence, 0 in padding.
      starts: where the first letter of each stands.
    """

    token_BL: np.ndarray
    segment_BL: np.ndarray
    starts: list[int]


def pack(sequences: Sequence[str], length: int) -> Row:
    """Returns sequences in a row of `length` tokens.

    Args:
      sequences: letters as `alphabet` reads them; at most 255.
      length: at least the letters and two for each sequence.

    Raises:
      ValueError: a letter that is not of RNA.
    """
    token_L = np.full(length, alphabet.PAD, np.uint8)
    segment_L = np.zeros(length, np.uint8)
    starts: list[int] = []
    end = 0
    for number, sequence in enumerate(sequences, 1):
        letter_L, _ = alphabet.encode(sequence)
        start, end = end, end + len(letter_L) + 2
        token_L[start], token_L[end - 1] = alphabet.CLS, alphabet.EOS
        token_L[start + 1 : end - 1] = letter_L
        segment_L[start:end] = number
        starts.append(start + 1)
    return Row(token_L[None], segment_L[None], starts)
