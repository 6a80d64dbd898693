"""What `ssrlm evaluate3d` wrote of folded structures, as rows of a table and pictures.

A point is a structure: the first prediction of it; what was not predicted counts as 0.
Pictures need the extra [plots].
"""

import csv
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.comparisons import figure_tables
from ssrlm_jax.infer import canvas
from ssrlm_jax.metrics import report3d, statistics

_MARKERS = "osD^vP*X"
_DPI = 110


class Target(NamedTuple):
    """How well one structure was folded; nan: not defined.

    Attributes:
      name: of the structure.
      length: nucleotides.
      lddt: of all atoms, 0..1.
      lddt_c1: of C1', 0..1.
      plddt: mean, 0..1.
      identity: with the nearest that trained, 0..1.
      pair_f1: of all base pairs, found in both by the same annotator.
      canonical_f1: of those between Watson-Crick edges, cis.
      is_predicted: whether there is a prediction.
    """

    name: str
    length: int
    lddt: float
    lddt_c1: float
    plddt: float
    identity: float
    pair_f1: float
    canonical_f1: float
    is_predicted: bool


class Folded(NamedTuple):
    """A method on all structures.

    Attributes:
      name: of the method.
      targets: the same structures for every method; [] where there is a reason.
      reason: why there are none; "": there are.
    """

    name: str
    targets: Sequence[Target]
    reason: str = ""


def read(path: pathlib.Path) -> list[Target]:
    """Reads NAME.tsv of `ssrlm evaluate3d`; of several samples the first.

    Raises:
      ValueError: it is no such table.
      OSError: it cannot be read.
    """
    found: dict[str, Target] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            try:
                one = Target(
                    name=row["id"],
                    length=int(row["length"]),
                    lddt=_number(row["lddt"]),
                    lddt_c1=_number(row["lddt_c1"]),
                    plddt=_number(row["mean_plddt"]),
                    identity=_number(row["identity"]),
                    pair_f1=_number(row["pair_f1"]),
                    canonical_f1=_number(row["canonical_f1"]),
                    is_predicted=row["note"] != report3d.NOT_PREDICTED,
                )
            except (KeyError, ValueError) as error:
                raise ValueError(f"{path}: no table of evaluate3d ({error})") from error
            found.setdefault(one.name, one)
    return list(found.values())


def _number(text: str) -> float:
    return float(text) if text else math.nan


def correlations(
    targets: Sequence[Target], seed: int
) -> dict[str, statistics.Interval]:
    """Returns Pearson's correlations of lDDT with confidence, identity and length.

    Confidence goes with lDDT of C1', which it predicts; the others with all atoms.
    """
    of = {
        "r with pLDDT": ("plddt", "lddt_c1"),
        "r with identity": ("identity", "lddt"),
        "r with length": ("length", "lddt"),
    }
    return {
        name: statistics.pearson(_column(targets, x), _column(targets, y), seed)
        for name, (x, y) in of.items()
    }


def means(
    targets: Sequence[Target], names: Mapping[str, str], seed: int
) -> dict[str, statistics.Interval]:
    """Returns means over the structures for which a score is defined.

    Args:
      targets: the structures.
      names: attributes of `Target`, by heading.
      seed: of the bootstrap.
    """
    found = {}
    for head, name in names.items():
        value_N = _column(targets, name)
        found[head] = statistics.of_mean(value_N[~np.isnan(value_N)], seed)
    return found


ATOMS = {"lDDT, all atoms": "lddt", "lDDT, C1'": "lddt_c1"}
PAIRS = {"F1, canonical": "canonical_f1", "F1, all pairs": "pair_f1"}


def values(
    one: Folded, seed: int, *, is_of_pairs: bool
) -> dict[str, statistics.Interval]:
    """Returns the numbers of a method, by heading."""
    if is_of_pairs:
        return means(one.targets, PAIRS, seed)
    return means(one.targets, ATOMS, seed) | correlations(one.targets, seed)


def rows(
    found: Sequence[Folded], seed: int, *, is_of_pairs: bool
) -> list[figure_tables.Row]:
    """Returns the rows of a table: of each method its numbers, or why there are none.

    Args:
      found: the methods.
      seed: of the bootstrap.
      is_of_pairs: numbers of pairs, else of atoms.
    """
    return [
        figure_tables.Row(one.name, {}, reason=one.reason)
        if one.reason
        else figure_tables.Row(
            one.name,
            values(one, seed, is_of_pairs=is_of_pairs),
            {"predicted": _share_predicted(one)},
        )
        for one in found
    ]


def _share_predicted(one: Folded) -> str:
    num = sum(target.is_predicted for target in one.targets)
    return f"{num} of {len(one.targets)}"


def draw(path: pathlib.Path, found: Sequence[Folded], *, is_of_pairs: bool) -> str:
    """Draws what has scores; returns why there is no picture, or "".

    Of atoms lDDT against confidence, identity and length; of pairs canonical F1
    against length and against lDDT.
    """
    try:
        from matplotlib import figure as figures
    except ImportError:
        return "the picture needs matplotlib: pip install 'ssrlm-jax[plots]'"
    shown = [one for one in found if not one.reason]
    if not shown:
        return "nothing is there to be drawn"
    panels: list[tuple[str, str, str, str]] = [
        ("plddt", "mean pLDDT", "lddt_c1", "lDDT of C1'"),
        ("identity", "identity with the nearest that trained", "lddt", "lDDT"),
        ("length", "length, nucleotides", "lddt", "lDDT"),
    ]
    if is_of_pairs:
        panels = [
            ("length", "length, nucleotides", "canonical_f1", "F1 of canonical pairs"),
            ("lddt", "lDDT, all atoms", "canonical_f1", "F1 of canonical pairs"),
        ]
    drawn = [one for one in panels if _is_known(shown, one[0])]
    size = (1.8 + 3.1 * len(drawn), 3.4)
    figure = figures.Figure(figsize=size, layout="constrained")
    for axes, (x, x_label, y, y_label) in zip(
        figure.subplots(1, len(drawn), squeeze=False).ravel(), drawn, strict=True
    ):
        for number, one in enumerate(shown):
            axes.plot(
                _column(one.targets, x),
                _column(one.targets, y),
                _MARKERS[number % len(_MARKERS)],
                color=canvas.COLORS[number % len(canvas.COLORS)],
                fillstyle="none",
                markersize=4,
                label=one.name,
            )
        if x == "plddt":
            axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.6, linestyle="--")
        if x != "length":
            axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel(x_label, fontsize=8)
        axes.set_ylabel(y_label, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7)
    figure.savefig(path, dpi=_DPI)
    return ""


def _is_known(found: Sequence[Folded], name: str) -> bool:
    return any(not np.isnan(_column(one.targets, name)).all() for one in found)


def _column(targets: Sequence[Target], name: str) -> np.ndarray:
    return np.array([getattr(one, name) for one in targets], float)
