"""Tests of tables of structures without letters."""

import pytest

from ssrlm_jax.rna import structure_tables, structures

PLAIN = structures.from_dot_bracket("((...))")
TRIPLE = structures.Structure(9, [(0, 4), (0, 8)])


@pytest.mark.parametrize(
    ("named", "header"),
    [
        ([("a", PLAIN)], "id\tdotbracket"),
        ([("a", PLAIN), ("b", TRIPLE), ("c", PLAIN)], "id\tdotbracket\tpairs"),
    ],
)
def test_what_is_written_is_read_with_base_triples(tmp_path, named, header):
    structure_tables.write(tmp_path / "one.tsv", named)
    assert (tmp_path / "one.tsv").read_text().splitlines()[0] == header
    found = list(structure_tables.each(tmp_path / "one.tsv"))
    assert [one.name for one in found] == [name for name, _ in named]
    for one, (_, structure) in zip(found, named, strict=True):
        assert one.structure.length == structure.length
        assert one.structure.pairs.tolist() == structure.pairs.tolist()


def test_pairs_that_do_not_fit_are_told_with_their_line(tmp_path):
    (tmp_path / "one.tsv").write_text(
        "id\tdotbracket\tpairs\na\t.....\t1-9\nb\t(...)\t\n"
    )
    damaged, whole = structure_tables.each(tmp_path / "one.tsv")
    assert "one.tsv:2" in str(damaged)
    assert whole.structure.pairs.tolist() == [[0, 4]]
