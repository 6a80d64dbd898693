"""Models at work: sequences in, structures, files and pictures out; no training."""

from types import ModuleType
from typing import TYPE_CHECKING

if not TYPE_CHECKING:  # a type checker would take any name for a module

    def __getattr__(name: str) -> ModuleType:
        if name == "predictor":  # former names, which the docs had
            from ssrlm_jax.infer import predictors

            return predictors
        if name == "folder":
            from ssrlm_jax.infer import atom_predictor

            return atom_predictor
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
