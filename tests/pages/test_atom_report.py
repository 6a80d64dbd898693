"""Reports of predicted atoms: written, and seen in a real browser."""

import base64
import gzip
import json
import re

import browser
import gemmi
import predicted_atoms
import predicted_rna
import pytest

from ssrlm_jax.infer import results3d
from ssrlm_jax.pages import atom_report

LENGTH = 27


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atoms")
    about = predicted_atoms.ORIGIN.about
    with atom_report.AtomReport(folder, about) as page:
        for name in ("1Q96", predicted_rna.MARKUP):
            page.add(name, predicted_atoms.prediction(), predicted_atoms.ORIGIN)
    return folder / "report.html"


def _views(path):
    pattern = r'<script type="application/json" id="rnas">(.*?)</script>'
    return json.loads(re.findall(pattern, path.read_text())[0])


def test_a_report_holds_files_confidence_and_pairs(report):
    first, second = _views(report)
    assert (first["name"], second["name"]) == ("1Q96", predicted_rna.MARKUP)
    assert first["plddt"][0] == 40.0
    assert first["plddt"][-1] == 95.0
    assert first["structures"][0]["pairs"][:4] == [0, 26, 1, 25]
    text = gzip.decompress(base64.b64decode(first["atoms"]["pdb"])).decode()
    made = predicted_atoms.prediction()
    assert text == results3d.as_text("1Q96", made, "pdb", predicted_atoms.ORIGIN)
    assert set(first["atoms"]) == {"pdb", "cif"}
    assert first["told"]["clashes"] == 0
    assert report.stat().st_size < 3e6


def test_a_map_without_knowledge_is_listed_in_part(tmp_path):
    made = predicted_atoms.prediction()
    made.pair_LM[:] = 0.5
    made.pair_LM[0, -1] = made.pair_LM[-1, 0] = 0.9
    with atom_report.AtomReport(tmp_path, {}) as page:
        page.add("x", made, predicted_atoms.ORIGIN)
    (view,) = _views(tmp_path / "report.html")
    most = min(LENGTH * (LENGTH - 1) // 2, 20 * LENGTH)
    assert len(view["probabilities"]["i"]) == most
    assert 900 in view["probabilities"]["permille"]


@pytest.fixture(scope="module")
def chromium():
    with browser.started() as one:
        yield one


@pytest.fixture
def visit(chromium, report):
    one = browser.Visit(chromium, report.as_uri())
    one.page.locator("#space[data-shown='1Q96']").wait_for()
    yield one
    one.close()
    assert one.problems == []
    assert [url for url in one.requests if not url.startswith(("data:", "blob:"))] == [
        report.as_uri()
    ]


def _picture(visit):
    return visit.page.locator("#space canvas").screenshot()


def test_the_model_is_said_to_be_the_users(visit):
    assert "model mine" in visit.text("header").replace("\n", " ")
    assert "none that predicts atoms ships" in visit.text("main")


def test_atoms_are_drawn_coloured_and_turned(visit):
    seen = [_picture(visit)]
    visit.page.select_option("#color", "letter")
    seen.append(_picture(visit))
    visit.page.select_option("#style", "sticks")
    seen.append(_picture(visit))
    visit.page.locator("#space").focus()
    visit.page.keyboard.press("ArrowRight")
    seen.append(_picture(visit))
    assert len(set(seen)) == 4
    label = visit.page.locator("#space").get_attribute("aria-label")
    assert "27 nucleotides, mean pLDDT 67.5; below 50: 5" in label


def test_a_nucleotide_of_the_curve_is_marked_in_the_drawing(visit):
    visit.page.locator("#confidence rect").nth(1).hover()
    assert visit.text("#about").startswith("G2 pairs with C26, probability 0.90")
    assert visit.text("#about").endswith("pLDDT 42")
    assert visit.page.locator("#drawing [data-layer=cursor] circle").count() == 2


def test_a_nucleotide_of_the_drawing_is_marked_in_space(visit):
    before = _picture(visit)
    visit.page.locator("#drawing").focus()
    visit.page.keyboard.press("Home")  # the pointer stays where it is
    assert visit.text("#about").startswith("G1 pairs with C27, probability 0.95")
    assert _picture(visit) != before


def test_a_nucleotide_in_space_is_marked_in_the_curve(visit):
    box = visit.page.locator("#space").bounding_box()
    found = ""
    for step in range(5, 96, 5):  # down its longest axis, which is upright
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * step / 100
        for aside in (-40, 0, 40):
            visit.page.mouse.move(x + aside, y)
            found = found or re.match(r"[ACGU](\d+) ", visit.text("#about"))
            if found:
                break
        if found:
            break
    assert found
    assert visit.page.locator("#letters .pointed").count() in (2, 4)


def test_a_stem_that_is_marked_is_marked_in_all(visit):
    before = _picture(visit)
    visit.page.locator("#drawing circle").first.click()
    assert visit.page.locator("#letters .marked").count() == 20
    fills = visit.page.locator("#confidence rect").evaluate_all(
        "all => all.filter(one => one.getAttribute('fill') === '#b0559b').length"
    )
    assert fills == 10
    assert _picture(visit) != before


def test_atoms_are_saved_as_the_command_writes_them(visit, tmp_path):
    for kind, ending in results3d.ENDINGS.items():
        found, name = visit.saved(f"[aria-label='save the atoms as {ending}']")
        assert name == f"1Q96.{ending}"
        text = results3d.as_text(
            "1Q96", predicted_atoms.prediction(), kind, predicted_atoms.ORIGIN
        )
        assert found.decode() == text
    (tmp_path / "x.cif").write_bytes(found)
    chain = gemmi.read_structure(str(tmp_path / "x.cif"))[0][0]
    assert len(chain) == LENGTH


def test_another_structure_is_shown_and_its_name_is_text(visit):
    visit.page.locator("#table tbody button").nth(1).click()
    assert visit.text("#name") == predicted_rna.MARKUP
    browser.expect(visit.page.locator("#space")).to_have_attribute(
        "data-shown", predicted_rna.MARKUP
    )


def test_nothing_serious_stands_in_the_way_of_anyone(visit):
    assert visit.violations() == []


def test_a_phone_scrolls_down_only(chromium, report):
    one = browser.Visit(chromium, report.as_uri(), is_phone=True)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.close()


def test_without_webgl_a_line_says_so_and_the_rest_is_there(chromium, report):
    one = browser.Visit(chromium, "about:blank")
    one.page.add_init_script(
        "HTMLCanvasElement.prototype.getContext = new Proxy("
        "HTMLCanvasElement.prototype.getContext, {apply: (f, it, args) => "
        "String(args[0]).includes('webgl') ? null : Reflect.apply(f, it, args)})"
    )
    one.page.goto(report.as_uri())
    assert "cannot draw in space" in one.text("#space")
    assert one.page.locator("#confidence rect").count() == LENGTH
    one.close()
