"""Thresholds of rules of decoding: chosen, kept in the model directory, found there."""

import json

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.infer import decodings
from ssrlm_jax.metrics import thresholds
from ssrlm_jax.rna import probabilities
from ssrlm_jax.rna import structure as structures

# A stem of three pairs and a wrong one, U-U, that no stricter rule takes.
SEQUENCE = "GGGUAAAAUCCC"
KNOWN = structures.from_dot_bracket("(((......)))")


def _known(wrong):
    i, j = np.array([0, 1, 2, 3], np.int32), np.array([11, 10, 9, 8], np.int32)
    probability = np.array([0.9, 0.7, 0.35, wrong], np.float32)
    listed = probabilities.PairProbabilities(i, j, probability)
    return thresholds.Known(SEQUENCE, KNOWN, listed)


def test_every_rule_gets_a_threshold_of_its_own():
    found = list(decodings.choose([_known(0.5)], ["greedy", "nested"]))
    rules = [decodings.rule_of(rule) for rule, _ in found]
    assert rules == [
        ("greedy", True, False),
        ("greedy", False, True),
        ("nested", True, False),
        ("nested", False, True),
    ]
    choices = dict(zip(rules, (choice for _, choice in found), strict=True))
    # Without restrictions: all four pairs, 6/7, are better than two right ones, 4/5.
    assert choices["greedy", True, False] == (0.01, 0.75, 1.0, pytest.approx(6 / 7))
    assert choices["nested", True, False].f1 == pytest.approx(6 / 7)
    assert choices["greedy", False, True] == (0.01, 1.0, 1.0, 1.0)
    for rule, choice in found:
        assert rule.threshold == choice.threshold


def test_what_is_kept_is_found_again(tmp_path):
    assert decodings.load(tmp_path) == {}
    chosen = list(decodings.choose([_known(0.195)], ["greedy"]))
    path = decodings.save(tmp_path, chosen, {"rnas": 1})
    assert path.name == "decodings.json"
    assert json.loads(path.read_text())["rnas"] == 1
    assert decodings.load(tmp_path) == {
        ("greedy", True, False): 0.2,
        ("greedy", False, True): 0.01,
    }
    assert [one.name for one in tmp_path.iterdir()] == ["decodings.json"]


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"decodings": [{"method": "greedy"}]}', '{"decodings": 1}']
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / decodings.FILE).write_text(content)
    with pytest.raises(ValueError, match=r"decodings.json: not thresholds of decoding"):
        decodings.load(tmp_path)


def test_settings_name_methods_that_exist_once():
    with pytest.raises(ValueError, match="'best' is not one of"):
        config.DecodingsConfig(methods="greedy,best")
    with pytest.raises(ValueError, match="more than once"):
        config.DecodingsConfig(methods="greedy,greedy")
