import numpy as np
import pytest

from ssrlm_jax.infer import pair_confidence
from ssrlm_jax.rna import probabilities, structures


def _listed(*pairs):
    i, j, probability = zip(*pairs, strict=True) if pairs else ((), (), ())
    return probabilities.PairProbabilities(
        np.array(i, int), np.array(j, int), np.array(probability, np.float32)
    )


@pytest.mark.parametrize(
    ("dots", "pairs", "expected"),
    [
        ("((..))", [(0, 5, 1.0), (1, 4, 1.0)], 1.0),
        # One of two expected pairs is chosen: 2 x 0.5 / (1 + 1.0).
        ("(....)", [(0, 5, 0.5), (1, 4, 0.5)], 0.5),
        ("......", [], 1.0),
        ("......", [(0, 5, 0.25)], 0.75),
        ("......", [(0, 5, 0.75), (1, 4, 0.75)], 0.0),
        ("(....)", [], 0.0),
    ],
)
def test_the_expected_f1_by_hand(dots, pairs, expected):
    structure = structures.from_dot_bracket(dots)
    assert pair_confidence.expected_f1(structure, _listed(*pairs)) == pytest.approx(
        expected
    )
