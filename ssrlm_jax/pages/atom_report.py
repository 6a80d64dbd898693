"""`report.html` of predicted atoms: in space, their confidence, their base pairs."""

import base64
import gzip
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax.infer import results3d
from ssrlm_jax.pages import rna_views, view_page
from ssrlm_jax.rna import formats, probabilities

if TYPE_CHECKING:  # JAX: seconds that other commands need not wait
    from ssrlm_jax.infer import atom_predictor

_SCRIPTS = (
    *("d3.min.js", "3dmol.min.js", "state.js", "rna.js", "files.js", "controls.js"),
    *("table.js", "drawing.js", "map.js", "text.js", "space.js", "confidence.js"),
    "atoms.js",
)
_MOST_LISTED = 20  # pairs that are listed, for each nucleotide; the most probable ones
_TOLD = (
    *("mean_plddt", "clashes", "bond_outliers", "bonds", "broken_links"),
    *("wrong_chirality", "cycles"),
)


class AtomReport(view_page.ViewPage):
    """The page of predicted atoms; a context, see `view_page.ViewPage`."""

    def __init__(self, directory: pathlib.Path, facts: Mapping[str, str]) -> None:
        """Makes an empty report; see `view_page.ViewPage`."""
        title = "ssrlm fold3d: report"
        super().__init__(directory, title, "atoms.html", _SCRIPTS, facts)

    def add(
        self,
        name: str,
        prediction: "atom_predictor.Prediction",
        origin: results3d.Origin,
    ) -> None:
        """Adds one predicted structure.

        Args:
          name: of the RNA, or of its sample.
          prediction: its atoms.
          origin: what files that are saved from the page say of their making.

        Raises:
          ValueError: no format can hold the structure.
        """
        structure = results3d.pairs(prediction)
        record = formats.Record(name, prediction.letters, structure=structure)
        said = results3d.summary(name, prediction, origin)
        view = rna_views.plain(record, _listed(prediction))
        view["plddt"] = [round(100 * float(one), 1) for one in prediction.plddt_L]
        view["told"] = {key: said[key] for key in _TOLD}
        view["atoms"] = _files(name, prediction, origin)
        self.put(view)


def _listed(
    prediction: "atom_predictor.Prediction",
) -> probabilities.PairProbabilities:
    listed = probabilities.from_matrix(prediction.pair_LM)
    most = _MOST_LISTED * len(prediction.letters)
    kept = np.sort(np.argsort(-listed.probability, kind="stable")[:most])
    return probabilities.PairProbabilities(*(column[kept] for column in listed))


def _files(
    name: str, prediction: "atom_predictor.Prediction", origin: results3d.Origin
) -> dict[str, str]:
    """Returns the files of the formats that can hold the structure, packed.

    Raises:
      ValueError: none can.
    """
    found: dict[str, str] = {}
    problems = []
    for kind in results3d.FORMATS:
        try:
            text = results3d.as_text(name, prediction, kind, origin)
        except ValueError as error:
            problems.append(error)
        else:
            packed = gzip.compress(text.encode(), mtime=0)
            found[results3d.ENDINGS[kind]] = base64.b64encode(packed).decode()
    if not found:
        raise problems[0]
    return found
