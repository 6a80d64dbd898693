"""A Stockholm alignment → its sequences without gaps, with the consensus projected.

Source: Rfam's description of the format; WUSS notation in Infernal's User's Guide.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import structures

HEADER = "# STOCKHOLM 1."
_GAPS = "-.~_"
_UNPAIRED = re.compile(r"[^][(){}<>A-Za-z]")  # of WUSS: . , - _ : ~


class Aligned(NamedTuple):
    """A sequence without its gaps.

    Attributes:
      structure: pairs of SS_cons of which neither column is a gap here; None where
        the alignment has no SS_cons.
      family: accession of the alignment (#=GF AC), else its identifier, else "".
      line: of the file.
    """

    name: str
    sequence: str
    structure: structures.Structure | None
    family: str
    line: int


class Alignment:
    """Collects the lines of one alignment; a row may come in several pieces."""

    def __init__(self) -> None:
        """Has no rows yet."""
        self._rows: dict[str, list[str]] = {}
        self._line: dict[str, int] = {}
        self._consensus: list[str] = []
        self._names: dict[str, str] = {}

    def add(self, line: int, text: str) -> None:
        """Takes a line that is neither the header nor `//`.

        Raises:
          ValueError: it is no row and begins with no '#'.
        """
        words = text.split()
        if words[0] == "#=GF" and len(words) > 2:
            self._names.setdefault(words[1], words[2])
        elif words[:2] == ["#=GC", "SS_cons"] and len(words) == 3:
            self._consensus.append(words[2])
        elif not text.startswith("#"):
            if len(words) != 2:
                raise ValueError(
                    f"a name and an aligned sequence are expected, found {text[:20]!r}"
                )
            self._rows.setdefault(words[0], []).append(words[1])
            self._line.setdefault(words[0], line)

    def sequences(self) -> Iterator[Aligned]:
        """Yields the sequences in the order of their rows.

        Raises:
          ValueError: SS_cons is malformed or of another length than a row; a row
            holds gaps only.
        """
        family = self._names.get("AC") or self._names.get("ID", "")
        columns = self._columns()
        for name, pieces in self._rows.items():
            aligned = "".join(pieces)
            if columns is not None and columns.length != len(aligned):
                raise ValueError(
                    f"{name} has {len(aligned)} columns, SS_cons {columns.length}"
                )
            is_letter = np.array([letter not in _GAPS for letter in aligned])
            sequence = "".join(letter for letter in aligned if letter not in _GAPS)
            if not sequence:
                raise ValueError(f"{name} holds gaps only")
            structure = None
            if columns is not None:
                index = np.cumsum(is_letter) - 1
                is_pair = is_letter[columns.pairs].all(axis=1)
                pairs = index[columns.pairs[is_pair]]
                structure = structures.Structure(len(sequence), pairs)
            yield Aligned(name, sequence, structure, family, self._line[name])

    def _columns(self) -> structures.Structure | None:
        """Returns the pairs of columns."""
        if not self._consensus:
            return None
        try:
            return structures.from_dot_bracket(
                _UNPAIRED.sub(".", "".join(self._consensus))
            )
        except ValueError as error:
            raise ValueError(f"SS_cons: {error}") from error
