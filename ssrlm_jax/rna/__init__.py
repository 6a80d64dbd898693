"""RNA without a model: letters, structures, chains of atoms, and their files."""

from types import ModuleType
from typing import TYPE_CHECKING

if not TYPE_CHECKING:  # a type checker would take any name for a module

    def __getattr__(name: str) -> ModuleType:
        if name == "structure":  # its former name, which the docs had
            from ssrlm_jax.rna import structures

            return structures
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
