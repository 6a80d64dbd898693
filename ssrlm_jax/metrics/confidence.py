"""Agreement of predicted confidence with what came of it, by nucleotide.

pLDDT and lDDT in 0..1. A nucleotide without either is left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import statistics

NUM_BINS = 10


class Agreement(NamedTuple):
    """How well pLDDT agrees with lDDT.

    Attributes:
      pearson: correlation; nan where either does not vary.
      mean_absolute_error: nan where there is no nucleotide.
      plddt_N: mean pLDDT in each of NUM_BINS bins of pLDDT, equally wide; nan in an
        empty one.
      lddt_N: mean lDDT in it; nan in an empty one.
      count_N: int64, nucleotides in it.
    """

    pearson: float
    mean_absolute_error: float
    plddt_N: np.ndarray
    lddt_N: np.ndarray
    count_N: np.ndarray


def plddt_agreement(plddt_L: np.ndarray, lddt_L: np.ndarray) -> Agreement:
    """Compares pLDDT with lDDT, nucleotide by nucleotide.

    Args:
      plddt_L: 0..1; of one structure, or of several behind each other.
      lddt_L: 0..1, such as `coordinates.Lddt.score_L`; nan where it is not known.

    Raises:
      ValueError: lengths differ, or a value lies outside 0..1.
    """
    plddt_N, lddt_N = _known(plddt_L, lddt_L)
    bin_N = np.minimum((plddt_N * NUM_BINS).astype(int), NUM_BINS - 1)
    count_N = np.bincount(bin_N, minlength=NUM_BINS)
    return Agreement(
        pearson=float(
            statistics.pearson_of_sums(statistics.moments(plddt_N, lddt_N)[None])[0]
        ),
        mean_absolute_error=float(np.abs(plddt_N - lddt_N).mean())
        if len(plddt_N)
        else np.nan,
        plddt_N=_ratio(np.bincount(bin_N, plddt_N, NUM_BINS), count_N),
        lddt_N=_ratio(np.bincount(bin_N, lddt_N, NUM_BINS), count_N),
        count_N=count_N,
    )


def of_column(
    values: Sequence[np.ndarray | None],
    residues: Sequence[np.ndarray],
    lengths: Sequence[int],
) -> np.ndarray | None:
    """Reads pLDDT from the B columns of a predicted structure.

    Args:
      values: of the atoms of each strand.
      residues: position of each atom in its strand, from 0.
      lengths: nucleotides of strands.

    Returns:
      0..1, of each nucleotide, all strands behind each other, the mean over its atoms;
      nan where it has none. Numbers up to 1 are taken as they are, others up to 100 in
      hundredths. None where a number is missing or beyond, or all are equal: then the
      column says nothing of confidence.
    """
    known = [one for one in values if one is not None]
    value_N = np.concatenate([np.empty(0), *known]).astype(np.float64)
    if len(known) < len(values) or not len(value_N):
        return None
    if not ((value_N >= 0) & (value_N <= 100)).all() or np.ptp(value_N) == 0:
        return None
    scale = 1.0 if value_N.max() <= 1 else 100.0
    starts = np.cumsum([0, *lengths[:-1]])
    at_N = np.concatenate([r + s for r, s in zip(residues, starts, strict=True)])
    total = sum(lengths)
    sum_L = np.bincount(at_N, value_N / scale, total)
    return _ratio(sum_L, np.bincount(at_N, minlength=total))


def pooled_pearson(
    plddts: Sequence[np.ndarray], lddts: Sequence[np.ndarray], seed: int
) -> statistics.Interval:
    """Returns Pearson's r over the nucleotides of all structures, with its interval.

    Structures are drawn anew, not nucleotides: those of one structure are alike.

    Args:
      plddts: of each structure, as for `plddt_agreement`.
      lddts: as `plddts`.
      seed: of the draws.

    Raises:
      ValueError: numbers or lengths differ, or a value lies outside 0..1.
    """
    if len(plddts) != len(lddts):
        raise ValueError(f"pLDDT of {len(plddts)} structures, lDDT of {len(lddts)}")
    moments = [
        statistics.moments(*_known(p, t)) for p, t in zip(plddts, lddts, strict=True)
    ]
    return statistics.of_sums(np.array(moments), statistics.pearson_of_sums, seed)


def _known(plddt_L: np.ndarray, lddt_L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns what is known of both."""
    plddt_L, lddt_L = np.asarray(plddt_L, np.float64), np.asarray(lddt_L, np.float64)
    if plddt_L.shape != lddt_L.shape or plddt_L.ndim != 1:
        raise ValueError(
            f"pLDDT {plddt_L.shape} and lDDT {lddt_L.shape} are not both (L,)"
        )
    for name, values_L in (("pLDDT", plddt_L), ("lDDT", lddt_L)):
        outside_N = np.flatnonzero((values_L < 0) | (values_L > 1))
        if len(outside_N):
            raise ValueError(
                f"{name} {values_L[outside_N[0]]:g} of nucleotide {outside_N[0] + 1} "
                "lies outside 0..1"
            )
    is_known_L = ~(np.isnan(plddt_L) | np.isnan(lddt_L))
    return plddt_L[is_known_L], lddt_L[is_known_L]


def _ratio(above_N: np.ndarray, below_N: np.ndarray) -> np.ndarray:
    """Divides; nan where `below_N` is 0."""
    none_N = np.full(len(below_N), np.nan)
    return np.divide(above_N, below_N, out=none_N, where=below_N > 0)
