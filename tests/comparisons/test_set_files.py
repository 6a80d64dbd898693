"""Sets on disk: counted, unreadable in known parts, and compared with training."""

import dataclasses
import shutil

import numpy as np
import pytest

from ssrlm_jax.comparisons import items, set_files

ROWS = ["id\tsequence\tdotbracket", "a\tGGGAAACCC\t(((...)))", "b\tGGGAAACC\t(((...))"]
SET = items.LabelledSet(name="S", title="s", file="s.tsv", count=1, get="find it")


@pytest.fixture
def data(tmp_path):
    (tmp_path / "s.tsv").write_text("\n".join(ROWS) + "\n")
    return str(tmp_path)


def test_a_record_that_cannot_be_read_is_an_error_unless_it_is_known(data):
    with pytest.raises(ValueError, match="s.tsv:3: dot-bracket position 1: '\\('"):
        set_files.read(SET, data)
    known = dataclasses.replace(SET, num_unread=1)
    (record,) = set_files.read(known, data)
    assert record.name == "a"
    with pytest.raises(ValueError, match="1 records cannot be read, 2 are expected"):
        set_files.read(dataclasses.replace(SET, num_unread=2), data)


def test_long_rna_is_left_out_before_it_is_counted(data):
    known = dataclasses.replace(SET, num_unread=1, longest=8)
    with pytest.raises(ValueError, match="0 RNAs, S has 1: find it"):
        set_files.read(known, data)


def test_what_is_not_there_is_told_with_what_gets_it(tmp_path):
    with pytest.raises(ValueError, match="there is no .*s.tsv: find it"):
        set_files.read(SET, str(tmp_path))
    with pytest.raises(ValueError, match="^find it$"):
        set_files.read(dataclasses.replace(SET, file=""), str(tmp_path))


def test_equal_sequences_are_counted_without_mmseqs(tmp_path, monkeypatch):
    monkeypatch.setenv("SSRLM_MMSEQS", str(tmp_path / "none"))
    shared, identity_N = set_files.shared(["GGG", "CCC"], ["CCC"], tmp_path)
    assert (shared.equal, shared.near, identity_N) == (1, None, None)
    assert "mmseqs" in shared.reason
    shared, identity_N = set_files.shared(["GGG", "CCC"], [], tmp_path)
    assert shared == (0, 0, "")
    np.testing.assert_array_equal(identity_N, [0, 0])


@pytest.mark.skipif(not shutil.which("mmseqs"), reason="mmseqs is not installed")
def test_near_ones_are_found_and_kept(tmp_path):
    rng = np.random.default_rng(0)
    first, other = ("".join(rng.choice(list("ACGU"), 80)) for _ in range(2))
    near = first[:40] + ("A" if first[40] != "A" else "C") + first[41:]
    shared, identity_N = set_files.shared([first, other], [near], tmp_path)
    assert shared == (0, 1, "")
    assert identity_N[0] == pytest.approx(79 / 80, abs=1e-3)
    assert identity_N[1] == 0
    again = set_files.shared([first, other], [near], tmp_path)[1]
    np.testing.assert_array_equal(again, identity_N)
    assert len(list(tmp_path.glob("*.json"))) == 1
