"""Folding programs behind one interface: `FOLDERS[name](settings)`.

A folder is checked when it is made and can be sent to other processes; folding costs
little more than the program itself, so hand over many sequences in one call.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Protocol

from ssrlm_jax.external import contrafold, folded, linearfold, vienna
from ssrlm_jax.rna import probabilities

Folded = folded.Folded
PairProbabilities = probabilities.PairProbabilities


class Folder(Protocol):
    """A folding program and its settings."""

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[Folded]:
        """Folds sequences.

        Args:
          sequences: letters as `rna.alphabet` reads them: U = T, lower = upper, IUPAC
            codes = N. An empty sequence has the empty structure.
          with_probabilities: also of base pairs.
          least: of a pair that is listed.

        Returns:
          One for each sequence, in their order; each structure fits its sequence.

        Raises:
          ValueError: a letter that is not of RNA, with the sequence's place in the
            call and its position; probabilities the program does not give.
          ProgramError: the program failed, or its answer does not fit; one line.
        """
        ...

    def describe(self) -> dict[str, object]:
        """Returns program, version where it tells, and settings, for manifests."""
        ...


FOLDERS: dict[str, Callable[..., Folder]] = {
    "vienna": vienna.Vienna,
    "andronescu": functools.partial(vienna.Vienna, parameters="andronescu2007"),
    "langdon": functools.partial(vienna.Vienna, parameters="langdon2018"),
    "contrafold": contrafold.Contrafold,
    "eternafold": contrafold.eternafold,
    "linearfold": linearfold.Linearfold,
}
