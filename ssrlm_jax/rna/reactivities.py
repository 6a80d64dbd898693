"""Reactivities (SHAPE, DMS, 2A3): a number for each nucleotide that has one.

Read by `reactivity_formats`. nan is no data; values below 0 are data: a signal below
the background. Positions count from 0, in files and messages from 1.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.rna import textfile

NO_DATA = -999.0  # as files say it


@dataclasses.dataclass(frozen=True, eq=False)
class Profile:
    """Reactivities of one RNA, as a file has them.

    Attributes:
      name: of the RNA; "" where the file does not say.
      place: file and line where it begins.
      position_P: int64, from 0, ascending.
      value_P: float32; nan: no data.
      line_P: int64, where each is in the file; 0: unknown.
      letters: of the positions, "" where the file has none, "N" where one is unknown.
      length: nucleotides of the RNA; None: the file does not say.
    """

    name: str
    place: str
    position_P: np.ndarray
    value_P: np.ndarray
    line_P: np.ndarray
    letters: str = ""
    length: int | None = None

    def is_of(self, sequence: str) -> bool:
        """Tells whether letters and length are all known, and those of a sequence."""
        return (
            len(self.letters) == len(sequence)
            and (self.length or len(sequence)) == len(sequence)
            and self.letters == plain(sequence)
        )

    def values(self, sequence: str) -> np.ndarray:
        """Returns float32 (L,) for a sequence; nan where there is no data.

        Raises:
          ValueError: another length, a position beyond the end, another letter, or not
            one value.
        """
        letters = plain(sequence)
        if self.length is not None and self.length != len(letters):
            raise ValueError(
                f"{self.place}: {self.length} reactivities, the sequence has "
                f"{len(letters)} nucleotides"
            )
        beyond = np.flatnonzero(self.position_P >= len(letters))
        if len(beyond):
            raise ValueError(
                f"{self._line(beyond[0])}: position {self.position_P[beyond[0]] + 1}; "
                f"the sequence has {len(letters)} nucleotides"
            )
        for row, (position, letter) in enumerate(
            zip(self.position_P.tolist(), self.letters, strict=False)
        ):
            if "N" not in (letter, letters[position]) and letter != letters[position]:
                raise ValueError(
                    f"{self._line(row)}: {letter} at position {position + 1}, the "
                    f"sequence has {letters[position]}"
                )
        value_L = np.full(len(letters), np.nan, np.float32)
        value_L[self.position_P] = self.value_P
        if np.isnan(value_L).all():
            raise ValueError(f"{self.place}: there is no data, all values are missing")
        return value_L

    def shortfall(self, sequence: str) -> str:
        """Says so where positions end before a sequence does; "" where they do not."""
        last = int(self.position_P[-1]) + 1
        if last == len(sequence):
            return ""
        return f"it ends at position {last} of {len(sequence)}; there is no data behind"

    def _line(self, row: int) -> str:
        line = int(self.line_P[row])
        return f"{self.place.rpartition(':')[0]}:{line}" if line else self.place


def chosen(profiles: Sequence[Profile], name: str, sequence: str) -> Profile | None:
    """Returns the profile of an RNA: by name, then by letters; None: there is none.

    A file of one RNA without a name and with letters of a part, or none, is of any.
    """
    for profile in profiles:
        if profile.name and profile.name == name:
            return profile
    for profile in profiles:
        if profile.is_of(sequence):
            return profile
    if len(profiles) == 1 and not profiles[0].name:
        return profiles[0]
    return None


def write(path: textfile.Path, name: str, value_L: np.ndarray) -> None:
    """Writes `>name` and two columns, position and value; -999 where there is none."""
    rows = [
        f"{position}\t{NO_DATA if math.isnan(value) else value:.6g}"
        for position, value in enumerate(np.asarray(value_L, np.float64).tolist(), 1)
    ]
    files.write_text(path, "\n".join([f">{name}", *rows]) + "\n")


def normalised(value_L: np.ndarray, method: str) -> np.ndarray:
    """Returns reactivities over their scale: near 1 where they are high.

    Args:
      value_L: nan where there is no data.
      method: one of NORMALISATIONS.
        "none": as given.
        "2-8": the mean of the top 10 % less the top 2 %. Source: Deigan et al. 2009,
          PNAS 106(1).
        "boxplot": the mean of the top 10 % of what is left where no more than 10 % (5
          % of RNA below 100 nt) of outliers above 1.5 times the range between the
          quartiles were dropped. Source: Low and Weeks 2010, Methods 52(2).

    Raises:
      ValueError: an unknown method, or the scale is not above 0.
    """
    if method not in NORMALISATIONS:
        raise ValueError(
            f"normalisation={method!r} is not one of {tuple(NORMALISATIONS)}"
        )
    value_L = np.asarray(value_L, np.float32)
    scale = NORMALISATIONS[method](np.sort(value_L[~np.isnan(value_L)]))
    if not scale > 0:
        raise ValueError(
            f"reactivities cannot be normalised ({method}): their scale is {scale:g}; "
            "high values are expected, in arbitrary units above 0"
        )
    return value_L / np.float32(scale)


def doubt(value_L: np.ndarray) -> str:
    """Says why values do not look normalised; "" where they do.

    Normalised ones have a box-plot scale of about 1: of 22 RNAs of the Weeks lab's set
    0.8 to 1.2. Three times more or less is not chance, but in RNA with few values, of
    which only the greatest is looked at.
    """
    known = np.sort(value_L[~np.isnan(value_L)])
    if len(known) >= _FEW:
        scale = _boxplot(known)
        if not 1 / _FAR <= scale <= _FAR:
            return (
                f"the highest reactivities are about {scale:.3g}, normalised ones "
                "about 1"
            )
    elif len(known) and known[-1] > 10 * _FAR:
        return f"the highest reactivity is {known[-1]:.3g}, normalised ones are about 1"
    return ""


_FEW = 20  # values from which a share of them means something
_FAR = 3.0  # times 1


def _two_to_eight(sorted_N: np.ndarray) -> float:
    """Returns the mean of the top 10 % less the top 2 %."""
    num = len(sorted_N)
    top, outliers = max(1, round(0.1 * num)), round(0.02 * num)
    return float(sorted_N[num - top : num - outliers].mean()) if num else 0.0


def _boxplot(sorted_N: np.ndarray) -> float:
    """Returns the mean of the top 10 % of what is left without outliers."""
    num = len(sorted_N)
    if not num:
        return 0.0
    low, high = np.quantile(sorted_N, [0.25, 0.75])
    most = int(num * (0.1 if num >= 100 else 0.05))
    limit = max(1.5 * (high - low), sorted_N[num - 1 - most])
    left = sorted_N[sorted_N <= limit]
    return float(left[-max(1, len(left) // 10) :].mean())


NORMALISATIONS: Mapping[str, Callable[[np.ndarray], float]] = {
    "none": lambda _: 1.0,
    "2-8": _two_to_eight,
    "boxplot": _boxplot,
}


def plain(letters: str) -> str:
    """Returns letters as A C G U N."""
    return re.sub("[^ACGU]", "N", letters.upper().replace("T", "U"))
