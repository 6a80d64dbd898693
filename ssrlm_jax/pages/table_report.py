"""`report.html` of tables that are there as Markdown, with their pictures and files.

Nothing is computed: what stands in a report is shown so that it can be sorted and
searched. HTML in it is text, and a link to somewhere else leaves the machine only when
it is followed.
"""

import base64
import html
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import markdown_it
from markdown_it import token

from ssrlm_jax import files
from ssrlm_jax.pages import documents

FILE = "report.html"
_SCRIPTS = (
    *("d3.min.js", "state.js", "rna.js", "files.js", "controls.js"),
    *("sorted_tables.js", "sheets.js"),
)
_KINDS = ("csv", "tex", "json")  # of files beside a report


class Part(NamedTuple):
    """A report that is part of the page.

    Attributes:
      name: what its files begin with.
      markdown: its text, of one heading of the first level at most.
      folder: of its files and pictures.
    """

    name: str
    markdown: str
    folder: pathlib.Path


def write(
    path: pathlib.Path, title: str, facts: Mapping[str, str], parts: Sequence[Part]
) -> None:
    """Writes the page.

    Args:
      path: of the file.
      title: of the page.
      facts: what the page says of all, by name.
      parts: one at least.

    Raises:
      ValueError: a picture that a report names is not there.
    """
    body = documents.asset("sheets.html").format(
        title=html.escape(title),
        facts=documents.facts(facts),
        parts="\n".join(_section(number, part) for number, part in enumerate(parts)),
    )
    told = [{"name": part.name, "files": _texts(part)} for part in parts]
    page = documents.page(
        f"{title}: report",
        body,
        [("sheets", documents.as_json(told))],
        scripts=_SCRIPTS,
    )
    files.write_text(path, page)


def _section(number: int, part: Part) -> str:
    shown = _Html(part).render()
    return (
        f'<section class="sheet" id="part-{number}" '
        f'aria-label="{html.escape(part.name)}">\n{shown}\n'
        f'<div class="bar" role="group" aria-label="files of {html.escape(part.name)}"'
        f' data-part="{number}"></div>\n</section>'
    )


def _texts(part: Part) -> dict[str, str]:
    """Returns the files beside a report by their name, those that are there."""
    paths = [part.folder / f"{part.name}.{kind}" for kind in _KINDS]
    return {path.name: path.read_text() for path in paths if path.exists()}


class _Html:
    """Makes HTML of the Markdown of a report; headings are one level lower."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._heading = part.name  # that stands above
        self._is_link: list[bool] = []  # of the links that are open
        self._reader = markdown_it.MarkdownIt("commonmark", {"html": False})
        self._reader.enable("table")
        rules: dict[str, Callable[..., str]] = {
            "heading_open": self._heading_open,
            "heading_close": self._heading_close,
            "table_open": self._table_open,
            "table_close": self._table_close,
            "image": self._image,
            "link_open": self._link_open,
            "link_close": self._link_close,
        }
        for name, rule in rules.items():
            self._reader.add_render_rule(name, _as_function(rule))

    def render(self) -> str:
        """Returns the HTML."""
        return str(self._reader.render(self._part.markdown))

    def _heading_open(
        self,
        tokens: Sequence[token.Token],
        index: int,
        *_: object,
    ) -> str:
        self._heading = tokens[index + 1].content
        return f"<h{int(tokens[index].tag[1]) + 1}>"

    def _heading_close(
        self,
        tokens: Sequence[token.Token],
        index: int,
        *_: object,
    ) -> str:
        return f"</h{int(tokens[index].tag[1]) + 1}>\n"

    def _table_open(self, *_: object) -> str:
        name = html.escape(f"{self._part.name}: {self._heading}")
        return (
            f'<div class="scroll tall" tabindex="0" role="region" aria-label="{name}">'
            f"<table><caption>{name}; a heading sorts</caption>\n"
        )

    def _table_close(self, *_: object) -> str:
        return "</table></div>\n"

    def _image(
        self,
        tokens: Sequence[token.Token],
        index: int,
        *_: object,
    ) -> str:
        name = str(tokens[index].attrs["src"])
        path = self._part.folder / pathlib.PurePath(name).name
        if not path.is_file():
            raise ValueError(f"{path}: the report of {self._part.name} shows it")
        data = base64.b64encode(path.read_bytes()).decode()
        text = html.escape(f"{path.stem}: a picture of the numbers in the tables")
        return (
            f'<span class="picture" tabindex="0" role="group" aria-label="{text}">'
            f'<img alt="{text}" src="data:image/png;base64,{data}"></span>'
        )

    def _link_open(
        self,
        tokens: Sequence[token.Token],
        index: int,
        *_: object,
    ) -> str:
        address = str(tokens[index].attrs["href"])
        self._is_link.append(address.startswith(("https://", "http://")))
        if not self._is_link[-1]:  # to a file that is not beside the page
            return ""
        return (
            f'<a href="{html.escape(address)}" target="_blank" '
            'rel="noopener noreferrer">'
        )

    def _link_close(self, *_: object) -> str:
        return "</a>" if self._is_link.pop() else ""


def _as_function(rule: Callable[..., str]) -> Callable[..., str]:
    """Returns a rule as the reader takes one: a function, which it makes a method."""

    def of_renderer(_: object, *given: object) -> str:
        return rule(*given)

    return of_renderer
