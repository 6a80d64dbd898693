import numpy as np
import pytest

from ssrlm_jax.prepare.corpus import record_batches, standardise, windows
from ssrlm_jax.rna import alphabet


def _read(tmp_path, text, **changes):
    """Counts, keys and windows of a file, all parts together."""
    path = tmp_path / "input"
    path.write_text(text)
    settings = {
        "path": str(path),
        "source": "ncrna",
        "out": str(tmp_path / "part"),
        "longest": 10,
        "shortest_tail": 2,
        "part_nucleotides": 1000,
    }
    counts = standardise.standardise(standardise.Task(**(settings | changes)))
    numbers = range(counts["num_parts"])
    keys = [np.load(tmp_path / f"part-{n:05d}.keys") for n in numbers]
    parts = [windows.load(tmp_path / f"part-{n:05d}.windows") for n in numbers]
    return counts, keys, parts


def test_letters_are_made_alike_and_counted(tmp_path):
    counts, (keys,), (part,) = _read(tmp_path, ">a\nacgt\n>b\nACGU\n>c\nRYNA\n")
    assert alphabet.decode(part.token) == "ACGUACGUNNNA"
    assert counts["changed"]["letters read as N"] == 2
    by_record = keys[np.argsort(keys["record"])]
    np.testing.assert_array_equal(by_record["high"][0], by_record["high"][1])
    np.testing.assert_array_equal(by_record["low"][0], by_record["low"][1])
    assert by_record["high"][0] != by_record["high"][2]


def test_keys_are_sorted_by_hash(tmp_path):
    text = "".join(f">r\n{'ACGU'[n % 4]}{'ACGU'[n // 4]}\n" for n in range(16))
    _, (keys,), _ = _read(tmp_path, text)
    assert (np.diff(keys["high"].astype(object)) > 0).all()
    assert set(keys["num_nucleotides"]) == {2}


def test_records_without_a_nucleotide_are_dropped_with_a_count(tmp_path):
    counts, (keys,), (part,) = _read(tmp_path, ">a\nNNRY\n>b\nA\n>c\nNNNNNNNNNNNN\n")
    assert (counts["num_in"], counts["num_out"]) == (3, 1)
    assert counts["dropped"] == {standardise.NO_NUCLEOTIDE: 2}
    assert part.names == ["b"]
    assert len(keys) == 1


def test_long_records_are_cut_and_counted(tmp_path):
    counts, (keys,), (part,) = _read(tmp_path, ">a\n" + "ACGU" * 6 + "\n>b\nAC\n")
    assert part.names == ["a:1-10", "a:11-20", "a:21-24", "b"]
    assert counts["changed"]["records cut into windows"] == 1
    assert len(keys) == 2


def test_parts_hold_a_bounded_number_of_nucleotides(tmp_path):
    text = "".join(f">r{n}\nACGUA\n" for n in range(7))
    counts, keys, parts = _read(tmp_path, text, part_nucleotides=10)
    assert counts["num_parts"] == 4
    assert [len(part.token) for part in parts] == [10, 10, 10, 5]
    assert [len(part) for part in keys] == [2, 2, 2, 1]


def test_a_record_longer_than_a_part_comes_in_pieces(tmp_path):
    """Pieces are told apart, but share what decides the split; one counts."""
    text = ">x\nAC\n>a\n" + "ACGUA" * 9 + "\n"
    counts, keys, parts = _read(tmp_path, text, part_nucleotides=20)
    names = [name for part in parts for name in part.names]
    assert names == ["x", "a:1-10", "a:11-20", "a:21-30", "a:31-40", "a:41-45"]
    assert [len(part.token) for part in parts] == [2, 20, 20, 5]
    pieces = np.concatenate(keys)
    pieces = pieces[pieces["num_nucleotides"] > 2]
    pieces = pieces[np.argsort(pieces["low"])]
    assert len(set(pieces["high"].tolist())) == 1
    np.testing.assert_array_equal(np.diff(pieces["low"]), [1, 1])
    assert pieces["is_first"].sum() == 1
    assert (counts["num_in"], counts["num_out"]) == (2, 2)


def _odd(path):
    raise record_batches.OddFastaError


def test_a_long_record_is_the_same_from_a_temporary_file(tmp_path, monkeypatch):
    text = ">a\n" + "ACGUR\n" * 9 + ">b\nGG\n>c\n" + "UUU\n" * 9
    counts, keys, parts = _read(tmp_path, text)
    monkeypatch.setattr(record_batches, "_SPOOL", 7)
    monkeypatch.setattr(record_batches, "_blocks", _odd)
    again = _read(tmp_path, text)
    assert again[0] == counts
    np.testing.assert_array_equal(again[1][0], keys[0])
    np.testing.assert_array_equal(again[2][0].token, parts[0].token)


def test_structures_reach_the_windows(tmp_path):
    text = "id\tsequence\tdotbracket\tpairs\na\tGAC\t(.)\t1-3;1-2\nb\tAC\t\t\n"
    counts, (keys,), (part,) = _read(tmp_path, text)
    np.testing.assert_array_equal(part.partner, [1, 0, -1, -1, -1])
    assert counts["changed"]["pairs of base triples dropped"] == 1
    assert keys["has_structure"].sum() == 1


@pytest.mark.parametrize(
    ("pattern", "families", "expected"),
    [
        ("", {}, {"RF1": 2, "tRNA": 1}),
        (r"RF\d+", {}, {"RF1": 2, "RF9": 1}),
        (r"RF\d|tRNA", {"tRNA": "RF5"}, {"RF1": 2, "RF5": 1, "RF9": 1}),
        ("", {"x_RF9": "mine"}, {"RF1": 2, "tRNA": 1, "mine": 1}),
    ],
)
def test_a_family_is_found_in_the_table_or_the_name(
    tmp_path, pattern, families, expected
):
    text = "id\tfamily\tsequence\na\tRF1\tA\nb\tRF1\tC\nc\ttRNA\tG\nx_RF9\t\tU\n"
    counts, (keys,), _ = _read(
        tmp_path, text, family_pattern=pattern, families=families
    )
    assert counts["families"] == expected
    assert (keys["family"] >= 0).sum() == sum(expected.values())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (">a\nAC\n>b\nACG\nA-C\n", r"input:5: position 2: '-' is a gap"),
        (">a\nAC&G\n", "input:2: position 3: '&' joins two strands"),
        ("id\tsequence\na\tA-\n", "input:2: position 2: '-' is a gap"),
        (">a\nACGU\nAC\n((.)..\n", "input:4: dot-bracket position 1"),
        (">a\nAC\n>b\n", "input:3: a header without a sequence"),
    ],
)
def test_a_wrong_letter_is_named_with_file_and_line(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=complaint):
        _read(tmp_path, text)


def test_left_out_records_are_never_dropped_by_a_filter(tmp_path):
    filters = {"min_length": 5, "min_complexity": 0.9, "max_unknown": 0.1}
    text = ">short\nACGU\n>simple\nAAAAAAAA\n>unknown\nACGUNNNN\n"
    counts, _, _ = _read(tmp_path, text, **filters)
    assert counts["dropped"] == {
        standardise.SHORT: 1, standardise.SIMPLE: 1, standardise.UNKNOWN: 1,
    }  # fmt: skip
    left_out = standardise.LEFT_OUT
    counts, (keys,), _ = _read(tmp_path, text, source=left_out, **filters)
    assert counts["dropped"] == {}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("sequence", "complexity"),
    [
        ("AAAAAAAA", 0.0),  # 6 words, all AAA
        ("AUAUAUAU", 1 / np.log2(6)),  # AUA, UAU three times each
        ("ACGUNACG", 1 - 2 / 3 / np.log2(3)),  # ACG twice and CGU; N makes no word
        ("AC", 1.0),  # no word
        ("AACCGGUU", 1.0),  # six different words
    ],
)
def test_complexity_by_hand(tmp_path, sequence, complexity):
    for limit, num_out in ((complexity - 1e-6, 1), (complexity + 1e-6, 0)):
        counts, _, _ = _read(tmp_path, f">r\n{sequence}\n>x\nACGUUGCAAC\n",
                             min_complexity=max(limit, 0.0))  # fmt: skip
        assert counts["num_out"] == num_out + (limit <= 1.0)


def test_blocks_and_lines_read_alike(tmp_path, monkeypatch):
    """Whole batches against record by record, and line by line."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 40, 200)
    text = "".join(
        f">r{n} x\n{''.join(rng.choice(list('ACGUNacgtR'), 7))}\r\n"
        f"{''.join(rng.choice(list('ACGU'), length))}\n"
        for n, length in enumerate(lengths)
    )
    for settings in ({}, {"part_nucleotides": 60}, {"min_length": 20}):
        counts, keys, parts = _read(tmp_path, text, **settings)
        with monkeypatch.context() as patch:
            patch.setattr(record_batches, "_blocks", _odd)
            patch.setattr(record_batches, "_BATCH", 1)
            slow_counts, slow_keys, slow_parts = _read(tmp_path, text, **settings)
        assert sum(map(len, keys)) == sum(map(len, slow_keys)) > 90
        hashes = [{k["high"] for k in np.concatenate(one)} for one in (keys, slow_keys)]
        assert hashes[0] == hashes[1]
        names = [sorted(n for p in one for n in p.names) for one in (parts, slow_parts)]
        assert names[0] == names[1]
        for name in ("num_in", "num_out", "dropped", "changed", "lengths"):
            assert counts[name] == slow_counts[name]


def test_structures_can_be_left_behind(tmp_path):
    text = "id\tsequence\tdotbracket\na\tGAC\t(.)\n"
    _, (keys,), (part,) = _read(tmp_path, text, keep_structures=False)
    assert len(part.partner) == 0
    assert not keys["has_structure"].any()
