"""A leaderboard: a line for each method, all sets side by side, what each costs."""

import importlib.metadata
import math
import statistics
from collections.abc import Sequence

from ssrlm_jax.comparisons import items, paper_report, table_rows

_ABOUT = {  # lengths that stand for a number of nucleotides
    100: (80, 120),
    400: (340, 460),
}
_SEEN, _UNKNOWN = "†", "?"


def markdown(
    item: items.Item,
    rows: Sequence[table_rows.Row],
    made_by: str,
    pictures: Sequence[str],
) -> str:
    """Returns the leaderboard for people.

    Args:
      item: the table; its bins have `table_rows.NEAR`.
      rows: of all sets.
      made_by: the command.
      pictures: names of files.
    """
    scored = [row for row in rows if row.scores is not None]
    sets = [one for one in item.sets if any(row.set == one.name for row in scored)]
    heads = [(one.name, head) for one in sets for head in _heads(one.name, scored)]
    titles: list[str] = []
    for name, head in heads:
        part = f"{name}, {head.removeprefix('F1, ')}"
        titles += [name if head == items.F1.name else part, "rank"]
    costs = ["s, 100 nt", "s, 400 nt", "MiB", "licence", "fitted to"]
    lines = [
        f"# {item.title}",
        "",
        *_header(made_by),
        "",
        paper_report.row_of(["method", *titles, *costs]),
        paper_report.row_of(["---"] * (1 + len(titles) + len(costs))),
    ]
    for method in _ordered(item, scored):
        of = {row.set: row for row in scored if row.method.name == method.name}
        cells = [cell for name, head in heads for cell in _cells(of.get(name), head)]
        lines.append(paper_report.row_of([method.title, *cells, *_costs(of, method)]))
    found = {row.method.name for row in scored}
    without = {
        row.method.title
        + (f" on {row.set}" if row.method.name in found else ""): row.reason
        for row in rows
        if row.scores is None and row.shared is not None
    }
    without |= {row.set: row.reason for row in rows if row.shared is None}
    lines += ["", *(f"- {title}: {why}" for title, why in without.items()), ""]
    lines += [item.note, ""] if item.note else []
    lines += [f"![{name}]({name})" for name in pictures]
    return "\n".join(lines).rstrip() + "\n"


def _header(made_by: str) -> list[str]:
    version = importlib.metadata.version("ssrlm-jax")
    return [
        f"Made by `{made_by}` of ssrlm-jax {version}; do not "
        "edit it. Mean F1 over RNAs of exact pairs, 95 % of bootstrap samples in "
        "brackets; 'nothing near': of the RNAs that have nothing near (MMseqs2, 30 % "
        "identity over half of it) in what any method was fitted to, also one that is "
        f"missing here, as far as that is at hand. {_SEEN}: the method was fitted to "
        "RNAs of this set, so the score is none of unseen RNA alone, and of more than "
        f"one in twenty of them it is not ranked; {_UNKNOWN}: what it was fitted to is "
        "not at hand. Rank: the best and the worst place that the intervals of paired "
        "differences allow. Order: by mean rank over whole sets. Seconds of one "
        "process beside other work: the median RNA of the set that took least; MiB at "
        "the peak, of the longest RNA of all sets.",
    ]


def _heads(name: str, rows: Sequence[table_rows.Row]) -> list[str]:
    found: list[str] = []
    for row in rows:
        found += [h for h in row.values if row.set == name and h not in found]
    return found


def _ordered(item: items.Item, rows: Sequence[table_rows.Row]) -> list[items.Method]:
    """Returns methods by the mean of their ranks, the best first; without any, last."""
    ranks: dict[str, list[int]] = {}
    for row in rows:
        if row.rank is not None:
            ranks.setdefault(row.method.name, []).append(sum(row.rank))
    scored = {row.method.name for row in rows}
    there = [one for one in item.methods if one.name in scored]
    return sorted(there, key=lambda one: statistics.mean(ranks.get(one.name, [9e9])))


def _cells(row: table_rows.Row | None, head: str) -> list[str]:
    """Returns a score and its rank."""
    if row is None or head not in row.values:
        return ["", ""]
    text = paper_report.shown(row.values[head])
    equal = None if row.shared is None else row.shared.equal
    mark = _UNKNOWN if equal is None else _SEEN if equal else ""
    failed = 0 if row.scores is None else len(row.scores.failed)
    told = f"; {failed:,} failed" if failed else ""
    rank = paper_report.rank(row.ranks.get(head))
    return [f"{text} {mark}".rstrip() + told, rank]


def _costs(of: dict[str, table_rows.Row], method: items.Method) -> list[str]:
    scores = [row.scores for row in of.values() if row.scores is not None]
    cells = []
    for low, high in _ABOUT.values():
        of_sets = [
            [seconds for length, seconds in one.seconds if low <= length <= high]
            for one in scores
        ]
        # Other work only adds to it, and differs from set to set.
        least = min((statistics.median(one) for one in of_sets if one), default=None)
        if least is None:
            cells.append("")
        else:
            cells.append(f"{least:,.0f}" if least >= 100 else f"{least:.2g}")
    memory = max((one.memory for one in scores), default=math.nan)
    cells.append(f"{memory:,.0f}" if memory else "")
    return [*cells, method.licence, method.trained]
