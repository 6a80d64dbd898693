"""Vectors, rotations and frames of nucleotides; pure functions, always float32.

Frames map local to global coordinates: x = R x_local + t. Lengths in the unit of the
caller. Axes beyond models/layers.py: T atoms of a nucleotide, K its torsions, N points,
V kinds of nucleotides; `...` any.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import chex
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

EPSILON = 1e-8  # of squared lengths: gradients stay finite where points coincide


class Frames(NamedTuple):
    """Rigid placements.

    Attributes:
      turn_33: (..., 3, 3), rotations; columns are the local axes.
      origin_3: (..., 3).
    """

    turn_33: jax.Array
    origin_3: jax.Array

    def apply(self, x_3: jax.Array) -> jax.Array:
        """Returns local points in global coordinates."""
        return rotate(self.turn_33, x_3) + self.origin_3

    def inverse(self, x_3: jax.Array) -> jax.Array:
        """Returns global points in local coordinates."""
        return rotate(jnp.swapaxes(self.turn_33, -1, -2), x_3 - self.origin_3)

    def compose(self, other: "Frames") -> "Frames":
        """Returns frames given in these ones, in global coordinates."""
        return Frames(matmul(self.turn_33, other.turn_33), self.apply(other.origin_3))

    def at(self, *axes: int) -> "Frames":
        """Returns the frames with axes of size 1 put in at these places.

        Args:
          *axes: negative, counted among the axes before those of a frame.
        """
        turn_33, origin_3 = self
        for axis in axes:
            turn_33 = jnp.expand_dims(turn_33, axis - 2)
            origin_3 = jnp.expand_dims(origin_3, axis - 1)
        return Frames(turn_33, origin_3)


@flax.struct.dataclass
class Groups:
    """Tables of rigid groups, as rna/atoms.py's `Geometry` explains them.

    Attributes:
      frame_V3: int, slots that a frame is made of.
      torsion_VK4: int, slots.
      parent_K: int, of Python: group 0 is the frame, group k turns with torsion k.
      turn_VK33: float.
      shift_VK3: float.
      group_VT: int.
      place_VT3: float.
      is_atom_VT: bool, slots that a nucleotide has.
      order_VT: int, slots in the order that published weights know.
      anchor: of Python, slot of C1', whose distances are looked at between cycles.
      softening: added to the lengths of torsions' cosines and sines.
    """

    frame_V3: jax.Array
    torsion_VK4: jax.Array
    parent_K: tuple[int, ...] = flax.struct.field(pytree_node=False)
    turn_VK33: jax.Array
    shift_VK3: jax.Array
    group_VT: jax.Array
    place_VT3: jax.Array
    is_atom_VT: jax.Array
    order_VT: jax.Array
    anchor: int = flax.struct.field(pytree_node=False)
    softening: float = flax.struct.field(pytree_node=False)


def groups(tables: Mapping[str, object]) -> Groups:
    """Returns the tables of a geometry as arrays; `tables` has them by name."""
    names = [field.name for field in dataclasses.fields(Groups)]
    found: dict[str, Any] = {name: tables[name] for name in names}
    arrays = {n: jnp.asarray(v) for n, v in found.items() if np.ndim(v)}
    parents = tuple(int(parent) for parent in found["parent_K"])
    return Groups(**found | arrays | {"parent_K": parents})


def rotate(turn_33: jax.Array, x_3: jax.Array) -> jax.Array:
    """Returns rotated vectors; written out, so that no back end lowers precision."""
    return (turn_33 * x_3[..., None, :]).sum(-1)


def matmul(first_33: jax.Array, second_33: jax.Array) -> jax.Array:
    """Returns products of rotations, written out likewise."""
    return (first_33[..., :, :, None] * second_33[..., None, :, :]).sum(-2)


def length(x_3: jax.Array) -> jax.Array:
    """Returns lengths of vectors, (...); sqrt(EPSILON) for zero."""
    return jnp.sqrt(jnp.square(x_3).sum(-1) + EPSILON)


def unit(x_3: jax.Array) -> jax.Array:
    """Returns vectors of length 1; zero for zero."""
    return x_3 / length(x_3)[..., None]


def identity(*shape: int) -> Frames:
    """Returns frames that change nothing."""
    turn_33 = jnp.broadcast_to(jnp.eye(3), (*shape, 3, 3))
    return Frames(turn_33, jnp.zeros((*shape, 3)))


def from_points(xy_3: jax.Array, origin_3: jax.Array, x_3: jax.Array) -> Frames:
    """Returns frames: x from the origin to `x_3`, `xy_3` in the half-plane y > 0.

    Source: Jumper et al. 2021, Supplement, algorithm 21. Three points on a line give
    no frame, but finite numbers.
    """
    first_3 = unit(x_3 - origin_3)
    to_3 = xy_3 - origin_3
    second_3 = unit(to_3 - first_3 * (first_3 * to_3).sum(-1, keepdims=True))
    axes = (first_3, second_3, jnp.cross(first_3, second_3))
    return Frames(jnp.stack(axes, axis=-1), origin_3)


def from_quaternion(q_4: jax.Array) -> jax.Array:
    """Returns rotations of quaternions (real part first) of any length but 0."""
    q_4 = q_4 / jnp.sqrt(jnp.square(q_4).sum(-1, keepdims=True) + EPSILON**2)
    a, b, c, d = jnp.moveaxis(q_4, -1, 0)
    rows = (
        (a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)),
        (2 * (b * c + a * d), a * a - b * b + c * c - d * d, 2 * (c * d - a * b)),
        (2 * (b * d - a * c), 2 * (c * d + a * b), a * a - b * b - c * c + d * d),
    )
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def product(a_4: jax.Array, b_4: jax.Array) -> jax.Array:
    """Returns quaternions that turn by `b_4`, then by `a_4`."""
    a_1, u_3, b_1, v_3 = a_4[..., :1], a_4[..., 1:], b_4[..., :1], b_4[..., 1:]
    real_1 = a_1 * b_1 - (u_3 * v_3).sum(-1, keepdims=True)
    turn_3 = a_1 * v_3 + b_1 * u_3 + jnp.cross(u_3, v_3)
    return jnp.concatenate([real_1, turn_3], axis=-1)


def turned(q_4: jax.Array, update_3: jax.Array) -> jax.Array:
    """Returns quaternions after a turn in their own axes, of length 1.

    Args:
      q_4: (..., 4), real part first.
      update_3: (..., 3), b c d of the quaternion (1, b, c, d).
    """
    nothing_1 = jnp.zeros_like(update_3[..., :1])
    q_4 = q_4 + product(q_4, jnp.concatenate([nothing_1, update_3], axis=-1))
    return q_4 / jnp.linalg.norm(q_4, axis=-1, keepdims=True)


def about_x(cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Returns rotations about x, (..., 3, 3)."""
    one, zero = jnp.ones_like(cos), jnp.zeros_like(cos)
    rows = ((one, zero, zero), (zero, cos, -sin), (zero, sin, cos))
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def torsion(points_43: jax.Array) -> jax.Array:
    """Returns cosine and sine of torsions, IUPAC's sign.

    Args:
      points_43: (..., 4, 3), four points.

    Returns:
      (..., 2), of length 1; for points on a line finite numbers of no meaning.
    """
    a_3, b_3, c_3, d_3 = jnp.moveaxis(points_43, -2, 0)
    frame = from_points(a_3, c_3, c_3 + (c_3 - b_3))
    return unit(frame.inverse(d_3)[..., 1:])


def pick(x_LTN: jax.Array, slot_LN: jax.Array) -> jax.Array:
    """Returns points of slots: (..., T, 3) and (..., N) to (..., N, 3)."""
    return jnp.take_along_axis(x_LTN, slot_LN[..., None], axis=-2)


def frames_of(xyz_LT3: jax.Array, kind_L: jax.Array, groups: Groups) -> Frames:
    """Returns the frames of nucleotides.

    Args:
      xyz_LT3: (..., T, 3).
      kind_L: int (...), rows of the tables.
      groups: of a geometry.
    """
    points_33 = pick(xyz_LT3, groups.frame_V3[kind_L])
    return from_points(*jnp.moveaxis(points_33, -2, 0))


def torsions_of(xyz_LT3: jax.Array, kind_L: jax.Array, groups: Groups) -> jax.Array:
    """Returns cosines and sines of torsions, (..., K, 2); arguments of `frames_of`."""
    slot_LK4 = groups.torsion_VK4[kind_L]
    flat = pick(xyz_LT3, slot_LK4.reshape(*kind_L.shape, -1))
    return torsion(flat.reshape(*slot_LK4.shape, 3))


def atoms_of(
    frames: Frames, torsion_LK2: jax.Array, kind_L: jax.Array, groups: Groups
) -> jax.Array:
    """Builds the atoms of nucleotides from frames and torsions.

    Args:
      frames: of nucleotides, (...), angstrom.
      torsion_LK2: (..., K, 2), cosines and sines, of length 1.
      kind_L: int (...), rows of the tables.
      groups: of a geometry.

    Returns:
      float32 (..., T, 3), angstrom; slots that a nucleotide lacks lie at its origin.
    """
    chex.assert_axis_dimension(torsion_LK2, -2, len(groups.parent_K))
    torsion_LK2 = torsion_LK2 / (1.0 + groups.softening)
    turn_LK33 = about_x(torsion_LK2[..., 0], torsion_LK2[..., 1])
    found = [frames]
    for k, parent in enumerate(groups.parent_K):
        at_rest = Frames(groups.turn_VK33[kind_L, k], groups.shift_VK3[kind_L, k])
        child = found[parent].compose(at_rest)
        found.append(
            child._replace(turn_33=matmul(child.turn_33, turn_LK33[..., k, :, :]))
        )
    # A slot's group by a product with 0 and 1: no gather, and no scatter backward.
    is_in_LTK = jax.nn.one_hot(groups.group_VT[kind_L], len(found), axis=-1)
    axes_LK33 = jnp.stack([one.turn_33 for one in found], axis=-3)
    origin_LK3 = jnp.stack([one.origin_3 for one in found], axis=-2)
    exact = jax.lax.Precision.HIGHEST
    turn_LT33 = jnp.einsum(
        "...tk,...kij->...tij", is_in_LTK, axes_LK33, precision=exact
    )
    origin_LT3 = jnp.einsum(
        "...tk,...ki->...ti", is_in_LTK, origin_LK3, precision=exact
    )
    return rotate(turn_LT33, groups.place_VT3[kind_L]) + origin_LT3


def squared_distances(x_L3: jax.Array, y_M3: jax.Array) -> jax.Array:
    """Returns squared distances, (..., L, M)."""
    return jnp.square(x_L3[..., :, None, :] - y_M3[..., None, :, :]).sum(-1)


def distances(x_L3: jax.Array, y_M3: jax.Array) -> jax.Array:
    """Returns distances, (..., L, M); the gradient is finite where points coincide."""
    return jnp.sqrt(squared_distances(x_L3, y_M3) + EPSILON)
