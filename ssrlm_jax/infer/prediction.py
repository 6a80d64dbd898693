"""What a model says of a sequence, and how it shows itself in a notebook.

Positions count from 1 where people read them. Pictures and colours need the extra
[plots], tables pandas; without them text is shown, and what is missing is said.
"""

import base64
import html
import io
import os
import pathlib
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ssrlm_jax.external import programs
from ssrlm_jax.infer import pair_confidence
from ssrlm_jax.rna import formats, probabilities, strands, structures

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import figure as figures

_MOST_SHOWN = 2_000  # nucleotides that a notebook shows; a drawing of more is a blot
_LINE = 80  # letters of a line in a notebook
_TEXT = (
    'style="font-family:monospace;white-space:pre;line-height:1.25;overflow-x:auto;'
    'text-align:left"'
)


class Relative(NamedTuple):
    """RNA with a known structure that a sequence aligns with.

    Attributes:
      name: of its record.
      identity: share of the aligned letters that are equal, 0..1.
      aligned: share of the sequence's letters that are aligned, 0..1.
      confidence: probability of a pair that it says, 0..1.
    """

    name: str
    identity: float
    aligned: float
    confidence: float


class Prediction(NamedTuple):
    """What a model says of a sequence.

    Attributes:
      sequence: as given, perhaps of two strands with '&' between them.
      structure: decoded from the probabilities.
      probabilities: of pairs; those below `probabilities.LEAST` are left out.
      name: of the sequence, "" where it has none.
      expected_f1: the F1 that it is expected to have, 0..1: what its probabilities
        promise (`confidence.expected_f1`), as far as such promises were kept on
        validation RNA, where `ssrlm thresholds` looked. nan: not known.

    Example:
      >>> one = model.fold({"a": "GGGGAAAACCCC"})[0]
      >>> one.dot_bracket, len(one.structure.pairs), one.letters
      ('((((....))))', 4, 'GGGGAAAACCCC')
    """

    sequence: str
    structure: structures.Structure
    probabilities: probabilities.PairProbabilities
    name: str = ""
    expected_f1: float = float("nan")

    @property
    def letters(self) -> str:
        """The sequence, strands joined: as long as the structure."""
        return strands.joined(self.sequence)

    @property
    def dot_bracket(self) -> str:
        """The structure as text; '&' where it stands in the sequence.

        Raises:
          ValueError: a base triple, or more crossings than there are brackets.
        """
        _, breaks = strands.split(self.sequence)
        return strands.marked(structures.to_dot_bracket(self.structure), breaks)

    @property
    def mean_probability(self) -> float:
        """The mean probability of the structure's pairs, 0..1; nan without pairs."""
        if not len(self.structure.pairs):
            return float("nan")
        return float(
            pair_confidence.of_pairs(self.structure, self.probabilities).mean()
        )

    def plot(self, kind: str = "drawing") -> "figures.Figure":
        """Draws the structure: a Matplotlib figure, which a notebook shows.

        Args:
          kind: "drawing", "arc" or "map".

        Raises:
          ValueError: another kind.
          ProgramError: Matplotlib or ViennaRNA is missing.

        Example:
          >>> "".join(text.get_text() for text in one.plot("arc").axes[0].texts)
          'GGGGAAAACCCC'
        """
        from ssrlm_jax.infer import canvas, plots

        pictures = plots.PICTURES | {"arc": plots.arcs}
        if kind not in pictures:
            raise ValueError(f"kind={kind!r} is not one of 'drawing', 'arc', 'map'")
        canvas.check_installed()
        return pictures[kind](self.record(), self.probabilities)

    def record(self, default: str = "") -> formats.Record:
        """Returns name, letters and structure, for the writers of files.

        Args:
          default: the name where there is none.

        Example:
          >>> one.record().name
          'a'
        """
        return formats.Record(self.name or default, self.letters, self.structure)

    def to_pandas(self) -> "pd.DataFrame":
        """Returns a table, a row for each nucleotide.

        Its columns: position (from 1), letter, partner (from 1, missing where there is
        none; of a base triple the first), probability (of the pair; 0 without) and
        paired (the sum of the probabilities of all its pairs, 1 at most).

        Example:
          >>> one.to_pandas()["partner"].tolist()
          [12, 11, 10, 9, <NA>, <NA>, <NA>, <NA>, 4, 3, 2, 1]
        """
        pd = _pandas()
        length = self.structure.length
        partner_L, _ = structures.partners(self.structure)
        pair_L = np.zeros(length, np.float32)
        probability_P = pair_confidence.of_pairs(self.structure, self.probabilities)
        for side in self.structure.pairs.T:
            np.maximum.at(pair_L, side, probability_P)
        paired_L = np.zeros(length, np.float32)
        for side in (self.probabilities.i, self.probabilities.j):
            np.add.at(paired_L, side, self.probabilities.probability)
        partner = pd.array(partner_L + 1, dtype="Int64")
        partner[partner_L < 0] = pd.NA
        return pd.DataFrame(
            {
                "position": np.arange(1, length + 1),
                "letter": list(self.letters),
                "partner": partner,
                "probability": pair_L,
                "paired": np.minimum(paired_L, 1.0),
            }
        )

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: facts, coloured dot-bracket and a drawing."""
        if self.structure.length > _MOST_SHOWN:
            shown = (
                f"<p>{self.structure.length:,} nt: more than a notebook shows "
                f"({_MOST_SHOWN:,}); <code>plot('map')</code> draws them.</p>"
            )
            return f"<div><p>{self._facts()}</p>{shown}</div>"
        return f"<div><p>{self._facts()}</p>{self._text()}{self._drawing()}</div>"

    def _facts(self) -> str:
        facts = [
            f"{self.structure.length:,} nt",
            f"{len(self.structure.pairs):,} pairs",
        ]
        if len(self.structure.pairs):
            facts.append(f"mean probability {self.mean_probability:.2f}")
        if not np.isnan(self.expected_f1):
            facts.append(f"expected F1 {self.expected_f1:.2f}")
        name = f"<b>{html.escape(self.name)}</b>: " if self.name else ""
        return name + ", ".join(facts)

    def _text(self) -> str:
        """Returns sequence and dot-bracket, the latter coloured by probability."""
        try:
            dots = structures.to_dot_bracket(self.structure)
        except ValueError as error:  # triples: the drawing has them
            return f"<p>{html.escape(str(error))}</p>"
        color_L = self._colors()
        lines = []
        for start in range(0, len(dots), _LINE):
            end = min(start + _LINE, len(dots))
            letters = html.escape(self.letters[start:end])
            marks = "".join(
                f'<span style="color:{color}">{html.escape(dot)}</span>'
                if color
                else html.escape(dot)
                for dot, color in zip(dots[start:end], color_L[start:end], strict=True)
            )
            lines += [f"{start + 1:>6} {letters} {end}", f"{'':>6} {marks}"]
        return f"<pre {_TEXT}>" + "\n".join(lines) + "</pre>"

    def _colors(self) -> list[str]:
        """Returns a colour of each nucleotide, "" where it has none."""
        found = [""] * self.structure.length
        try:
            from matplotlib import colors

            from ssrlm_jax.infer import canvas
        except ImportError:
            return found
        probability_P = pair_confidence.of_pairs(self.structure, self.probabilities)
        for pair, rgba in zip(
            self.structure.pairs.tolist(), canvas.color_of(probability_P), strict=True
        ):
            for position in pair:
                found[position] = colors.to_hex(rgba)
        return found

    def _drawing(self) -> str:
        """Returns the drawing as a picture that shares no names with other ones."""
        try:
            figure = self.plot()
        except (programs.ProgramError, ValueError) as error:
            return f"<p>{html.escape(str(error))}</p>"
        held = io.BytesIO()
        figure.savefig(held, format="svg", bbox_inches="tight")
        data = base64.b64encode(held.getvalue()).decode()
        about = html.escape(f"secondary structure of {self.name or 'the RNA'}")
        return (
            f'<img alt="{about}" style="max-width:100%;max-height:600px" '
            f'src="data:image/svg+xml;base64,{data}"/>'
        )


class Predictions(list[Prediction]):
    """Predictions in the order of their sequences; a notebook shows them as a table.

    Example:
      >>> len(model.fold(["GGGGAAAACCCC", "AAAAAAAA"]).to_pandas())
      2
    """

    def to_pandas(self) -> "pd.DataFrame":
        """Returns a table, a row for each sequence.

        Its columns: name, length, sequence, dot_bracket (missing where it cannot hold
        the structure), pairs, mean_probability and expected_f1.

        Example:
          >>> model.fold({"a": "GGGGAAAACCCC"}).to_pandas().loc[0, "dot_bracket"]
          '((((....))))'
        """
        return _pandas().DataFrame(_rows(self))

    def save(
        self,
        directory: str | os.PathLike[str],
        formats: Sequence[str] = ("dbn",),
        *,
        with_plots: bool = False,
        is_replaced: bool = False,
    ) -> None:
        """Writes files, as `ssrlm fold -o DIR`.

        Args:
          directory: is made where it is missing.
          formats: of "json", "prob", "ct", "bpseq" and "dbn".
          with_plots: whether pictures are drawn, too.
          is_replaced: whether files of the same name give way.

        Raises:
          ValueError: another format; the directory holds something; a format cannot
            hold a structure.
          ProgramError: something that pictures need is not installed.

        Example:
          >>> import tempfile
          >>> with tempfile.TemporaryDirectory() as folder:
          ...     model.fold({"a": "GGGGAAAACCCC"}).save(f"{folder}/out", ["dbn"])
          ...     print(pathlib.Path(folder, "out/a.dbn").read_text().splitlines()[-1])
          ((((....))))
        """
        from ssrlm_jax.infer import results

        names = results.named_formats(",".join(formats))
        folder = results.Structures(
            pathlib.Path(directory),
            names,
            with_plots=with_plots,
            is_replaced=is_replaced,
        )
        with folder:
            for number, one in enumerate(self, 1):
                expected = round(one.expected_f1, 4)
                about = {} if np.isnan(expected) else {"expected_f1": expected}
                folder.add(one.record(f"record{number}"), one.probabilities, about)

    def _repr_html_(self) -> str:
        """Returns a table of all."""
        if not self:
            return "<p>no sequences</p>"
        rows = list(_rows(self))
        head = "".join(f"<th>{name}</th>" for name in rows[0])
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values())
            for row in rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def _rows(predictions: Iterable[Prediction]) -> Iterable[dict[str, object]]:
    for one in predictions:
        try:
            dots: str | None = one.dot_bracket
        except ValueError:
            dots = None
        yield {
            "name": one.name,
            "length": one.structure.length,
            "sequence": one.sequence,
            "dot_bracket": dots,
            "pairs": len(one.structure.pairs),
            "mean_probability": one.mean_probability,
            "expected_f1": one.expected_f1,
        }


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2f}"
    text = "" if value is None else str(value)
    if len(text) > _LINE:
        text = f"{text[: _LINE - 1]}…"
    return f"<code>{html.escape(text)}</code>" if text else ""


def _pandas() -> ModuleType:
    try:
        import pandas as pd
    except ImportError as error:
        raise programs.ProgramError(
            "tables need pandas: pip install 'ssrlm-jax[notebook]'"
        ) from error
    return pd
