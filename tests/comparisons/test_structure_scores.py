"""Scores of folded structures: means and correlations worked out by hand."""

import math

import numpy as np
import pytest

from ssrlm_jax.comparisons import figure_tables, structure_scores
from ssrlm_jax.metrics import report3d

ROWS = (  # name, sample, length, plddt, identity, lddt, lddt_c1, canonical, pairs, note
    ("a", "1", 20, 0.2, 0.5, 0.1, 0.3, 1.0, 0.8, ""),
    ("a", "2", 20, 0.9, 0.5, 0.9, 0.9, 1.0, 0.8, ""),
    ("b", "1", 40, 0.4, 0.0, 0.3, 0.5, 0.5, 0.4, ""),
    ("c", "1", 60, 0.6, 1.0, 0.5, 0.7, math.nan, math.nan, ""),
    ("d", "", 80, math.nan, 0.5, 0.0, 0.0, 0.0, 0.0, "not predicted"),
)


@pytest.fixture
def table(tmp_path):
    scored = [
        report3d.Scored(
            name=name,
            length=length,
            scores=dict.fromkeys(report3d.SCORES, math.nan)
            | {"lddt": lddt, "lddt_c1": c1, "canonical_f1": canonical, "pair_f1": f1},
            lddt_L=np.array([c1]),
            plddt_L=None if math.isnan(plddt) else np.array([plddt]),
            identity=identity,
            sample=sample,
            note=note,
        )
        for name, sample, length, plddt, identity, lddt, c1, canonical, f1, note in ROWS
    ]
    path = tmp_path / "m.tsv"
    rows = report3d.rows(scored)
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def test_the_first_sample_of_each_structure_counts(table):
    found = structure_scores.read(table)
    assert [one.name for one in found] == ["a", "b", "c", "d"]
    assert (found[0].lddt, found[0].plddt, found[0].length) == (0.1, 0.2, 20)
    assert [one.is_predicted for one in found] == [True, True, True, False]
    assert math.isnan(found[2].canonical_f1)
    assert math.isnan(found[3].plddt)


def test_numbers_are_the_hand_worked_ones(table):
    one = structure_scores.Folded("m", structure_scores.read(table))
    of_atoms = structure_scores.values(one, seed=0, is_of_pairs=False)
    assert of_atoms["lDDT, all atoms"].value == pytest.approx((0.1 + 0.3 + 0.5) / 4)
    assert of_atoms["lDDT, C1'"].value == pytest.approx((0.3 + 0.5 + 0.7) / 4)
    # pLDDT 0.2, 0.4, 0.6 with 0.3, 0.5, 0.7; what has none is left out.
    assert of_atoms["r with pLDDT"].value == pytest.approx(1.0)
    # Lengths are -30, -10, 10, 30 off their mean, lDDT -0.125, 0.075, 0.275, -0.225.
    r = (3.75 - 0.75 + 2.75 - 6.75) / math.sqrt(2000 * 0.1475)
    assert of_atoms["r with length"].value == pytest.approx(r)
    assert of_atoms["r with identity"].value == pytest.approx(
        0.1 / math.sqrt(0.5 * 0.1475)
    )
    of_pairs = structure_scores.values(one, seed=0, is_of_pairs=True)
    assert of_pairs["F1, canonical"].value == pytest.approx(0.5)  # of three
    assert of_pairs["F1, all pairs"].value == pytest.approx(0.4)


def test_rows_say_how_many_were_predicted_or_why_none_was(table):
    found = [
        structure_scores.Folded("m", structure_scores.read(table)),
        structure_scores.Folded("n", [], "it is broken"),
    ]
    scored, without = structure_scores.rows(found, 0, is_of_pairs=True)
    assert scored.about == {"predicted": "3 of 4"}
    assert list(scored.values) == ["F1, canonical", "F1, all pairs"]
    assert without == figure_tables.Row("n", {}, reason="it is broken")


def test_another_table_is_told(tmp_path):
    (tmp_path / "m.tsv").write_text("id\tlength\nx\t5\n")
    with pytest.raises(ValueError, match="m.tsv: no table of evaluate3d \\('lddt'\\)"):
        structure_scores.read(tmp_path / "m.tsv")


@pytest.mark.parametrize("is_of_pairs", [False, True])
def test_pictures_show_what_is_known(table, tmp_path, is_of_pairs):
    pytest.importorskip("matplotlib")
    found = [structure_scores.Folded("m", structure_scores.read(table))]
    path = tmp_path / "it.png"
    assert structure_scores.draw(path, found, is_of_pairs=is_of_pairs) == ""
    assert path.read_bytes().startswith(b"\x89PNG")
    none = [structure_scores.Folded("n", [], "it is broken")]
    told = structure_scores.draw(tmp_path / "no.png", none, is_of_pairs=is_of_pairs)
    assert told == "nothing is there to be drawn"
    assert not (tmp_path / "no.png").exists()
