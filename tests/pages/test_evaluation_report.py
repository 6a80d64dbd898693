"""Reports of an evaluation: what they hold, and what a real browser shows of them."""

import json
import re

import browser
import predicted_rna
import pytest

from ssrlm_jax import config
from ssrlm_jax.cli import evaluation_page
from ssrlm_jax.infer import pair_evaluation, scored_files
from ssrlm_jax.metrics import score_report
from ssrlm_jax.pages import evaluation_report, rna_views
from ssrlm_jax.rna import formats, structures

KNOWN = "((((....))))"
# Of each RNA what was predicted; F1 is 1, 2/3 (2 of 2 right, 4 known), 0.
PREDICTED = (KNOWN, "((........))", "." * 12)


def _records():
    names = ("good", predicted_rna.MARKUP, "bad")
    known = structures.from_dot_bracket(KNOWN)
    return [formats.Record(name, "GGGGAAAACCCC", known) for name in names]


def _method(name, predicted=PREDICTED):
    truth = _records()
    found = [
        scored_files.Found(
            r.name, r.sequence, "", structures.from_dot_bracket(dots),
            predicted_rna.listed(12, [(0, 11)], [0.75]),
        )
        for r, dots in zip(truth, predicted, strict=True)
    ]  # fmt: skip
    rule = config.DecodingConfig()
    matched = pair_evaluation.match(truth, found)
    scored = pair_evaluation.score(truth, matched, rule, [0.0, 0.7, 0.95])
    return evaluation_report.Method(
        name,
        {"version": "1"},
        score_report.report(scored),
        score_report.rows(scored),
        evaluation_page.worst(truth, matched, scored, rule),
        ["missing: none"],
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    methods = [_method("first", (KNOWN, KNOWN, KNOWN)), _method("<i>second</i>")]
    evaluation_report.write(path, {"known structures": "<u>"}, methods)
    return path


def _told(path):
    pattern = r'<script type="application/json" id="evaluation">(.*?)</script>'
    return json.loads(re.findall(pattern, path.read_text())[0])


def test_a_report_holds_the_scores_of_all(report):
    told = _told(report)
    assert told["rnas"]["length"] == [12, 12, 12]
    assert told["rnas"]["known"] == [4, 4, 4]
    assert told["rnas"]["identity"] == [0.0, 0.7, 0.95]
    second = told["methods"][1]
    assert second["rows"]["f1"] == [1.0, 0.6667, 0.0]
    assert second["rows"]["right"] == [4, 2, 0]
    filled = {n: c for n, c in enumerate(second["distribution"]) if c}
    assert filled == {0: 1, 13: 1, 19: 1}  # of 20 bins: 0, 0.65 to 0.7, 0.95 to 1
    assert second["scores"]["strict"]["f1"]["mean"][0] == pytest.approx(5 / 9, abs=1e-4)


def test_the_worst_come_first_with_truth_and_prediction(report):
    second = _told(report)["methods"][1]
    assert [one["scores"]["f1"] for one in second["worst"]] == [0.0, 0.6667, 1.0]
    bad = second["worst"][1]
    assert [one["label"] for one in bad["structures"]][:2] == ["known", "predicted"]
    assert bad["structures"][0]["pairs"] == [0, 11, 1, 10, 2, 9, 3, 8]
    assert bad["structures"][1]["pairs"] == [0, 11, 1, 10]
    assert bad["probabilities"] == {"i": [0], "j": [11], "permille": [750]}


def test_more_rnas_than_fit_are_the_worst_ones(monkeypatch, tmp_path):
    monkeypatch.setattr(evaluation_report, "_MOST_BYTES", 150)
    evaluation_report.write(tmp_path / "a.html", {}, [_method("one")])
    told = _told(tmp_path / "a.html")
    assert told["rnas"]["id"] == [predicted_rna.MARKUP, "bad"]
    assert told["num_rnas"] == 3


def test_a_known_structure_with_too_many_crossings_is_shown():
    length = 80  # 31 pairs cross each other, one more than there are brackets
    known = structures.Structure(length, [(n, n + 40) for n in range(31)])
    record = formats.Record("knotted", "A" * length, known)
    empty = structures.Structure(length, [])
    view = rna_views.compared(record, empty, None)
    assert len(view["structures"][0]["pairs"]) == 62
    assert view["probabilities"]["i"] == []


@pytest.fixture(scope="module")
def chromium():
    with browser.started() as one:
        yield one


@pytest.fixture
def visit(chromium, report):
    one = browser.Visit(chromium, report.as_uri())
    yield one
    one.close()
    assert one.problems == []
    assert [url for url in one.requests if not url.startswith("data:")] == [
        report.as_uri()
    ]


def _arcs(visit):
    return visit.page.locator("#arcs path[pointer-events=stroke]")


def test_scores_are_shown_with_intervals_and_names_are_text(visit):
    rows = visit.page.locator("#scores tbody tr")
    assert rows.count() == 2
    assert "<i>second</i>" in rows.nth(1).inner_text()
    assert re.search(r"0\.556 \(0\.\d+–\d\.\d+\)", rows.nth(1).inner_text())
    assert visit.page.locator("#distribution rect").count() == 20
    label = visit.page.locator("#identity").get_attribute("aria-label")
    assert "nothing found: 1.000" in label


def test_truth_is_above_and_prediction_below(visit):
    assert visit.text("#name") == "bad"
    assert _arcs(visit).count() == 4  # known ones alone
    visit.page.locator("#worst tbody button").nth(1).click()
    assert visit.text("#name") == predicted_rna.MARKUP
    assert _arcs(visit).count() == 6
    assert visit.page.locator("#arcs path[stroke-dasharray='6 3']").count() == 2
    assert "((((....))))" in visit.text("#letters")
    assert "((........))" in visit.text("#letters")
    fills = visit.page.locator("#drawing circle").evaluate_all(
        "all => all.map(one => one.getAttribute('fill'))"
    )
    assert len(set(fills)) == 3  # right, missed, unpaired
    visit.page.locator("#drawing").focus()
    visit.page.keyboard.press("Home")
    assert visit.text("#about") == (
        "G1: known partner C12; predicted C12, probability 0.75"
    )


def test_another_method_has_pictures_of_its_own(visit):
    visit.page.select_option("#method", "0")
    assert visit.text("#worst-title") == "The worst of first: 3 of 3 RNAs"
    assert _arcs(visit).count() == 8
    assert visit.page.locator("#arcs path[stroke-dasharray]").count() == 0


def test_all_rnas_are_searched_and_sorted(visit):
    names = visit.page.locator("#table tbody th")
    assert names.all_inner_texts() == ["good", predicted_rna.MARKUP, "bad"]
    visit.page.locator("#table").get_by_role("button", name="identity").click()
    assert names.first.inner_text() == "bad"
    visit.page.fill("#search", "good")
    assert names.all_inner_texts() == ["good"]


def test_of_many_rnas_the_first_are_shown_and_all_are_searched(chromium, tmp_path):
    method = _method("one")
    header, *rows = method.rows
    rows = [[f"rna{n}", *rows[n % 3][1:]] for n in range(1_200)]
    path = tmp_path / "report.html"
    evaluation_report.write(path, {}, [method._replace(rows=[header, *rows])])
    one = browser.Visit(chromium, path.as_uri())
    assert one.page.locator("#table tbody tr").count() == 500
    assert one.text("#count") == "1200 of 1200, the first 500 are shown"
    one.page.fill("#search", "rna1199")
    assert one.text("#table tbody th") == "rna1199"
    assert one.problems == []
    one.close()


def test_nothing_serious_stands_in_the_way_of_anyone(visit):
    visit.page.click("summary")
    assert visit.violations() == []


def test_a_phone_scrolls_down_only(chromium, report):
    one = browser.Visit(chromium, report.as_uri(), is_phone=True)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.close()
