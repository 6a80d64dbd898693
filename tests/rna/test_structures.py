import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from ssrlm_jax.rna import structures


def test_hairpin_read_by_hand():
    hairpin = structures.from_dot_bracket("((...))")
    np.testing.assert_array_equal(hairpin.pairs, [[0, 6], [1, 5]])


def test_pseudoknot_uses_two_alphabets():
    knot = structures.from_dot_bracket("((.[[.)).]]")
    np.testing.assert_array_equal(knot.pairs, [[0, 7], [1, 6], [3, 10], [4, 9]])


def test_no_pairs_keeps_shape_and_type():
    empty = structures.from_dot_bracket("...")
    assert empty.pairs.shape == (0, 2)
    assert empty.pairs.dtype == np.int32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("())", r"position 3: '\)' closes nothing"),
        ("(()", r"position 1: '\(' is never closed"),
        ("(*)", r"position 2: '\*' is not one of"),
        ("(a)", "position 2: 'a' closes nothing"),
        ("(]", r"position 2: '\]' closes nothing"),
    ],
)
def test_malformed_text_names_the_position(text, message):
    with pytest.raises(ValueError, match=message):
        structures.from_dot_bracket(text)


def test_pair_outside_is_refused():
    with pytest.raises(ValueError, match=r"pair \(1, 5\) lies outside positions 1..4"):
        structures.Structure(4, np.array([[0, 4]]))


def test_a_position_paired_with_itself_is_refused():
    with pytest.raises(ValueError, match="position 3 is paired with itself"):
        structures.Structure(4, np.array([[2, 2]]))


def test_pairs_are_sorted_and_distinct():
    pairs = structures.Structure(9, np.array([[8, 1], [0, 3], [1, 8], [1, 4]])).pairs
    np.testing.assert_array_equal(pairs, [[0, 3], [1, 4], [1, 8]])


@hypothesis.given(strategies.integers(0, 40), strategies.randoms(use_true_random=False))
@hypothesis.settings(max_examples=100, deadline=None)
def test_any_pairing_comes_back_from_dot_bracket(length, random):
    order = random.sample(range(length), length)
    chosen = np.array(order[: 2 * random.randint(0, min(length // 2, 20))], np.int32)
    written = structures.Structure(length, chosen.reshape(-1, 2))
    read = structures.from_dot_bracket(structures.to_dot_bracket(written))
    assert read.length == length
    np.testing.assert_array_equal(read.pairs, written.pairs)


@pytest.mark.parametrize(
    "text", ["", ".", "()", "((.))().", "((.[[.)).]]", "([{<A)]}>a"]
)
def test_dot_bracket_comes_back_as_text(text):
    assert structures.to_dot_bracket(structures.from_dot_bracket(text)) == text


def test_crossing_pairs_share_no_bracket():
    knots = structures.Structure(8, np.array([[0, 4], [1, 5], [2, 6], [3, 7]]))
    assert structures.to_dot_bracket(knots) == "([{<)]}>"


def test_a_base_triple_cannot_be_written():
    triple = structures.Structure(5, np.array([[0, 3], [0, 4]]))
    with pytest.raises(ValueError, match="position 1 has two partners"):
        structures.to_dot_bracket(triple)


def test_too_many_crossings_cannot_be_written():
    crossed = np.stack([np.arange(31), np.arange(31) + 31], axis=1)
    with pytest.raises(ValueError, match=r"pair \(31, 62\) crosses more"):
        structures.to_dot_bracket(structures.Structure(62, crossed))


def test_partners_point_at_each_other():
    partner_L, num_dropped = structures.partners(structures.from_dot_bracket("((.))."))
    np.testing.assert_array_equal(partner_L, [4, 3, -1, 1, 0, -1])
    assert num_dropped == 0


def test_of_a_base_triple_the_first_pair_is_kept():
    triple = structures.Structure(6, np.array([[0, 3], [0, 5], [1, 3], [2, 4]]))
    partner_L, num_dropped = structures.partners(triple)
    np.testing.assert_array_equal(partner_L, [3, -1, 4, 0, 2, -1])
    assert num_dropped == 2


def test_nothing_has_no_partners():
    partner_L, num_dropped = structures.partners(structures.from_dot_bracket(""))
    assert partner_L.shape == (0,)
    assert num_dropped == 0


@hypothesis.given(strategies.integers(1, 40), strategies.randoms(use_true_random=False))
def test_partners_come_back_as_a_structure(length, random):
    order = random.sample(range(length), length)
    num_pairs = random.randint(0, length // 2)
    pairs = np.array(order[: 2 * num_pairs]).reshape(-1, 2)
    structure = structures.Structure(length, pairs)
    partner_L, _ = structures.partners(structure)
    found = structures.from_partners(partner_L)
    assert found.length == length
    np.testing.assert_array_equal(found.pairs, structure.pairs)


@pytest.mark.parametrize(
    ("partners", "told"),
    [
        ([2, -1, -1], "position 1 has the partner 3, which has none"),
        ([1, 2, 1], "position 1 has the partner 2, which has 3"),
        ([-1, 1], "position 2 is paired with itself"),
        ([7, -1], r"pair \(1, 8\) lies outside positions 1..2"),
    ],
)
def test_partners_that_do_not_agree_are_told(partners, told):
    with pytest.raises(ValueError, match=told):
        structures.from_partners(partners)


def test_no_partners_are_an_empty_structure():
    assert structures.from_partners([]).length == 0
    assert len(structures.from_partners([-1, -1]).pairs) == 0
