"""Folders that end their process, hang, or cannot begin; sent to other processes."""

import dataclasses
import os
import time

from ssrlm_jax.external import folded


@dataclasses.dataclass(frozen=True)
class DyingFolder:
    """Folds to no pairs; "A" ends the process, "C" hangs, "G" raises.

    "N" raises with the number of threads that programs get.
    """

    is_broken: bool = False

    def fold(self, sequences, *, with_probabilities=False, least=0.01):
        if self.is_broken:
            raise ValueError("there is no model\nat all")
        if with_probabilities:
            raise ValueError("it gives none")
        return folded.fold("it", sequences, self._predict, False)

    def describe(self):
        return {"program": "it"}

    def _predict(self, letters, least):
        for one in letters:
            if one == "A":
                os._exit(3)
            if one == "C":
                time.sleep(600)
            if one == "G":
                raise ValueError("no G")
            if one == "N":
                raise ValueError(f"threads: {os.environ.get('OMP_NUM_THREADS')}")
        return [folded.Prediction("." * len(one), None) for one in letters]
