"""Result files of predicted atoms: structures, maps, base pairs and a summary.

As in results.py a file appears whole or not at all.
"""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ssrlm_jax import files
from ssrlm_jax.infer import canvas, plots3d, results
from ssrlm_jax.metrics import stereochemistry
from ssrlm_jax.rna import (
    coordinate_formats,
    decode,
    formats,
    probabilities,
    structure_formats,
    structures,
)

if TYPE_CHECKING:  # JAX: seconds that other commands need not wait
    from ssrlm_jax.infer import atom_predictor

FORMATS = ("pdb", "mmcif")
ENDINGS = {"pdb": "pdb", "mmcif": "cif"}
PAIR_THRESHOLD = 0.5  # of a base pair's probability, as RhoFold has it

_TEXT: dict[str, Callable[..., str]] = {
    "pdb": coordinate_formats.as_pdb,
    "mmcif": coordinate_formats.as_mmcif,
}


class Origin(NamedTuple):
    """What files of atoms say of their making.

    Attributes:
      software: versions of programs by name.
      about: what else, such as the model and the cut-off of its data.
    """

    software: Mapping[str, str]
    about: Mapping[str, str]


def chain(prediction: "atom_predictor.Prediction") -> coordinate_formats.PredictedChain:
    """Returns a prediction as what files and pictures are made of."""
    return coordinate_formats.PredictedChain(
        prediction.letters,
        prediction.xyz_LT3,
        prediction.is_atom_LT,
        prediction.plddt_L,
    )


def as_text(
    name: str, prediction: "atom_predictor.Prediction", kind: str, origin: Origin
) -> str:
    """Returns a predicted structure as a file of a format."""
    about = {"title": name} | dict(origin.about)
    return _TEXT[kind](chain(prediction), origin.software, about)


def pairs(prediction: "atom_predictor.Prediction") -> structures.Structure:
    """Returns the base pairs of the pair map: canonical, one partner each."""
    return decode.decode(
        probabilities.from_matrix(prediction.pair_LM),
        prediction.letters,
        threshold=PAIR_THRESHOLD,
        method="greedy",
        is_canonical_only=True,
    )


def summary(
    name: str, prediction: "atom_predictor.Prediction", origin: Origin
) -> dict[str, object]:
    """Returns what one would ask of a prediction first, for JSON."""
    atoms = prediction.xyz_LT3, prediction.is_atom_LT
    clashes = stereochemistry.clashes(prediction.letters, *atoms)
    bonds = stereochemistry.bond_outliers(*atoms)
    handed = stereochemistry.chirality(*atoms)
    change = prediction.change
    return {
        "name": name,
        "sequence": prediction.letters,
        "dot_bracket": structures.to_dot_bracket(pairs(prediction)),
        "mean_plddt": round(100 * float(prediction.plddt_L.mean()), 2),
        "plddt": [round(100 * float(value), 2) for value in prediction.plddt_L],
        "clashes": len(clashes.pair_N4),
        "clashes_per_1000_atoms": round(clashes.per_thousand, 2),
        "bond_outliers": bonds.num_outliers,
        "bonds": bonds.num_bonds,
        "broken_links": bonds.num_link_outliers,
        "wrong_chirality": handed.num_wrong,
        "cycles": prediction.num_cycles,
        "last_change_angstrom": round(change, 3) if np.isfinite(change) else None,
        "seconds": round(prediction.seconds, 3),
        "software": dict(origin.software),
        "origin": dict(origin.about),
    }


class Models:
    """Writes predicted structures into a directory, as they come.

    For each RNA `name.pdb` or `name.cif`, `name.npz` (plddt, pair probabilities,
    distances of P, C4' and N), `name.dbn`, `name.json` and pictures; names as in
    `results.Structures`.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        names: Sequence[str],
        *,
        with_plots: bool = False,
        is_replaced: bool,
    ) -> None:
        """Checks that results can be written; writes nothing yet.

        Args:
          directory: is made where it is missing.
          names: of FORMATS.
          with_plots: whether pictures are drawn, all of `plots3d.PICTURES`.
          is_replaced: whether files of the same name give way.

        Raises:
          ValueError: the directory is a file, or holds something.
          ProgramError: Matplotlib, which draws pictures, is missing.
        """
        if with_plots:
            canvas.check_installed("matplotlib")
        files.check_directory(directory, is_replaced=is_replaced)
        self._directory, self._names = directory, tuple(names)
        self._with_plots, self._is_replaced = with_plots, is_replaced
        self._stems = results.FreeNames(str.lower)

    def add(
        self,
        name: str,
        prediction: "atom_predictor.Prediction",
        origin: Origin,
        relaxed: Mapping[str, object] | None = None,
    ) -> pathlib.Path:
        """Writes the files of one RNA.

        Args:
          name: of the RNA.
          prediction: its atoms.
          origin: what the files say of their making.
          relaxed: what the summary says of relaxation; None: there was none.

        Returns:
          The path of its files, without an ending.

        Raises:
          ValueError: a format cannot hold the structure.
        """
        texts = {
            ENDINGS[kind]: as_text(name, prediction, kind, origin)
            for kind in self._names
        }
        said = summary(name, prediction, origin) | {"relaxation": relaxed}
        texts["json"] = json.dumps(said, indent=1) + "\n"
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / self._stems.take(results.file_stem(name))
        for ending, text in texts.items():
            files.write_text(path.with_name(f"{path.name}.{ending}"), text)
        record = formats.Record(name, prediction.letters, structure=pairs(prediction))
        structure_formats.write_dbn(path.with_name(f"{path.name}.dbn"), record)
        self._write_maps(path.with_name(f"{path.name}.npz"), prediction)
        if self._with_plots:
            plots3d.save(
                name,
                chain(prediction),
                self._directory,
                path.name,
                is_replaced=self._is_replaced,
            )
        return path

    def _write_maps(
        self, path: pathlib.Path, prediction: "atom_predictor.Prediction"
    ) -> None:
        with files.whole(path) as part, part.open("wb") as file:
            np.savez_compressed(
                file,
                plddt=prediction.plddt_L,
                pairs=prediction.pair_LM.astype(np.float16),
                **{
                    f"distance_{name}": prediction.distance_3LM[n].astype(np.float16)
                    for n, name in enumerate(("P", "C4'", "N"))
                },
            )
