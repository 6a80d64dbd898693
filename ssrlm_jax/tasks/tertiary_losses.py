"""Losses of predicted structures; pure functions, float32, angstrom.

Each returns one value for each example, 0 where nothing is known. Source: Jumper et
al. 2021, Supplement 1.9. Axes beyond models/layers.py: T slots of atoms, K torsions,
N points or bins, F frames.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ssrlm_jax.models import geometry
from ssrlm_jax.rna import atoms

UNIT = 10.0  # angstrom that count as 1
TIE = 1e-4  # share by which other names of two atoms must fit better
FLAT = 1e-4  # of a squared error: its root has a gradient at 0
RADIUS, LIMITS = 15.0, (0.5, 1.0, 2.0, 4.0)  # of lDDT
OVERLAP = 1.5  # angstrom that radii of van der Waals may overlap
LEAST_DEVIATIONS = 12.0  # of a bond, which are free
PAIR_WEIGHT = 10.0  # of a base pair: few of all pairs are

DISTANCE_SLOTS = (atoms.P, atoms.C4_PRIME, atoms.GLYCOSIDIC)


def frame_error(
    found: geometry.Frames,
    found_BN3: jax.Array,
    true: geometry.Frames,
    true_BN3: jax.Array,
    is_frame_BF: jax.Array,
    is_point_BN: jax.Array,
    limit_B: jax.Array,
) -> jax.Array:
    """Returns the frame-aligned point error, in UNIT (algorithm 28).

    Args:
      found: (B, F).
      found_BN3: points.
      true: (B, F).
      true_BN3: points.
      is_frame_BF: bool, frames that are known.
      is_point_BN: bool, points that are known.
      limit_B: angstrom; larger errors count as this. inf: none.
    """
    own_BFN3 = found.at(-1).inverse(found_BN3[:, None])
    known_BFN3 = true.at(-1).inverse(true_BN3[:, None])
    error_BFN = jnp.sqrt(jnp.square(own_BFN3 - known_BFN3).sum(-1) + FLAT)
    # Frames that are far off, as all are at first, would drown the near ones.
    error_BFN = jnp.minimum(error_BFN, limit_B[:, None, None])
    is_BFN = is_frame_BF[:, :, None] & is_point_BN[:, None]
    return _mean(error_BFN, is_BFN) / UNIT


def renamed(
    xyz_BLT3: jax.Array, true_BLT3: jax.Array, is_BLT: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Swaps OP1 and OP2 of true atoms where that fits the prediction better.

    Fit is that of distances to every C1' (algorithm 26).

    Returns:
      true_BLT3 and is_BLT, swapped.
    """
    one, two = atoms.SWAPPED
    swapped = np.arange(atoms.SLOTS)
    swapped[[one, two]] = two, one
    anchor_BM3 = true_BLT3[:, :, atoms.C1_PRIME]
    is_BLM = is_BLT[:, None, :, atoms.C1_PRIME] & is_BLT[:, :, None, one]

    def gap(slot: int, named: int) -> jax.Array:
        found_BLM = geometry.distances(
            xyz_BLT3[:, :, slot], xyz_BLT3[:, :, atoms.C1_PRIME]
        )
        true_BLM = geometry.distances(true_BLT3[:, :, named], anchor_BM3)
        return jnp.where(is_BLM, jnp.abs(found_BLM - true_BLM), 0.0).sum(-1)

    as_named_BL = gap(one, one) + gap(two, two)
    swapped_BL = gap(one, two) + gap(two, one)
    # By more than rounding: ties must not swap from step to step.
    is_swapped_BL = swapped_BL < (1 - TIE) * as_named_BL
    is_swapped_BL &= is_BLT[:, :, one] & is_BLT[:, :, two]
    return (
        jnp.where(is_swapped_BL[..., None, None], true_BLT3[:, :, swapped], true_BLT3),
        jnp.where(is_swapped_BL[..., None], is_BLT[:, :, swapped], is_BLT),
    )


def torsion_error(
    found_BLK2: jax.Array, true_BLK2: jax.Array, is_BLK: jax.Array
) -> jax.Array:
    """Returns the squared distance of points on the circle (algorithm 27)."""
    return _mean(jnp.square(found_BLK2 - true_BLK2).sum(-1), is_BLK)


def torsion_norm_error(raw_BLK2: jax.Array, is_BL: jax.Array) -> jax.Array:
    """Returns how far torsions are from length 1 before they get it."""
    error_BLK = jnp.abs(geometry.length(raw_BLK2) - 1.0)
    return _mean(error_BLK, jnp.broadcast_to(is_BL[..., None], error_BLK.shape))


def distance_error(
    logits_B3LMN: jax.Array, true_BLT3: jax.Array, is_BLT: jax.Array
) -> jax.Array:
    """Returns the cross-entropy of bins of 1 angstrom, the last one open, nats."""
    slots = np.array(DISTANCE_SLOTS)
    xyz_B3L3 = jnp.swapaxes(true_BLT3[:, :, slots], 1, 2)
    is_B3L = jnp.swapaxes(is_BLT[:, :, slots], 1, 2)
    num_bins = logits_B3LMN.shape[-1]
    far_B3LM = geometry.distances(xyz_B3L3, xyz_B3L3)
    bin_B3LM = jnp.minimum(far_B3LM.astype(jnp.int32), num_bins - 1)
    error_B3LM = optax.softmax_cross_entropy_with_integer_labels(logits_B3LMN, bin_B3LM)
    return _mean(error_B3LM, is_B3L[..., None] & is_B3L[..., None, :])


def pair_error(
    logits_BLM: jax.Array, pair_BLM: jax.Array, is_BL: jax.Array
) -> jax.Array:
    """Returns the cross-entropy of base pairs, nats; pairs weigh PAIR_WEIGHT."""
    error_BLM = optax.sigmoid_binary_cross_entropy(
        logits_BLM, pair_BLM.astype(jnp.float32)
    )
    # Of L positions each pairs with one at most.
    weight_BLM = jnp.where(pair_BLM, PAIR_WEIGHT, 1.0)
    return _mean(error_BLM * weight_BLM, is_BL[:, :, None] & is_BL[:, None])


def lddt(found_BL3: jax.Array, true_BL3: jax.Array, is_BL: jax.Array) -> jax.Array:
    """Returns the lDDT of points, (B, L) in 0..1; 0 for points without neighbours.

    The same as metrics.coordinate_scores' of C1', for the target of the confidence.
    """
    true_BLM = geometry.distances(true_BL3, true_BL3)
    is_other_LM = ~jnp.eye(is_BL.shape[1], dtype=bool)
    is_near_BLM = (true_BLM < RADIUS) & is_other_LM[None]
    is_near_BLM &= is_BL[:, :, None] & is_BL[:, None]
    error_BLM = jnp.abs(geometry.distances(found_BL3, found_BL3) - true_BLM)
    kept_BLM = sum((error_BLM < limit).astype(jnp.float32) for limit in LIMITS)
    total_BL = jnp.where(is_near_BLM, kept_BLM, 0.0).sum(-1) / len(LIMITS)
    return total_BL / jnp.maximum(is_near_BLM.sum(-1), 1)


def local_error(
    xyz_BLT3: jax.Array, true_BLT3: jax.Array, is_BLT: jax.Array
) -> jax.Array:
    """Returns 1 - lDDT of the atoms of DISTANCE_SLOTS, pooled; smooth in distances.

    Unlike frame errors it gains nothing from a chain that shrinks where the network
    is unsure. Source: Abramson et al. 2024, Supplement, algorithm 27; here with the
    radius of the metric.
    """
    slots = np.array(DISTANCE_SLOTS)
    B, L, N = *is_BLT.shape[:2], len(slots)
    found_BN3, true_BN3 = (
        x[:, :, slots].reshape(B, -1, 3) for x in (xyz_BLT3, true_BLT3)
    )
    is_BN = is_BLT[:, :, slots].reshape(B, -1)
    owner_N = np.repeat(np.arange(L), N)
    far_BNN = geometry.distances(true_BN3, true_BN3)
    is_near_BNN = (far_BNN < RADIUS) & is_BN[:, :, None] & is_BN[:, None]
    is_near_BNN &= (owner_N[:, None] != owner_N)[None]
    error_BNN = jnp.abs(geometry.distances(found_BN3, found_BN3) - far_BNN)
    kept_BNN = jnp.zeros_like(error_BNN)
    for limit in LIMITS:
        kept_BNN += jax.nn.sigmoid(limit - error_BNN)
    return _mean(1.0 - kept_BNN / len(LIMITS), is_near_BNN)


def confidence_error(
    logits_BLN: jax.Array, lddt_BL: jax.Array, is_BL: jax.Array
) -> jax.Array:
    """Returns the cross-entropy of bins of lDDT, nats; its target has no gradient."""
    num_bins = logits_BLN.shape[-1]
    bin_BL = (jax.lax.stop_gradient(lddt_BL) * num_bins).astype(jnp.int32)
    error_BL = optax.softmax_cross_entropy_with_integer_labels(
        logits_BLN, jnp.minimum(bin_BL, num_bins - 1)
    )
    return _mean(error_BL, is_BL)


def bond_error(xyz_BLT3: jax.Array, index_BL: jax.Array, is_BL: jax.Array) -> jax.Array:
    """Returns how far bonds are off that no rigid group keeps, angstrom.

    These are O3'-P between neighbours, and C3'-C4', which closes the ring of the
    sugar. Also the two angles at O3'-P, by their cosines. Small deviations are free.
    """
    is_next_BL = (
        (index_BL[:, 1:] - index_BL[:, :-1] == 1) & is_BL[:, 1:] & is_BL[:, :-1]
    )
    first_BLT3, second_BLT3 = xyz_BLT3[:, :-1], xyz_BLT3[:, 1:]
    o3_BL3, p_BL3 = first_BLT3[:, :, atoms.O3_PRIME], second_BLT3[:, :, atoms.P]
    link_BL = _beyond(geometry.length(p_BL3 - o3_BL3), *atoms.LINK)
    c3_BL3, o5_BL3 = first_BLT3[:, :, atoms.C3_PRIME], second_BLT3[:, :, atoms.O5_PRIME]
    at_p, at_o3 = atoms.LINK_COSINES
    angle_BL = _beyond(_cosine(o3_BL3, p_BL3, o5_BL3), at_p, 0.02)
    angle_BL += _beyond(_cosine(c3_BL3, o3_BL3, p_BL3), at_o3, 0.02)
    ring_BL = geometry.length(
        xyz_BLT3[:, :, atoms.C3_PRIME] - xyz_BLT3[:, :, atoms.C4_PRIME]
    )
    ring_BL = _beyond(ring_BL, *atoms.BACKBONE_BONDS["C4'", "C3'"])
    return _mean(link_BL + angle_BL, is_next_BL) + _mean(ring_BL, is_BL)


def clash_error(
    xyz_BLT3: jax.Array, radius_BLT: jax.Array, index_BL: jax.Array, is_BLT: jax.Array
) -> jax.Array:
    """Returns overlaps of atoms of nucleotides that are no neighbours, angstrom.

    The sum over all pairs of atoms, for each nucleotide (algorithm's equation 46).
    """
    B, L, T = is_BLT.shape
    xyz_BN3, radius_BN = xyz_BLT3.reshape(B, -1, 3), radius_BLT.reshape(B, -1)
    index_BN = jnp.repeat(index_BL, T, axis=1)
    is_BN = is_BLT.reshape(B, -1)
    far_BNN = geometry.distances(xyz_BN3, xyz_BN3)
    least_BNN = radius_BN[:, :, None] + radius_BN[:, None] - OVERLAP
    is_apart_BNN = index_BN[:, None] - index_BN[:, :, None] > 1
    is_apart_BNN &= is_BN[:, :, None] & is_BN[:, None]
    overlap_BNN = jnp.where(is_apart_BNN, jax.nn.relu(least_BNN - far_BNN), 0.0)
    count_B = jnp.maximum(is_BLT.any(-1).sum(-1), 1)
    return overlap_BNN.sum((1, 2)) / count_B


def _beyond(value: jax.Array, mean: float, deviation: float) -> jax.Array:
    """Returns what is beyond the deviations that are free."""
    return jax.nn.relu(jnp.abs(value - mean) - LEAST_DEVIATIONS * deviation)


def _cosine(a_3: jax.Array, b_3: jax.Array, c_3: jax.Array) -> jax.Array:
    """Returns the cosine of the angle at b."""
    return (geometry.unit(a_3 - b_3) * geometry.unit(c_3 - b_3)).sum(-1)


def _mean(value_BN: jax.Array, is_BN: jax.Array) -> jax.Array:
    """Returns the mean over what is known, for each example."""
    axes = tuple(range(1, value_BN.ndim))
    total_B = jnp.where(is_BN, value_BN, 0.0).sum(axes)
    return total_B / jnp.maximum(is_BN.sum(axes), 1)
