"""`report.html` of folded RNA: a table of all, and each with its pictures."""

import pathlib
from collections.abc import Mapping
from typing import Any

from ssrlm_jax import config, files
from ssrlm_jax.pages import documents, rna_views
from ssrlm_jax.rna import formats, probabilities

FILE = "report.html"
SCRIPTS = (
    *("d3.min.js", "state.js", "rna.js", "files.js", "controls.js", "table.js"),
    *("drawing.js", "arcs.js", "map.js", "text.js", "report.js"),
)
_MOST_STEPS = 1_500_000  # bytes of RNA whose every threshold has a layout


class FoldReport:
    """Collects predictions and writes the page when it is left without an error.

    Use it as a context.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        decoding: config.DecodingConfig,
        facts: Mapping[str, str],
    ) -> None:
        """Makes an empty report.

        Args:
          directory: of the page; it is there when the report is left.
          decoding: how structures are read from probabilities.
          facts: what the page says of all, by name, such as the model.
        """
        self._path = directory / FILE
        self._decoding = decoding
        self._facts = dict(facts)
        self._views: list[str] = []
        self._num_bytes = 0

    def __enter__(self) -> "FoldReport":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None and self._views:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(self._path, self.page())

    def add(
        self,
        record: formats.Record,
        listed: probabilities.PairProbabilities,
        about: Mapping[str, Any],
    ) -> None:
        """Adds one RNA; arguments and errors as `rna_views.made`."""
        view = rna_views.made(
            record,
            listed,
            about,
            self._decoding,
            with_step_layouts=self._num_bytes < _MOST_STEPS,
        )
        self._views.append(documents.as_json(view))
        self._num_bytes += len(self._views[-1])

    def page(self) -> str:
        """Returns the page as text."""
        return documents.page(
            "ssrlm fold: report",
            documents.asset("report.html").format(facts=documents.facts(self._facts)),
            [("rnas", f"[{','.join(self._views)}]")],
            scripts=SCRIPTS,
        )
