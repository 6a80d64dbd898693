"""Which chains of known structure train a folding network, and which validate it."""

import logging

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.external import mmseqs

_log = logging.getLogger(__name__)


def divide(
    chosen: config.StructuresConfig, seed: int
) -> tuple[list[tertiary_crops.Structure], list[tertiary_crops.Structure]]:
    """Returns chains for training and for validation, in files' order.

    Whole clusters of similar sequences are on one side. What shares a cluster with a
    chain of `away_from` is on neither. Without files or a share to validate on, the
    chains of training do that, too: can they be learned at all?

    Args:
      chosen: where structures are, and which may be used.
      seed: of the choice of clusters that validate, where no files of their own do.

    Raises:
      ValueError: no structure can be used, none is left, or a file of `away_from`
        cannot be read.
      ProgramError: as `clusters`.
    """
    found = tertiary_crops.read(chosen.structures, chosen)
    held = tertiary_crops.read(chosen.validation, chosen) if chosen.validation else []
    if chosen.away_from:
        # Whatever is tested counts, also what is too long or too poor to train on.
        tested = tertiary_crops.read_to_exclude(chosen.away_from)
        held = _apart(held, tested, chosen, "validate with")
        found = _apart(found, tested, chosen, "train on")
    kept = _apart(found, held, chosen, "train on")
    if chosen.validation:
        return kept, held
    if not chosen.validation_share:
        _log.warning("nothing is held out: validation says what was learned by heart")
        return kept, kept
    parts = tertiary_crops.split(clusters(kept, chosen), chosen.validation_share, seed)
    training, validating = ([kept[n] for n in part] for part in parts)
    return training, validating


def _apart(
    found: list[tertiary_crops.Structure],
    others: list[tertiary_crops.Structure],
    settings: config.StructuresConfig,
    use: str,
) -> list[tertiary_crops.Structure]:
    """Returns the chains that share no cluster with any of the others.

    Raises:
      ValueError: none is left.
    """
    if not (found and others):
        return found
    cluster_N = clusters([*found, *others], settings)
    is_near_N = np.isin(cluster_N[: len(found)], cluster_N[len(found) :])
    if is_near_N.any():
        _log.info("%d chains are left out: near what is held out", is_near_N.sum())
    if is_near_N.all():
        raise ValueError(f"no chain is left to {use}: all are near what is held out")
    return [s for s, is_near in zip(found, is_near_N, strict=True) if not is_near]


def clusters(
    structures: list[tertiary_crops.Structure], settings: config.StructuresConfig
) -> np.ndarray:
    """Returns the number of the cluster of each chain, (N,); equal letters are in one.

    Raises:
      ProgramError: MMseqs2 is missing or failed; `identity=1` does without it.
    """
    letters = [structure.letters for structure in structures]
    unique = list(dict.fromkeys(letters))
    place = {text: number for number, text in enumerate(unique)}
    cluster_N = np.arange(len(unique))
    if settings.identity < 1:
        how = mmseqs.Settings(settings.identity, coverage=0.8, coverage_mode=1)
        cluster_N = mmseqs.cluster(unique, how)
    return cluster_N[[place[text] for text in letters]]
