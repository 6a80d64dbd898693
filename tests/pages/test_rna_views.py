import base64
import json

import numpy as np
import predicted_rna
import pytest

from ssrlm_jax.pages import documents, rna_views
from ssrlm_jax.rna import formats, structures


def _view(name, letters, dots, **told):
    record, listed, about = predicted_rna.prediction(name, letters, dots)
    return rna_views.made(record, listed, about | told, predicted_rna.RULE)


def _places(view, number):
    packed = view["layouts"][number]
    flat = np.frombuffer(base64.b64decode(packed["xy"]), "<i2")
    return flat.reshape(-1, 2) * packed["scale"]


def test_a_view_holds_what_was_predicted():
    view = _view("hairpin", "GGGGAAAACCCC", "((((....))))")
    assert (view["name"], view["sequence"]) == ("hairpin", "GGGGAAAACCCC")
    assert view["structures"][0]["pairs"] == [0, 11, 1, 10, 2, 9, 3, 8]
    assert view["probabilities"]["permille"] == [900, 800, 700, 600]
    assert (view["expected_f1"], view["reactivities"]) == (0.75, None)
    json.loads(documents.as_json(view))


def test_pairs_lie_beside_each_other_in_a_layout():
    view = _view("hairpin", "GGGGAAAACCCC", "((((....))))")
    xy_L2 = _places(view, view["structures"][0]["layout"])
    i, j = np.array(view["structures"][0]["pairs"]).reshape(-1, 2).T
    assert np.linalg.norm(xy_L2[i] - xy_L2[j], axis=1).max() < 2.2  # as drawing.js
    assert np.linalg.norm(np.diff(xy_L2, axis=0), axis=1).min() > 0.8


def test_each_stop_of_the_slider_is_what_the_threshold_gives():
    view = _view("hairpin", "GGGGAAAACCCC", "((((....))))")
    steps = view["steps"]
    pairs = np.array(steps["pairs"]).reshape(-1, 2)
    held = np.array(steps["held"])
    counts = {
        stop: int((held >> number & 1).sum())
        for number, stop in enumerate(steps["thresholds"])
    }
    assert len(pairs) == 4
    assert predicted_rna.THRESHOLD in counts
    assert (counts[0.3], counts[0.6], counts[0.65], counts[0.95]) == (4, 4, 3, 0)


def test_a_threshold_between_stops_is_one_of_them():
    view = _view("hairpin", "GGGGAAAACCCC", "((((....))))", threshold=0.32)
    assert 0.32 in view["steps"]["thresholds"]
    assert view["steps"]["thresholds"] == sorted(view["steps"]["thresholds"])


def test_alternatives_are_nested_and_the_least_free_energy():
    view = _view(*predicted_rna.KNOT)
    own, nested, minimum = view["structures"]
    assert own["pairs"][:6] == [0, 12, 1, 11, 2, 10]
    assert len(own["pairs"]) == 12
    found = structures.Structure(18, np.array(nested["pairs"]))
    assert not structures.crossing(found).any()
    assert len(found.pairs) == 3
    assert minimum["energy"] <= 0
    assert "ViennaRNA" in minimum["label"]


def test_what_was_asked_for_besides_is_an_alternative():
    asked = [
        {"kind": "sample", "source": "model", "dot_bracket": "." * 12, "share": 0.25},
        {"kind": "suboptimal", "source": "vienna", "dot_bracket": "." * 12}
        | {"energy": -1.5},
        {"kind": "program", "source": "eternafold", "dot_bracket": "." * 12}
        | {"differs": []},
    ]
    view = _view("hairpin", "GGGGAAAACCCC", "((((....))))", alternatives=asked)
    shown = [(one["label"], one.get("energy")) for one in view["structures"][3:]]
    assert shown == [
        ("25.0% of what model draws", None),
        ("suboptimal of vienna", -1.5),
        ("eternafold", None),
    ]


def test_two_strands_have_their_break_and_no_energy():
    view = _view("duplex", "GGGG&CCCC", "((((&))))")
    assert (view["sequence"], view["breaks"]) == ("GGGGCCCC", [4])
    assert not any("energy" in one for one in view["structures"])
    assert np.isfinite(_places(view, 0)).all()


@pytest.mark.parametrize("letters", ["A", "AC", "N" * 30])
def test_what_has_no_pairs_has_a_view(letters):
    view = _view("x", letters, "." * len(letters))
    assert view["structures"][0]["pairs"] == []
    assert len(_places(view, 0)) == len(letters)
    json.loads(documents.as_json(view))


def test_base_triples_have_a_view():
    structure = structures.Structure(12, np.array([[0, 11], [0, 6], [1, 10]]))
    record = formats.Record("triple", "GGGGAAAACCCC", structure)
    listed = predicted_rna.listed(12, structure.pairs, [0.5, 0.9, 0.8])
    view = rna_views.made(record, listed, {}, predicted_rna.RULE)
    assert view["structures"][0]["pairs"] == [0, 6, 0, 11, 1, 10]


def test_without_layouts_of_their_own_stops_are_drawn_as_the_prediction():
    record, listed, about = predicted_rna.prediction(*predicted_rna.RNAS[0])
    both = [
        rna_views.made(
            record, listed, about, predicted_rna.RULE, with_step_layouts=is_own
        )
        for is_own in (True, False)
    ]
    own = both[1]["structures"][0]["layout"]
    assert set(both[1]["steps"]["layouts"]) == {own}
    assert set(both[0]["steps"]["layouts"]) > {own}
    assert both[0]["steps"]["held"] == both[1]["steps"]["held"]
