"""Folds by LinearFold-V, called as a library: no process is started.

The Python binding of others, `pip install linearfold-unofficial`; ViennaRNA's
parameters, a beam of 100, no settings, no probabilities.

Source: Huang et al. 2019, Bioinformatics 35(14).
"""

import dataclasses
import importlib
import importlib.metadata
from collections.abc import Sequence
from types import ModuleType

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities

_PACKAGE = "linearfold-unofficial"


@dataclasses.dataclass(frozen=True)
class LinearfoldV:
    """A folder; see `folding_programs.Folder`. No pseudoknots, canonical pairs only.

    Raises:
      ProgramError: the package is not installed.
    """

    def __post_init__(self) -> None:
        _library()

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`.

        Raises:
          ValueError: also where probabilities are asked for.
        """
        del least
        if with_probabilities:
            raise ValueError("LinearFold-V gives no pair probabilities")
        return folded.fold("LinearFold-V", sequences, _predict, False)

    def describe(self) -> dict[str, object]:
        """Returns program and version, for manifests."""
        version = importlib.metadata.version(_PACKAGE)
        return {"program": "LinearFold-V", "version": f"{_PACKAGE} {version}"}


def _predict(letters: list[str], least: float | None) -> list[folded.Prediction]:
    del least
    library = _library()
    return [folded.Prediction(library.fold(one)[0], None) for one in letters]


def _library() -> ModuleType:
    try:
        return importlib.import_module("linearfold")
    except ImportError as error:
        raise programs.ProgramError(
            f"LinearFold-V is not installed: pip install {_PACKAGE}"
        ) from error
