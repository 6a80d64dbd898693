import hypothesis
import numpy as np
from hypothesis import strategies

from ssrlm_jax.prepare.sets import grouping

GROUPS = strategies.lists(strategies.integers(0, 9), min_size=1, max_size=60)


def test_single_records_are_dealt_in_the_proportions_of_the_paper():
    set_N = grouping.dealt(np.arange(602), [424, 61, 117], seed=0)
    assert np.bincount(set_N).tolist() == [424, 61, 117]


def test_the_seed_decides():
    first = grouping.dealt(np.arange(50), [1, 1], seed=0)
    np.testing.assert_array_equal(first, grouping.dealt(np.arange(50), [1, 1], seed=0))
    assert (first != grouping.dealt(np.arange(50), [1, 1], seed=1)).any()


@hypothesis.given(GROUPS, strategies.integers(0, 5))
def test_members_of_a_group_are_together_and_empty_shares_stay_empty(groups, seed):
    set_N = grouping.dealt(np.array(groups), [3, 0, 1], seed)
    assert all(len(set(set_N[np.array(groups) == name])) == 1 for name in groups)
    assert 1 not in set_N


def test_folds_of_equal_groups_are_even():
    set_N = grouping.dealt(np.repeat(np.arange(20), 3), [1] * 10, seed=3)
    assert np.bincount(set_N).tolist() == [6] * 10


def test_linked_groups_become_one():
    labels_N = np.array([7, 7, 4, 4, 9])
    assert grouping.merged(labels_N, np.empty((0, 2))).tolist() == [0, 0, 2, 2, 4]
    assert grouping.merged(labels_N, np.array([[4, 3]])).tolist() == [0, 0, 2, 2, 2]
