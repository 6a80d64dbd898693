"""Sets on disk: counted, unreadable in known parts, and compared with training."""

import dataclasses
import pathlib
import shutil

import numpy as np
import pytest

from ssrlm_jax.comparisons import items, known_sets, set_files
from ssrlm_jax.rna import structures

DATA = pathlib.Path(__file__).parents[3] / "shared" / "data"
ROWS = ["id\tsequence\tdotbracket", "a\tGGGAAACCC\t(((...)))", "b\tGGGAAACC\t(((...))"]
SET = items.LabelledSet(name="S", title="s", file="s.tsv", count=1, get="find it")


@pytest.fixture
def data(tmp_path):
    (tmp_path / "s.tsv").write_text("\n".join(ROWS) + "\n")
    return str(tmp_path)


def test_a_record_that_cannot_be_read_is_an_error(data):
    with pytest.raises(ValueError, match="s.tsv:3: dot-bracket position 1: '\\('"):
        set_files.read(SET, data)


def test_brackets_that_are_known_to_be_open_are_closed(tmp_path):
    rows = [ROWS[0], "c\tGGGAAACCC\t(((...)).", ROWS[1]]
    (tmp_path / "s.tsv").write_text("\n".join(rows) + "\n")
    known = dataclasses.replace(SET, count=2, closed={"c": (9,)})
    first, second = set_files.read(known, str(tmp_path))
    np.testing.assert_array_equal(first.structure.pairs, second.structure.pairs)
    with pytest.raises(ValueError, match="s.tsv:2: '.' is expected at .* 8 of the str"):
        set_files.read(dataclasses.replace(known, closed={"c": (8,)}), str(tmp_path))
    with pytest.raises(ValueError, match="s.tsv:2: '.' is expected .*, found ''$"):
        set_files.read(dataclasses.replace(known, closed={"c": (10,)}), str(tmp_path))
    with pytest.raises(ValueError, match="s.tsv:2: dot-bracket position 1: "):
        set_files.read(dataclasses.replace(known, closed={"a": ()}), str(tmp_path))
    (tmp_path / "s.tsv").write_text("id\tsequence\na\tGGG\n")
    with pytest.raises(ValueError, match="a table with a column dotbracket is expect"):
        set_files.read(known, str(tmp_path))


def test_a_set_is_packed_or_not_or_a_folder_of_files(tmp_path):
    packed = dataclasses.replace(SET, file="in/s.tsv.gz")
    folder = tmp_path / "in" / "s"
    folder.mkdir(parents=True)
    (folder / "a.dbn").write_text(">a\nGGGAAACCC\n(((...)))\n")
    assert [one.name for one in set_files.read(packed, str(tmp_path))] == ["a"]
    (tmp_path / "in" / "s.tsv").write_text("\n".join([ROWS[0], ROWS[1]]) + "\n")
    (folder / "a.dbn").write_text("no longer read")
    assert [one.name for one in set_files.read(packed, str(tmp_path))] == ["a"]
    with pytest.raises(ValueError, match=r"there is no .*s\.tsv\.gz: find it"):
        set_files.read(packed, str(tmp_path / "in"))


def test_long_rna_is_left_out_before_it_is_counted(tmp_path):
    (tmp_path / "s.tsv").write_text("\n".join([*ROWS[:2], "b\tAAA\t..."]) + "\n")
    (record,) = set_files.read(dataclasses.replace(SET, longest=8), str(tmp_path))
    assert record.name == "b"
    with pytest.raises(ValueError, match="0 RNAs, S has 1: find it"):
        set_files.read(dataclasses.replace(SET, longest=2), str(tmp_path))


def test_what_trained_is_left_out_and_equal_letters_count_once(tmp_path):
    rows = [ROWS[0], *(f"{n}\t{s}\t." for n, s in zip("abcd", "ACaG", strict=True))]
    (tmp_path / "s.tsv").write_text("\n".join([*rows, "e\tU\t."]) + "\n")
    (tmp_path / "t.tsv").write_text("id\tsequence\tdotbracket\nx\tT\t.\n")

    def names(**changes):
        known = dataclasses.replace(SET, **changes)
        return [one.name for one in set_files.read(known, str(tmp_path))]

    assert names(count=5) == ["a", "b", "c", "d", "e"]
    assert names(count=4, is_distinct=True) == ["a", "b", "d", "e"]
    assert names(count=4, without=("t.tsv",)) == ["a", "b", "c", "d"]
    assert names(count=3, without=("t.tsv",), is_distinct=True) == ["a", "b", "d"]
    with pytest.raises(ValueError, match="there is no .*u.tsv"):
        names(count=5, without=("u.tsv",))


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not here")
@pytest.mark.parametrize(
    "name", ["ArchiveII-less-TR0", "ArchiveII-less-TR0-600", "ArchiveII-600", "CASP16"]
)
def test_sets_that_are_parts_of_files_have_their_counts(name):
    one = known_sets.SETS[name]
    assert len(set_files.read(one, str(DATA))) == one.count


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not here")
def test_the_long_target_of_casp16_has_the_pairs_of_its_assessors():
    # All 107 pairs of their dot-bracket are canonical once it is closed.
    (long,) = (
        one
        for one in set_files.read(known_sets.SETS["CASP16"], str(DATA))
        if one.name == "R1283v1"
    )
    pairs = {long.sequence[i] + long.sequence[j] for i, j in long.structure.pairs}
    assert len(long.structure.pairs) == 107
    assert pairs == {"AU", "UA", "GC", "CG", "GU", "UG"}
    assert {(207, 332), (355, 423), (473, 504)} <= set(
        map(tuple, long.structure.pairs.tolist())
    )


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


def test_other_pairs_than_these_are_an_error():
    with pytest.raises(ValueError, match="S: pairs='nest' is none of .*nested"):
        dataclasses.replace(SET, pairs="nest")


@pytest.mark.parametrize(
    ("pairs", "dots"),
    [
        ("all", "(.)([)]([)]"),
        ("canonical", "(.)([)](.)."),  # the last one is G-A
        ("nested", "(.)....(.)."),  # and crosses nothing that is left
    ],
)
def test_known_pairs_are_all_or_canonical_or_those_that_cross_no_other(
    pairs, dots, tmp_path
):
    row = "a\tGACGCCGAGUA\t(.)([)]([)]"
    (tmp_path / "s.tsv").write_text(f"{ROWS[0]}\n{row}\n")
    (record,) = set_files.read(dataclasses.replace(SET, pairs=pairs), str(tmp_path))
    expected = structures.from_dot_bracket(dots)
    np.testing.assert_array_equal(record.structure.pairs, expected.pairs)
