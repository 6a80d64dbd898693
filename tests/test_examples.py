"""Examples in docstrings say what the code does, and those of examples/ run."""

import doctest
import importlib
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import ssrlm_jax
from ssrlm_jax.train import workdirs

ROOT = pathlib.Path(__file__).parents[1]


def _has_examples(path: pathlib.Path) -> bool:
    lines = path.read_text().splitlines()
    return any(">>> " in line and "doctest: +SKIP" not in line for line in lines)


FILES = [p for p in sorted((ROOT / "ssrlm_jax").rglob("*.py")) if _has_examples(p)]
MODULES = [
    ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for p in FILES
]
WITH_A_MODEL = {"ssrlm_jax.infer.predictors", "ssrlm_jax.infer.prediction"}


@pytest.fixture(scope="module")
def shown():
    """What the examples of a model at work speak of."""
    model = ssrlm_jax.load()
    one = model.fold({"a": "GGGGAAAACCCC"})[0]
    return {"ssrlm_jax": ssrlm_jax, "model": model, "one": one}


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name, request):
    given = request.getfixturevalue("shown") if name in WITH_A_MODEL else {}
    failed, attempted = doctest.testmod(importlib.import_module(name), extraglobs=given)
    assert attempted > 0
    assert failed == 0


def _public(name):
    """Yields what docs/reference/api.md shows under a name, and its docstring."""
    try:
        found = importlib.import_module(name)
    except ImportError:
        module, _, own = name.rpartition(".")
        found = getattr(importlib.import_module(module), own)
    if not inspect.ismodule(found):
        yield name, inspect.getdoc(found)
    if inspect.isfunction(found):
        return
    for own, one in vars(found).items():
        is_shown = inspect.isfunction(one) or inspect.isclass(one)
        if is_shown and not own.startswith("_"):
            home = getattr(found, "__module__", found.__name__)
            is_imported = one.__module__ != home
            if not is_imported and f".{own}(" not in (inspect.getdoc(found) or ""):
                yield f"{name}.{own}", inspect.getdoc(one)


API = re.findall(r"^::: (\S+)", (ROOT / "docs/reference/api.md").read_text(), re.M)


@pytest.mark.parametrize("name", API)
def test_all_that_the_reference_shows_has_an_example(name):
    lacking = [shown for shown, text in _public(name) if ">>> " not in text]
    assert lacking == []


def test_modules_go_by_the_names_that_the_docs_had_too():
    from ssrlm_jax import infer, rna
    from ssrlm_jax.infer import atom_predictor, folder, predictor, predictors
    from ssrlm_jax.rna import structure, structures

    assert (structure, predictor, folder) == (structures, predictors, atom_predictor)
    assert not hasattr(rna, "structurs")
    assert not hasattr(infer, "predictr")


SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_read_at_a_glance(path):
    assert len(path.read_text().splitlines()) <= 60


def _said(script, folder, *arguments):
    """Returns what a script of examples/ wrote to standard output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / script, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.fspath(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rna_is_classified_by_its_embedding(tmp_path):
    said = _said("classify_rna.py", tmp_path)
    found = re.findall(r"96 RNAs split by (\w+): accuracy (\d\.\d+)", said)
    assert [how for how, _ in found] == ["RNA", "family"]
    assert all(float(score) > 0.7 for _, score in found)  # chance: 0.58


def test_a_table_of_ones_own_is_classified(tmp_path):
    rows = [("GGGGAAAACCCC", "a"), ("GGGGAAAACCC", "b"), ("AAAUAAAUAAAU", "c")]
    rows += [("GGGCAAAAGCCC", "d"), ("AAAUAAAAAAAU", "e"), ("AUAUAAAUAAAU", "f")]
    rows += [("GGGCAAAAGCC", "g"), ("AAUUAAAAAAAU", "h")]
    lines = [
        f"{n}\t{rna}\t{family}\t{rna[0]}\n" for n, (rna, family) in enumerate(rows)
    ]
    head = "id\tsequence\tfamily\tlabel\n"
    (tmp_path / "my.tsv").write_text(head + "".join(lines))
    said = _said("classify_rna.py", tmp_path, "my.tsv")
    assert "8 RNAs split by family: accuracy 1.00" in said


def test_a_folding_program_is_scored_beside_viennarna(tmp_path):
    table = "id\tsequence\tdotbracket\nb\tGGGAAACCC\t(((...)))\n"
    (tmp_path / "truth.tsv").write_text(table)
    _said("add_folding_program.py", tmp_path, "truth.tsv")
    scores = json.loads((tmp_path / "scores/scores.json").read_text())
    assert scores["methods"]["mostpairs"]["smallest_loop"] == 3
    assert {"mostpairs", "vienna"} <= scores["scores"].keys()
    # The best of all nestings is the only one of three pairs.
    rows = (tmp_path / "scores/mostpairs.tsv").read_text().splitlines()
    found = dict(zip(rows[0].split("\t"), rows[1].split("\t"), strict=True))
    assert float(found["f1"]) == 1.0


def test_a_task_is_trained_by_the_loop(tmp_path):
    _said("add_task.py", tmp_path, "run")
    scores = [
        line["validation/accuracy"]
        for line in workdirs.read_metrics(tmp_path / "run")
        if "validation/accuracy" in line
    ]
    assert len(scores) == 2
    assert scores[-1] > 0.85  # five of twelve families have a junction


def test_a_family_is_converted(tmp_path):
    assert _said("add_family.py", tmp_path, "theirs", "ours").endswith("(32,)\n")
