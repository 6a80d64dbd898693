"""What every folding program gives, and the checks it has to pass.

Positions count from 0; in messages from 1. A sequence in a message is its place in
the call, from 1.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.external import programs, sequences
from ssrlm_jax.rna import probabilities, strands, structures

_Listed = probabilities.PairProbabilities


class Folded(NamedTuple):
    """A folded sequence.

    Attributes:
      structure: as long as the sequence.
      num_unknown: letters that are not A, C, G or U; programs leave them unpaired.
      probabilities: None where they were not asked for.
    """

    structure: structures.Structure
    num_unknown: int
    probabilities: _Listed | None


class Prediction(NamedTuple):
    """What a program said of a sequence, not yet checked.

    Attributes:
      dot_bracket: the structure; "" where `structure` is given.
      pairs: i and j from 1, and the probability, in any order; None: not asked for.
      structure: of a program that gives a nucleotide several partners, which
        dot-bracket cannot write; None: `dot_bracket` says it.
    """

    dot_bracket: str
    pairs: list[tuple[int, int, float]] | None
    structure: structures.Structure | None = None


def fold(
    program: str,
    given: Sequence[str],
    predict: Callable[[list[str], float | None], list[Prediction]],
    with_probabilities: bool,
    least: float = probabilities.LEAST,
    *,
    has_strands: bool = False,
) -> list[Folded]:
    """Folds sequences by a program and checks what it says.

    Args:
      program: its name, for messages.
      given: letters as `rna.alphabet` reads them. An empty one has the empty
        structure; no program sees it.
      predict: gets sequences of A C G U N, none empty, and the least probability that
        is asked for, or None; keeps their order.
      with_probabilities: whether they are asked for.
      least: of a pair that is listed.
      has_strands: whether the program folds strands that '&' joins; it counts their
        letters only.

    Raises:
      ValueError: a gap, or strands where they are not folded, before anything is.
      ProgramError: as `predict`; a structure or pair that does not fit its sequence.
    """
    reader = sequences.read_strands if has_strands else sequences.read
    read = [reader(number, letters) for number, letters in enumerate(given, 1)]
    shown = [number for number, letters in enumerate(read) if letters]
    predictions = []
    if shown:
        asked = least if with_probabilities else None
        predictions = predict([read[number] for number in shown], asked)
    nothing = Prediction("", [] if with_probabilities else None)
    of_number = dict(zip(shown, predictions, strict=True))
    return [
        _folded(program, number + 1, letters, of_number.get(number, nothing), least)
        for number, letters in enumerate(read)
    ]


def _folded(
    program: str, number: int, given: str, said: Prediction, least: float
) -> Folded:
    letters = strands.joined(given)
    place = f"{program}, sequence {number} of the call"
    given_whole = said.structure
    length = len(said.dot_bracket) if given_whole is None else given_whole.length
    if length != len(letters):
        raise programs.ProgramError(
            f"{place}: the structure has {length} positions, the sequence "
            f"{len(letters)}"
        )
    try:
        structure = (
            structures.from_dot_bracket(said.dot_bracket)
            if given_whole is None
            else given_whole
        )
        probabilities = (
            None if said.pairs is None else listed(len(letters), said.pairs, least)
        )
    except ValueError as error:
        raise programs.ProgramError(f"{place}: {error}") from error
    num_unknown = len(letters) - sum(map(letters.count, "ACGU"))
    return Folded(structure, num_unknown, probabilities)


def listed(length: int, pairs: list[tuple[int, int, float]], least: float) -> _Listed:
    """Returns what a program says of pairs, checked and in order.

    Args:
      length: of the sequence.
      pairs: i and j from 1, and the probability, in any order.
      least: of a probability that is listed.

    Raises:
      ValueError: a pair or a probability that cannot be.
    """
    table = np.array(sorted(pairs), np.float64).reshape(-1, 3)
    i, j = table[:, :2].astype(np.int32).T
    probability = table[:, 2]
    wrong = (i < 1) | (i >= j) | (j > length)
    wrong |= ~((probability >= 0) & (probability <= 1 + 1e-4))  # programs round
    if wrong.any():
        row = np.argmax(wrong)
        raise ValueError(
            f"probability {probability[row]:g} of the pair ({i[row]}, {j[row]}); "
            f"1 <= i < j <= {length} and 0..1 are expected"
        )
    shown = probability >= least
    kept = np.minimum(probability[shown], 1.0).astype(np.float32)
    return _Listed(i[shown] - 1, j[shown] - 1, kept)
