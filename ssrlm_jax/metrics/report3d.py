"""Scores of a set of predicted structures, each with a bootstrap interval.

Every mean is over structures. What a prediction lacks of a known structure counts as
wrong; what it has beyond, where nothing was seen, counts for nothing. Structures as in
`coordinates`; angstrom.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import (
    confidence,
    coordinate_scores,
    statistics,
    stereochemistry,
    superposition,
)
from ssrlm_jax.rna import atoms, coordinates, pair_annotation, pair_kinds

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
COLUMNS = (
    *("id", "sample", "length", "seen", "coverage", "identity", "mean_plddt"),
    *SCORES,
    *("canonical_found", "canonical_known", "note"),
)

NOT_PREDICTED = "not predicted"  # the note of a row
_NO_PAIRS = coordinate_scores.PairScores(math.nan, math.nan)


class Model(NamedTuple):
    """A structure, known or predicted.

    Attributes:
      letters: of the strand, or of several behind each other.
      xyz_LT3: angstrom; not read where there is no atom.
      is_atom_LT: bool, which slots hold an atom.
      breaks: positions from 0 behind which no bond leads on.
      plddt_L: 0..1, nan where not known; None where nothing is said of confidence.
    """

    letters: str
    xyz_LT3: np.ndarray
    is_atom_LT: np.ndarray
    breaks: tuple[int, ...] = ()
    plddt_L: np.ndarray | None = None

    def without_atoms(self) -> "Model":
        """Returns what stands for a structure that was not predicted."""
        nothing_LT = np.zeros_like(self.is_atom_LT)
        return self._replace(is_atom_LT=nothing_LT, plddt_L=None)


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
      num_seen: nucleotides of the known structure that have atoms.
      num_covered: those of them that the prediction has, too.
      canonical: pairs of cis Watson-Crick edges that were found, and that are known.
      sample: which prediction of the structure it is, such as its file.
      note: what is to be said of it.
    """

    name: str
    length: int
    scores: dict[str, float]
    lddt_L: np.ndarray
    plddt_L: np.ndarray | None = None
    identity: float | None = None
    num_seen: int = 0
    num_covered: int = 0
    canonical: tuple[int, int] = (0, 0)
    sample: str = ""
    note: str = ""


def score(
    name: str,
    predicted: Model,
    known: Model,
    at_L: np.ndarray | None = None,
    identity: float | None = None,
    true: Sequence[pair_kinds.Pair] | None = None,
) -> Scored:
    """Scores one structure; what a prediction lacks counts as wrong.

    Base pairs of both are found by `rna.pair_annotation`; those of the prediction
    count where the known structure has both nucleotides. A structure without known
    pairs has no score of pairs, whatever is predicted. Clashes, bonds and chirality are
    those of the whole prediction, nan where it has no atom.

    Args:
      name: of the structure.
      predicted: the prediction.
      known: the truth.
      at_L: the position in the prediction of each known nucleotide, -1 where it has
        none; letters that differ are none, too. None: both have the same letters.
      identity: see `Scored`.
      true: of `base_pairs` of the known structure; None: they are found here.

    Raises:
      ValueError: letters differ without `at_L`, or a coordinate is not finite.
    """
    if at_L is None:
        if predicted.letters != known.letters:
            raise ValueError(f"{name}: the prediction is of another sequence")
        at_L = np.arange(len(known.letters))
    moved = along(predicted, known, at_L)
    both = moved.xyz_LT3, moved.is_atom_LT, known.xyz_LT3, known.is_atom_LT
    c1 = coordinate_scores.lddt_c1(*both)
    is_seen_L = known.is_atom_LT.any(1)
    is_covered_L = is_seen_L & moved.is_atom_LT.any(1)
    values = {
        "lddt": coordinate_scores.lddt_all_atom(*both).score,
        "lddt_c1": c1.score,
        "tm_score": superposition.tm_score(*both),
        "rmsd": superposition.rmsd(*both),
    }
    place_M = np.full(len(predicted.letters) + 1, -1)  # the last: of -1
    place_M[at_L[is_covered_L]] = np.flatnonzero(is_covered_L)
    true = base_pairs(known) if true is None else true
    of_pairs, canonical = _of_pairs(base_pairs(predicted), true, place_M)
    return Scored(
        name,
        len(known.letters),
        values | of_pairs | _violations(predicted),
        c1.score_L,
        moved.plddt_L,
        identity,
        int(is_seen_L.sum()),
        int(is_covered_L.sum()),
        canonical,
    )


def _of_pairs(
    found: Sequence[pair_kinds.Pair],
    true: Sequence[pair_kinds.Pair],
    place_M: np.ndarray,
) -> tuple[dict[str, float], tuple[int, int]]:
    """Returns scores of pairs, and how many canonical ones are found and known."""
    networks, counts = [], (0, 0)
    for edges in ("", "cWW"):
        true_P2, found_P2 = _places(true, edges), place_M[_places(found, edges)]
        found_P2 = found_P2[(found_P2 >= 0).all(1)]
        network = coordinate_scores.interaction_network_fidelity(found_P2, true_P2)
        networks.append(network if len(true_P2) else _NO_PAIRS)
        ours, theirs = (set(map(tuple, x.tolist())) for x in (found_P2, true_P2))
        counts = len(ours & theirs), len(theirs)
    every, canonical = networks
    return {
        "fidelity": every.fidelity,
        "pair_f1": every.f1,
        "canonical_f1": canonical.f1,
    }, counts


def _violations(predicted: Model) -> dict[str, float]:
    """Returns the scores that need no known structure."""
    own = predicted.xyz_LT3, predicted.is_atom_LT
    handed = stereochemistry.chirality(*own)
    clashes = stereochemistry.clashes(predicted.letters, *own, predicted.breaks)
    return {
        "clashes": clashes.per_thousand,
        "bond_outliers": stereochemistry.bond_outliers(*own, predicted.breaks).share,
        "wrong_chirality": handed.num_wrong / handed.num_centres
        if handed.num_centres
        else math.nan,
    }


def along(predicted: Model, known: Model, at_L: np.ndarray) -> Model:
    """Returns a prediction in the places of the known structure.

    Args:
      predicted: the prediction.
      known: the truth.
      at_L: see `score`; a nucleotide of another letter has no atoms.
    """
    is_same_L = np.array(
        [
            at >= 0 and predicted.letters[at] == letter
            for at, letter in zip(at_L.tolist(), known.letters, strict=True)
        ],
        bool,
    )
    plddt_L = None
    if predicted.plddt_L is not None:
        plddt_L = np.where(is_same_L, predicted.plddt_L[at_L], np.nan)
    return Model(
        known.letters,
        predicted.xyz_LT3[at_L],
        predicted.is_atom_LT[at_L] & is_same_L[:, None],
        (),
        plddt_L,
    )


def base_pairs(model: Model) -> list[pair_kinds.Pair]:
    """Returns the base pairs of a structure, canonical and other."""
    at_N2 = np.argwhere(model.is_atom_LT)
    names = [atoms.NAMES.get(letter, atoms.BACKBONE) for letter in model.letters]
    chain = coordinates.Chain(
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
    return pair_annotation.annotate([chain])


def report(scored: Sequence[Scored], seed: int = 0) -> dict[str, object]:
    """Returns all scores as a nested dict; a score is [value, low, high].

    The interval is the middle 95 % over structures drawn anew (metrics.statistics); a
    score that is not defined is None. `coverage` is the share of the nucleotides that
    were seen which predictions have. `with_length` and `with_identity` are Pearson's
    correlations of lDDT. Of confidence there is something where some have it, of those.
    """
    length_N = np.array([one.length for one in scored], float)
    num_seen = sum(one.num_seen for one in scored)
    found: dict[str, object] = {
        "structures": len(scored),
        "nucleotides": int(length_N.sum()),
        "seen": num_seen,
        "coverage": round(sum(one.num_covered for one in scored) / max(num_seen, 1), 6),
        "scores": means(scored, seed),
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
    sure = [(one.plddt_L, one.lddt_L) for one in scored if one.plddt_L is not None]
    if sure:
        plddts, lddts = zip(*sure, strict=True)
        found["confidence"] = _confidence(plddts, lddts, seed)
    return found


def means(scored: Sequence[Scored], seed: int = 0) -> dict[str, list[float | None]]:
    """Returns the mean of each of SCORES where it is defined, with its interval."""
    return {name: _mean(_column(scored, name), seed) for name in SCORES}


def of_samples(samples: Sequence[Sequence[Scored]], seed: int = 0) -> dict[str, object]:
    """Returns what several predictions of each structure come to.

    Args:
      samples: of each structure, at least one; the first is what `report` has.
      seed: of the bootstrap.

    Returns:
      `most`: samples of a structure; `best`: means of the samples of highest all-atom
      lDDT; `mean`: means of the mean over the samples of each structure.
    """
    best = [max(ours, key=lambda one: one.scores["lddt"]) for ours in samples]
    middle = [
        ours[0]._replace(
            scores={n: float(_means([_column(ours, n)])[0]) for n in SCORES}
        )
        for ours in samples
    ]
    return {
        "most": max(map(len, samples), default=0),
        "best": means(best, seed),
        "mean": means(middle, seed),
    }


def rows(scored: Iterable[Scored]) -> list[list[object]]:
    """Returns a header and a row of scores for each structure."""
    found: list[list[object]] = [list(COLUMNS)]
    for one in scored:
        plddt = [one.plddt_L] if one.plddt_L is not None else []
        numbers = [
            one.num_covered / one.num_seen if one.num_seen else math.nan,
            math.nan if one.identity is None else one.identity,
            *(_means(plddt).tolist() or [math.nan]),
            *(one.scores[name] for name in SCORES),
        ]
        found.append(
            [one.name, one.sample, one.length, one.num_seen]
            + ["" if math.isnan(value) else f"{value:.4f}" for value in numbers]
            + [*one.canonical, one.note]
        )
    return found


def _confidence(
    plddts: Sequence[np.ndarray], lddts: Sequence[np.ndarray], seed: int
) -> dict[str, object]:
    """Returns how well pLDDT agrees with the lDDT of C1'."""
    agreement = confidence.plddt_agreement(
        np.concatenate(plddts), np.concatenate(lddts)
    )
    rounded = [
        [None if math.isnan(value) else round(float(value), 4) for value in values]
        for values in (agreement.plddt_N, agreement.lddt_N)
    ]
    return {
        "structures": len(plddts),
        "mean_plddt": round(float(np.nanmean(_means(plddts))), 6),
        "pearson_of_nucleotides": statistics.plain(
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


def _places(found: Iterable[pair_kinds.Pair], edges: str = "") -> np.ndarray:
    """Returns positions of pairs, of certain edges or of any, (P, 2)."""
    positions = [(p.i, p.j) for p in found if not edges or p.edges == edges]
    return np.array(positions, np.int64).reshape(-1, 2)


def _column(scored: Sequence[Scored], name: str) -> np.ndarray:
    return np.array([one.scores[name] for one in scored], float)


def _mean(value_N: np.ndarray, seed: int) -> list[float | None]:
    """Returns the mean over where it is defined, with its interval."""
    return statistics.plain(statistics.of_mean(value_N[~np.isnan(value_N)], seed))


def _means(values: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the mean of each array over what is not nan; nan where all is."""
    return np.array(
        [
            one[~np.isnan(one)].mean() if not np.isnan(one).all() else np.nan
            for one in values
        ]
    )


def _correlation(x_N: np.ndarray, y_N: np.ndarray, seed: int) -> list[float | None]:
    return statistics.plain(statistics.pearson(x_N, y_N, seed))
