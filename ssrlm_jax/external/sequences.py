"""Sequences as outside programs get them: A C G U N, named by their place in the call.

With numbers from 0 as names no header can break a program or its table.
"""

import os
from collections.abc import Iterable

import numpy as np

from ssrlm_jax.rna import alphabet, strands


def read(number: int, given: str) -> str:
    """Returns a sequence in the letters A C G U N.

    Args:
      number: its place in the call, from 1, for messages.
      given: letters as `rna.alphabet` reads them.

    Raises:
      ValueError: a letter that is not of RNA, with its position.
    """
    if not given.strip("ACGUN"):
        return given
    try:
        return alphabet.decode(alphabet.encode(given)[0])
    except ValueError as error:
        raise ValueError(f"sequence {number}, {error}") from error


def read_strands(number: int, given: str) -> str:
    """Returns one sequence or several strands, '&' between them; errors as `read`."""
    joined, breaks = strands.split(given)
    return strands.marked(read(number, joined), breaks)


def write_fasta(
    path: str | os.PathLike[str],
    sequences: Iterable[str],
    *,
    longest: int | None = None,
) -> np.ndarray:
    """Writes sequences, except empty ones; they are read once.

    Returns:
      is_written_N: false where a sequence is empty.

    Raises:
      ValueError: as `read`; a sequence of more than `longest` letters.
    """
    is_written = bytearray()
    with open(path, "w") as file:
        for number, given in enumerate(sequences):
            letters = read(number + 1, given)
            if longest is not None and len(letters) > longest:
                raise ValueError(
                    f"sequence {number + 1} has {len(letters)} nucleotides; the "
                    f"program reads at most {longest}"
                )
            is_written.append(bool(letters))
            if letters:
                file.write(f">{number}\n{letters}\n")
    return np.frombuffer(is_written, bool)
