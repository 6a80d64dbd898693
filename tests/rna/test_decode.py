import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from ssrlm_jax.rna import decode, probabilities


def _listed(*pairs):
    i, j, probability = np.array(sorted(pairs), np.float64).reshape(-1, 3).T
    return probabilities.PairProbabilities(
        i.astype(np.int32), j.astype(np.int32), probability.astype(np.float32)
    )


def _pairs(listed, length=12, sequence=None, **settings):
    settings = {"threshold": 0.25} | settings
    found = decode.decode(listed, sequence or "G" * length, **settings)
    return [tuple(pair) for pair in found.pairs.tolist()]


# A chain 0-5, 5-10, 10-11 of 0.5, 0.8, 0.5 around which a choice has to be made.
CHAIN = _listed((0, 5, 0.5), (5, 10, 0.8), (10, 11, 0.5))


def test_greedy_takes_the_most_probable_pair_first():
    assert _pairs(CHAIN, method="greedy") == [(5, 10)]


def test_matching_takes_two_pairs_if_they_gain_more_than_one():
    # Gains over 0.1: 0.4 + 0.4 > 0.7; over 0.25: 0.25 + 0.25 < 0.55.
    assert _pairs(CHAIN, method="matching", threshold=0.1) == [(0, 5), (10, 11)]
    assert _pairs(CHAIN, method="matching", threshold=0.25) == [(5, 10)]


def test_threshold_takes_every_pair_that_has_it():
    assert _pairs(CHAIN, method="threshold") == [(0, 5), (5, 10), (10, 11)]
    assert _pairs(CHAIN, method="threshold", threshold=0.51) == [(5, 10)]


def test_nested_gives_up_the_weaker_of_two_crossing_pairs():
    crossing = _listed((0, 6, 0.9), (1, 5, 0.9), (3, 9, 0.95))
    assert _pairs(crossing, method="nested") == [(0, 6), (1, 5)]
    assert _pairs(crossing, method="greedy") == [(0, 6), (1, 5), (3, 9)]


def test_two_partners_give_base_triples():
    for method in ("greedy", "matching"):
        found = _pairs(CHAIN, method=method, max_pairs_per_base=2)
        assert found == [(0, 5), (5, 10), (10, 11)]
    with pytest.raises(ValueError, match="'nested' knows one partner"):
        _pairs(CHAIN, method="nested", max_pairs_per_base=2)


def test_equal_probabilities_go_by_position():
    tied = _listed((0, 5, 0.5), (0, 7, 0.5), (2, 7, 0.5))
    assert _pairs(tied, method="greedy") == [(0, 5), (2, 7)]


def test_the_flags_leave_out_sharp_loops_and_other_than_canonical_pairs():
    listed = _listed((0, 3, 0.9), (4, 8, 0.9), (5, 9, 0.8), (6, 10, 0.7))
    sequence = "GCCCGgccutaA"  # 4-8: G-u, 5-9: g-t, 6-10: c-a
    assert _pairs(listed, sequence=sequence) == [(0, 3), (4, 8), (5, 9), (6, 10)]
    found = _pairs(listed, sequence=sequence, allow_sharp_loops=False)
    assert found == [(4, 8), (5, 9), (6, 10)]
    found = _pairs(listed, sequence=sequence, is_canonical_only=True)
    assert found == [(0, 3), (4, 8), (5, 9)]


@pytest.mark.parametrize("method", decode.METHODS)
@pytest.mark.parametrize("length", [0, 1, 5])
def test_nothing_listed_is_an_unpaired_strand(method, length):
    found = decode.decode(_listed(), "A" * length, threshold=0.5, method=method)
    assert found.length == length
    assert not len(found.pairs)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((0, 12, 0.5), r"pair \(1, 13\); 1 <= i < j <= 12"),
        ((5, 5, 0.5), r"pair \(6, 6\)"),
        ((1, 3, 1.5), "probability 1.5"),
        ((1, 3, float("nan")), "probability nan"),
    ],
)
def test_a_list_that_does_not_fit_is_an_error_that_names_the_pair(pair, message):
    with pytest.raises(ValueError, match=message):
        _pairs(_listed(pair))


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match="'greedi' is not one of"):
        _pairs(CHAIN, method="greedi")


@st.composite
def _lists(draw, length=9):
    """Distinct probabilities, multiples of 1/64: sums are exact."""
    every = list(itertools.combinations(range(length), 2))
    pairs = draw(st.lists(st.sampled_from(every), max_size=9, unique=True))
    numbers = draw(st.permutations(range(17, 17 + len(pairs))))
    return [(i, j, n / 64) for (i, j), n in zip(pairs, numbers, strict=True)]


def _is_allowed(chosen, is_nested):
    places = [place for i, j, _ in chosen for place in (i, j)]
    crosses = any(
        i < k < j < m for (i, j, _), (k, m, _) in itertools.permutations(chosen, 2)
    )
    return len(set(places)) == len(places) and not (is_nested and crosses)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(_lists(), st.booleans())
def test_matching_and_nested_have_the_largest_sum_of_gains(listed, is_nested):
    def gain(chosen):
        return sum(probability - 0.25 for _, _, probability in chosen)

    best = max(
        gain(chosen)
        for size in range(len(listed) + 1)
        for chosen in itertools.combinations(listed, size)
        if _is_allowed(chosen, is_nested)
    )
    method = "nested" if is_nested else "matching"
    found = _pairs(_listed(*listed), 9, method=method)
    chosen = [one for one in listed if one[:2] in found]
    assert len(chosen) == len(found)
    assert _is_allowed(chosen, is_nested)
    assert gain(chosen) == pytest.approx(best, abs=1e-6)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(_lists(), st.sampled_from(["greedy", "threshold"]))
def test_the_strand_read_backwards_has_the_mirrored_structure(listed, method):
    mirrored = [(8 - j, 8 - i, probability) for i, j, probability in listed]
    there = _pairs(_listed(*listed), 9, method=method)
    back = _pairs(_listed(*mirrored), 9, method=method)
    assert sorted((8 - j, 8 - i) for i, j in back) == there


def test_the_list_is_left_as_it_was():
    listed = _listed((0, 5, 0.5), (5, 10, 0.8))
    before = [column.copy() for column in listed]
    for method in decode.METHODS:
        _pairs(listed, method=method)
    for column, was in zip(listed, before, strict=True):
        np.testing.assert_array_equal(column, was)


def test_no_loop_is_sharp_that_a_break_opens():
    listed = probabilities.PairProbabilities(
        np.array([2, 0]), np.array([3, 2]), np.array([0.9, 0.8])
    )
    found = decode.decode(
        listed, "GGGCCC", threshold=0.5, allow_sharp_loops=False, breaks=(3,)
    )
    assert found.pairs.tolist() == [[2, 3]]
