import numpy as np
import pytest

from ssrlm_jax.metrics import calibration, threshold_choice
from ssrlm_jax.rna import probabilities, structures


def _known(dots, *pairs):
    i, j, probability = zip(*pairs, strict=True) if pairs else ((), (), ())
    listed = probabilities.PairProbabilities(
        np.array(i, int), np.array(j, int), np.array(probability, np.float32)
    )
    return threshold_choice.Known(
        "A" * len(dots), structures.from_dot_bracket(dots), listed
    )


def test_reliability_by_hand():
    # Bin 0.9..1: 0.9 true, 0.9 false, so 0.4 off; bin 0.2..0.3: 0.25 false, 0.25 off.
    first = _known("((...))", (0, 6, 0.9), (1, 4, 0.25))
    second = _known(".....", (0, 4, 0.9))
    found = calibration.reliability([first, second])
    assert found.error == pytest.approx((2 * 0.4 + 1 * 0.25) / 3, abs=1e-6)
    assert found.count_N.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 2]
    assert found.share_N[9] == 0.5
    assert np.isnan(found.share_N[0])


def test_probabilities_that_are_right_have_no_error():
    known = [_known("(..)", (0, 3, 1.0)), _known("....", (0, 3, 0.0))]
    assert calibration.reliability(known).error == 0.0


def test_where_nothing_is_listed_nothing_is_known():
    found = calibration.reliability([_known("...")])
    assert np.isnan(found.error)
    assert not found.count_N.any()
