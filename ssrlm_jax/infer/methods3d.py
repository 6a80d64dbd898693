"""Methods that predict a structure from letters, alike for whoever scores them."""

import logging
import pathlib
from collections.abc import Callable

import numpy as np

from ssrlm_jax.infer import folder as folders
from ssrlm_jax.infer import helix as helices
from ssrlm_jax.metrics import report3d
from ssrlm_jax.rna import coordinate_formats

Predict = Callable[[str], report3d.Model | None]  # of letters; None: not predicted

_log = logging.getLogger(__name__)


def helix(letters: str) -> report3d.Model:
    """Returns the strand of an A-form helix."""
    return report3d.Model(letters, *helices.atoms_of(letters))


def of_model(directory: pathlib.Path, num_cycles: int | None = None) -> Predict:
    """Loads a model; what is too long for it or for the memory is not predicted.

    Raises:
      ValueError: as `folder.load`.
    """
    folder = folders.load(directory, num_cycles)

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
