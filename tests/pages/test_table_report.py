"""Pages of tables: what is made of Markdown, and what a real browser does with it."""

import base64

import browser
import pytest

from ssrlm_jax.pages import table_report

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
TABLE = """# Base pairs <script>alert(1)</script>

Made by `ssrlm paper table1`.

## TS0

| method | F1 | seen |
| --- | --- | --- |
| one <b> | 0.500 (0.400-0.600) | 2 |
| two | - | ? |
| three | 0.700 (0.600-0.800) | 1,000 |

[A file](notes.md), [a page](https://example.org/a), ![table1.png](table1.png)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "table1.png").write_bytes(PIXEL)
    (tmp_path / "table1.csv").write_text("method,F1\none,0.5\n")
    return tmp_path


def _written(folder):
    parts = [
        table_report.Part("table1", TABLE, folder),
        table_report.Part("s1", "# Classes\n\n| a |\n| --- |\n| b |\n", folder),
    ]
    path = folder / table_report.FILE
    table_report.write(path, "ssrlm paper", {"made": "<now>"}, parts)
    return path


def test_markup_is_text_and_pictures_are_in_the_page(folder):
    text = _written(folder).read_text()
    body = text.partition("</head>")[2].partition('<script type="application/json"')[0]
    assert "<script>" not in body
    assert "Base pairs &lt;script&gt;" in body
    assert f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}" in body
    assert body.count("<a ") == 1  # a file that is not beside the page is no link
    assert 'href="https://example.org/a" target="_blank" rel="noopener' in body


def test_a_picture_that_is_missing_is_told_and_nothing_is_written(folder):
    (folder / "table1.png").unlink()
    with pytest.raises(ValueError, match="table1.png: the report of table1 shows it"):
        _written(folder)
    assert not (folder / table_report.FILE).exists()


@pytest.fixture(scope="module")
def chromium():
    with browser.started() as one:
        yield one


@pytest.fixture
def visit(chromium, folder):
    path = _written(folder)
    one = browser.Visit(chromium, path.as_uri())
    yield one
    one.close()
    assert one.problems == []
    assert [url for url in one.requests if not url.startswith(("data:", "blob:"))] == [
        path.as_uri()
    ]


def _names(visit):
    return visit.page.locator("#part-0 tbody tr:visible td:first-child")


def test_a_heading_sorts_by_number_and_what_is_missing_comes_last(visit):
    for heading, order in (
        ("F1", ["three", "one <b>", "two"]),
        ("F1", ["one <b>", "three", "two"]),
        ("seen", ["three", "one <b>", "two"]),
        ("method", ["one <b>", "three", "two"]),
    ):
        button = visit.page.locator("#part-0 thead button", has_text=heading)
        button.press("Enter")
        assert _names(visit).all_inner_texts() == order, heading


def test_all_tables_are_searched(visit):
    assert visit.text("#count") == "4 of 4 rows"
    visit.page.fill("#search", "0.7")
    assert _names(visit).all_inner_texts() == ["three"]
    assert visit.text("#count") == "1 of 4 rows"


def test_files_are_those_beside_the_page(visit, folder):
    found, name = visit.saved("[aria-label='save table1.csv']")
    assert name == "table1.csv"
    assert found == (folder / name).read_bytes()


def test_nothing_serious_stands_in_the_way_of_anyone(visit):
    assert visit.violations() == []


def test_a_phone_scrolls_down_only(chromium, folder):
    one = browser.Visit(chromium, _written(folder).as_uri(), is_phone=True)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.close()
