"""The report of a sweep: Markdown, JSON, CSV, LaTeX and pictures.

Made at any time, of what is done; a cell without a score says why.
"""

import csv
import io
import json
import math
import pathlib
from collections.abc import Mapping, Sequence

from ssrlm_jax import files
from ssrlm_jax.metrics import latex, statistics
from ssrlm_jax.sweeps import chains, compare, job_graph, job_states, pictures

_HOURS = 3_600.0  # seconds


def write(
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    chosen: Mapping[str, object],
    seed: int,
) -> str:
    """Writes all files of the report; returns the Markdown.

    Args:
      out: directory of the sweep.
      asked: what the table has.
      made: the jobs.
      chosen: what a budget has chosen; {}: none.
      seed: of the draws.
    """
    looks = job_states.look(out, made)
    found = compare.lines(out, asked, made, looks, seed)
    above = compare.comparisons(found, asked, seed)
    drawn, why_none = pictures.write(out, asked, made, found)
    text = "\n".join(
        [
            f"# {out.name}",
            "",
            _progress(looks),
            "",
            *_table(asked, found),
            "",
            "Mean over seeds, with the middle 95 % over RNAs drawn anew; (each seed).",
            *([asked.note] if asked.note else []),
            "",
            *_above(asked, above),
            *_missing(found),
            *_chosen(chosen),
            *_costs(looks, made),
            *[f"![{path.stem}]({path.name})" for path in drawn],
            *([why_none] if why_none else []),
        ]
    )
    files.write_text(out / "report.md", text.rstrip() + "\n")
    told = _facts(asked, found, above, looks, made, chosen)
    files.write_text(out / "report.json", json.dumps(told, indent=1) + "\n")
    files.write_text(out / "report.csv", _csv(asked, found))
    files.write_text(out / "report.tex", _latex(out.name, asked, found))
    return text


def shown(interval: statistics.Interval) -> str:
    """Returns "0.612 (0.590-0.633)"."""
    if math.isnan(interval.value):
        return "-"
    low, high = (f"{value:.3f}" for value in interval[1:])
    return f"{interval.value:.3f} ({low} to {high})"


def _progress(looks: Mapping[str, job_states.Look]) -> str:
    states = [one.state for one in looks.values()]
    counts = [f"{states.count(s)} {s}" for s in dict.fromkeys(sorted(states))]
    return f"{len(states)} jobs: {', '.join(counts)}."


def _cells(asked: chains.Sweep, line: compare.Line) -> list[str]:
    """Returns the first cells of a line: values of axes, or the name of a baseline."""
    axes = compare.shown_axes(asked)
    if line.values:
        return [str(line.values[name]) for name in axes] or [line.name]
    return [line.name, *[""] * (len(axes) - 1)]


def _table(asked: chains.Sweep, found: Sequence[compare.Line]) -> list[str]:
    heads = [
        *(compare.shown_axes(asked) or ["cell"]),
        *(m.name for m in asked.measures),
    ]
    rows = [[*heads, "seeds", "hours"], ["---"] * (len(heads) + 2)]
    for line in found:
        cells = _cells(asked, line)
        for measure in asked.measures:
            score = line.scores.get(measure.name)
            text = "-" if score is None else shown(score.interval)
            if score is not None and len(score.seeds) > 1:
                each = ", ".join(f"{value:.3f}" for value in score.seeds.values())
                text += f" ({each})"
            if measure.name in line.paper:
                text += f"; paper {line.paper[measure.name]:.3f}"
            cells.append(text)
        num_seeds = max((len(s.seeds) for s in line.scores.values()), default=0)
        rows.append([*cells, str(num_seeds), f"{line.seconds / _HOURS:.2f}"])
    return [f"| {' | '.join(row)} |" for row in rows]


def _above(asked: chains.Sweep, above: Sequence[compare.Above]) -> list[str]:
    if not above:
        return []
    lower = {m.name for m in asked.measures if m.is_lower_better}
    rows = [
        "| measure | first | second | first less second | first is better |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in above:
        name = (
            f"{one.measure} (lower is better)" if one.measure in lower else one.measure
        )
        rows.append(
            f"| {name} | {one.first} | {one.second} | {shown(one.difference)} | "
            f"{one.probability:.1%} of draws, {one.num_better} of {one.num_seeds} "
            "seeds |"
        )
    return ["## Which is better", "", *rows, ""]


def _missing(found: Sequence[compare.Line]) -> list[str]:
    lines = [f"- {reason}" for line in found for reason in line.missing]
    return ["## Without a result", "", *lines, ""] if lines else []


def _chosen(chosen: Mapping[str, object]) -> list[str]:
    lines = [f"- {name}: {value}" for name, value in chosen.items()]
    return ["## Chosen to fit the time", "", *lines, ""] if lines else []


def _costs(looks: Mapping[str, job_states.Look], made: job_graph.Graph) -> list[str]:
    rows = ["| job | cells | state | minutes | on |", "| --- | --- | --- | --- | --- |"]
    for name, look in looks.items():
        cells = len(made.cells_of(name)) or 1
        minutes = f"{look.cost.seconds / 60:.1f}" if look.cost else ""
        device = look.cost.device if look.cost else ""
        rows.append(f"| {name} | {cells} | {look.state} | {minutes} | {device} |")
    total = math.fsum(one.cost.seconds for one in looks.values() if one.cost)
    return ["## Cost", "", f"{total / 60:.1f} minutes of jobs.", "", *rows, ""]


def _facts(
    asked: chains.Sweep,
    found: Sequence[compare.Line],
    above: Sequence[compare.Above],
    looks: Mapping[str, job_states.Look],
    made: job_graph.Graph,
    chosen: Mapping[str, object],
) -> dict[str, object]:
    """Returns the report for programs; what time decides is under "cost" alone."""
    return {
        "axes": {name: list(values) for name, values in asked.axes.items()},
        "lines": [
            {
                "name": line.name,
                "axes": dict(line.values),
                "scores": {
                    name: {
                        "mean": statistics.plain(score.interval),
                        "seeds": {s: round(v, 6) for s, v in score.seeds.items()},
                        "rnas": int((score.column.sums_N2[:, 1] > 0).sum()),
                    }
                    | ({"paper": line.paper[name]} if name in line.paper else {})
                    for name, score in line.scores.items()
                },
                "missing": list(line.missing),
            }
            for line in found
        ],
        "comparisons": [
            {
                "measure": one.measure,
                "first": one.first,
                "second": one.second,
                "difference": statistics.plain(one.difference),
                "probability": round(one.probability, 4),
                "seeds": [one.num_better, one.num_seeds],
            }
            for one in above
        ],
        "chosen": dict(chosen),
        "cost": {
            "lines": {line.name: round(line.seconds, 1) for line in found},
            "jobs": {
                name: {"seconds": look.cost.seconds, "device": look.cost.device}
                for name, look in looks.items()
                if look.cost
            },
        },
        "states": {name: look.state for name, look in looks.items()},
    }


def _csv(asked: chains.Sweep, found: Sequence[compare.Line]) -> str:
    """Returns a line for each score."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    heads = [
        "line",
        *compare.shown_axes(asked),
        "measure",
        "value",
        "low",
        "high",
        "seeds",
        "paper",
    ]
    rows.writerow(heads)
    for line in found:
        axes = [line.values.get(name, "") for name in compare.shown_axes(asked)]
        for name, score in line.scores.items():
            numbers = ["" if n is None else n for n in statistics.plain(score.interval)]
            paper = line.paper.get(name, "")
            rows.writerow([line.name, *axes, name, *numbers, len(score.seeds), paper])
    return text.getvalue()


def _latex(title: str, asked: chains.Sweep, found: Sequence[compare.Line]) -> str:
    """Returns a tabular; the best of each column is bold."""
    axes = compare.shown_axes(asked) or ["cell"]
    heads = [*axes, *(measure.name for measure in asked.measures)]
    best = {}
    for measure in asked.measures:
        values = [
            line.scores[measure.name].interval.value
            for line in found
            if measure.name in line.scores
        ]
        choose = min if measure.is_lower_better else max
        best[measure.name] = choose(values, default=math.nan)
    lines = []
    for line in found:
        cells = [latex.escaped(cell) for cell in _cells(asked, line)]
        for measure in asked.measures:
            score = line.scores.get(measure.name)
            if score is None:
                cells.append("--")
                continue
            low, high = score.interval.low, score.interval.high
            text = f"{score.interval.value:.3f}"
            if score.interval.value == best[measure.name]:
                text = rf"\textbf{{{text}}}"
            cells.append(rf"{text} {{\small ({low:.3f}--{high:.3f})}}")
        lines.append(cells)
    return latex.tabular(title, list(map(latex.escaped, heads)), lines, len(axes))
