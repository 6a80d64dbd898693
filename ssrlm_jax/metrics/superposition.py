"""Scores that depend on how a prediction is laid upon the known structure.

Structures as in `coordinates`: of the same strand, atoms in the slots of `rna.atoms`.
A motion turns and shifts; mirror images are never laid upon each other. Angstrom.
"""

from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import coordinate_scores
from ssrlm_jax.rna import atoms

# Of TM-score's search: shortest fragment, rounds from each, and the range of the
# distance within which nucleotides are superposed again.
_SHORTEST, _NUM_ROUNDS, _CUTOFFS = 4, 20, (4.5, 8.0)


class Motion(NamedTuple):
    """A rotation and a shift: points move to `xyz_N3 @ turn_33.T + shift_3`."""

    turn_33: np.ndarray
    shift_3: np.ndarray


def fit(moving_N3: np.ndarray, fixed_N3: np.ndarray) -> Motion:
    """Returns the motion of least squared distance; never a mirror image.

    Args:
      moving_N3: angstrom.
      fixed_N3: the same points elsewhere. Without points nothing is moved.

    Raises:
      ValueError: shapes differ, or are not (N, 3).

    Source: Kabsch 1976, Acta Cryst. A 32, with the sign of Kabsch 1978, A 34.
    """
    moving_N3, fixed_N3 = np.asarray(moving_N3, float), np.asarray(fixed_N3, float)
    if moving_N3.shape != fixed_N3.shape or moving_N3.shape[1:] != (3,):
        raise ValueError(
            f"moving points {moving_N3.shape} and fixed points {fixed_N3.shape} are "
            "not both of one shape (N, 3)"
        )
    all_1N = np.ones((1, len(moving_N3)))
    turn_133, shift_13 = _superpositions(moving_N3, fixed_N3, all_1N)
    return Motion(turn_133[0], shift_13[0])


def rmsd(
    predicted_LT3: np.ndarray,
    is_predicted_LT: np.ndarray,
    true_LT3: np.ndarray,
    is_true_LT: np.ndarray,
    slot: int | None = None,
) -> float:
    """Returns the root mean squared distance of atoms after superposition.

    Args:
      predicted_LT3: angstrom, any frame; not read where there is no atom.
      is_predicted_LT: bool, which slots hold an atom.
      true_LT3: as `predicted_LT3`.
      is_true_LT: as `is_predicted_LT`.
      slot: of the atom to compare, such as `atoms.C1_PRIME`; all where None. OP1 and
        OP2 are taken as they are named.

    Returns:
      angstrom, over the atoms that both have; nan where they have none in common.

    Raises:
      ValueError: shapes differ, a coordinate is not finite, or there is no such slot.
    """
    predicted_LT3, is_predicted_LT, true_LT3, is_true_LT = (
        coordinate_scores.checked_both(
            predicted_LT3, is_predicted_LT, true_LT3, is_true_LT
        )
    )
    is_both_LT = is_predicted_LT & is_true_LT
    if slot is not None:
        if not 0 <= slot < is_both_LT.shape[1]:
            raise ValueError(f"slot={slot} is not one of 0..{is_both_LT.shape[1] - 1}")
        is_both_LT = is_both_LT & (np.arange(is_both_LT.shape[1]) == slot)
    if not is_both_LT.any():
        return np.nan
    moving_N3 = predicted_LT3[is_both_LT]
    fixed_N3 = true_LT3[is_both_LT]
    turn_33, shift_3 = fit(moving_N3, fixed_N3)
    away_N3 = moving_N3 @ turn_33.T + shift_3 - fixed_N3
    return float(np.sqrt((away_N3**2).sum(-1).mean()))


def tm_score(
    predicted_LT3: np.ndarray,
    is_predicted_LT: np.ndarray,
    true_LT3: np.ndarray,
    is_true_LT: np.ndarray,
) -> float:
    """Returns the TM-score of C3' with RNA's scale, nucleotide i on nucleotide i.

    The mean of 1 / (1 + (distance / scale)^2) over the C3' of the known structure, in
    the best superposition found: from every fragment of L, L/2, L/4, ... 4 nucleotides
    the close ones are superposed until they stay the same.

    Args:
      predicted_LT3: angstrom, any frame; not read where there is no atom.
      is_predicted_LT: bool, which slots hold an atom.
      true_LT3: as `predicted_LT3`.
      is_true_LT: as `is_predicted_LT`.

    Returns:
      0..1; a missing C3' counts as 0. nan where the known structure has no C3'.

    Raises:
      ValueError: shapes differ, or a coordinate is not finite.

    Source: Zhang and Skolnick 2004, Proteins 57; for RNA, Gong et al. 2019,
      Bioinformatics 35(21). As `USalign -TMscore 1`, or better.
    """
    predicted_LT3, is_predicted_LT, true_LT3, is_true_LT = (
        coordinate_scores.checked_both(
            predicted_LT3, is_predicted_LT, true_LT3, is_true_LT
        )
    )
    C3 = atoms.C3_PRIME
    num_true = int(is_true_LT[:, C3].sum())
    if not num_true:
        return np.nan
    is_both_L = is_true_LT[:, C3] & is_predicted_LT[:, C3]
    moving_N3 = predicted_LT3[is_both_L, C3]
    fixed_N3 = true_LT3[is_both_L, C3]
    num, scale = len(moving_N3), tm_scale(num_true)
    sizes = {max(num >> halved, min(_SHORTEST, num)) for halved in range(num)}
    best = 0.0
    for size in sorted(sizes, reverse=True):
        start_S = np.arange(num - size + 1)
        behind_SN = np.arange(num) - start_S[:, None]
        is_in_SN = (behind_SN >= 0) & (behind_SN < size)
        best = max(best, _refined(moving_N3, fixed_N3, is_in_SN, scale))
    return best / num_true


def tm_scale(length: int) -> float:
    """Returns the distance at which a nucleotide scores a half, in angstrom.

    Source: Gong et al. 2019, Bioinformatics 35(21), with its steps below 30.
    """
    if length >= 30:
        return 0.6 * float(np.sqrt(length - 0.5)) - 2.5
    return (3 + sum(length > last for last in (11, 15, 19, 23))) / 10


def _superpositions(
    moving_N3: np.ndarray, fixed_N3: np.ndarray, weight_SN: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns turn_S33 and shift_S3 of the best motion for each row of weights."""
    # Without points nothing is moved, and nothing divided by zero.
    total_S1 = np.maximum(weight_SN.sum(1, keepdims=True), 1e-9)
    from_S3, to_S3 = weight_SN @ moving_N3 / total_S1, weight_SN @ fixed_N3 / total_S1
    product_N9 = (fixed_N3[:, :, None] * moving_N3[:, None]).reshape(-1, 9)
    spread_S33 = (weight_SN @ product_N9 / total_S1).reshape(-1, 3, 3)
    spread_S33 -= to_S3[:, :, None] * from_S3[:, None]
    left_S33, _, right_S33 = np.linalg.svd(spread_S33)
    # A determinant of -1 is a mirror image, no motion: the axis that matters least is
    # turned back.
    is_mirrored_S = np.linalg.det(left_S33 @ right_S33) < 0
    left_S33[is_mirrored_S, :, 2] *= -1
    turn_S33 = left_S33 @ right_S33
    return turn_S33, to_S3 - np.einsum("SIJ,SJ->SI", turn_S33, from_S3)


def _refined(
    moving_N3: np.ndarray, fixed_N3: np.ndarray, is_in_SN: np.ndarray, scale: float
) -> float:
    """Returns the best sum of scores from any start, in rounds of superposition."""
    best = 0.0
    cutoff = float(np.clip(scale, *_CUTOFFS))
    for step in range(_NUM_ROUNDS + 1):
        turn_S33, shift_S3 = _superpositions(
            moving_N3, fixed_N3, is_in_SN.astype(float)
        )
        away_SN3 = moving_N3 @ turn_S33.transpose(0, 2, 1)
        away_SN3 += shift_S3[:, None] - fixed_N3
        square_SN = np.einsum("SND,SND->SN", away_SN3, away_SN3)
        score_S = (1 / (1 + square_SN / scale**2)).sum(1)
        best = max(best, float(score_S.max(initial=0.0)))
        # Narrow first, then wider: as the published program does.
        limit = cutoff - 1 if step == 0 else cutoff + 1
        # Three points define a superposition.
        third = min(3, square_SN.shape[1]) - 1
        third_S1 = np.partition(square_SN, third, axis=1)[:, third, None]
        is_near_SN = square_SN <= np.maximum(limit**2, third_S1)
        is_new_S = (is_near_SN != is_in_SN).any(1)
        if not is_new_S.any():
            break
        # Many starts come to the same points: each is followed once.
        is_in_SN = np.unique(is_near_SN[is_new_S], axis=0)
    return best
