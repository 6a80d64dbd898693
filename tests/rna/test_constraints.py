import numpy as np
import pytest

from ssrlm_jax.rna import (
    constrained,
    constraint_formats,
    constraints,
    decode,
    structures,
)
from ssrlm_jax.rna import probabilities as pair_probabilities

#           1234567890123456789
SEQUENCE = "GGGAAAUCCUUGGAAAACC"
METHODS = ("greedy", "matching", "nested", "threshold")


def _listed(*rows):
    i, j, p = np.array(sorted(rows), np.float64).reshape(-1, 3).T
    return pair_probabilities.PairProbabilities(
        i.astype(np.int32) - 1, j.astype(np.int32) - 1, p.astype(np.float32)
    )


def _decoded(listed, given, method, **flags):
    flags = {"threshold": 0.3, "method": method} | flags
    found = constrained.decoded(listed, given, flags)
    return [tuple(pair) for pair in (found.pairs + 1).tolist()]


def _read(tmp_path, text):
    path = tmp_path / "a.con"
    path.write_text(text)
    return constraint_formats.read(path)


@pytest.mark.parametrize(
    "text",
    [
        "x(......)..<>.....|\n",
        "GGGAAAUCCUUGGAAAACC\nx(......)..<>.....|\n",
        "F 2 9 1\nP 1 0 1\nF 12 0 1 D\nF 13 0 1 U\nF 19 0 1\n",
        "9 2\nP 1 0 1\nF 12 0 1 D\nF 13 0 1 U\nDS:\n19\n-1\n",
    ],
)
def test_every_form_says_the_same(text, tmp_path):
    (block,) = _read(tmp_path, text)
    expected = constraints.of_dot_bracket("x(......)..<>.....|", "")
    key = lambda one: (one.i, one.j, one.kind)  # noqa: E731
    assert sorted(map(key, block.statements)) == sorted(map(key, expected))


def test_a_con_file_of_rnastructure_is_read(tmp_path):
    text = (
        "DS:\n15\n-1\nSS:\n4\n5\n-1\nMod:\n2\n-1\nPairs:\n1 9\n-1 -1\nFMN:\n7\n-1\n"
        "Forbids:\n3 8\n-1 -1\n"
    )
    (block,) = _read(tmp_path, text)
    assert [one[:3] for one in block.statements] == [
        ("paired", 14, -1),
        ("unpaired", 3, -1),
        ("unpaired", 4, -1),
        ("modified", 1, -1),
        ("pair", 0, 8),
        ("wobble", 6, -1),
        ("no pair", 2, 7),
    ]


def test_helices_and_ranges_of_viennas_commands(tmp_path):
    (block,) = _read(tmp_path, "F 1 19 2\nP 3-4 8-9\nP 10 0 2\n")
    assert [(one.kind, one.i + 1, one.j + 1) for one in block.statements] == [
        ("pair", 1, 19),
        ("pair", 2, 18),
        ("no pair", 3, 8),
        ("no pair", 3, 9),
        ("no pair", 4, 8),
        ("no pair", 4, 9),
        ("unpaired", 10, 0),
        ("unpaired", 11, 0),
    ]


def test_blocks_go_by_name_then_by_letters(tmp_path):
    blocks = _read(tmp_path, ">a\n2 9\n>b\nGGAACC\n......\n")
    assert constraint_formats.chosen(blocks, "a", "X").name == "a"
    assert constraint_formats.chosen(blocks, "c", "ggaacc").name == "b"
    assert constraint_formats.chosen(blocks, "c", "GGAACU") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2 9\nx\nF 2 x 1\n", "a.con:3: a string of ( ) [ ]"),
        ("E 1 2 3 -1\n", "a.con:1: a string of"),
        ("DS:\n3\n", "a.con:1: the section does not end with -1"),
        ("Pairs:\n3\n-1 -1\n", "a.con:2: 2 positions, or -1 at the end, expected"),
        ("SS:\n0\n-1\n", "a.con:2: a position from 1 expected, found '0'"),
        ("((..)\n", "a.con:1, position 1: '(' is never closed"),
        ("(..))\n", "a.con:1, position 5: ')' closes nothing"),
        ("F 1 9 2 H\n", "a.con:1: pairs of one kind of loop ('H') are not read"),
        ("# nothing\n", "a.con: the file is empty"),
    ],
)
def test_a_bad_file_is_told_with_its_line(text, message, tmp_path):
    with pytest.raises(ValueError, match=r"^.*") as error:
        _read(tmp_path, text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2 9\nP 2 0 1\n",
            "position 2 is paired with 9 (a.con:1) and unpaired "
            "(a.con:2); drop one of them",
        ),
        (
            "2 9\n2 8\n",
            "position 2 is paired with 9 (a.con:1) and paired with 8 (a.con:2)",
        ),
        (
            "2 9\nP 2 9 1\n",
            "position 2 is paired with 9 (a.con:1) and not paired with it (a.con:2)",
        ),
        (
            "2 9\nF 2 0 1 U\n",
            "position 2 is paired with 9 (a.con:1) and paired with an "
            "earlier position (a.con:2)",
        ),
        (
            "F 2 0 1 U\nF 2 0 1 D\n",
            "position 2 is paired with an earlier position "
            "(a.con:1) and paired with a later position (a.con:2)",
        ),
        ("F 2 0 1\nP 2 0 1\n", "position 2 is paired (a.con:1) and unpaired (a.con:2)"),
        ("2 5\n", "a.con:1: positions 2 and 5 are G and A, not A-U, G-C or G-U"),
        ("11 14\n", "a.con:1: positions 11 and 14 are too near"),
        ("1 20\n", "a.con:1: position 20 lies outside 1..19"),
        ("1 18\n", "a.con:1: positions 1 and 18 span 18 nucleotides, at most 17"),
        (
            "F 1 0 1 U\n",
            "position 1 is paired with an earlier position (a.con:1), and "
            "no partner is left",
        ),
        ("FMN:\n1\n-1\n", "a.con:2: FMN cuts at U, position 1 is G"),
        ("....\n", "a.con:1: 4 characters of constraints, the sequence has 19"),
    ],
)
def test_what_cannot_be_is_told_with_both_places(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.con").write_text(text)
    (block,) = constraint_formats.read("a.con")
    with pytest.raises(ValueError, match=r"^.*") as error:
        block.of(SEQUENCE, max_span=17)
    assert message in str(error.value)


def test_a_modified_nucleotide_within_a_forced_helix_is_told():
    modified = constraints.Statement("modified", 1, -1, "line 4")
    helix = [constraints.Statement("pair", n, 9 - n, "line 1") for n in range(3)]
    with pytest.raises(
        ValueError,
        match=r"position 2 is modified \(line 4\) and the "
        r"pair \(2, 9\) is within a helix that is forced",
    ):
        constraints.Constraints("GGGAAAACCC", (modified, *helix))


LISTED = _listed((1, 9, 0.9), (2, 8, 0.9), (1, 19, 0.4), (2, 18, 0.4), (12, 19, 0.2))


@pytest.mark.parametrize("method", METHODS)
def test_constraints_hold_whatever_the_method(method):
    free = constraints.Constraints(SEQUENCE)
    assert {(1, 9), (2, 8)} <= set(_decoded(LISTED, free, method))
    forced = constraints.from_dot_bracket("(.................)", SEQUENCE)
    found = _decoded(LISTED, forced, method)
    assert (1, 19) in found
    assert (1, 9) not in found
    unpaired = constraints.from_dot_bracket("x..................", SEQUENCE)
    found = _decoded(LISTED, unpaired, method)
    assert not any(1 in pair for pair in found)
    assert (2, 8) in found
    forbidden = constraints.Constraints(
        SEQUENCE, (constraints.Statement("no pair", 0, 8, "here"),)
    )
    found = _decoded(LISTED, forbidden, method)
    assert (1, 9) not in found
    assert (2, 8) in found
    short = constraints.Constraints(SEQUENCE, (), 8)
    assert _decoded(LISTED, short, method) == [(2, 8)]  # 7 nucleotides; (1, 9) has 9


@pytest.mark.parametrize("method", METHODS)
def test_a_position_that_must_pair_gets_a_partner_below_the_threshold(method):
    given = constraints.from_dot_bracket("...........|.......", SEQUENCE)
    found = _decoded(LISTED, given, method)
    assert (12, 19) in found  # 0.2, the only one that is listed
    assert {(1, 9), (2, 8)} <= set(found)


@pytest.mark.parametrize("method", METHODS)
def test_a_position_that_must_pair_gets_even_a_partner_that_is_not_listed(method):
    given = constraints.from_dot_bracket("..........<........", SEQUENCE)
    (partner,) = (j for i, j in _decoded(_listed(), given, method) if i == 11)
    assert SEQUENCE[partner - 1] in "AG"
    assert partner >= 15


@pytest.mark.parametrize("method", METHODS)
def test_two_that_must_pair_do_not_take_each_others_only_partner(method):
    #           G at 1 can have C at 6 or 12, G at 2 only C at 6.
    sequence = "GGAAACAAAAAC"
    given = constraints.Constraints(
        sequence,
        (
            constraints.Statement("paired", 0, -1, "here"),
            constraints.Statement("paired", 1, -1, "here"),
            constraints.Statement("no pair", 1, 11, "here"),
        ),
    )
    listed = _listed((1, 6, 0.2), (1, 12, 0.02), (2, 6, 0.1))
    assert _decoded(listed, given, method) == [(1, 12), (2, 6)]


def test_forced_pairs_that_cross_need_a_method_with_pseudoknots():
    given = constraints.from_dot_bracket(
        "(......[)........].", SEQUENCE[:7] + "G" + SEQUENCE[8:]
    )
    assert {(1, 9), (8, 18)} <= set(_decoded(_listed(), given, "greedy"))
    with pytest.raises(
        ValueError,
        match=r"the pairs \(1, 9\) \(constraints\) and "
        r"\(8, 18\) \(constraints\) cross, and the method 'nested'",
    ):
        _decoded(_listed(), given, "nested")


def test_pairs_that_cross_a_forced_one_give_way_where_nothing_crosses():
    given = constraints.from_dot_bracket("(.......)..........", SEQUENCE)
    listed = _listed((3, 18, 0.99), (12, 19, 0.9))
    assert _decoded(listed, given, "nested") == [(1, 9), (12, 19)]
    assert _decoded(listed, given, "greedy") == [(1, 9), (3, 18), (12, 19)]


def test_a_modified_nucleotide_is_not_within_a_helix():
    sequence = "GGGAAAUCCUUGGAAACCC"
    listed = _listed((1, 19, 0.9), (2, 18, 0.9), (3, 17, 0.9))
    given = constraints.Constraints(
        sequence, (constraints.Statement("modified", 1, -1, "here"),)
    )
    assert _decoded(listed, given, "greedy") == [(1, 19), (3, 17)]
    at_end = constraints.Constraints(
        sequence, (constraints.Statement("modified", 0, -1, "here"),)
    )
    assert len(_decoded(listed, at_end, "greedy")) == 3


def test_no_constraints_change_nothing():
    rng = np.random.default_rng(0)
    matrix_LL = rng.random((19, 19))
    listed = pair_probabilities.from_matrix(matrix_LL, 0.5)
    free = constraints.Constraints(SEQUENCE)
    for method in METHODS:
        flags = {"threshold": 0.6, "method": method}
        expected = decode.decode(listed, SEQUENCE, **flags)
        found = constrained.decoded(listed, free, flags)
        np.testing.assert_array_equal(found.pairs, expected.pairs)


def test_a_negative_span_is_no_span():
    with pytest.raises(ValueError, match="maximum span -1 is < 0"):
        constraints.Constraints(SEQUENCE, (), -1)


def test_random_constraints_hold():
    rng = np.random.default_rng(1)
    letters = np.array(list("ACGU"))
    refused, num_found = [], 0
    for _ in range(60):
        sequence = "".join(rng.choice(letters, 30))
        listed = pair_probabilities.from_matrix(rng.random((30, 30)) ** 3, 0.01)
        text = "".join(rng.choice(list("......x|<>"), 30))
        try:
            given = constraints.from_dot_bracket(text, sequence, max_span=25)
        except ValueError:
            continue
        for method in METHODS:
            try:
                found = constrained.decoded(
                    listed, given, {"threshold": 0.4, "method": method}
                )
            except ValueError as error:
                refused.append(str(error))
                continue
            num_found += 1
            paired = np.zeros(30, bool)
            paired[found.pairs.ravel()] = True
            marks = np.array(list(text))
            assert not paired[marks == "x"].any()
            assert paired[np.isin(marks, list("|<>"))].all()
            i, j = found.pairs.T
            assert (marks[i] != ">").all()
            assert (marks[j] != "<").all()
            assert (j - i < 25).all()
            assert isinstance(found, structures.Structure)
    assert num_found > 30
    assert all("leaves it no partner" in message for message in refused)
