import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from ssrlm_jax.prepare.corpus import pack, windows
from ssrlm_jax.rna import alphabet

SHAPE = pack.Shape(row_length=8, max_segments=3, seed=0)


def _windows(*texts, partners=None):
    """Windows of given letters."""
    tokens = [alphabet.encode(text)[0] for text in texts]
    lengths = np.array([len(text) for text in texts], np.int32)
    partner = np.zeros(0, np.int16) if partners is None else np.array(partners)
    names = [f"r{number}" for number in range(len(texts))]
    numbers = np.arange(len(texts))
    return windows.Windows(np.concatenate(tokens), partner, lengths, numbers, names)


def test_placing_by_hand():
    """7 and 3 fill a row, 5 and 4 leave one place; 2 fits best beside nothing."""
    assert pack.fill_rows([5, 7, 2, 3, 4], 10, 9) == [[1, 3], [0, 4], [2]]


def test_a_row_takes_no_more_items_than_allowed():
    assert pack.fill_rows([1, 1, 1, 1, 1], 10, 2) == [[0, 1], [2, 3], [4]]


def test_nothing_needs_no_row():
    assert pack.fill_rows([], 10, 2) == []


@hypothesis.given(
    strategies.lists(strategies.integers(1, 60), max_size=200),
    strategies.integers(1, 9),
)
@hypothesis.settings(max_examples=100, deadline=None)
def test_every_item_is_placed_once_and_fits(sizes, max_segments):
    placed = pack.fill_rows(sizes, 60, max_segments)
    assert sorted(item for row in placed for item in row) == list(range(len(sizes)))
    for row in placed:
        assert sum(sizes[item] for item in row) <= 60
        assert 1 <= len(row) <= max_segments


def test_short_rna_fills_rows_to_97_percent():
    """Lengths of 30 to 500, as of ncRNA, in rows of 1,024."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(30, 500, 2000).tolist()
    placed = pack.fill_rows(sizes, 1024, 64)
    assert sum(sizes) / (len(placed) * 1024) > 0.97


def test_a_row_by_hand():
    part = _windows("ACG", "U", partners=[2, -1, 0, -1])
    (row,) = pack.packed([part], SHAPE)
    np.testing.assert_array_equal(row.token_L, [1, 4, 5, 6, 2, 1, 7, 2])
    np.testing.assert_array_equal(row.segment_L, [1, 1, 1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(row.partner_L, [-1, 3, -1, 1, -1, -1, -1, -1])
    assert row.ids == ("r0", "r1")


def test_padding_is_segment_0_without_partners():
    (row,) = pack.packed([_windows("AC", partners=[1, 0])], SHAPE)
    np.testing.assert_array_equal(row.token_L[4:], 0)
    np.testing.assert_array_equal(row.segment_L[4:], 0)
    np.testing.assert_array_equal(row.partner_L, [-1, 2, 1, -1, -1, -1, -1, -1])


@pytest.mark.parametrize("seed", [0, 1])
def test_parts_keep_their_own_letters_in_any_order(seed):
    parts = [_windows("AAAA", "CCC"), _windows("GG", "UUUUU", partners=[-1] * 7)]
    rows = list(pack.packed(parts, pack.Shape(row_length=8, max_segments=3, seed=seed)))
    found = {
        (name, alphabet.decode(row.token_L[row.segment_L == number][1:-1]))
        for row in rows
        for number, name in enumerate(row.ids, 1)
    }
    assert found == {("r0", "AAAA"), ("r1", "CCC"), ("r0", "GG"), ("r1", "UUUUU")}


def test_rows_do_not_begin_with_the_longest_records():
    part = _windows(*("A" * length for length in range(1, 60)))
    shape = pack.Shape(row_length=61, max_segments=9, seed=0)
    longest = [
        int(np.bincount(row.segment_L)[1:].max()) for row in pack.packed([part], shape)
    ]
    assert longest != sorted(longest, reverse=True)
