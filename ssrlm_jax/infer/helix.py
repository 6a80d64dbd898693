"""The atoms of a strand in an A-form helix: what is predicted without a model."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from ssrlm_jax.models import geometry, strand
from ssrlm_jax.rna import atoms


def atoms_of(letters: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the atoms of a strand in a helix, see models/strand.py.

    Args:
      letters: A C G U.

    Returns:
      float32 (L, T, 3), angstrom, and which slots hold an atom, bool (L, T).

    Raises:
      ValueError: another letter.
    """
    kind_L = atoms.encode(letters)
    if (kind_L < 0).any():
        place = int(np.flatnonzero(kind_L < 0)[0])
        raise ValueError(
            f"{letters[place]!r} at {place + 1}: atoms are known of A, C, G and U only"
        )
    q_L4, origin_L3 = strand.frames(jnp.arange(len(letters)))
    frames = geometry.Frames(geometry.from_quaternion(q_L4), origin_L3)
    angle_K = np.radians(strand.TORSION_K)
    circle_K2 = np.stack([np.cos(angle_K), np.sin(angle_K)], axis=-1)
    torsion_LK2 = np.broadcast_to(circle_K2, (len(letters), *circle_K2.shape))
    groups = geometry.groups(dataclasses.asdict(atoms.geometry("base9")))
    xyz_LT3 = geometry.atoms_of(
        frames, jnp.asarray(torsion_LK2, jnp.float32), jnp.asarray(kind_L), groups
    )
    return np.asarray(xyz_LT3), atoms.is_atom()[kind_L]
