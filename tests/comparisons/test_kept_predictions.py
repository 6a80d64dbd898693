"""Kept predictions: whole lines, told when damaged, named by all that decides."""

import numpy as np
import pytest

from ssrlm_jax.comparisons import kept_predictions
from ssrlm_jax.rna import probabilities, structures

LISTED = probabilities.PairProbabilities(
    np.array([0, 1], np.int32),
    np.array([8, 7], np.int32),
    np.array([0.1, 1 / 3], np.float32),
)
KEPT = kept_predictions.Kept(
    "GGGAAACCC", structures.from_dot_bracket("((.....))"), LISTED, 0.25, 80.5
)
FAILED = kept_predictions.Kept("ACGU", None, failed="it ended")


@pytest.fixture
def store(tmp_path):
    made = kept_predictions.Store(tmp_path / "one")
    made.begin({"program": "p"})
    made.add([KEPT, FAILED])
    return made


def test_what_is_kept_is_what_was_said(store):
    found = kept_predictions.Store(store.directory).found
    assert list(found) == ["GGGAAACCC", "ACGU"]
    one = found["GGGAAACCC"]
    np.testing.assert_array_equal(one.structure.pairs, [[0, 8], [1, 7]])
    for given, read in zip(LISTED, one.listed, strict=True):
        np.testing.assert_array_equal(given, read)
        assert given.dtype == read.dtype
    assert (one.seconds, one.memory, one.failed) == (0.25, 80.5, "")
    assert found["ACGU"] == FAILED


def test_half_a_line_is_cut_off(store):
    path = store.directory / kept_predictions.RECORDS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"sequence": "GG')
    again = kept_predictions.Store(store.directory)
    assert list(again.found) == ["GGGAAACCC", "ACGU"]
    again.begin({"program": "p"})
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "changed",
    [
        '{"pairs": ""}',
        '{"sequence": "ACGU", "pairs": null, "seconds": 1, "memory": 1}',
        '{"sequence": "ACGU", "pairs": "1-2-3", "seconds": 1, "memory": 1}',
        # The pair 1-9 with a probability of 0.5, of a sequence of four.
        '{"sequence": "ACGU", "pairs": "", "seconds": 1, "memory": 1, '
        '"probabilities": "AAAAAAgAAAAAAAA/"}',
        # The pair 1-4 with a probability of 2.
        '{"sequence": "ACGU", "pairs": "", "seconds": 1, "memory": 1, '
        '"probabilities": "AAAAAAMAAAAAAABA"}',
    ],
)
def test_a_damaged_line_is_told(store, changed):
    path = store.directory / kept_predictions.RECORDS
    path.write_text(f"{changed}\n{path.read_text()}")
    with pytest.raises(ValueError, match=r"records.jsonl:1: no record of a pred"):
        kept_predictions.Store(store.directory)


def test_failures_are_forgotten_when_asked(store):
    store.forget_failures()
    assert list(kept_predictions.Store(store.directory).found) == ["GGGAAACCC"]


class _Folder:
    def __init__(self, version):
        self._version = version

    def describe(self):
        return {"version": self._version}


def test_names_depend_on_method_version_and_sequences():
    names = {
        kept_predictions.key_of(name, _Folder(version), sequences)
        for name in ("a", "b")
        for version in ("1", "2")
        for sequences in (["ACGU"], ["ACGU", "GG"])
    }
    assert len(names) == 8
    same = [["ACGU", "GG"], ["GG", "ACGU", "GG"]]
    first, second = (kept_predictions.key_of("a", _Folder("1"), one) for one in same)
    assert first == second


def test_what_one_version_said_of_other_sets_is_found(tmp_path):
    for of_set, name, version, kept in (
        ("A", "p-1", 1, [KEPT]),
        ("B", "p-2", 1, [KEPT._replace(sequence="GGGAAACCU"), FAILED]),
        ("C", "p-3", 2, [KEPT._replace(sequence="GGGAAACUC")]),
        ("D", "q-1", 1, [KEPT._replace(sequence="GGGAAAUCC")]),
    ):
        made = kept_predictions.Store(tmp_path / of_set / name)
        made.begin({"version": version})
        made.add(kept)
    found = kept_predictions.elsewhere(tmp_path, "p", {"version": 1})
    assert [place.name for place in found] == ["p-1", "p-2"]
    assert kept_predictions.elsewhere(tmp_path / "none", "p", {"version": 1}) == []


def test_what_another_version_of_the_store_kept_is_none(tmp_path, monkeypatch):
    made = kept_predictions.Store(tmp_path / "A" / "p-1")
    made.begin({"version": 1})
    monkeypatch.setattr(kept_predictions, "VERSION", kept_predictions.VERSION + 1)
    assert kept_predictions.elsewhere(tmp_path, "p", {"version": 1}) == []


def test_a_store_that_is_begun_again_loses_nothing(tmp_path):
    made = kept_predictions.Store(tmp_path / "p-1")
    for kept in (KEPT, KEPT._replace(sequence="GGGAAACCU")):
        made.begin({"version": 1})
        made.add([kept])
    assert len(kept_predictions.Store(tmp_path / "p-1").found) == 2
