"""Thresholds of rules of decoding: chosen, kept in the model directory, found there."""

import json

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.infer import decoding_rules
from ssrlm_jax.metrics import threshold_choice
from ssrlm_jax.rna import probabilities, structures

# A stem of three pairs and a wrong one, U-U, that no stricter rule takes.
SEQUENCE = "GGGUAAAAUCCC"
KNOWN = structures.from_dot_bracket("(((......)))")


def _known(wrong):
    i, j = np.array([0, 1, 2, 3], np.int32), np.array([11, 10, 9, 8], np.int32)
    probability = np.array([0.9, 0.7, 0.35, wrong], np.float32)
    listed = probabilities.PairProbabilities(i, j, probability)
    return threshold_choice.Known(SEQUENCE, KNOWN, listed)


def _rule(allow_sharp_loops, is_canonical_only, method="greedy"):
    return config.DecodingConfig(
        method=method,
        allow_sharp_loops=allow_sharp_loops,
        is_canonical_only=is_canonical_only,
    )


def test_every_rule_gets_a_threshold_of_its_own():
    found = list(decoding_rules.choose([_known(0.5)], ["greedy", "nested"]))
    for rule, choice in found:
        assert rule.threshold == choice.threshold
    choices = {rule.rule: choice for rule, choice in found}
    assert list(choices) == [
        _rule(allow_sharp_loops, is_canonical_only, method)
        for method in ("greedy", "nested")
        for allow_sharp_loops in (True, False)
        for is_canonical_only in (False, True)
    ]
    for rule, choice in choices.items():
        # All four pairs, 6/7, are better than two right ones, 4/5.
        right = 1.0 if rule.is_canonical_only else 0.75
        f1 = 1.0 if rule.is_canonical_only else pytest.approx(6 / 7)
        assert choice == (0.01, right, 1.0, f1)


def test_what_is_kept_is_found_again(tmp_path):
    assert decoding_rules.load(tmp_path) == decoding_rules.NO_RULES
    chosen = list(decoding_rules.choose([_known(0.195)], ["greedy"]))
    path = decoding_rules.save(tmp_path, chosen, {"rnas": 1})
    assert path.name == "decodings.json"
    assert json.loads(path.read_text())["rnas"] == 1
    found = decoding_rules.load(tmp_path)
    assert found.own == config.DecodingConfig(threshold=0.2)  # the first of equals
    assert found.thresholds == {
        _rule(True, False): 0.2,
        _rule(True, True): 0.01,
        _rule(False, False): 0.2,
        _rule(False, True): 0.01,
    }
    assert [one.name for one in tmp_path.iterdir()] == ["decodings.json"]


def test_what_is_promised_is_held_against_what_is_reached(tmp_path):
    rule = config.DecodingConfig(threshold=0.2)
    known = [_known(wrong) for wrong in (0.1, 0.19, 0.6, 0.9)]
    found = decoding_rules.agreement(known, rule)
    # The wrong pair is taken from the third on: F1 1 and then 6/7.
    assert found["f1"] == pytest.approx((2 + 2 * 6 / 7) / 4)
    reached = found["intercept"] + found["slope"] * found["expected_f1"]
    assert reached == pytest.approx(found["f1"])  # a line goes through the means
    same = decoding_rules.agreement([_known(0.1)] * 2, rule)
    assert same["slope"] == 1.0
    assert same["intercept"] == pytest.approx(same["f1"] - same["expected_f1"])
    chosen = list(decoding_rules.choose([_known(0.195)], ["greedy"]))
    decoding_rules.save(tmp_path, chosen, {"expected_f1": found})
    assert decoding_rules.load(tmp_path).line == (found["intercept"], found["slope"])


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "{}",
        '{"decodings": [], "best": 0}',
        '{"decodings": [{"method": "greedy"}]}',
        '{"decodings": 1}',
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / decoding_rules.FILE).write_text(content)
    with pytest.raises(
        ValueError, match=r"decodings.json: not thresholds.*; remove it"
    ):
        decoding_rules.load(tmp_path)


def test_a_file_of_before_does_not_change_how_a_model_decodes(tmp_path):
    chosen = list(decoding_rules.choose([_known(0.195)], ["nested"]))
    path = decoding_rules.save(tmp_path, chosen, {})
    facts = json.loads(path.read_text())
    assert decoding_rules.load(tmp_path).own.method == "nested"
    del facts["best"]
    path.write_text(json.dumps(facts))
    assert decoding_rules.load(tmp_path).own == config.DecodingConfig()


def test_settings_name_methods_that_exist_once():
    with pytest.raises(ValueError, match="'best' is not one of"):
        config.DecodingsConfig(methods="greedy,best")
    with pytest.raises(ValueError, match="more than once"):
        config.DecodingsConfig(methods="greedy,greedy")
