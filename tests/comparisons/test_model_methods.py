"""Models that ship are methods by their names, without a line of code for each."""

import dataclasses
import json

import small_models

from ssrlm_jax import config, model_dir
from ssrlm_jax.comparisons import known_methods, model_methods
from ssrlm_jax.infer import catalogue


def test_all_that_ship_and_predict_pairs_are_methods():
    names = {
        entry.name
        for entry in catalogue.shipped()
        if catalogue.description(entry).head is not None
    }
    assert catalogue.DEFAULT in names
    assert names <= set(known_methods.METHODS)
    for name in names:
        assert known_methods.METHODS[name].licence != "?"


def test_a_model_that_ships_says_itself_what_it_is(tmp_path, monkeypatch):
    small_models.save(tmp_path / "other")
    path = tmp_path / "other" / "model.json"
    told = json.loads(path.read_text())
    told["made"] |= {"licence": "MIT", "data": "two RNAs", "data_until": "1999"}
    path.write_text(json.dumps(told))
    description, params = small_models.made()
    without = dataclasses.replace(description, head=None, threshold=None)
    params = {"encoder": params["encoder"]}
    model_dir.save(tmp_path / "without_pairs", without, params)
    monkeypatch.setattr(catalogue, "SHIPPED", tmp_path)
    assert len(catalogue.shipped()) == 2
    (one,) = model_methods.shipped()
    assert (one.name, one.licence) == ("other", "MIT")
    assert one.trained == "two RNAs; until 1999"
    assert one.training is None  # it has no list of known structures
    assert (one.weights, one.threshold) == (
        "shipped; it reads letters",
        "0.45, on validation",
    )
    (found,) = one.make(config.PaperConfig()).fold(["GGGAAACCC"])
    assert found.structure.length == 9


def test_a_model_of_ones_own_is_a_method_by_the_name_it_is_given(tmp_path):
    small_models.save(tmp_path / "other")
    settings = config.PaperConfig(models=f"old={tmp_path}/other,ssrlm={tmp_path}")
    (one,) = model_methods.own(settings, list(known_methods.METHODS.values()))
    assert (one.name, one.title) == ("old", "old, your own")
    assert one.make(settings).decoding is None  # by its own rule
    (found,) = one.make(settings).fold(["GGGAAACCC"])
    assert found.structure.length == 9
    assert settings.told() == ["--config.models=old=DIR,ssrlm=DIR"]
