"""Adds a folding program, and scores it beside ViennaRNA.

  python examples/add_folding_program.py TRUTH.tsv

In place of a rule of a few lines may stand a program, see external/linearfold.py. It is
then in `ssrlm evaluate`, `fold --compare` and corpora, and `folded.fold` checks it.
"""

import dataclasses
import sys
from collections.abc import Sequence

import numpy as np

from ssrlm_jax import cli
from ssrlm_jax.external import folded, folding_programs
from ssrlm_jax.rna import decode, probabilities, structures

PAIRS = ("GC", "CG", "AU", "UA", "GU", "UG")


@dataclasses.dataclass(frozen=True, kw_only=True)
class MostPairs:
    """As many pairs as can be without crossing; Nussinov et al. 1978."""

    smallest_loop: int = 3  # nucleotides between two that pair

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """See `folding_programs.Folder`; there are no probabilities."""
        if with_probabilities:
            raise ValueError("mostpairs gives no pair probabilities")
        return folded.fold("mostpairs", sequences, self._predict, False, least)

    def describe(self) -> dict[str, object]:
        return {"program": "mostpairs", "smallest_loop": self.smallest_loop}

    def _predict(self, letters: list[str], _: float | None) -> list[folded.Prediction]:
        return [folded.Prediction(self._dots(one), None) for one in letters]

    def _dots(self, one: str) -> str:
        i, j = np.triu_indices(len(one), self.smallest_loop + 1)
        fits = np.array([one[a] + one[b] in PAIRS for a, b in zip(i, j, strict=True)])
        i, j = i[fits], j[fits]
        equal = probabilities.PairProbabilities(i, j, np.ones(len(i), np.float32))
        found = decode.decode(equal, one, threshold=0.5, method="nested")
        return structures.to_dot_bracket(found)


folding_programs.FOLDERS["mostpairs"] = MostPairs
programs, truth = "--config.programs=mostpairs,vienna", f"--config.truth={sys.argv[1]}"
sys.exit(cli.main(["evaluate", programs, truth, "--config.model=", "--out=scores"]))
