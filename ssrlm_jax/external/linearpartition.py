"""Folds by LinearPartition with EternaFold's parameters, called as a library.

The Python binding of others, `pip install linearpartition-unofficial`: its default
parameters are ViennaRNA's, against what it says; it ends the process on an empty
sequence, and takes letters other than A C G U as ones that pair with nothing.

Source: Zhang et al. 2020, Bioinformatics 36; Wayment-Steele et al. 2022, Nature
Methods 19.
"""

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Sequence
from types import ModuleType

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities

MODES = ("eterna", "vienna")
_PACKAGE = "linearpartition-unofficial"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Linearpartition:
    """A folder; see `folding_programs.Folder`. No pseudoknots, canonical pairs only.

    The structure is the program's, of the greatest expected accuracy.

    Attributes:
      mode: "eterna" EternaFold's parameters, "vienna" ViennaRNA's.
      beam: states kept at each position; 0: all of them.

    Raises:
      ValueError: a setting out of its range.
      ProgramError: the package is not installed.
    """

    mode: str = "eterna"
    beam: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode={self.mode!r} is not one of {MODES}")
        if self.beam < 0:
            raise ValueError(f"beam={self.beam!r} is < 0")
        _library()

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`."""
        return folded.fold(
            "LinearPartition", sequences, self._predict, with_probabilities, least
        )

    def describe(self) -> dict[str, object]:
        """Returns program, version and settings, for manifests."""
        return {
            "program": "LinearPartition",
            "version": f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}",
            "parameters": self.mode,
            "beam": self.beam,
        }

    def _predict(
        self, letters: list[str], least: float | None
    ) -> list[folded.Prediction]:
        return [self._predict_one(one, least) for one in letters]

    def _predict_one(self, letters: str, least: float | None) -> folded.Prediction:
        said = _library().partition(letters, mode=self.mode, beamsize=self.beam)
        pairs = None
        if least is not None:
            rows = said["bpp"]
            found = zip(rows["i"], rows["j"], rows["prob"], strict=True)
            pairs = [(int(i) + 1, int(j) + 1, float(p)) for i, j, p in found]
        return folded.Prediction(said["structure"], pairs)


def _library() -> ModuleType:
    try:
        return importlib.import_module("linearpartition")
    except ImportError as error:
        raise programs.ProgramError(
            f"LinearPartition is not installed: pip install {_PACKAGE}"
        ) from error
