import dataclasses
import gzip
import pickle

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import energies, relatives
from ssrlm_jax.rna import decode, formats, record_tables, structures

pytest.importorskip("pyopal", reason="PyOpal is not installed")

TRNA, DOTS = stand_ins.TRNA, stand_ins.TRNA_DOTS
STRANGER = "".join(np.random.default_rng(1).choice(list("ACGU"), 90))


def _record(name, letters, dots):
    return formats.Record(name, letters, structures.from_dot_bracket(dots))


def _pairs(structure):
    return {tuple(pair) for pair in structure.pairs.tolist()}


@pytest.fixture
def memory():
    hairpin = "((((((....))))))" + "." * 74
    return relatives.remember(
        [_record("trna", TRNA, DOTS), _record("stranger", STRANGER, hairpin)]
    )


def test_pairs_follow_an_alignment_with_gaps_on_either_side(memory):
    # Two letters more before position 20, and one less at 50: both are unpaired.
    place, gap = 20, 46
    assert DOTS[gap] == "."
    letters = TRNA[:place] + "AA" + TRNA[place:gap] + TRNA[gap + 1 :]

    def moved(position):
        return position + 2 * (position >= place) - (position > gap)

    best = relatives.Relatives(memory=memory).of(letters)[0]
    assert best.name == "trna"
    assert best.identity == 1.0
    expected = {
        (moved(i), moved(j)) for i, j in _pairs(structures.from_dot_bracket(DOTS))
    }
    is_first = best.partner > best.position
    i, j = best.position[is_first].tolist(), best.partner[is_first].tolist()
    found = set(zip(i, j, strict=True))
    # Which of equal letters a gap stands beside is open: a pair next to it may move.
    assert len(found & expected) >= len(expected) - 1
    assert all(letters[i] + letters[j] in decode.CANONICAL for i, j in found)


def test_the_votes_are_the_structure_of_what_is_equal(memory):
    (folded,) = relatives.Relatives(memory=memory).fold([TRNA], with_probabilities=True)
    assert _pairs(folded.structure) == _pairs(structures.from_dot_bracket(DOTS))
    assert folded.probabilities.probability.max() > 0.8
    (lower,) = relatives.Relatives(memory=memory).fold([TRNA.lower().replace("u", "t")])
    assert _pairs(lower.structure) == _pairs(folded.structure)


def _relative(position, partner, confidence):
    logit = np.log(confidence / (1 - confidence))
    scale = 1.0 / relatives._WEIGHTS[0]
    return relatives.Relative(
        "",
        np.array(position, np.int32),
        np.array(partner, np.int32),
        identity=1.0,
        features=(logit * scale, 0.0, 0.0, 0.0, 0.0),
    )


def test_votes_by_hand():
    for_it = _relative([0, 1, 8, 9], [9, -1, -1, 0], 0.5)
    against = _relative([0, 9], [-1, -1], 0.5)
    elsewhere = _relative([0, 1, 2], [-1, 2, 1], 0.5)
    pairs, probability = relatives.vote(10, [for_it, against, elsewhere])
    odds = 0.5 / 0.501
    assert pairs.tolist() == [[0, 9], [1, 2]]
    # The third says nothing of position 9, the others nothing of position 2.
    np.testing.assert_allclose(
        probability, [odds / (2 * odds + 0.5), odds / (odds + 0.5)]
    )


def test_nothing_is_said_of_nothing(memory):
    source = relatives.Relatives(memory=memory)
    folded = source.fold(["", "A", "NNNNNNNN"], with_probabilities=True)
    assert [len(one.probabilities.i) for one in folded] == [0, 0, 0]
    for is_training in (False, True):
        empty = relatives.Relatives(
            memory=relatives.remember([]), leaves_out_itself=is_training, unseen=1.0
        )
        assert not len(empty.fold([TRNA])[0].structure.pairs)


def test_in_training_a_record_is_no_relative_of_itself(memory):
    almost = _record("almost", "G" + TRNA[1:-1] + "G", DOTS)
    more = relatives.remember(
        [_record("trna", TRNA, DOTS), almost, _record("same", TRNA, DOTS)]
    )
    training = relatives.Relatives(memory=more, leaves_out_itself=True)
    assert [one.name for one in training.of(TRNA)] == ["almost"]
    apart = dataclasses.replace(training, unseen=1.0)
    assert not apart.of(TRNA)
    assert apart.describe() != training.describe()


def test_a_share_of_rna_is_shown_without_relatives(memory):
    rng = np.random.default_rng(0)
    given = ["".join(rng.choice(list("ACGU"), 30)) for _ in range(400)]
    drawn = np.array([relatives._draw(one) for one in given])
    assert 0.2 < (drawn < 0.3).mean() < 0.4
    assert relatives._draw(given[0]) == drawn[0]


def test_longer_rna_has_more_relatives():
    memory = relatives.remember(_record(f"r{n}", TRNA, DOTS) for n in range(50))
    source = relatives.Relatives(memory=memory)
    assert len(source.of(TRNA)) == 20
    assert len(source.of(TRNA + "A" * 500)) == 40


def test_a_memory_is_written_and_read(tmp_path, memory):
    path = tmp_path / relatives.FILE
    relatives.write(path, memory)
    assert relatives.read(path) == memory
    again = path.read_bytes()
    relatives.write(path, memory)
    assert path.read_bytes() == again  # no time of writing in it
    read = list(record_tables.read_table(path))  # as other tables
    assert [one.sequence for one in read] == list(memory.sequences)
    for wrong in (b"", b"id\tsequence\n", b"id\tsequence\tdotbracket\na\tb\n"):
        path.write_bytes(gzip.compress(wrong, mtime=0))
        with pytest.raises(ValueError, match="no table of id, sequence, dotbracket"):
            relatives.read(path)


def test_what_is_remembered():
    triple = structures.Structure(9, np.array([[0, 8], [1, 7], [0, 7]], np.int32))
    memory = relatives.remember(
        [
            formats.Record("triple", "gggaaattt", triple),
            _record("no pair", "ACGU", "...."),
            formats.Record("unknown", "ACGU"),
        ]
    )
    assert memory.names == ("triple",)
    assert memory.sequences == ("GGGAAAUUU",)
    assert memory.dots == ("(......).",)
    with pytest.raises(ValueError, match="bad.*'-'"):
        relatives.remember([_record("bad", "GG-CC", "(...)")])


def test_they_are_one_source_among_others(tmp_path, memory):
    pytest.importorskip("RNA", reason="ViennaRNA is not installed")
    source = energies.Energies(
        names=("vienna", "relatives"), memory=memory, folder=str(tmp_path), longest=50
    )
    assert source.max_length is None
    ((_, listed),) = source([TRNA])
    (alone,) = relatives.Relatives(memory=memory).fold(
        [TRNA], with_probabilities=True, least=energies.LEAST
    )
    np.testing.assert_array_equal(listed.i, alone.probabilities.i)
    np.testing.assert_allclose(
        listed.probability, alone.probabilities.probability, rtol=1e-3
    )
    copy = pickle.loads(pickle.dumps(source))
    for found, expected in zip(copy([TRNA])[0], source([TRNA])[0], strict=True):
        np.testing.assert_array_equal(found.probability, expected.probability)
    # Another memory is another map, and so is training.
    other = relatives.remember([_record("stranger", STRANGER, "." * 88 + "()")])
    for changed in ({"memory": other}, {"unseen": 0.3}):
        ((_, listed),) = dataclasses.replace(source, **changed)([TRNA])
        assert len(listed.i) < len(alone.probabilities.i)
    with pytest.raises(ValueError, match="no RNA with known structures"):
        energies.Energies(names=("relatives",))
