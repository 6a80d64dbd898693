"""Scores as tables for people: of base pairs and of atoms."""

from collections.abc import Mapping, Sequence

from ssrlm_jax import types
from ssrlm_jax.cli import reports

_COLUMNS = ("precision", "recall", "f1")


def show_pairs(scores_of: Mapping[str, types.Json], notes: Sequence[str] = ()) -> None:
    """Prints scores of pairs: means over RNAs and pooled, with 95 % intervals.

    Args:
      scores_of: by method, of `score_report.report`.
      notes: lines that stand below, such as why a column is empty.
    """
    titles = ("", "", "RNAs", *_COLUMNS, "F1, pooled", "F1, slack", "AUPRC")
    rows: list[Sequence[str]] = [titles]
    for name, found in scores_of.items():
        groups = {"all": found, **found["parts"]}
        for kind in ("length", "identity"):
            groups |= found.get(kind, {})
        for group, scores in groups.items():
            if not scores["rnas"] and group != "all":
                continue
            strict = scores.get("strict", scores)
            slack = scores.get("slack")
            precise = scores.get("average_precision")
            row = [
                name if group == "all" else "",
                group,
                f"{scores['rnas']:,}",
                *(_text(strict[column]["mean"]) for column in _COLUMNS),
                _text(strict["f1"]["pooled"]),
                _text(slack["f1"]["mean"]) if slack else "",
                _text(precise["mean"]) if precise else "",
            ]
            rows.append(row)
    reports.write(
        f"{reports.table(rows, num_left=2)}mean over RNAs (95 % bootstrap interval), "
        "exact pairs; slack: one step in i or j; AUPRC: average precision; both of "
        "all pairs, not of classes\n" + "".join(f"{note}\n" for note in notes)
    )


def show_atoms(scores_of: Mapping[str, types.Json], names: Sequence[str]) -> None:
    """Prints means over structures, with 95 % intervals, a column for each method.

    A method with several predictions of a structure has columns for their best and
    their mean, too.
    """
    columns: dict[str, types.Json] = {}
    for method, found in scores_of.items():
        samples = found.get("samples")
        columns[f"{method}, first" if samples else method] = found["scores"]
        if samples:
            columns[f"{method}, best of {samples['most']}"] = samples["best"]
            columns[f"{method}, mean"] = samples["mean"]
    rows = [["", *columns]]
    for name in names:
        rows.append([name, *(_text(found[name]) for found in columns.values())])
    coverage = ", ".join(f"{n} {one['coverage']:.3f}" for n, one in scores_of.items())
    reports.write(
        f"{reports.table(rows, num_left=1)}means over structures (95 % bootstrap "
        "interval); lddt: all atoms, pooled; lddt_c1: C1', mean over nucleotides; "
        f"missing nucleotides count as wrong\ncoverage: {coverage}\n"
    )


def _text(interval: Sequence[float | None]) -> str:
    """Returns a value and its interval where it has one, "-" for no value."""
    value, low, high = interval
    if value is None:
        return "-"
    if low == high:  # of one RNA, or of equal ones
        return f"{value:.3f}"
    return f"{value:.3f} ({low or 0:.3f}-{high or 0:.3f})"
