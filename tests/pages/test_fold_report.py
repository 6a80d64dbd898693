"""Reports of folded RNA: written, and seen in a real browser."""

import browser
import predicted_rna
import pytest

from ssrlm_jax.pages import fold_report
from ssrlm_jax.rna import structure_formats

WITH_REACTIVITIES = 0  # place of the RNA that has them


def _written(folder, rnas=predicted_rna.RNAS):
    with fold_report.FoldReport(folder, predicted_rna.RULE, {"model": "none"}) as page:
        for number, one in enumerate(rnas):
            record, listed, about = predicted_rna.prediction(*one)
            if number == WITH_REACTIVITIES:
                about["reactivities"] = [None, 0.1, 0.5, 1.2] * (len(one[1]) // 4)
            page.add(record, listed, about)
    return folder / fold_report.FILE


def test_a_report_is_one_file_without_a_word_of_markup_from_names(tmp_path):
    path = _written(tmp_path / "out")
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    text = path.read_text()
    assert predicted_rna.MARKUP not in text
    assert "\\u003cscript\\u003ealert(1)" in text
    assert len(text) < 3e6


def test_a_report_is_the_same_of_the_same(tmp_path):
    first, second = (_written(tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_of_an_error_and_of_nothing_there_is_no_report(tmp_path):
    with fold_report.FoldReport(tmp_path, predicted_rna.RULE, {}):
        pass
    report = fold_report.FoldReport(tmp_path, predicted_rna.RULE, {})
    report.add(*predicted_rna.prediction(*predicted_rna.KNOT))
    report.__exit__(KeyError)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def chromium():
    with browser.started() as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return _written(tmp_path_factory.mktemp("report"))


@pytest.fixture
def visit(chromium, report):
    one = browser.Visit(chromium, report.as_uri())
    yield one
    one.close()
    assert one.problems == []
    assert [url for url in one.requests if not url.startswith(("data:", "blob:"))] == [
        report.as_uri()
    ]


def _circles(visit):
    return visit.page.locator("#drawing [data-layer=nucleotides] circle")


def _bonds(visit):
    return visit.page.locator("#drawing [data-layer=pairs] path")


def test_every_picture_shows_the_prediction(visit):
    assert visit.text("#name") == "hairpin"
    assert _circles(visit).count() == 12
    assert _bonds(visit).count() == 4
    assert visit.page.locator("#arcs path[pointer-events=stroke]").count() == 4
    assert "((((....))))" in visit.text("#letters")
    label = visit.page.locator("#drawing").get_attribute("aria-label")
    assert "12 nucleotides, 4 pairs in 1 stems: 1-4 with 9-12" in label


def test_the_threshold_redraws(visit):
    slider = visit.page.locator("#threshold")
    slider.focus()
    before = int(slider.input_value())
    for _ in range(8):  # 0.05 each, from 0.3
        slider.press("ArrowRight")
    assert int(slider.input_value()) == before + 8
    assert visit.text("#least") == "0.70"
    assert _bonds(visit).count() == 3  # 0.9, 0.8, 0.7
    assert "(((......)))" in visit.text("#letters")
    visit.page.select_option("#structure", "0")
    assert _bonds(visit).count() == 4


def test_a_nucleotide_says_its_partner_and_probability(visit):
    _circles(visit).nth(1).hover()
    assert visit.text("#about").startswith("G2 pairs with C11, probability 0.80")
    assert "reactivity 0.1" in visit.text("#about")
    assert visit.page.locator("#letters .pointed").count() == 4  # letters and dots


def test_a_stem_that_is_clicked_is_marked_everywhere(visit):
    _circles(visit).nth(0).click()
    assert visit.page.locator("#letters .marked").count() == 16
    assert visit.page.locator("#drawing [data-layer=halo] path").get_attribute("d")
    assert visit.page.locator("#arcs path[stroke-width='3']").count() == 3
    visit.page.keyboard.press("Tab")
    visit.page.locator("#drawing").focus()
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("#letters .marked").count() == 0


def test_keys_walk_along_the_strand(visit):
    visit.page.locator("#drawing").focus()
    visit.page.keyboard.press("Home")
    assert visit.text("#about").startswith("G1 pairs with C12")
    visit.page.keyboard.press("ArrowUp")
    assert visit.text("#about").startswith("C12 pairs with G1")
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("#letters .marked").count() == 16


def test_colours_are_chosen(visit):
    def fills():
        return _circles(visit).evaluate_all(
            "all => all.map(o => o.getAttribute('fill'))"
        )

    seen = [fills()]
    for name in ("paired", "letter", "reactivity"):
        visit.page.select_option("#color", name)
        seen.append(fills())
    assert len({tuple(one) for one in seen}) == 4
    assert len(set(seen[2])) == 3  # A C G


def test_a_table_is_searched_and_sorted_and_its_names_are_text(visit):
    names = visit.page.locator("#table tbody button")
    assert names.all_inner_texts() == [name for name, *_ in predicted_rna.RNAS]
    visit.page.get_by_role("button", name="pairs", exact=True).click()
    assert names.first.inner_text() == "knot"
    visit.page.fill("#search", "aaaauuuu")
    assert names.all_inner_texts() == [predicted_rna.MARKUP]
    names.first.click()
    assert visit.text("#name") == predicted_rna.MARKUP


def test_crossing_pairs_are_drawn_one_by_one(visit):
    visit.page.get_by_role("button", name="knot").click()
    assert _bonds(visit).count() == 6
    assert visit.page.locator("[data-layer=pairs] path[stroke-dasharray]").count() == 3
    assert "(((..[[[..)))..]]]" in visit.text("#letters")


def test_files_are_those_of_the_command(visit, tmp_path):
    visit.page.get_by_role("button", name="knot").click()
    record, _, _ = predicted_rna.prediction(*predicted_rna.KNOT)
    for kind in ("dbn", "ct", "bpseq"):
        getattr(structure_formats, f"write_{kind}")(tmp_path / kind, record)
        found, name = visit.saved(f"[aria-label='save as {kind}']")
        assert name == f"knot.{kind}"
        assert found == (tmp_path / kind).read_bytes()


def test_pictures_are_saved(visit):
    svg, name = visit.saved("[aria-label='save the drawing as svg']")
    assert name == "hairpin.svg"
    assert svg.count(b"<circle") == 12
    assert b"<title>hairpin: predicted</title>" in svg
    png, _ = visit.saved("[aria-label='save the drawing as png']")
    assert png.startswith(b"\x89PNG")


def test_a_structure_is_copied(visit):
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.get_by_role("button", name="copy both").click()
    visit.page.get_by_role("button", name="copied").wait_for()
    held = visit.page.evaluate("navigator.clipboard.readText()")
    assert held == ">hairpin\nGGGGAAAACCCC\n((((....))))\n"


def test_a_link_says_that_it_leaves_the_machine(visit):
    link = visit.page.locator("#canvas")
    assert link.get_attribute("href").startswith(
        "https://code.rnacanvas.app?sequence=GGGGAAAACCCC&dot_bracket="
    )
    assert "leaves this machine" in link.locator("..").inner_text()


def test_nothing_serious_stands_in_the_way_of_anyone(visit):
    assert visit.violations() == []


def test_a_phone_scrolls_down_only(chromium, report):
    one = browser.Visit(chromium, report.as_uri(), is_phone=True)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert _circles(one).count() == 12
    one.close()
