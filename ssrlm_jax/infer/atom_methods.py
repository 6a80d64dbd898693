"""Methods that predict a structure from letters, alike for whoever scores them."""

import dataclasses
import logging
import pathlib
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np

from ssrlm_jax.infer import atom_predictor
from ssrlm_jax.metrics import report3d
from ssrlm_jax.models import geometry, strand
from ssrlm_jax.rna import atoms, coordinate_formats

APART = 100.0  # angstrom between strands that were predicted one by one

Predict = Callable[[str], report3d.Model | None]  # of letters; None: not predicted

_log = logging.getLogger(__name__)


def helix(letters: str) -> report3d.Model:
    """Returns the strand of an A-form helix."""
    return report3d.Model(letters, *helix_atoms(letters))


def helix_atoms(letters: str) -> tuple[np.ndarray, np.ndarray]:
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


def of_model(directory: pathlib.Path, num_cycles: int | None = None) -> Predict:
    """Loads a model; what is too long for it or for the memory is not predicted.

    Raises:
      ValueError: as `atom_predictor.load`.
    """
    folder = atom_predictor.load(directory, num_cycles)

    def predict(letters: str) -> report3d.Model | None:
        try:
            made = folder.fold(letters)
        except (ValueError, MemoryError) as error:
            _log.warning("%s", error)
            return None
        return report3d.Model(
            letters, made.xyz_LT3, made.is_atom_LT, plddt_L=made.plddt_L
        )

    return predict


def together(strands: Sequence[report3d.Model]) -> report3d.Model:
    """Returns strands that were predicted one by one as one structure.

    Nothing is known of their places: they lie side by side, APART from each other.
    """
    moved, breaks, end, start = [], [], 0.0, 0
    for one in strands:
        x_N = one.xyz_LT3[one.is_atom_LT][:, 0]
        shift_3 = np.array([end - x_N.min(initial=0.0), 0.0, 0.0], np.float32)
        moved.append(one.xyz_LT3 + shift_3)
        end += float(np.ptp(x_N)) + APART if len(x_N) else 0.0
        breaks += [start + position for position in one.breaks]
        start += len(one.letters)
        breaks.append(start - 1)
    plddts = [one.plddt_L for one in strands if one.plddt_L is not None]
    return report3d.Model(
        "".join(one.letters for one in strands),
        np.concatenate(moved),
        np.concatenate([one.is_atom_LT for one in strands]),
        tuple(breaks),
        np.concatenate(plddts) if len(plddts) == len(strands) else None,
    )


def as_pdb(name: str, model: report3d.Model) -> str:
    """Returns a structure as a PDB file; confidence 0 where it says none."""
    plddt_L = model.plddt_L
    if plddt_L is None:
        plddt_L = np.zeros(len(model.letters), np.float32)
    xyz_LT3 = np.asarray(model.xyz_LT3, np.float32)
    chain = coordinate_formats.PredictedChain(
        model.letters, xyz_LT3, model.is_atom_LT, plddt_L
    )
    return coordinate_formats.as_pdb(chain, {}, {"title": name})
