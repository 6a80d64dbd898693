import shutil

import numpy as np
import pytest

from ssrlm_jax.prepare.sets import labelled_sets
from ssrlm_jax.rna import formats, structures

needs_mmseqs = pytest.mark.skipif(
    shutil.which("mmseqs") is None, reason="MMseqs2 is not installed"
)


def _record(name, letters, family="", dots=None):
    dots = dots or "(((" + "." * (len(letters) - 6) + ")))"
    return formats.Record(name, letters, structures.from_dot_bracket(dots), family)


def _random(seed, length=80):
    return "".join(np.random.default_rng(seed).choice(list("ACGU"), length))


@pytest.fixture
def no_search(monkeypatch):
    """Nothing is similar, as far as MMseqs2 says."""
    empty = np.empty(0, labelled_sets.mmseqs.HIT)
    monkeypatch.setattr(labelled_sets.mmseqs, "search", lambda *_, **__: empty)


def _make(labelled, consensus=(), tests=(), **settings):
    defaults = {
        "families": {},
        "tested_families": (),
        "share": 0.3,
        "most_of_family": 2,
        "max_length": 100,
    }
    return labelled_sets.make(
        list(labelled), list(consensus), list(tests), **defaults | settings
    )


def test_no_relative_of_a_held_out_record_trains(no_search):
    labelled = [_record(f"r{n}", _random(n)) for n in range(20)]
    families = {f"r{n}": [f"F{n // 4}"] for n in range(20)}
    consensus = [_record(f"c{n}", _random(100 + n), f"F{n}") for n in range(5)]
    found = _make(labelled, consensus, families=families, seed=3, share=0.01)
    assert not found.held_out  # every family is a fifth of all: too large
    many = [_record(f"m{n}", _random(1000 + n)) for n in range(400)]
    found = _make([*labelled, *many], consensus, families=families, share=0.5)
    held = {one.name for one in found.held_out}
    assert 210 <= len(held) < 214  # half of 420; the last group may be of four
    for n in range(5):
        members = {f"r{n}" for n in range(4 * n, 4 * n + 4)}
        assert members <= held or not members & held
        trains = f"c{n}" in {one.name for one in found.train}
        assert trains == (not members & held)


def test_what_equals_a_test_record_never_trains(no_search):
    letters = _random(0)
    as_dna = letters.lower().replace("u", "t")
    labelled = [_record("a", letters), _record("b", _random(1))]
    consensus = [_record("c", as_dna, "F"), _record("d", _random(1), "F")]
    found = _make(labelled, consensus, [_record("t", as_dna)], share=0.0)
    assert [one.name for one in found.train] == ["b"]
    assert found.counts["labelled, equal a test record"] == 1


def test_consensus_that_does_not_train(no_search):
    consensus = [
        _record("tested", _random(1), "T"),
        _record("long", _random(2, 101), "F"),
        _record("bare", _random(3), "F", "(" + "." * 78 + ")"),
        *(_record(f"F{n}", _random(10 + n), "F") for n in range(5)),
    ]
    labelled = [_record("a", _random(0))]
    found = _make(labelled, consensus, tested_families={"T"}, share=0.0)
    names = [one.name for one in found.train]
    assert names[0] == "a"
    assert len(names) == 3
    assert set(names[1:]) < {f"F{n}" for n in range(5)}


@needs_mmseqs
def test_similar_records_are_relatives():
    letters = _random(0)
    near = letters[:30] + "A" + letters[31:]
    records = [_record("a", letters), _record("b", _random(1)), _record("c", near)]
    first, second, third = labelled_sets.groups(records, [(), (), ()])
    assert first == third != second


@needs_mmseqs
def test_what_is_near_a_test_record_is_left_out_where_asked_for():
    letters = _random(0)
    near = letters[:30] + "A" + letters[31:]
    labelled = [_record("near", near), _record("far", _random(1))]
    tests = [_record("t", letters)]
    everything = _make(labelled, [], tests, share=0.0)
    assert [one.name for one in everything.train] == ["near", "far"]
    found = _make(labelled, [], tests, share=0.0, nearest=0.8)
    assert [one.name for one in found.train] == ["far"]
    assert found.counts["labelled, near a test record"] == 1


@needs_mmseqs
def test_a_family_that_is_near_a_test_record_gives_no_consensus():
    letters = _random(0)
    near = letters[:30] + "A" + letters[31:]
    labelled = [_record("labelled", near)]  # which trains, as in the literature
    consensus = [
        _record("near", near[:60] + "GG" + near[62:], "near"),
        _record("sister", _random(1), "near"),
        _record("far", _random(2), "far"),
    ]
    found = _make(labelled, consensus, [_record("t", letters)], share=0.0)
    assert [one.name for one in found.train] == ["labelled", "far"]
    assert found.counts["families of it, near a test record"] == 1
