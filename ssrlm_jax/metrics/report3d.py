"""Scores of a set of predicted structures, each with a bootstrap interval.

Every mean is over structures. Structures as in `coordinates`; angstrom.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ssrlm_jax.metrics import (
    confidence,
    coordinates,
    statistics,
    stereochemistry,
    superposition,
)
from ssrlm_jax.rna import atoms, pairs
from ssrlm_jax.rna import coordinates as files

# What is scored, in the order of tables.
SCORES = (
    "lddt",  # all atoms, pooled over contacts: CASP15
    "lddt_c1",  # C1', mean over nucleotides: RhoFold
    "tm_score",
    "rmsd",  # all atoms, angstrom
    "fidelity",  # interaction network fidelity of all base pairs
    "pair_f1",  # of all base pairs
    "canonical_f1",  # of those between Watson-Crick edges, cis
    "clashes",  # per 1,000 atoms
    "bond_outliers",  # share of bonds of the backbone
    "wrong_chirality",  # share of centres of ribose
)
COLUMNS = ("id", "length", "identity", "mean_plddt", *SCORES)


class Model(NamedTuple):
    """A structure, known or predicted.

    Attributes:
      letters: of the strand.
      xyz_LT3: angstrom; not read where there is no atom.
      is_atom_LT: bool, which slots hold an atom.
      breaks: positions from 0 behind which no bond leads on.
      plddt_L: 0..1; None where nothing is said of confidence.
    """

    letters: str
    xyz_LT3: np.ndarray
    is_atom_LT: np.ndarray
    breaks: tuple[int, ...] = ()
    plddt_L: np.ndarray | None = None


class Scored(NamedTuple):
    """What is known of one prediction.

    Attributes:
      name: of the structure.
      length: nucleotides.
      scores: by SCORES; nan where one is not defined.
      lddt_L: of C1', of each nucleotide; nan where not seen.
      plddt_L: as predicted; None likewise.
      identity: with the nearest training sequence, 0 where none is near; None: not
        looked for.
    """

    name: str
    length: int
    scores: dict[str, float]
    lddt_L: np.ndarray
    plddt_L: np.ndarray | None = None
    identity: float | None = None


def score(
    name: str, predicted: Model, known: Model, identity: float | None = None
) -> Scored:
    """Scores one structure; what a prediction lacks counts as wrong.

    Base pairs of both are found by `rna.pairs.annotate`. Clashes, bonds and chirality
    are those of the prediction, nan where it has no atom.

    Raises:
      ValueError: letters differ, or a coordinate is not finite.
    """
    if predicted.letters != known.letters:
        raise ValueError(f"{name}: the prediction is of another sequence")
    both = predicted.xyz_LT3, predicted.is_atom_LT, known.xyz_LT3, known.is_atom_LT
    c1 = coordinates.lddt_c1(*both)
    own = predicted.xyz_LT3, predicted.is_atom_LT
    found, true = base_pairs(predicted), base_pairs(known)
    network = coordinates.interaction_network_fidelity(_places(found), _places(true))
    canonical = coordinates.interaction_network_fidelity(
        _places(found, "cWW"), _places(true, "cWW")
    )
    breaks = predicted.breaks
    handed = stereochemistry.chirality(*own)
    clashes = stereochemistry.clashes(predicted.letters, *own, breaks)
    values = {
        "lddt": coordinates.lddt_all_atom(*both).score,
        "lddt_c1": c1.score,
        "tm_score": superposition.tm_score(*both),
        "rmsd": superposition.rmsd(*both),
        "fidelity": network.fidelity,
        "pair_f1": network.f1,
        "canonical_f1": canonical.f1,
        "clashes": clashes.per_thousand,
        "bond_outliers": stereochemistry.bond_outliers(*own, breaks).share,
        "wrong_chirality": handed.num_wrong / handed.num_centres
        if handed.num_centres
        else math.nan,
    }
    if not predicted.is_atom_LT.any():  # to miss all is no success where no pair is
        values |= dict.fromkeys(("fidelity", "pair_f1", "canonical_f1"), 0.0)
    return Scored(
        name, len(known.letters), values, c1.score_L, predicted.plddt_L, identity
    )


def missing(known: Model) -> Model:
    """Returns what stands for a structure that was not predicted: no atoms."""
    return known._replace(is_atom_LT=np.zeros_like(known.is_atom_LT), plddt_L=None)


def base_pairs(model: Model) -> list[pairs.Pair]:
    """Returns the base pairs of a structure, canonical and other."""
    at_N2 = np.argwhere(model.is_atom_LT)
    names = [atoms.NAMES.get(letter, atoms.BACKBONE) for letter in model.letters]
    chain = files.Chain(
        name="A",
        letters=model.letters,
        numbers=tuple(str(n) for n in range(1, len(model.letters) + 1)),
        is_seen_L=np.any(model.is_atom_LT, axis=1),
        gaps=tuple((position, 0) for position in model.breaks),
        modified=(),
        residue_N=at_N2[:, 0].astype(np.int32),
        name_N=np.array([names[i][slot] for i, slot in at_N2], dtype="<U4"),
        xyz_N3=model.xyz_LT3[model.is_atom_LT].astype(np.float32),
    )
    return pairs.annotate([chain])


def report(scored: Sequence[Scored], seed: int = 0) -> dict[str, Any]:
    """Returns all scores as a nested dict; a score is [value, low, high].

    The interval is the middle 95 % over structures drawn anew (metrics.statistics); a
    score that is not defined is None. `with_length` and `with_identity` are Pearson's
    correlations of lDDT. Of confidence there is something only where all have it.
    """
    length_N = np.array([one.length for one in scored], float)
    found: dict[str, Any] = {
        "structures": len(scored),
        "nucleotides": int(length_N.sum()),
        "scores": {name: _mean(_column(scored, name), seed) for name in SCORES},
        "with_length": {
            name: _correlation(length_N, _column(scored, name), seed)
            for name in ("lddt", "lddt_c1", "tm_score")
        },
    }
    if all(one.identity is not None for one in scored):
        identity_N = np.array([one.identity for one in scored], float)
        found["with_identity"] = {
            name: _correlation(identity_N, _column(scored, name), seed)
            for name in ("lddt", "lddt_c1", "tm_score")
        }
    plddts = [one.plddt_L for one in scored if one.plddt_L is not None]
    if plddts and len(plddts) == len(scored):
        found["confidence"] = _confidence(plddts, [one.lddt_L for one in scored], seed)
    return found


def rows(scored: Iterable[Scored]) -> list[list[object]]:
    """Returns a header and a row of scores for each structure."""
    found: list[list[object]] = [list(COLUMNS)]
    for one in scored:
        plddt = "" if one.plddt_L is None else f"{one.plddt_L.mean():.4f}"
        identity = "" if one.identity is None else f"{one.identity:.3f}"
        values = (one.scores[name] for name in SCORES)
        found.append(
            [one.name, one.length, identity, plddt]
            + ["" if math.isnan(value) else f"{value:.4f}" for value in values]
        )
    return found


def _confidence(
    plddts: Sequence[np.ndarray], lddts: Sequence[np.ndarray], seed: int
) -> dict[str, Any]:
    """Returns how well pLDDT agrees with the lDDT of C1'."""
    agreement = confidence.plddt_agreement(
        np.concatenate(plddts), np.concatenate(lddts)
    )
    rounded = [
        [None if math.isnan(value) else round(float(value), 4) for value in values]
        for values in (agreement.plddt_N, agreement.lddt_N)
    ]
    return {
        "pearson_of_nucleotides": _plain(
            confidence.pooled_pearson(plddts, lddts, seed)
        ),
        "pearson_of_structures": _correlation(_means(plddts), _means(lddts), seed),
        "mean_absolute_error": round(agreement.mean_absolute_error, 6),
        "bins": {
            "plddt": rounded[0],
            "lddt": rounded[1],
            "nucleotides": agreement.count_N.tolist(),
        },
    }


def _places(found: Iterable[pairs.Pair], edges: str = "") -> np.ndarray:
    """Returns positions of pairs, of certain edges or of any, (P, 2)."""
    places = [(p.i, p.j) for p in found if not edges or p.edges == edges]
    return np.array(places, np.int64).reshape(-1, 2)


def _column(scored: Sequence[Scored], name: str) -> np.ndarray:
    return np.array([one.scores[name] for one in scored], float)


def _mean(value_N: np.ndarray, seed: int) -> list[float | None]:
    """Returns the mean over where it is defined, with its interval."""
    return _plain(statistics.of_mean(value_N[~np.isnan(value_N)], seed))


def _means(values: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the mean of each array over what is not nan; nan where all is."""
    return np.array(
        [
            one[~np.isnan(one)].mean() if not np.isnan(one).all() else np.nan
            for one in values
        ]
    )


def _correlation(x_N: np.ndarray, y_N: np.ndarray, seed: int) -> list[float | None]:
    return _plain(statistics.pearson(x_N, y_N, seed))


def _plain(interval: statistics.Interval) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 6) for value in interval]
