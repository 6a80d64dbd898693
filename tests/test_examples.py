"""Examples in docstrings say what the code does."""

import doctest
import importlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def _has_examples(path: pathlib.Path) -> bool:
    lines = path.read_text().splitlines()
    return any(">>> " in line and "doctest: +SKIP" not in line for line in lines)


FILES = [p for p in sorted((ROOT / "ssrlm_jax").rglob("*.py")) if _has_examples(p)]
MODULES = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in FILES]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_modules_go_by_the_names_that_the_docs_had_too():
    from ssrlm_jax import infer, rna
    from ssrlm_jax.infer import atom_predictor, folder, predictor, predictors
    from ssrlm_jax.rna import structure, structures

    assert (structure, predictor, folder) == (structures, predictors, atom_predictor)
    assert not hasattr(rna, "structurs")
    assert not hasattr(infer, "predictr")
