"""Which sequences an encoder and a head get together, and what the head says of them.

An encoder gets rows of several sequences, one after the other: large products, hardly
any padding. A head gets those of a row that are of nearly one length, or each alone.
All lengths are a few, those of long RNA too, so that few shapes are compiled.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ssrlm_jax import config, types
from ssrlm_jax.models import applied, heads
from ssrlm_jax.rna import alphabet, batches, strands

ROW = 640  # tokens; a longer sequence has a row of its own
MAX_SEGMENTS = 64  # sequences of a row
RECORD_STEP, RECORD_RATIO = 32, 1.25  # of `Row.longest`: a program is compiled for each
PAIRS = 2**16  # of a head's batch, padded ones
WINDOW_PAIRS = 2**23  # squares of lengths, from which a window gets no more
ALONE = 512  # nucleotides from which padding costs more than a compilation


class Limits(NamedTuple):
    """What a model takes.

    Attributes:
      row: tokens of a row of several sequences; 0: every sequence has its own.
      at_once: nucleotides of the longest sequence that a head takes in one piece.
      longest: nucleotides of the longest sequence that an encoder takes; None: any.
      linker: letters between two strands.
      pairs: of a head's batch, padded ones; 0: it gets each sequence alone.
      is_filled: whether rows of several sequences are padded to `row`, as a small
        encoder computes padding sooner than a program for another row is compiled.
    """

    row: int
    at_once: int
    longest: int | None
    linker: str = ""
    pairs: int = PAIRS
    is_filled: bool = False


class Row(NamedTuple):
    """Sequences that an encoder gets together.

    Attributes:
      numbers: of the sequences, as given.
      sequences: from short to long, strands joined by the linker.
      given: the same, strands with what stands between them.
      length: of the row, in tokens.
      longest: tokens that none of the sequences has more of; one of few.
      is_alone: whether there is no other sequence in the window.
    """

    numbers: list[int]
    sequences: list[str]
    given: list[str]
    length: int
    longest: int
    is_alone: bool


class Group(NamedTuple):
    """Sequences of a row that a head gets together.

    Attributes:
      indices: in the row's sequences.
      length: nucleotides that they are padded to.
    """

    indices: range
    length: int


def check(
    number: int,
    given: str,
    max_length: int | None,
    max_joined_length: int | None = 0,
) -> None:
    """Raises a ValueError unless a sequence can be read, and is not too long.

    Letters that are not of RNA are read as N; where most are, it is none.

    Args:
      number: its place, from 1, for messages.
      given: the sequence.
      max_length: nucleotides; None: any.
      max_joined_length: of two strands, together; 0: one strand is accepted.
    """
    if not given:
        raise ValueError(f"sequence {number} is empty")
    try:
        sequence, breaks = strands.split(given)
        if breaks and max_joined_length == 0:
            raise ValueError("two strands found, one is accepted")
        if len(breaks) >= strands.MOST:
            raise ValueError(f"{len(breaks) + 1} strands, {strands.MOST} are accepted")
        most = max_joined_length if breaks else max_length
        if most is not None and len(sequence) > most:
            raise ValueError(
                f"{len(sequence):,} nucleotides, the model takes up to {most:,}"
            )
        _, changed = alphabet.encode(sequence)
        if sum(changed) > config.LettersConfig().max_unknown * len(sequence):
            raise ValueError(
                f"{sum(changed):,} of {len(sequence):,} letters are not A C G U T or "
                "N: is it RNA?"
            )
    except ValueError as error:
        raise ValueError(f"sequence {number}: {error}") from error


def window(numbered: Iterator[tuple[int, str]], most: int) -> list[tuple[int, str]]:
    """Returns the next sequences; of long ones, few.

    Raises:
      TypeError: one is no str.
    """
    found: list[tuple[int, str]] = []
    pairs = 0
    for number, sequence in numbered:
        if not isinstance(sequence, str):  # nan of a table, bytes
            raise TypeError(f"sequence {number} is {sequence!r:.40}; a str is expected")
        found.append((number, sequence))
        pairs += len(sequence) ** 2
        if len(found) == most or pairs >= WINDOW_PAIRS:
            break
    return found


def make(window: Sequence[tuple[int, str]], limits: Limits) -> Iterator[Row]:
    """Yields the rows of numbered sequences, from short to long ones."""
    read = [(n, given, strands.linked(given, limits.linker)) for n, given in window]
    held: list[tuple[int, str, str]] = []
    used = 0
    for one in sorted(read, key=lambda one: len(one[2])):
        size = len(one[2]) + 2  # <cls> and <eos>
        if held and (used + size > limits.row or len(held) == MAX_SEGMENTS):
            yield _row(held, used, len(window) == 1, limits)
            held, used = [], 0
        held.append(one)
        used += size
    yield _row(held, used, len(window) == 1, limits)


def _row(
    held: list[tuple[int, str, str]], used: int, is_alone: bool, limits: Limits
) -> Row:
    numbers, given, sequences = map(list, zip(*held, strict=True))
    if len(held) > 1:
        length = limits.row if limits.is_filled else batches.least(used, limits.row)
        longest = len(sequences[-1]) + 2
        longest = batches.least(longest, length, RECORD_STEP, RECORD_RATIO)
    else:
        length = longest = _padded(len(sequences[0]), is_alone, limits) + 2
    return Row(numbers, sequences, given, length, longest, is_alone)


def groups(row: Row, limits: Limits) -> Iterator[Group]:
    """Yields the groups of a row, in the order of its sequences."""
    lengths = [_padded(len(one), row.is_alone, limits) for one in row.sequences]
    first = 0
    for length, same in itertools.groupby(lengths):
        end = first + sum(1 for _ in same)
        size = max(1, limits.pairs // length**2)
        for start in range(first, end, size):
            yield Group(range(start, min(start + size, end)), length)
        first = end


def _padded(length: int, is_alone: bool, limits: Limits) -> int:
    """Returns the nucleotides that a sequence is padded to."""
    if length > limits.at_once:
        return batches.least(length, limits.longest)
    if is_alone and length > ALONE:
        rounded = math.ceil(length / batches.STEP) * batches.STEP
        return min(rounded, limits.at_once)
    return batches.least(length, limits.at_once)


def filled(
    sequences: Sequence[str], starts: Sequence[int], indices: range
) -> tuple[np.ndarray, np.ndarray]:
    """Returns starts and lengths, and zeros up to a power of two: few shapes."""
    size = 2 ** (len(indices) - 1).bit_length()
    start_B, length_B = np.zeros(size, np.int32), np.zeros(size, np.int32)
    for row, index in enumerate(indices):
        start_B[row], length_B[row] = starts[index], len(sequences[index])
    return start_B, length_B


def parts(
    x_RD: jax.Array | np.ndarray,
    start_B: np.ndarray,
    length_B: np.ndarray,
    length: int,
) -> np.ndarray:
    """Returns the hidden states x_BLD of sequences of a row, 0 beyond their ends.

    By NumPy: a program would be compiled for each length of row, too.

    Args:
      x_RD: of the row.
      start_B: where a sequence's letters begin in it.
      length_B: of the sequences; 0: there is none.
      length: L, that they are padded to.
    """
    x_RD = np.asarray(x_RD)
    x_BLD = np.zeros((len(start_B), length, x_RD.shape[-1]), x_RD.dtype)
    for part_LD, start, size in zip(x_BLD, start_B, length_B, strict=True):
        part_LD[:size] = x_RD[start : start + size]
    return x_BLD


@functools.partial(jax.jit, static_argnames="head")
def pair_probabilities(
    head: heads.Head,
    params: types.Params,
    x: jax.Array | np.ndarray,
    length_B: np.ndarray,
    energy_BLMS: np.ndarray | None = None,
) -> jax.Array:
    """Returns symmetric float32 probability_BLM of sequences.

    Args:
      head: of pairs.
      params: its own.
      x: what it reads of each: hidden states x_BLD, or scores (B, H, L, L).
      length_B: of the sequences; 0: there is none.
      energy_BLMS: what the head reads of energies; None: nothing.
    """
    is_BL = jnp.arange(x.shape[-2])[None] < length_B[:, None]
    logits_BLM = applied.apply(head, params, x, is_BL, energy_BLMS=energy_BLMS)
    return jax.nn.sigmoid(logits_BLM)
