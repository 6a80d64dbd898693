"""Numbers of Fig. S2, by hand on a few points, and families that are drawn."""

import dataclasses
import gzip
import json

import numpy as np
import pytest
import small_models

from ssrlm_jax import config
from ssrlm_jax.comparisons import family_maps, family_report, items
from ssrlm_jax.infer import catalogue

ASKED = items.Families(
    kinds=("rRNA", "snRNA"),
    counts=(1, 1),
    members=7,
    longest=20,
    table="families.tsv.gz",
    members_table="members.tsv",
    get="write them",
)


@pytest.fixture
def data(tmp_path):
    rows = ["accession\tid\ttype", "RF1\tfive\tGene; rRNA;", "RF2\tu1\tGene; snRNA; s;"]
    rows.append("RF3\tsmall\tGene; rRNA;")
    with gzip.open(tmp_path / "families.tsv.gz", "wt") as file:
        file.write("\n".join(rows) + "\n")
    rows = ["id\tfamily\tsequence"]
    for family, letter, count in (("RF1", "A", 9), ("RF2", "C", 9), ("RF3", "G", 3)):
        rows += [f"{family}_{n}\t{family}\t{letter * n}U" for n in range(3, 3 + count)]
    rows.append("RF1_long\tRF1\t" + "A" * 30)
    (tmp_path / "members.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_the_largest_families_of_each_type_are_drawn(data):
    chosen = family_maps.choose(ASKED, str(data), seed=0)
    assert chosen.families == ["five"] * 7 + ["u1"] * 7
    assert chosen.kinds == ["rRNA"] * 7 + ["snRNA"] * 7
    assert len(set(chosen.sequences)) == 14
    assert max(map(len, chosen.sequences)) <= 20
    assert chosen == family_maps.choose(ASKED, str(data), seed=0)


def test_too_few_families_are_told(data):
    asked = dataclasses.replace(ASKED, counts=(2, 1))
    with pytest.raises(
        ValueError, match="fewer than 2 families of type rRNA with more"
    ):
        family_maps.choose(asked, str(data), seed=0)
    with pytest.raises(ValueError, match="families.tsv.gz: write them"):
        family_maps.choose(ASKED, str(data / "none"), seed=0)


def test_families_that_lie_apart_are_told_apart():
    names = ["a"] * 8 + ["b"] * 8
    chosen = family_maps.Chosen([""] * 16, names, ["x"] * 16)
    points_N2 = np.array([[n // 8 * 100.0 + n % 8, 7.0] for n in range(16)])
    found = family_maps.told("it", points_N2, chosen, seed=0)
    assert found.values[family_maps.FAMILY] == (1.0, 1.0, 1.0)
    assert found.values[family_maps.KIND].value == 1.0
    assert found.values[family_maps.SILHOUETTE].value > 0.9
    mixed_N2 = np.array([[n % 8, 7.0] for n in range(16)])
    found = family_maps.told("it", mixed_N2 + 1e-3 * np.eye(16, 2), chosen, seed=0)
    assert found.values[family_maps.FAMILY].value < 0.8
    assert abs(found.values[family_maps.SILHOUETTE].value) < 0.2


def test_words_of_three_letters_are_counted():
    counts_N64 = family_maps.letter_counts(["AAAC", "AANAA"])
    assert counts_N64.shape == (2, 64)
    assert counts_N64[0, :2].tolist() == [0.5, 0.5]  # AAA, AAC
    assert counts_N64[1].sum() == 0.0


def test_embeddings_of_a_model_are_kept(tmp_path):
    small_models.save(tmp_path / "model")
    letters = ["GGGAAACCC", "ACGUACGUAA"]
    first = family_maps.embedded(tmp_path / "model", letters, tmp_path / "kept")
    assert first.shape == (2, small_models.SIZES.width)
    (path,) = (tmp_path / "kept").iterdir()
    np.save(path, np.zeros((2, 3)))
    again = family_maps.embedded(tmp_path / "model", letters, tmp_path / "kept")
    assert again.shape == (2, 3)
    other = family_maps.embedded(tmp_path / "model", letters[:1], tmp_path / "kept")
    np.testing.assert_allclose(other, first[:1], atol=1e-5)


def test_all_files_of_the_report_have_the_numbers(data, tmp_path, monkeypatch):
    monkeypatch.setattr(family_maps, "draw", lambda *given: "no picture")
    monkeypatch.setattr(catalogue, "shipped", lambda: [])
    small_models.save(tmp_path / "model")
    settings = config.PaperConfig(data=str(data), models=f"mine={tmp_path}/model")
    item = items.Item(title="Of families")
    text = family_report.make("s2", item, ASKED, settings, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "s2.json").read_text())["rows"]
    assert [one["name"] for one in found] == ["mine", family_maps.LETTERS]
    value, *_ = found[0]["values"][family_maps.SILHOUETTE]
    assert f"{value:.3f} (" in text
    table = (tmp_path / "out" / "s2.csv").read_text()
    assert f"mine,{family_maps.SILHOUETTE},{value:.6f}," in table
    assert f"mine & {found[0]['values'][family_maps.FAMILY][0]:.3f} (" in (
        (tmp_path / "out" / "s2.tex").read_text()
    )
