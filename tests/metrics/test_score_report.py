import numpy as np
import pytest

from ssrlm_jax.metrics import score_report
from ssrlm_jax.rna import probabilities, structures


def _score(name, predicted, known, identity=None, listed=None):
    sequence = "GGGAAACCC" * (len(known) // 9)
    return score_report.score(
        name,
        sequence,
        structures.from_dot_bracket(predicted),
        structures.from_dot_bracket(known),
        listed,
        identity,
    )


@pytest.fixture
def scored():
    return [
        _score("a", "(((...)))", "(((...)))", 0.0),
        _score("b", ".((...)).", "(((...)))", 0.75),
        _score("c", ".........", "." * 9, 0.95),
        _score("d", "(" * 27 + "." * 9 + ")" * 27, "." * 63, 0.75),
    ]


def test_mean_and_pooled_by_hand(scored):
    found = score_report.report(scored)
    # F1: 1, 2*2/(2+3) = 0.8, 1 (nothing in nothing), 0.
    assert found["strict"]["f1"]["mean"][0] == pytest.approx((1 + 0.8 + 1 + 0) / 4)
    # Pooled: 5 right of 32 predicted and 6 known.
    assert found["strict"]["precision"]["pooled"][0] == pytest.approx(5 / 32, abs=1e-6)
    assert found["strict"]["recall"]["pooled"][0] == pytest.approx(5 / 6, abs=1e-6)
    assert found["strict"]["f1"]["pooled"][0] == pytest.approx(10 / 38, abs=1e-6)
    value, low, high = found["strict"]["f1"]["mean"]
    assert low < value < high
    assert found["rnas"] == 4


def test_classes_count_only_rnas_that_have_such_pairs(scored):
    parts = score_report.report(scored)["parts"]
    assert parts["watson-crick"]["rnas"] == 3
    assert parts["watson-crick"]["known"] == 6
    assert parts["wobble"]["rnas"] == 0
    assert parts["wobble"]["f1"]["mean"] == [None, None, None]
    assert parts["canonical"] == parts["watson-crick"]


def test_canonical_pairs_are_those_of_watson_and_crick_and_wobbles():
    known = structures.from_dot_bracket("((((...))))")
    predicted = structures.from_dot_bracket(".(((...))).")
    one = score_report.score("a", "AGGGAAAUCUA", predicted, known)  # A-A G-U G-C G-U
    found = score_report.report([one])["parts"]["canonical"]
    assert (found["known"], found["f1"]["mean"][0]) == (3, 1.0)
    all_pairs = score_report.report([one])["strict"]
    assert all_pairs["f1"]["mean"][0] == pytest.approx(6 / 7, abs=1e-6)


def test_bins_go_by_length_and_identity(scored):
    found = score_report.report(scored)
    assert [(k, v["rnas"]) for k, v in found["length"].items()] == [
        ("0 to 50 nt", 3),
        ("50 to 100 nt", 1),
    ]
    assert [(k, v["rnas"]) for k, v in found["identity"].items()] == [
        ("nothing found", 1),
        ("70% to 80%", 2),
        ("90% to 100%", 1),
    ]


def test_without_identities_there_are_no_bins_of_them():
    found = score_report.report([_score("a", "." * 9, "." * 9)])
    assert "identity" not in found


def test_average_precision_is_there_if_all_have_probabilities():
    listed = probabilities.PairProbabilities(
        np.array([0, 1]), np.array([8, 7]), np.array([0.9, 0.8])
    )
    with_both = _score("a", "((.....))", "((.....))", listed=listed)
    found = score_report.report([with_both, with_both])["average_precision"]
    assert found["mean"][0] == found["pooled"][0] == 1.0
    without = _score("b", "((.....))", "((.....))")
    assert "average_precision" not in score_report.report([with_both, without])


def test_no_rna_at_all_has_no_score():
    found = score_report.report([])
    assert found["rnas"] == 0
    assert found["strict"]["f1"]["mean"] == [None, None, None]


def test_rows_have_a_header_and_a_line_for_each_rna(scored):
    header, *lines = score_report.rows(scored)
    assert header[0] == "id"
    assert [line[0] for line in lines] == ["a", "b", "c", "d"]
    assert lines[1][2:5] == [3, 2, 2]
    assert all(len(line) == len(header) for line in lines)


def test_differences_are_of_the_same_rnas_drawn_together(scored):
    nothing = [_score(one.name, "." * one.length, "." * one.length) for one in scored]
    (found,) = score_report.differences({"ours": scored, "nothing": nothing})
    assert (found["first"], found["second"]) == ("ours", "nothing")
    # F1 of `scored`: 1, 0.8, 1 and 0, where 1 is right for nothing in nothing.
    value, low, high = found["f1"]
    assert value == pytest.approx((0 - 0.2 + 0 - 1) / 4, abs=1e-6)
    assert low <= value <= high <= 0
    assert found["probability"] < 0.05
    (same,) = score_report.differences({"a": scored, "b": scored})
    assert same["f1"] == [0, 0, 0]
    assert same["probability"] == 0.5
