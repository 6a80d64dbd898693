import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from ssrlm_jax.prepare.corpus import windows
from ssrlm_jax.rna import alphabet, structures


def _collected(text, dots, longest, shortest_tail=1):
    """The windows of one record, and what was counted."""
    token_L, _ = alphabet.encode(text)
    partner_L = dots and structures.partners(structures.from_dot_bracket(dots))[0]
    collector = windows.Collector()
    ends = windows.cuts(len(text), longest, shortest_tail)
    collector.add("r", token_L, partner_L, ends, 7)
    return collector.windows(), collector.counts


@pytest.mark.parametrize(
    ("length", "ends"),
    [
        (1, [0, 1]),
        (10, [0, 10]),
        (11, [0, 8, 11]),
        (13, [0, 10, 13]),
        (20, [0, 10, 20]),
        (21, [0, 10, 18, 21]),
        (25, [0, 10, 20, 25]),
    ],
)
def test_cuts_by_hand(length, ends):
    np.testing.assert_array_equal(windows.cuts(length, 10, 3), ends)


@hypothesis.given(
    strategies.integers(1, 5000), strategies.integers(2, 300), strategies.data()
)
@hypothesis.settings(max_examples=200, deadline=None)
def test_cuts_are_the_fewest_and_leave_no_short_tail(length, longest, data):
    shortest_tail = data.draw(strategies.integers(1, max(1, longest // 2)))
    sizes = np.diff(windows.cuts(length, longest, shortest_tail))
    assert sizes.sum() == length
    assert sizes.min() >= 1
    assert sizes.max() <= longest
    assert len(sizes) == -(-length // longest)
    if len(sizes) > 1:
        assert sizes[-1] >= shortest_tail


def test_pairs_that_cross_a_cut_are_dropped_and_counted():
    kept, counts = _collected("GGACCGAC", "((.))(.)", 4)
    assert kept.names == ["r:1-4", "r:5-8"]
    np.testing.assert_array_equal(kept.partner, [-1, 3, -1, 1, -1, 3, -1, 1])
    assert counts["pairs that cross a cut"] == 1
    np.testing.assert_array_equal(kept.length, [4, 4])
    np.testing.assert_array_equal(kept.record, [7, 7])


def test_a_record_that_fits_keeps_its_name_and_pairs():
    kept, counts = _collected("GGACC", "((.))", 5)
    assert kept.names == ["r"]
    np.testing.assert_array_equal(kept.partner, [4, 3, -1, 1, 0])
    assert not counts.total()


def test_windows_without_a_nucleotide_are_dropped_and_counted():
    kept, counts = _collected("NNNNACNN", None, 4)
    assert kept.names == ["r:5-8"]
    assert counts["windows without A C G U"] == 1
    assert len(kept.partner) == 0


@pytest.mark.parametrize("dots", [None, "((.))(.)"])
def test_windows_come_back_from_disk(tmp_path, dots):
    written, _ = _collected("GGACCGAC", dots, 4)
    windows.save(tmp_path / "part", written)
    read = windows.load(tmp_path / "part")
    for name in ("token", "partner", "length", "record"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert read.names == written.names
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_no_windows_come_back_from_disk(tmp_path):
    windows.save(tmp_path / "part", windows.Collector().windows())
    assert windows.load(tmp_path / "part").names == []


def test_selected_windows_keep_their_own_letters():
    kept, _ = _collected("GGACCGAC", "((.))(.)", 4)
    second = kept.select(np.array([False, True]))
    token_L, partner_L = second.nth(0, 0)
    assert alphabet.decode(token_L) == "CGAC"
    np.testing.assert_array_equal(partner_L, [-1, 3, -1, 1])
    assert second.names == ["r:5-8"]
