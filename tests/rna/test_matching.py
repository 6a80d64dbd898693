import dataclasses

import numpy as np
import pytest

from ssrlm_jax.rna import coordinates, matching

HAIRPIN = "GGCAUCGAGCUUCGGCUCGAUGCC"


def _chain(letters, numbers=None, gaps=()):
    """Returns a strand whose atoms do not matter; numbers "" were not seen."""
    if numbers is None:
        numbers = range(1, len(letters) + 1)
    numbers = tuple(map(str, numbers))
    return coordinates.Chain(
        name="A",
        letters=letters,
        numbers=numbers,
        is_seen_L=np.array([bool(number) for number in numbers]),
        gaps=gaps,
        modified=(),
        residue_N=np.zeros(0, np.int32),
        name_N=np.zeros(0, "U4"),
        xyz_N3=np.zeros((0, 3), np.float32),
    )


def _part(places, numbers=None, gaps=()):
    """Returns nucleotides of the hairpin, positions from 0."""
    letters = "".join(HAIRPIN[n] for n in places)
    return _chain(letters, numbers or [n + 1 for n in places], gaps)


SEEN = [*range(10), *range(14, 24)]  # all but the loop


def test_equal_letters_count_in_order_whatever_their_numbers():
    found = matching.match(_chain(HAIRPIN), _chain(HAIRPIN, range(101, 125)))
    assert found.way == "letters"
    np.testing.assert_array_equal(found.at_L, range(24))
    assert (found.num_same, found.num_other) == (24, 0)


def test_numbers_tell_what_is_missing():
    found = matching.match(_part(SEEN), _chain(HAIRPIN))
    assert found.way == "numbers"
    np.testing.assert_array_equal(found.at_L, SEEN)
    back = matching.match(_chain(HAIRPIN), _part(SEEN))
    np.testing.assert_array_equal(back.at_L[SEEN], range(20))
    assert (back.at_L[10:14] == -1).all()


@pytest.mark.parametrize("gaps", [((9, 4),), ((9, 0),), ()])
def test_without_common_numbers_an_alignment_does(gaps):
    """The loop is skipped by numbers, broken off, or not told at all."""
    numbers = [n + 201 + 4 * (n > 9) * bool(gaps) for n in range(20)]
    found = matching.match(_part(SEEN, numbers, gaps), _chain(HAIRPIN))
    assert found.way == "alignment"
    np.testing.assert_array_equal(found.at_L, SEEN)
    assert found.num_same == 20
    assert found.num_other == (not gaps)  # a step that nothing explains


def test_of_equal_alignments_the_one_at_the_break_counts():
    """AAAA of AAAAAAA between other letters: only the break says which."""
    left, right = "GCUGCUCG", "CGUCGGCU"
    model = _chain(left + "AAAAAAA" + right)
    known = _chain(left + "AAAA" + right, range(501, 521), ((9, 0),))  # after AA
    found = matching.match(known, model)
    np.testing.assert_array_equal(found.at_L, [*range(10), *range(13, 23)])


def test_numbers_that_disagree_with_letters_do_not_count():
    """The model counts on where the known strand was not seen."""
    other = _part(SEEN, range(1, 21))
    found = matching.match(_chain(HAIRPIN), other)
    assert found.way == "alignment"
    np.testing.assert_array_equal(found.at_L[SEEN], range(20))


def test_one_other_letter_is_laid_and_counted():
    mutated = HAIRPIN[:5] + "A" + HAIRPIN[6:]
    found = matching.match(_chain(HAIRPIN), _chain(mutated))
    assert (found.way, found.num_same, found.num_other) == ("numbers", 23, 1)
    renumbered = matching.match(_chain(HAIRPIN), _chain(mutated, range(51, 75)))
    assert (renumbered.num_same, renumbered.num_other) == (23, 1)
    np.testing.assert_array_equal(renumbered.at_L, range(24))


def test_tags_at_the_ends_are_left_over():
    found = matching.match(
        _chain(HAIRPIN), _chain("GGGAAA" + HAIRPIN + "AAACCC", range(1, 37))
    )
    np.testing.assert_array_equal(found.at_L, range(6, 30))
    assert found.num_other == 0


def test_nucleotides_that_were_not_seen_keep_their_places():
    """SEQRES names the loop; the model has the rest."""
    numbers = [n + 1 if n in SEEN else "" for n in range(24)]
    found = matching.match(_chain(HAIRPIN, numbers), _part(SEEN, range(301, 321)))
    np.testing.assert_array_equal(found.at_L[SEEN], range(20))


@pytest.mark.parametrize("length", [10, 16, 24, 60, 200])
def test_strangers_are_not_matched(length):
    rng = np.random.default_rng(0)
    for _ in range(20):
        one, other = (_chain("".join(rng.choice(list("ACGU"), length))) for _ in "ab")
        other = dataclasses.replace(other, numbers=tuple(map(str, range(900, 2000))))
        assert matching.match(one, other) is None


def test_a_short_strand_is_not_found_in_a_long_one_by_chance():
    rng = np.random.default_rng(1)
    long = _chain("".join(rng.choice(list("ACGU"), 1_000)))
    for _ in range(10):
        short = _chain("".join(rng.choice(list("ACGU"), 16)), range(5001, 5017))
        assert matching.match(short, long) is None
    inside = _chain(long.letters[500:516], range(5001, 5017))
    np.testing.assert_array_equal(matching.match(inside, long).at_L, range(500, 516))


def test_what_is_laid_already_is_left_alone():
    is_known_L, is_model_L = np.arange(24) >= 12, np.arange(24) >= 12
    found = matching.match(_chain(HAIRPIN), _chain(HAIRPIN), is_known_L, is_model_L)
    np.testing.assert_array_equal(found.at_L, [*[-1] * 12, *range(12, 24)])
    assert found.num_same == 12


def test_unknown_letters_are_neither_equal_nor_other():
    found = matching.match(_chain(HAIRPIN), _chain(HAIRPIN[:5] + "N" + HAIRPIN[6:]))
    assert (found.num_same, found.num_other) == (23, 0)
    assert matching.match(_chain("N" * 24), _chain("N" * 24)) is None
