import dataclasses
import itertools

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.data import labelled_records
from ssrlm_jax.rna import formats, record_tables, structures


def record(length, name="", family=""):
    """Returns RNA with one pair, of its ends."""
    pairs = np.array([[0, length - 1]]) if length > 1 else np.empty((0, 2))
    structure = structures.Structure(length, pairs)
    return formats.Record(name or f"r{length}", "A" * length, structure, family)


def test_a_family_is_held_out_whole():
    records = [record(20, f"r{n}", "abc"[n % 3]) for n in range(30)]
    settings = config.LabelledConfig(table="t.tsv", held_out="b")
    found = labelled_records.split_by_family(settings, records, seed=0)
    assert {r.family for r in found.test} == {"b"}
    assert {r.family for r in [*found.train, *found.validation]} == {"a", "c"}
    assert len(found.validation) == 2
    names = [
        r.name for part in (found.train, found.validation, found.test) for r in part
    ]
    assert sorted(names) == sorted(r.name for r in records)


def test_records_of_one_name_keep_their_own_families():
    records = [record(20 + n, f"r{n % 5}", "abc"[n // 5]) for n in range(15)]
    held = config.LabelledConfig(table="t.tsv", held_out="b")
    found = labelled_records.split_by_family(held, records, seed=0)
    assert {r.family for r in [*found.train, *found.validation]} == {"a", "c"}
    assert [r.family for r in found.test] == ["b"] * 5
    fold = config.LabelledConfig(table="t.tsv", num_folds=3)
    parts = vars(labelled_records.split_by_family(fold, records, seed=0)).values()
    families = sorted([r.family for r in part] for part in parts)
    assert families == [["a"] * 5, ["b"] * 5, ["c"] * 5]


def test_folds_share_no_family_and_every_fold_tests_once():
    records = [record(20, f"r{n}", f"f{n % 7}") for n in range(40)]
    tested = []
    for fold in range(3):
        settings = config.LabelledConfig(table="t.tsv", num_folds=3, fold=fold)
        found = labelled_records.split_by_family(settings, records, seed=0)
        parts = [found.train, found.validation, found.test]
        families = [{r.family for r in part} for part in parts]
        for one, other in itertools.combinations(families, 2):
            assert not one & other
        tested += [r.name for r in found.test]
    assert sorted(tested) == sorted(r.name for r in records)


def test_records_without_a_family_are_families_of_their_own():
    records = [record(20, f"r{n}") for n in range(9)]
    settings = config.LabelledConfig(table="t.tsv", num_folds=3)
    found = labelled_records.split_by_family(settings, records, seed=0)
    assert [len(found.train), len(found.validation), len(found.test)] == [3, 3, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "data.train is empty"),
        ({"train": "nothing.tsv"}, "data.validation is empty"),
        ({"table": "TABLE"}, "needs data.held_out or data.num_folds"),
        ({"table": "TABLE", "held_out": "z"}, r"'z' is not one of \['x'\]"),
        ({"table": "TABLE", "num_folds": 3}, "there are 1 families only"),
    ],
)
def test_a_split_that_cannot_be_made_is_an_error(tmp_path, settings, message):
    table = tmp_path / "t.tsv"
    record_tables.write_table(table, [record(20, "a", "x")])
    settings = {k: str(table) if v == "TABLE" else v for k, v in settings.items()}
    with pytest.raises(ValueError, match=message):
        labelled_records.split(config.LabelledConfig(**settings), seed=0)


def test_records_that_are_too_long_are_left_out_and_counted(tmp_path, caplog):
    table = tmp_path / "t.tsv"
    record_tables.write_table(table, [record(20, "a"), record(101, "b")])
    settings = config.LabelledConfig(
        train=str(table), validation=str(table), max_length=100
    )
    with caplog.at_level("INFO", logger="ssrlm_jax"):
        found = labelled_records.split(settings, seed=0)
    assert [r.name for r in found.train] == ["a"]
    assert (
        "data.train: 1 are empty or longer than data.max_length=100 nt" in caplog.text
    )


def test_what_is_tested_may_be_longer_than_what_trains(tmp_path):
    records = [record(20 + 90 * (n % 2), f"r{n}", "abc"[n % 3]) for n in range(12)]
    record_tables.write_table(tmp_path / "t.tsv", records)
    settings = config.LabelledConfig(
        table=str(tmp_path / "t.tsv"), held_out="b", max_length=100
    )
    found = labelled_records.split(settings, seed=0)
    assert [r.name for r in found.test] == ["r1", "r4", "r7", "r10"]
    assert {len(r.sequence) for r in (*found.train, *found.validation)} == {20}


def test_a_table_of_families_must_fit_the_records(tmp_path, caplog):
    table, families = tmp_path / "t.tsv", tmp_path / "families.tsv"
    record_tables.write_table(table, [record(20, f"r{n}") for n in range(4)])
    settings = config.LabelledConfig(
        table=str(table), num_folds=3, families=str(families)
    )
    families.write_text("r0\tx\nr1\tx\nr2\ty\n")
    found = labelled_records.split(settings, seed=0)
    assert "1 records of the table are not in it" in caplog.text
    assert {"r0", "r1"} in [{r.name for r in part} for part in vars(found).values()]
    families.write_text("other0\tx\n")
    with pytest.raises(ValueError, match="has no record of the table, such as 'r0'"):
        labelled_records.split(settings, seed=0)


@pytest.fixture
def left_out(tmp_path):
    """Returns a table of six families, and a file that holds two of its sequences."""
    table, test_set = tmp_path / "t.tsv", tmp_path / "test.fa"
    known = structures.from_dot_bracket("(..)")
    letters = ["ACGU", "AAAU", "CAAG", "GAAC", "GCAC", "GGAC"]
    records = [formats.Record(one, one, known, family=one) for one in letters]
    record_tables.write_table(table, records)
    test_set.write_text(">lower case, T\nacgt\n>another\nGGAC\n>none\nACGUA\n")
    return letters, str(table), str(test_set)


def test_what_is_left_out_does_not_train(left_out, caplog):
    letters, table, test_set = left_out
    given = config.LabelledConfig(train=table, validation=table, leave_out=test_set)
    with caplog.at_level("INFO", logger="ssrlm_jax"):
        found = labelled_records.split(given, seed=0)
    assert [r.name for r in found.train] == ["AAAU", "CAAG", "GAAC", "GCAC"]
    assert [r.name for r in found.validation] == letters
    assert "training: 2 records equal one of data.leave_out" in caplog.text
    assert "validation: 2 do; data.validation is used as it is given" in caplog.text
    everything = dataclasses.replace(given, leave_out=table)
    with pytest.raises(ValueError, match="left to train on after data.leave_out"):
        labelled_records.split(everything, seed=0)


def test_what_is_left_out_of_a_table_does_not_validate_either(left_out):
    letters, table, test_set = left_out
    for fold in range(3):
        given = config.LabelledConfig(
            table=table, num_folds=3, fold=fold, leave_out=test_set
        )
        found = labelled_records.split(given, seed=0)
        learned = {r.name for r in (*found.train, *found.validation)}
        tested = {r.name for r in found.test}
        assert learned == set(letters) - {"ACGU", "GGAC"} - tested


def test_a_record_without_a_structure_is_an_error(tmp_path):
    table = tmp_path / "t.tsv"
    table.write_text("id\tsequence\tdotbracket\na\tACGU\t\n")
    settings = config.LabelledConfig(train=str(table), validation=str(table))
    with pytest.raises(ValueError, match="t.tsv:2: a has no structure"):
        labelled_records.split(settings, seed=0)
