import json

import numpy as np
import pytest
import small_models

from ssrlm_jax import config, model_dir
from ssrlm_jax.external import evidence
from ssrlm_jax.infer import catalogue, loading, reactivity_curve
from ssrlm_jax.rna import likelihood

SEQUENCE = "GGGGAAAACCCC"
VALUES = np.array([0.0] * 4 + [2.0] * 4 + [0.0] * 4, np.float32)


def test_what_is_written_is_read(tmp_path):
    path = reactivity_curve.save(tmp_path, (0.0, 1.0), (-2.0, 3.0), {"of": "two RNAs"})
    assert json.loads(path.read_text())["of"] == "two RNAs"
    found = reactivity_curve.load(tmp_path)
    assert (found.knots, found.ratios) == ((0.0, 1.0), (-2.0, 3.0))
    assert reactivity_curve.load(tmp_path / "none") == config.EvidenceConfig()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"knots": [0, 1]}', '{"knots": [1, 0], "ratios": [0, 0]}',
     '{"knots": [0, 1], "ratios": [0, NaN]}', '{"knots": [0], "ratios": ["x"]}'],
)  # fmt: skip
def test_a_damaged_curve_is_named(tmp_path, text):
    (tmp_path / reactivity_curve.FILE).write_text(text)
    with pytest.raises(ValueError, match=r"reactivities.json: not a curve .*remove it"):
        reactivity_curve.load(tmp_path)


def test_the_curve_that_is_asked_for_goes_before_the_models():
    own = config.EvidenceConfig(knots=(0.0, 1.0), ratios=(0.0, 1.0))
    asked = config.EvidenceConfig(knots=(0.0, 2.0), ratios=(1.0, 2.0), trust=0.5)
    given = [
        None,
        evidence.Evidence(reactivity_L=VALUES),
        evidence.Evidence(reactivity_L=VALUES, settings=asked),
    ]
    none, plain, other = reactivity_curve.completed(given, own)
    assert none is None
    assert (plain.settings.knots, plain.settings.trust) == ((0.0, 1.0), 1.0)
    assert other.settings == asked


def test_a_model_weighs_reactivities_by_its_own_curve(tmp_path, monkeypatch):
    asked = []

    def log_ratio(value_L, knots, ratios):
        asked.append((knots, ratios))
        return np.zeros(len(value_L))

    def folded(**settings):
        own = config.EvidenceConfig(**settings)
        predictor = loading.load(tmp_path)
        predictor.fold([SEQUENCE], reactivities=[VALUES], settings=own)

    monkeypatch.setattr(likelihood, "log_ratio", log_ratio)
    model_dir.save(tmp_path, *small_models.made())
    folded()
    reactivity_curve.save(tmp_path, (0, 1), (0, 3), {})
    folded(trust=0.5)
    folded(knots=(0.0, 2.0), ratios=(1.0, 2.0))
    assert asked == [
        (config.KNOTS, config.RATIOS),
        ((0.0, 1.0), (0.0, 3.0)),
        ((0.0, 2.0), (1.0, 2.0)),
    ]


def test_the_shipped_model_brings_a_curve():
    found = reactivity_curve.load(catalogue.SHIPPED / "energies")
    assert (found.knots, found.ratios) == (config.KNOTS, config.RATIOS)
