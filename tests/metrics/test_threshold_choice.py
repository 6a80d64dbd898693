import numpy as np
import pytest

from ssrlm_jax.metrics import threshold_choice
from ssrlm_jax.rna import decode, probabilities, structures


def _decoded(probability, is_true, num_true):
    return threshold_choice.Decoded(
        np.array(probability), np.array(is_true, bool), num_true
    )


def test_the_threshold_is_that_of_the_best_mean_f1_by_hand():
    # First: all four pairs F1 = 2*2/(4+2) = 0.667, the two from 0.5: 2*2/(2+2) = 1.
    # Second: from 0.5 on nothing is left: 0; at 0.3 its only pair is right: 1.
    first = _decoded([0.9, 0.8, 0.45, 0.2], [1, 1, 0, 0], 2)
    second = _decoded([0.4], [1], 1)
    assert threshold_choice.choose([first]).threshold == 0.46
    found = threshold_choice.choose([first, second])
    # From 0.21 to 0.4: first has 3 pairs, F1 0.8, second 1: the best mean, 0.9.
    assert found.threshold == 0.21
    assert found.f1 == pytest.approx(0.9)
    assert found.precision == pytest.approx((2 / 3 + 1) / 2)
    assert found.recall == 1.0


def test_a_pair_at_the_threshold_is_predicted():
    wrong = _decoded([0.5], [0], 0)  # an unpaired RNA
    right = _decoded([0.51], [1], 1)
    assert threshold_choice.choose([wrong, right]) == threshold_choice.Choice(
        0.51, 1.0, 1.0, 1.0
    )


@pytest.mark.parametrize("threshold", [0.3, 0.7])  # float32: above 0.3, below 0.7
@pytest.mark.parametrize("method", decode.METHODS)
def test_a_float32_at_the_threshold_is_predicted_by_every_rule(method, threshold):
    """Two pairs at the threshold and, so that they compete, one that is just below."""
    listed = probabilities.PairProbabilities(
        np.array([0, 1, 1], np.int32),
        np.array([9, 7, 8], np.int32),
        np.float32([threshold, np.nextafter(np.float32(threshold), 0), threshold]),
    )
    sequence, dots = "G" * 10, "((......))"
    known = threshold_choice.Known(sequence, structures.from_dot_bracket(dots), listed)
    found = decode.decode(listed, sequence, threshold=threshold, method=method)
    np.testing.assert_array_equal(found.pairs, known.structure.pairs)
    above = float(np.nextafter(np.float32(threshold), np.float32(1)))
    found = decode.decode(listed, sequence, threshold=above, method=method)
    assert len(found.pairs) == 0
    if method in threshold_choice.CUTTABLE:
        unpaired = known._replace(structure=structures.from_dot_bracket("." * 10))
        chosen = threshold_choice.choose_for([unpaired], method=method)
        assert chosen == (pytest.approx(threshold + 0.01), 1.0, 1.0, 1.0)


def test_an_unpaired_rna_counts_1_where_nothing_is_predicted():
    unpaired = _decoded([0.3], [0], 0)
    found = threshold_choice.choose([unpaired])
    assert found == threshold_choice.Choice(0.31, 1.0, 1.0, 1.0)


def test_no_sequences_are_an_error():
    with pytest.raises(ValueError, match="at least one sequence"):
        threshold_choice.choose([])
    with pytest.raises(ValueError, match="at least one sequence"):
        threshold_choice.choose_for([], method="nested")


def _known():
    # Two crossing pairs: (0, 6) is known and 0.6, (3, 9) is not and 0.5.
    listed = probabilities.PairProbabilities(
        np.array([0, 3], np.int32), np.array([6, 9], np.int32), np.array([0.6, 0.5])
    )
    structure = structures.Structure(10, np.array([[0, 6], [1, 5]]))
    return threshold_choice.Known("G" * 10, structure, listed)


def test_greedy_pairs_of_a_known_structure_by_hand():
    found = threshold_choice.decoded(_known())
    np.testing.assert_allclose(found.probability, [0.6, 0.5])
    assert found.is_true.tolist() == [True, False]
    assert found.num_true == 2
    none = threshold_choice.decoded(_known(), is_canonical_only=True)
    assert len(none.probability) == 0


def test_a_threshold_is_chosen_for_the_rule_that_is_asked_for():
    # Greedy: both pairs up to 0.5, F1 2*1/(2+2); above, one of two: 2*1/(1+2).
    greedy = threshold_choice.choose_for([_known()], method="greedy")
    assert greedy == (0.51, 1.0, 0.5, pytest.approx(2 / 3))
    # Right pairs above, wrong ones below a high threshold.
    for method in ("greedy", "threshold"):
        listed = probabilities.PairProbabilities(
            np.array([0, 2], np.int32),
            np.array([9, 7], np.int32),
            np.array([0.9, 0.75]),
        )
        structure = structures.Structure(10, np.array([[0, 9]]))
        high = threshold_choice.Known("G" * 10, structure, listed)
        assert threshold_choice.choose_for([high], method=method).threshold == 0.76
    assert threshold_choice.choose_for([high], method="nested") == (0.8, 1.0, 1.0, 1.0)
    # Nested never takes both of two that cross: the least threshold does.
    nested = threshold_choice.choose_for([_known()], method="nested")
    assert nested == (threshold_choice.FEW[0], 1.0, 0.5, pytest.approx(2 / 3))
