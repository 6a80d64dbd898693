"""`report.html` of folded RNA: a table of all, and each with its pictures."""

import pathlib
from collections.abc import Mapping
from typing import Any

from ssrlm_jax import config
from ssrlm_jax.pages import rna_views, view_page
from ssrlm_jax.rna import formats, probabilities

FILE = view_page.FILE
_SCRIPTS = (
    *("d3.min.js", "state.js", "rna.js", "files.js", "controls.js", "table.js"),
    *("drawing.js", "arcs.js", "map.js", "text.js", "report.js"),
)
_MOST_STEPS = 1_500_000  # bytes of RNA whose every threshold has a layout


class FoldReport(view_page.ViewPage):
    """The page of predictions; a context, see `view_page.ViewPage`."""

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
        title = "ssrlm fold: report"
        super().__init__(directory, title, "report.html", _SCRIPTS, facts)
        self._decoding = decoding

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
            with_step_layouts=self.num_bytes < _MOST_STEPS,
        )
        self.put(view)
