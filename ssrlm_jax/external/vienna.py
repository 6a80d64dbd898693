"""Folds by ViennaRNA, called as a library: no process is started.

Source: Lorenz et al. 2011, Algorithms Mol. Biol. 6:26.
"""

import dataclasses
from collections.abc import Sequence
from types import ModuleType

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities

METHODS = ("mfe", "centroid", "mea")
GAMMA = 1.0  # the default of RNAfold --MEA


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vienna:
    """A folder; see `folding.Folder`. No pseudoknots.

    Attributes:
      method: "mfe" least free energy; "centroid" the pairs more probable than not;
        "mea" the greatest expected accuracy.
      gamma: of "mea", the weight of pairs against unpaired letters; 0: 1.0.
      temperature: degrees Celsius.

    Raises:
      ValueError: a setting out of its range.
      ProgramError: ViennaRNA is not installed.
    """

    method: str = "mfe"
    gamma: float = 0.0
    temperature: float = 37.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r} is not one of {METHODS}")
        if self.gamma < 0:
            raise ValueError(f"gamma={self.gamma!r} is < 0")
        if not -273.15 < self.temperature <= 100:
            raise ValueError(
                f"temperature={self.temperature!r} does not lie in -273.15..100"
            )
        _library()

    def fold(
        self, sequences: Sequence[str], *, with_probabilities: bool = False
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding.Folder`.

        Raises:
          ProgramError: also where the partition function overflows.
        """
        return folded.fold("ViennaRNA", sequences, self._predict, with_probabilities)

    def describe(self) -> dict[str, object]:
        """Returns program, version and settings, for manifests."""
        settings: dict[str, object] = {
            "program": "ViennaRNA",
            "version": _library().__version__,
            "method": self.method,
            "temperature": self.temperature,
        }
        if self.method == "mea":
            settings["gamma"] = self.gamma or GAMMA
        return settings

    def _predict(
        self, letters: list[str], with_probabilities: bool
    ) -> list[folded.Prediction]:
        return [self._predict_one(one, with_probabilities) for one in letters]

    def _predict_one(self, letters: str, with_probabilities: bool) -> folded.Prediction:
        library = _library()
        model = library.md()
        model.temperature = self.temperature
        compound = library.fold_compound(letters, model)
        dots, energy = compound.mfe()
        if self.method == "mfe" and not with_probabilities:
            return folded.Prediction(dots, None)
        compound.exp_params_rescale(energy)  # long sequences overflow without it
        _, ensemble = compound.pf()
        if not ensemble <= energy + 0.01:  # kcal/mol; it does not fail by itself
            raise programs.ProgramError(
                f"ViennaRNA: no probabilities for a sequence of {len(letters)} letters"
            )
        if self.method == "centroid":
            dots, _ = compound.centroid()
        elif self.method == "mea":
            dots, _ = compound.MEA(self.gamma or GAMMA)
        if not with_probabilities:
            return folded.Prediction(dots, None)
        listed = compound.plist_from_probs(probabilities.LEAST)
        return folded.Prediction(dots, [(pair.i, pair.j, pair.p) for pair in listed])


def _library() -> ModuleType:
    try:
        import RNA
    except ImportError as error:
        raise programs.ProgramError(
            "ViennaRNA is not installed: pip install 'ssrlm-jax[fold]'"
        ) from error
    return RNA
