"""How far reactivities can be trusted: whether they fit an RNA better than by chance.

ViennaRNA's ensemble has a lower free energy with reactivities that fit some structure
than with the same values in another order. The difference to the mean over orders, in
their deviations, is near 0 where the order says nothing.
"""

import dataclasses
import zlib

import numpy as np

from ssrlm_jax.external import evidence, vienna

MARGIN = 2.0  # deviations from which reactivities count in full


def weighed(letters: str, known: evidence.Evidence) -> evidence.Evidence:
    """Returns evidence whose reactivities count as far as they fit; else as it is.

    They count in full from `MARGIN` deviations, not at all from 0 down, and linearly
    between. RNA longer than `settings.longest_weighed` is not looked at, as it would
    take longer than folding, nor is evidence that was weighed already.

    Args:
      letters: A C G U N.
      known: of them.
    """
    settings, value_L = known.settings, known.reactivity_L
    if value_L is None or known.share is not None or not settings.orders:
        return known
    if len(letters) > settings.longest_weighed or not np.nanstd(value_L):
        return known  # all orders of one value are one
    fit = _fit(letters, known, value_L)
    return dataclasses.replace(known, share=min(1.0, max(0.0, fit / MARGIN)))


def _fit(letters: str, known: evidence.Evidence, value_L: np.ndarray) -> float:
    """Returns by how many deviations the order of the values is better than others."""
    index_N = np.flatnonzero(~np.isnan(value_L))
    rng = np.random.default_rng(zlib.crc32(letters.encode()))  # same in, same out
    energies: list[float] = []
    for _ in range(known.settings.orders):
        other_L = value_L.copy()
        other_L[index_N] = value_L[rng.permutation(index_N)]
        told = dataclasses.replace(known, reactivity_L=other_L)
        energies.append(vienna.Vienna(evidence=told).ensemble(letters))
    gain = np.mean(energies) - vienna.Vienna(evidence=known).ensemble(letters)
    return float(gain) / max(float(np.std(energies, ddof=1)), 1e-3)
