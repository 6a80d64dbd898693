"""What a prediction says of itself, as text, table and page."""

import json
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

from ssrlm_jax.external import programs
from ssrlm_jax.infer import prediction
from ssrlm_jax.rna import probabilities, structures


def _made(dots="((...)).", name="x", **about):
    structure = structures.from_dot_bracket(dots)
    listed = probabilities.PairProbabilities(
        np.array([0, 1, 1], np.int32),
        np.array([6, 3, 5], np.int32),
        np.array([0.75, 0.25, 0.5], np.float32),
    )
    sequence = ("GACU" * len(dots))[: len(dots)]
    return prediction.Prediction(sequence, structure, listed, name, **about)


def test_a_prediction_is_text_and_a_mean():
    one = _made()
    assert one.dot_bracket == "((...))."
    assert one.mean_probability == 0.625  # of 0.75 and 0.5


def test_no_pairs_have_no_mean():
    assert np.isnan(_made("........").mean_probability)


def test_a_table_has_a_row_for_each_nucleotide():
    pd = pytest.importorskip("pandas")
    table = _made().to_pandas()
    assert table["position"].tolist() == list(range(1, 9))
    assert "".join(table["letter"]) == "GACUGACU"
    assert table["partner"].fillna(0).tolist() == [7, 6, 0, 0, 0, 2, 1, 0]
    assert table["partner"].isna().sum() == 4
    np.testing.assert_allclose(table["probability"], [0.75, 0.5, 0, 0, 0, 0.5, 0.75, 0])
    np.testing.assert_allclose(table["paired"], [0.75, 0.75, 0, 0.25, 0, 0.5, 0.75, 0])
    assert isinstance(table, pd.DataFrame)


def test_a_list_is_a_table_with_a_row_for_each_sequence():
    pytest.importorskip("pandas")
    found = prediction.Predictions([_made(), _made("........", "y", expected_f1=0.5)])
    table = found.to_pandas()
    assert table["name"].tolist() == ["x", "y"]
    assert table["dot_bracket"].tolist() == ["((...)).", "........"]
    assert table["pairs"].tolist() == [2, 0]
    np.testing.assert_array_equal(table["expected_f1"], [np.nan, 0.5])


def test_without_pandas_a_table_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(programs.ProgramError, match="pip install"):
        _made().to_pandas()


def test_a_page_has_facts_text_and_a_drawing():
    pytest.importorskip("matplotlib")
    page = _made(expected_f1=0.9)._repr_html_()
    root = xml.etree.ElementTree.fromstring(page)
    text = "".join(root.itertext())
    assert "8 nt, 2 pairs, mean probability 0.62, expected F1 0.90" in text
    assert "1 GACUGACU 8" in text
    assert "((...))." in text
    (picture,) = root.iter("img")
    assert picture.get("src").startswith("data:image/svg+xml;base64,")
    colors = [span.get("style") for span in root.iter("span")]
    assert len(colors) == 4  # two pairs
    assert colors[0] == colors[3] != colors[1] == colors[2]


def test_a_name_is_text_and_never_markup():
    for shown in (_made(name="<b>&x"), prediction.Predictions([_made(name="<b>&x")])):
        assert "<b>&x" not in shown._repr_html_()
        assert "&lt;b&gt;&amp;x" in shown._repr_html_()


def test_without_matplotlib_text_stays_and_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = _made()._repr_html_()
    assert "((...))." in page
    assert "pip install" in page


def test_long_rna_is_not_drawn_and_says_so():
    long = _made("." * 2_001)
    assert "2,001 nt: more than a notebook shows (2,000)" in long._repr_html_()


def test_an_empty_list_says_so():
    assert prediction.Predictions()._repr_html_() == "<p>no sequences</p>"


def test_another_picture_is_an_error():
    with pytest.raises(ValueError, match="kind='arcs?x' is not one of"):
        _made().plot("arcx")


def test_a_list_is_saved_as_the_command_would(tmp_path):
    found = prediction.Predictions([_made(expected_f1=0.5), _made("........", "")])
    found.save(tmp_path / "out", ["dbn", "json"])
    assert (tmp_path / "out/x.dbn").read_text() == ">x\nGACUGACU\n((...)).\n"
    assert (tmp_path / "out/record2.dbn").exists()
    lines = (tmp_path / "out/predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["expected_f1"] for line in lines][0] == 0.5
    with pytest.raises(ValueError, match="is not empty"):
        found.save(tmp_path / "out")
    found.save(tmp_path / "out", is_replaced=True)


def test_a_figure_shows_itself_in_a_notebook():
    pytest.importorskip("matplotlib")
    picture = _made().plot("arc")._repr_svg_()
    assert xml.etree.ElementTree.fromstring(picture).tag.endswith("svg")
