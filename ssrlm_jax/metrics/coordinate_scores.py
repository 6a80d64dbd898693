"""Scores of predicted coordinates against those of a known structure.

Both structures are of the same strand, their atoms in the slots of `rna.atoms`: arrays
of places and of which slots hold an atom. Coordinates in angstrom, computed in
float64. What the known structure lacks is never scored.

lDDT is not one number: pooled over all atoms, as at CASP15, and as the mean over C1',
as RhoFold's evaluation has it, differ by 0.07 on the same models. Neither sees a mirror
image; `stereochemistry.chirality` does.
"""

from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import atoms, structures

RADIUS = 15.0
THRESHOLDS = (0.5, 1.0, 2.0, 4.0)


class Lddt(NamedTuple):
    """A local distance difference test, 0..1.

    Attributes:
      score: of the structure; nan where it has no contact.
      score_L: float64, of each nucleotide; nan where it is not seen or has no contact.
    """

    score: float
    score_L: np.ndarray


class PairScores(NamedTuple):
    """Interaction network fidelity and F1 of base pairs, 0..1."""

    fidelity: float
    f1: float


def lddt_all_atom(
    predicted_LT3: np.ndarray,
    is_predicted_LT: np.ndarray,
    true_LT3: np.ndarray,
    is_true_LT: np.ndarray,
    *,
    is_renamed: bool = False,
) -> Lddt:
    """Scores how well all atoms keep their distances, pooled over contacts.

    A contact is two atoms of different nucleotides closer than RADIUS in the known
    structure; it scores the share of THRESHOLDS that the error of its distance stays
    below, and 0 where the prediction lacks an atom. Stereochemistry is not checked.

    Args:
      predicted_LT3: angstrom, any frame; not read where there is no atom.
      is_predicted_LT: bool, which slots hold an atom.
      true_LT3: as `predicted_LT3`.
      is_true_LT: as `is_predicted_LT`.
      is_renamed: whether OP1 and OP2, equal in chemistry, change names in nucleotides
        where that is better, as in later versions of OpenStructure. Models that name
        them differently gain up to 0.02.

    Returns:
      The mean over all contacts, and that over the contacts of each nucleotide.

    Raises:
      ValueError: shapes differ, or a coordinate is not finite.

    Source: Mariani et al. 2013, Bioinformatics 29(21), with the rules of CASP15:
      OpenStructure's `compare-structures --lddt --lddt-no-stereochecks`.
    """
    predicted_LT3, is_predicted_LT, true_LT3, is_true_LT = checked_both(
        predicted_LT3, is_predicted_LT, true_LT3, is_true_LT
    )
    L, T = is_true_LT.shape
    contacts_N2, true_N = _contacts(true_LT3, is_true_LT)
    predicted_S3 = predicted_LT3.reshape(-1, 3)
    is_predicted_S = is_predicted_LT.reshape(-1)
    if is_renamed:
        order_S = _renamed(predicted_S3, is_predicted_S, contacts_N2, true_N, T)
        predicted_S3, is_predicted_S = predicted_S3[order_S], is_predicted_S[order_S]
    kept_N = _kept(predicted_S3, is_predicted_S, contacts_N2, true_N)
    score_L = _mean_by(contacts_N2 // T, kept_N, L)
    return Lddt(float(kept_N.mean()) if len(kept_N) else np.nan, score_L)


def lddt_c1(
    predicted_LT3: np.ndarray,
    is_predicted_LT: np.ndarray,
    true_LT3: np.ndarray,
    is_true_LT: np.ndarray,
) -> Lddt:
    """Scores how well C1' keep their distances: the mean over nucleotides.

    As `lddt_all_atom`, but of C1' alone, and every nucleotide weighs the same.

    Args:
      predicted_LT3: angstrom, any frame; not read where there is no atom.
      is_predicted_LT: bool, which slots hold an atom.
      true_LT3: as `predicted_LT3`.
      is_true_LT: as `is_predicted_LT`.

    Raises:
      ValueError: shapes differ, or a coordinate is not finite.

    Source: the evaluation of RhoFold: Shen et al. 2024, Nature Methods 21.
    """
    predicted_LT3, is_predicted_LT, true_LT3, is_true_LT = checked_both(
        predicted_LT3, is_predicted_LT, true_LT3, is_true_LT
    )
    C1 = atoms.C1_PRIME
    contacts_N2, true_N = _contacts(true_LT3[:, C1, None], is_true_LT[:, C1, None])
    predicted_L3 = predicted_LT3[:, C1]
    kept_N = _kept(predicted_L3, is_predicted_LT[:, C1], contacts_N2, true_N)
    score_L = _mean_by(contacts_N2, kept_N, len(predicted_L3))
    scored = score_L[~np.isnan(score_L)]
    return Lddt(float(scored.mean()) if len(scored) else np.nan, score_L)


def interaction_network_fidelity(
    predicted_P2: np.ndarray, true_P2: np.ndarray
) -> PairScores:
    """Scores the base pairs of a structure: geometric and harmonic mean.

    The means of precision and recall; a pair is right where the known structure has
    it. What empty ones score: see `pairs`.

    Args:
      predicted_P2: positions from 0; order and repetition do not matter.
      true_P2: as `predicted_P2`.

    Raises:
      ValueError: a position is negative, or is paired with itself.

    Source: Parisien et al. 2009, RNA 15.
    """
    both = [
        np.asarray(given, np.int64).reshape(-1, 2) for given in (predicted_P2, true_P2)
    ]
    length = max((int(given.max()) + 1 for given in both if given.size), default=0)
    counts = np.array(
        pair_scores.count(*(structures.Structure(length, given) for given in both))
    )
    fidelity = np.sqrt(pair_scores.precision(counts) * pair_scores.recall(counts))
    return PairScores(float(fidelity), float(pair_scores.f1(counts)))


def checked(
    name: str, xyz_LT3: np.ndarray, is_atom_LT: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns atoms as float64, zeros where there is none, and bool.

    Args:
      name: for errors.
      xyz_LT3: angstrom.
      is_atom_LT: bool, which slots hold an atom.

    Raises:
      ValueError: shapes are not (L, SLOTS, 3) and (L, SLOTS), or the coordinate of an
        atom is not finite.
    """
    xyz_LT3, is_atom_LT = np.asarray(xyz_LT3, np.float64), np.asarray(is_atom_LT, bool)
    L = len(xyz_LT3)
    if xyz_LT3.shape != (L, atoms.SLOTS, 3) or is_atom_LT.shape != (L, atoms.SLOTS):
        raise ValueError(
            f"{name} coordinates {xyz_LT3.shape} and atoms {is_atom_LT.shape} are not "
            f"(L, {atoms.SLOTS}, 3) and (L, {atoms.SLOTS})"
        )
    xyz_LT3 = np.where(is_atom_LT[..., None], xyz_LT3, 0.0)
    wrong_N = np.flatnonzero(~np.isfinite(xyz_LT3).all((1, 2)))
    if len(wrong_N):
        raise ValueError(
            f"{name} coordinates of nucleotide {wrong_N[0] + 1} are not finite"
        )
    return xyz_LT3, is_atom_LT


def checked_both(
    predicted_LT3: np.ndarray,
    is_predicted_LT: np.ndarray,
    true_LT3: np.ndarray,
    is_true_LT: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns two structures as `checked` does.

    Raises:
      ValueError: as `checked`, or they differ in length.
    """
    predicted_LT3, is_predicted_LT = checked(
        "predicted", predicted_LT3, is_predicted_LT
    )
    true_LT3, is_true_LT = checked("true", true_LT3, is_true_LT)
    if len(predicted_LT3) != len(true_LT3):
        raise ValueError(
            f"the prediction has {len(predicted_LT3)} nucleotides, the known structure "
            f"{len(true_LT3)}"
        )
    return predicted_LT3, is_predicted_LT, true_LT3, is_true_LT


def _contacts(
    xyz_LT3: np.ndarray, is_atom_LT: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns contacts as numbers of slots along the strand, and their distances."""
    from scipy import spatial  # type: ignore[import-untyped]  # a fifth of a second

    xyz_S3, slot_S = xyz_LT3.reshape(-1, 3), np.flatnonzero(is_atom_LT)
    tree = spatial.cKDTree(xyz_S3[slot_S])
    pairs_N2 = slot_S[tree.query_pairs(RADIUS, output_type="ndarray")]
    nucleotide_N2 = pairs_N2 // is_atom_LT.shape[1]
    pairs_N2 = pairs_N2[nucleotide_N2[:, 0] != nucleotide_N2[:, 1]]
    apart_N = _distances(xyz_S3, pairs_N2)
    is_near_N = apart_N < RADIUS
    return pairs_N2[is_near_N], apart_N[is_near_N]


def _distances(xyz_S3: np.ndarray, pairs_N2: np.ndarray) -> np.ndarray:
    step_N3 = xyz_S3[pairs_N2[:, 0]] - xyz_S3[pairs_N2[:, 1]]
    return np.sqrt(np.einsum("ND,ND->N", step_N3, step_N3))


def _kept(
    xyz_S3: np.ndarray,
    is_atom_S: np.ndarray,
    contacts_N2: np.ndarray,
    true_N: np.ndarray,
) -> np.ndarray:
    """Returns the share of thresholds that each contact keeps."""
    error_N = np.abs(_distances(xyz_S3, contacts_N2) - true_N)
    below_N = sum((error_N < limit for limit in THRESHOLDS), np.zeros(len(error_N)))
    is_both_N = is_atom_S[contacts_N2[:, 0]] & is_atom_S[contacts_N2[:, 1]]
    return np.where(is_both_N, below_N / len(THRESHOLDS), 0.0)


def _renamed(
    xyz_S3: np.ndarray,
    is_atom_S: np.ndarray,
    contacts_N2: np.ndarray,
    true_N: np.ndarray,
    num_slots: int,
) -> np.ndarray:
    """Returns which slot to read for each, OP1 and OP2 named as they fit better.

    Judged by the contacts of a nucleotide's two with atoms whose names are certain.
    """
    slot_S = np.arange(len(xyz_S3))
    first, second = atoms.SWAPPED
    other_LT = slot_S.reshape(-1, num_slots).copy()
    other_LT[:, [first, second]] = other_LT[:, [second, first]]
    other_S = other_LT.reshape(-1)
    is_free_N2 = np.isin(contacts_N2 % num_slots, atoms.SWAPPED)
    is_one_N = is_free_N2[:, 0] != is_free_N2[:, 1]
    contacts_N2, true_N = contacts_N2[is_one_N], true_N[is_one_N]
    gained_N = _kept(xyz_S3, is_atom_S, other_S[contacts_N2], true_N)
    gained_N -= _kept(xyz_S3, is_atom_S, contacts_N2, true_N)
    owner_N = contacts_N2[is_free_N2[is_one_N]] // num_slots
    num_nucleotides = len(slot_S) // num_slots
    is_better_L = np.bincount(owner_N, gained_N, num_nucleotides) > 0
    return np.where(np.repeat(is_better_L, num_slots), other_S, slot_S)


def _mean_by(owners_N2: np.ndarray, values_N: np.ndarray, num: int) -> np.ndarray:
    """Returns the mean of the values that each of `num` owns; nan where none."""
    count_L = np.zeros(num)
    total_L = np.zeros(num)
    for owner_N in owners_N2.T:
        count_L += np.bincount(owner_N, minlength=num)
        total_L += np.bincount(owner_N, values_N, num)
    mean_L = np.full(num, np.nan)
    return np.divide(total_L, count_L, out=mean_L, where=count_L > 0)
