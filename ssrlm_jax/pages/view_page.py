"""A page of several RNAs that is written when all are there."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ssrlm_jax import files
from ssrlm_jax.pages import documents

FILE = "report.html"


class ViewPage:
    """Collects views of RNAs; writes the page when it is left without an error.

    Use it as a context. Without a view nothing is written.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        title: str,
        body: str,
        scripts: Sequence[str],
        facts: Mapping[str, str],
    ) -> None:
        """Makes an empty page.

        Args:
          directory: of the page; it is there when the page is left.
          title: of the document.
          body: name of the asset that is its body; it has a place for facts.
          scripts: names of assets; the last one reads the views, of id "rnas".
          facts: what the page says of all, by name, such as the model.
        """
        self._path = directory / FILE
        self._title, self._body, self._scripts = title, body, scripts
        self._facts = dict(facts)
        self._views: list[str] = []
        self.num_bytes = 0  # of the views that are there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None and self._views:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(self._path, self.page())

    def put(self, view: Mapping[str, Any]) -> None:
        """Adds the view of one RNA."""
        self._views.append(documents.as_json(view))
        self.num_bytes += len(self._views[-1])

    def page(self) -> str:
        """Returns the page as text."""
        return documents.page(
            self._title,
            documents.asset(self._body).format(facts=documents.facts(self._facts)),
            [("rnas", f"[{','.join(self._views)}]")],
            scripts=self._scripts,
        )
