import json
import re

import pytest
import small_models

from ssrlm_jax import cli, model_dir
from ssrlm_jax.infer import catalogue


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of models of one's own, with one that is named as a shipped one."""
    for name in ("mine", catalogue.DEFAULT):
        small_models.save(tmp_path / name)
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv(catalogue.FOLDER, str(tmp_path))
    monkeypatch.delenv(catalogue.MODEL, raising=False)
    return tmp_path


def test_without_anything_the_shipped_default_is_found(monkeypatch):
    monkeypatch.delenv(catalogue.MODEL, raising=False)
    monkeypatch.delenv(catalogue.FOLDER, raising=False)
    assert catalogue.find() == catalogue.SHIPPED / catalogue.DEFAULT
    assert catalogue.find(catalogue.DEFAULT) == catalogue.find()


def test_a_directory_goes_before_a_name_and_ones_own_before_the_shipped(
    own, tmp_path_factory, monkeypatch
):
    assert catalogue.find("mine") == own / "mine"
    assert catalogue.find(catalogue.DEFAULT) == own / catalogue.DEFAULT
    here = tmp_path_factory.mktemp("here")
    (here / "mine").mkdir()
    monkeypatch.chdir(here)
    assert catalogue.find("mine") == own / "mine"  # no model is here
    small_models.save(here / "mine")
    assert catalogue.find("mine").resolve() == here / "mine"
    assert str(catalogue.find("no/such")) == "no/such"
    monkeypatch.setenv(catalogue.MODEL, str(here / "other"))
    assert catalogue.find() == here / "other"


def test_a_name_that_is_none_says_which_there_are(own, monkeypatch):
    with pytest.raises(ValueError, match=r"no model 'x': neither .* mine"):
        catalogue.find("x")
    monkeypatch.setenv(catalogue.MODEL, "y")
    with pytest.raises(ValueError, match="no model 'y', which SSRLM_MODEL names: nei"):
        catalogue.find()
    with pytest.raises(ValueError, match="name of the model is empty; `ssrlm models`"):
        catalogue.find("")
    monkeypatch.setenv(catalogue.FOLDER, str(own / "nowhere"))
    with pytest.raises(ValueError, match="SSRLM_MODELS=.*nowhere is no directory"):
        catalogue.find("x")


def test_models_are_listed_for_people_and_for_programs(own, capsys):
    assert cli.main(["models"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^mine .* pairs .*not said", text, re.MULTILINE)
    assert text.splitlines()[-1] == f"default: {catalogue.DEFAULT}"
    assert cli.main(["models", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    shipped = [one for one in facts if one["where"] == "the package"]
    assert catalogue.DEFAULT in [one["name"] for one in shipped]
    for one in shipped:
        assert one["licence"] != "not said"
        assert re.fullmatch(r"f1 0\.\d{3} on \w+", one["validation"])


def test_shipped_models_are_small_and_have_cards():
    shipped = [one for one in catalogue.entries() if one.is_shipped]
    files = [path for one in shipped for path in one.directory.iterdir()]
    assert sum(path.stat().st_size for path in files) <= 24e6
    for one in shipped:
        made = model_dir.describe(one.directory).made
        for name in ("licence", "citation", "data", "left_out", "cost", "command"):
            assert made[name], (one.name, name)


def test_shipped_models_name_files_and_not_where_they_lay():
    for one in catalogue.shipped():
        for path in one.directory.glob("*.json"):
            assert not re.search(r'"[^" ]*/[^" ]*\.tsv', path.read_text()), path
