"""Aligned RNA: columns, the letters in them, and what is known of columns as of RNA.

Read from Stockholm or aligned FASTA. Columns and positions count from 0.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ssrlm_jax.rna import (
    alphabet,
    formats,
    probabilities,
    stockholm,
    structures,
    textfile,
)


@dataclasses.dataclass(frozen=True)
class Alignment:
    """Aligned sequences.

    Attributes:
      name: of the family, or of the file.
      names: of the members.
      rows: their letters, A C G U or another IUPAC code, "-" for a gap.
      consensus: pairs of columns, where the file has them.

    Raises:
      ValueError: rows of several lengths, a row of gaps only, a letter that is none.
    """

    name: str
    names: tuple[str, ...]
    rows: tuple[str, ...]
    consensus: structures.Structure | None = None

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError("an alignment without sequences")
        if self.consensus and self.consensus.length != len(self.rows[0]):
            raise ValueError(
                f"{self.names[0]} has {len(self.rows[0])} columns, SS_cons "
                f"{self.consensus.length}"
            )
        for name, row in zip(self.names, self.rows, strict=True):
            if len(row) != len(self.rows[0]):
                raise ValueError(
                    f"{name} has {len(row)} columns, {self.names[0]} "
                    f"{len(self.rows[0])}; aligned sequences are equally long"
                )
            if not row.strip("-"):
                raise ValueError(f"{name} holds gaps only")
            try:
                alphabet.encode(row.replace("-", ""))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error

    @property
    def num_columns(self) -> int:
        """How many columns there are."""
        return len(self.rows[0])

    @property
    def sequences(self) -> list[str]:
        """The members without their gaps."""
        return [row.replace("-", "") for row in self.rows]

    @property
    def letters(self) -> str:
        """The most frequent letter of each column, of equals the first of A C G U."""
        columns = zip(*self.rows, strict=True)
        return "".join(max("ACGU", key=column.count) for column in columns)

    def columns(self, member: int) -> np.ndarray:
        """Returns the column of each letter of a member, int64 (L,)."""
        return np.flatnonzero(np.array(list(self.rows[member])) != "-")

    def averaged(
        self, listed: Sequence[probabilities.PairProbabilities]
    ) -> probabilities.PairProbabilities:
        """Returns mean probabilities of pairs of columns, over all members.

        A member with a gap in either column says 0: it has no such pair.

        Args:
          listed: of the members, in their order.
        """
        size = self.num_columns
        sum_CC = np.zeros((size, size), np.float64)
        for member, (i, j, probability) in enumerate(listed):
            column_L = self.columns(member)
            sum_CC[column_L[i], column_L[j]] += probability
        return probabilities.from_matrix(sum_CC / len(self.rows))

    def of_member(
        self, listed: probabilities.PairProbabilities, member: int
    ) -> probabilities.PairProbabilities:
        """Returns probabilities of pairs of columns as those of a member's letters."""
        position_C = np.full(self.num_columns, -1, np.int32)
        column_L = self.columns(member)
        position_C[column_L] = np.arange(len(column_L))
        i, j = position_C[listed.i], position_C[listed.j]
        is_kept = (i >= 0) & (j >= 0)
        return probabilities.PairProbabilities(
            i[is_kept], j[is_kept], listed.probability[is_kept]
        )

    def projected(
        self, columns: structures.Structure, member: int
    ) -> structures.Structure:
        """Returns the pairs of columns in which a member has letters."""
        is_letter_C = np.zeros(self.num_columns, bool)
        is_letter_C[self.columns(member)] = True
        return structures.projected(columns, is_letter_C)


def is_stockholm(path: textfile.Path) -> bool:
    """Tells whether a file begins as Stockholm alignments do.

    Raises:
      ValueError: it cannot be read.
    """
    for _, line in textfile.parts(path):
        if line.strip():
            return line.startswith(stockholm.HEADER.encode())
    return False


def read(path: textfile.Path) -> list[Alignment]:
    """Returns the alignments of a Stockholm file, or the one of an aligned FASTA file.

    Raises:
      ValueError: as `stockholm.columns` and `formats.read_fasta`; as `Alignment`.
    """
    if is_stockholm(path):
        return [_of_columns(str(path), one) for one in stockholm.columns(path)]
    records = list(formats.read_fasta(path))
    names = tuple(record.name for record in records)
    rows = tuple(plain(record.sequence) for record in records)
    try:
        return [Alignment(str(path), names, rows)]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _of_columns(shown: str, given: stockholm.Columns) -> Alignment:
    rows = tuple(map(plain, given.rows.values()))
    try:
        return Alignment(
            given.family or shown, tuple(given.rows), rows, given.consensus
        )
    except ValueError as error:
        raise ValueError(f"{given.place}: {error}") from error


def plain(row: str) -> str:
    """Returns a row as `Alignment` has it: as `alphabet.spelled`, "-" for any gap.

    What cannot be spelled stays, and is an error of the alignment.
    """
    for gap in alphabet.GAPS:
        row = row.replace(gap, "-")
    try:
        return "-".join(alphabet.spelled(part)[0] for part in row.split("-"))
    except ValueError:
        return row
