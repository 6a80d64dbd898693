"""A model of ours as a method: it folds as `ssrlm fold` does."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssrlm_jax import config
from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities

if TYPE_CHECKING:
    from ssrlm_jax.infer import predictors


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A folder; see `folding_programs.Folder`. The model is loaded when it is needed.

    Attributes:
      directory: of the model.
      decoding: from probabilities to structures; None: the model's own rule.
    """

    directory: str
    decoding: config.DecodingConfig | None = None

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`.

        Raises:
          ValueError: also where there is no model, or it has no head or threshold.
        """
        assert self._predictor.threshold >= 0
        found = self._predictor.fold(list(sequences))
        return [
            folded.Folded(
                one.structure,
                len(one.sequence) - sum(map(one.sequence.count, "ACGU")),
                probabilities.at_least(one.probabilities, least)
                if with_probabilities
                else None,
            )
            for one in found
        ]

    def describe(self) -> dict[str, object]:
        """Returns the content of the model's files, and the rule.

        Raises:
          OSError: they cannot be read.
        """
        place = pathlib.Path(self.directory)
        files = sorted(one for one in place.iterdir() if one.is_file())
        return {
            "model": place.name,
            "files": {one.name: programs.digest(one) for one in files},
            "rule": "its own" if self.decoding is None else vars(self.decoding),
        }

    @functools.cached_property
    def _predictor(self) -> "predictors.Predictor":
        from ssrlm_jax.infer import loading  # JAX: seconds

        return loading.load(self.directory, self.decoding)
