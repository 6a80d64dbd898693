"""Windows: what packing places; a record that fits in a row, or a part of one.

A record that is longer than a row can hold is cut into consecutive windows
as long as a row can hold, and pairs that cross a cut are dropped. `Windows` keeps
many of them in flat arrays, in memory as on disk.
"""

import collections
import dataclasses
import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.prepare.corpus import record_batches
from ssrlm_jax.rna import alphabet


@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows one after the other.

    Attributes:
      token: uint8 (sum of lengths,).
      partner: int16, the same; places in the window, -1: none or unknown. Empty
        where no window has a structure.
      length: int32 (windows,), nucleotides of each.
      record: int32 (windows,), which record of its file part it belongs to.
      names: one for each window.
    """

    token: np.ndarray
    partner: np.ndarray
    length: np.ndarray
    record: np.ndarray
    names: list[str]

    def select(self, is_chosen: np.ndarray) -> "Windows":
        """Returns the windows where `is_chosen`, bool (windows,), holds."""
        inside = np.repeat(is_chosen, self.length)
        return Windows(
            self.token[inside],
            self.partner[inside] if len(self.partner) else self.partner,
            self.length[is_chosen],
            self.record[is_chosen],
            [n for n, is_in in zip(self.names, is_chosen, strict=True) if is_in],
        )

    def nth(self, index: int, start: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns tokens and partners of a window that starts at place `start`."""
        end = start + int(self.length[index])
        partner = self.partner[start:end] if len(self.partner) else None
        return self.token[start:end], partner


class Span(NamedTuple):
    """The windows of one record of a part.

    Attributes:
      record: its number.
      window: of its first and behind its last window.
      place: of its first and behind its last nucleotide.
    """

    record: int
    window: tuple[int, int]
    place: tuple[int, int]


def spans(windows: Windows) -> Iterator[Span]:
    """Yields where each record lies; its windows are neighbours."""
    first = np.flatnonzero(np.diff(windows.record, prepend=-1))
    bounds = np.append(first, len(windows.record))
    ends = np.concatenate([[0], np.cumsum(windows.length, dtype=np.int64)])[bounds]
    for record, *found in zip(
        windows.record[first].tolist(),
        bounds[:-1].tolist(),
        bounds[1:].tolist(),
        ends[:-1].tolist(),
        ends[1:].tolist(),
        strict=True,
    ):
        yield Span(record, (found[0], found[1]), (found[2], found[3]))


def cuts(length: int, longest: int, shortest_tail: int) -> np.ndarray:
    """Returns where the fewest windows of a record begin, and its end.

    All windows are as long as a row can hold, the last one is the rest. A rest
    shorter than `shortest_tail` takes what it lacks from the window before it.
    Windows of equal length would fill rows of 1,024 to 80 % only (coding RNA).

    Args:
      length: nucleotides of the record, at least 1.
      longest: nucleotides of a window, at most.
      shortest_tail: nucleotides of the last window, if there is more than one.
    """
    if length <= longest:
        return np.array([0, length])
    ends = np.append(np.arange(0, length, longest), length)
    ends[-2] = min(ends[-2], length - shortest_tail)
    return ends


class Collector:
    """Collects windows; `counts` says what was cut and dropped."""

    def __init__(self) -> None:
        """Has no windows yet."""
        self.counts: collections.Counter[str] = collections.Counter()
        self.clear()

    def clear(self) -> None:
        """Forgets the windows, not the counts."""
        self._tokens: list[np.ndarray] = []
        self._partners: list[np.ndarray | None] = []
        self._lengths: list[np.ndarray] = []
        self._records: list[np.ndarray] = []
        self._names: list[str] = []
        self.num_nucleotides = 0

    def add(
        self,
        name: str,
        token_L: np.ndarray,
        partner_L: np.ndarray | None,
        ends: np.ndarray,
        record: int,
    ) -> int:
        """Keeps windows of a record and returns how many hold a nucleotide.

        Args:
          name: of the record; windows of a longer one are `name:first-last`.
          token_L: nucleotides; at least one.
          partner_L: places in the record, -1: none; None: structure unknown.
          ends: the windows lie between these neighbours; of `cuts`.
          record: its number.
        """
        if len(ends) == 2 and ends[1] - ends[0] == len(token_L):
            return self._keep(name, token_L, partner_L, record)
        num_kept = 0
        for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            inner = partner_L
            if partner_L is not None:
                inner = partner_L[first:last]
                self.counts["pairs that cross a cut"] += int((inner >= last).sum())
                is_inside = (inner >= first) & (inner < last)
                inner = np.where(is_inside, inner - first, -1)
            part = f"{name}:{first + 1}-{last}"
            is_kept = self._keep(part, token_L[first:last], inner, record)
            self.counts["windows without A C G U"] += not is_kept
            num_kept += is_kept
        return num_kept

    def add_whole(
        self, batch: record_batches.Batch, index_P: np.ndarray, record_P: np.ndarray
    ) -> None:
        """Keeps records that are not cut.

        Args:
          batch: holds them.
          index_P: which ones; each holds a nucleotide.
          record_P: their numbers.
        """
        is_chosen = np.zeros(len(batch.names), bool)
        is_chosen[index_P] = True
        inside = np.repeat(is_chosen, batch.length)
        self._tokens.append(batch.token[inside])
        self._partners.append(None if batch.partner is None else batch.partner[inside])
        self._lengths.append(batch.length[index_P])
        self._records.append(record_P)
        self._names += [batch.names[index] for index in index_P.tolist()]
        self.num_nucleotides += len(self._tokens[-1])

    def _keep(
        self, name: str, token_L: np.ndarray, partner_L: np.ndarray | None, record: int
    ) -> bool:
        if not alphabet.is_nucleotide(token_L).any():
            return False
        self._tokens.append(np.array(token_L))
        self._partners.append(partner_L)
        self._lengths.append(np.array([len(token_L)]))
        self._records.append(np.array([record]))
        self._names.append(name)
        self.num_nucleotides += len(token_L)
        return True

    def windows(self) -> Windows:
        """Returns what was collected."""
        partners = [
            np.full(len(token_L), -1, np.int16) if partner_L is None else partner_L
            for token_L, partner_L in zip(self._tokens, self._partners, strict=True)
        ]
        is_known = any(partner_L is not None for partner_L in self._partners)
        return Windows(
            np.concatenate([np.zeros(0, np.uint8), *self._tokens]),
            np.concatenate([np.zeros(0), *partners[: len(partners) * is_known]]).astype(
                np.int16
            ),
            np.concatenate([np.zeros(0), *self._lengths]).astype(np.int32),
            np.concatenate([np.zeros(0), *self._records]).astype(np.int32),
            self._names,
        )


def save(path: str | os.PathLike[str], windows: Windows) -> None:
    """Writes windows, beside first and then renamed."""
    names = np.frombuffer("\n".join(windows.names).encode(), np.uint8)
    with files.whole(path) as part, part.open("wb") as file:
        for array in (
            windows.token,
            windows.partner,
            windows.length,
            windows.record,
            names,
        ):
            np.save(file, array)


def load(path: str | os.PathLike[str]) -> Windows:
    """Reads what `save` wrote."""
    with open(path, "rb") as file:
        token, partner, length, record, names = (np.load(file) for _ in range(5))
    text = names.tobytes().decode()
    return Windows(token, partner, length, record, text.split("\n") if text else [])
