"""The report of a table: Markdown, CSV, LaTeX and JSON, made of rows."""

import csv
import io
import math
from collections.abc import Sequence

from ssrlm_jax.comparisons import items, table_rows
from ssrlm_jax.metrics import latex as tex
from ssrlm_jax.metrics import statistics

ABOUT = ("weights", "threshold", "rule", "licence", "trained")
_BEHIND = ("rank", "equal", "near")  # headings behind those of scores
_MOST_FAILED = 3  # RNAs that are named
_CSV = (
    *("set", "method", "title", "column", "value", "low", "high", "paper"),
    *("best rank", "worst rank", "failed", "equal in training", "near in training"),
    *("version", *ABOUT, "reason"),
)


def markdown(
    item: items.Item,
    rows: Sequence[table_rows.Row],
    made_by: str,
    pictures: Sequence[str],
) -> str:
    """Returns the report for people.

    Args:
      item: the table.
      rows: of all sets.
      made_by: the command.
      pictures: names of files.
    """
    lines = [f"# {item.title}", "", f"Made by `{made_by}`.", ""]
    lines += sections(item.sets, item, rows)
    lines += _pending(item)
    lines += [item.note, ""] if item.note else []
    lines += [f"![{name}]({name})" for name in pictures]
    return "\n".join(lines).rstrip() + "\n"


def sections(
    sets: Sequence[items.LabelledSet], item: items.Item, rows: Sequence[table_rows.Row]
) -> list[str]:
    """Returns the tables of sets, and one of what each method is."""
    lines: list[str] = []
    for one in sets:
        of_set = [row for row in rows if row.set == one.name]
        if of_set:
            lines += [f"## {one.name}: {one.title}, {one.count:,} RNAs", ""]
            lines += [*_table(item, one.name, of_set), ""]
    if any(row.scores is not None for row in rows):
        lines += [_LEGEND, "", "## Methods", "", *_methods(rows), ""]
    return lines


_LEGEND = (
    "Mean over RNAs of exact pairs, 95 % of bootstrap samples in brackets; what a "
    "method failed on counts as no pairs. Rank: by F1, the best and the worst place "
    "that the intervals of paired differences allow. Equal, near: RNAs of the set that "
    "the method was fitted to, and others that MMseqs2 finds something near for; '?' "
    "is not known, and no statement that nothing was seen. Paper: its number, where it "
    "is known here."
)


def _table(item: items.Item, name: str, rows: Sequence[table_rows.Row]) -> list[str]:
    """Returns the table of a set: methods, rows of others, and what has no score."""
    if all(row.shared is None for row in rows):
        known = [f"{row.method.title}{_known(row)}" for row in rows if row.paper]
        return [f"Not scored: {rows[0].reason}.", *(["", *known] if known else [])]
    heads = table_rows.columns(item, rows)
    lines = [
        row_of(["method", *heads, *_BEHIND]),
        row_of(["---"] * (len(heads) + 4)),
    ]
    without = []
    for row in rows:
        if row.scores is None:
            without.append(f"- {row.method.title}{_known(row)}: {row.reason}")
            continue
        cells = [_cell(row, head) for head in heads]
        cells += [rank(row.rank), *_shares(row)]
        lines.append(row_of([_named(row), *cells]))
    for title, *cells in _quoted(item, name, heads):
        lines.append(row_of([f"*{title}*", *cells]))
    if len(lines) == 2:
        lines = []
    return [*lines, *([""] if lines and without else []), *without]


def _quoted(item: items.Item, name: str, heads: Sequence[str]) -> list[list[str]]:
    """Returns cells of the rows that others measured on a set."""
    found = []
    for quoted in item.quoted:
        values = [quoted.values.get((name, head)) for head in heads]
        if any(value is not None for value in values):
            cells = ["" if value is None else f"{value:.3f}" for value in values]
            title = f"{quoted.title}: {quoted.source}"
            found.append([title, *cells, *[""] * len(_BEHIND)])
    return found


def _known(row: table_rows.Row) -> str:
    """Returns the paper's numbers of a row that has none of ours."""
    paper = ", ".join(f"{name} {value:.3f}" for name, value in row.paper.items())
    return f" (paper: {paper})" if paper else ""


def row_of(cells: Sequence[str]) -> str:
    """Returns a line of a table of Markdown; a '|' of a cell is escaped."""
    written = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
    return f"| {' | '.join(written)} |"


def _named(row: table_rows.Row) -> str:
    assert row.scores is not None
    failed = len(row.scores.failed)
    return f"{row.method.title} ({failed:,} failed)" if failed else row.method.title


def _cell(row: table_rows.Row, head: str) -> str:
    value = row.values.get(head)
    text = "" if value is None else shown(value)
    return f"{text}; paper {row.paper[head]:.3f}" if head in row.paper else text


def shown(interval: statistics.Interval) -> str:
    """Returns "0.612 (0.590-0.633)"; "-": it is not defined."""
    if math.isnan(interval.value):
        return "-"
    return f"{interval.value:.3f} ({interval.low:.3f}-{interval.high:.3f})"


def rank(found: tuple[int, int] | None) -> str:
    """Returns "2", or "2-4" where intervals do not tell methods apart."""
    if found is None:
        return ""
    best, worst = found
    return str(best) if best == worst else f"{best}-{worst}"


def _shares(row: table_rows.Row) -> list[str]:
    if row.shared is None:
        return ["?", "?"]
    return [_count(row.shared.equal), _count(row.shared.near)]


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _methods(rows: Sequence[table_rows.Row]) -> list[str]:
    """Returns a table of what each method is."""
    lines = [
        row_of(["method", "version", *ABOUT]),
        row_of(["---"] * (len(ABOUT) + 2)),
    ]
    told = set()
    failures = []
    for row in rows:
        if row.scores is None:
            continue
        for name, why in list(row.scores.failed.items())[:_MOST_FAILED]:
            failures.append(f"- {row.method.title}, {row.set}, {name}: {why}")
        version = version_of(row)
        if (row.method.name, version) in told:
            continue
        told.add((row.method.name, version))
        about = [getattr(row.method, name) for name in ABOUT]
        lines.append(row_of([row.method.title, version, *about]))
    notes = dict.fromkeys(
        f"- {row.method.title}: {row.shared.reason}"
        for row in rows
        if row.shared is not None and row.shared.reason and row.scores is not None
    )
    if failures:
        failures = ["", "Failed, the first of each:", "", *failures]
    return [*lines, *failures, *(["", *notes] if notes else [])]


def version_of(row: table_rows.Row) -> str:
    """Returns which version of a method was scored."""
    about = row.scores.about if row.scores is not None else {}
    for name in ("version", "program_sha256", "scored by", "predictions"):
        if name in about:
            return str(about[name])
    hashes = about.get("files", {})
    return str(hashes.get("weights.safetensors", "?"))


def _pending(item: items.Item) -> list[str]:
    if not item.pending:
        return []
    lines = [row_of(["not measured", "why", "what would"]), row_of(["---"] * 3)]
    lines += [row_of([o.title, o.reason, f"`{o.command}`"]) for o in item.pending]
    return [*lines, ""]


def table_csv(item: items.Item, rows: Sequence[table_rows.Row]) -> str:
    """Returns a line for each score and lead, and one for each row without any."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_CSV)
    for row in rows:
        before = [row.set, row.method.name, row.method.title]
        shares = ["" if n is None else n for n in (row.shared or (None, None))[:2]]
        failed = "" if row.scores is None else len(row.scores.failed)
        about = [getattr(row.method, name) for name in ABOUT]
        after = [failed, *shares, version_of(row), *about, row.reason]
        heads = table_rows.columns(item, [row]) if row.scores else list(row.paper)
        for head in heads or [""]:
            interval = row.values.get(head, statistics.UNKNOWN)
            paper = row.paper.get(head, "")
            is_near = table_rows.NEAR in head
            ranks = (row.ranks.get(head) if is_near else row.rank) or ("", "")
            lines.writerow([*before, head, *numbers(interval), paper, *ranks, *after])
        for head, leads in row.leads.items():
            for other, lead in leads.items():
                told = [f"{head}, less {other}", *numbers(lead), "", "", ""]
                lines.writerow([*before, *told, *after])
    names = {one.name for one in item.sets}
    for quoted in item.quoted:
        for (of_set, head), value in quoted.values.items():
            if of_set not in names:
                continue
            title = f"{quoted.title}: {quoted.source}"
            cells = [of_set, "quoted", title, head, value]
            lines.writerow([*cells, *[""] * (len(_CSV) - len(cells))])
    return text.getvalue()


def numbers(interval: statistics.Interval) -> list[str]:
    """Returns value, low and high for CSV; "": not defined."""
    return ["" if math.isnan(n) else f"{n:.6f}" for n in interval]


def latex(item: items.Item, rows: Sequence[table_rows.Row]) -> str:
    """Returns a tabular of each set."""
    parts = []
    for one in item.sets:
        of_set = [row for row in rows if row.set == one.name and row.scores is not None]
        if not of_set:
            continue
        heads = table_rows.columns(item, of_set)
        lines = []
        for row in of_set:
            cells = [tex.escaped(_cell(row, head)) for head in heads]
            cells = [tex.escaped(_named(row)), *cells, rank(row.rank), *_shares(row)]
            lines.append(cells)
        for quoted in _quoted(item, one.name, heads):
            lines.append(list(map(tex.escaped, quoted)))
        head_cells = ["method", *map(tex.escaped, heads), *_BEHIND]
        parts.append(tex.tabular(one.name, head_cells, lines))
    return "\n".join(parts) or tex.comment(f"{item.title}: nothing is measured")


def facts(
    item: items.Item, rows: Sequence[table_rows.Row], made_by: str
) -> dict[str, object]:
    """Returns the report for programs."""
    return {
        "title": item.title,
        "made by": made_by,
        "rows": [_facts_of(row) for row in rows],
        "quoted": [
            {
                "title": one.title,
                "source": one.source,
                "values": {f"{s}, {c}": v for (s, c), v in one.values.items()},
            }
            for one in item.quoted
        ],
        "not measured": [vars(one) for one in item.pending],
    }


def _facts_of(row: table_rows.Row) -> dict[str, object]:
    method = row.method
    told: dict[str, object] = {
        "set": row.set,
        "method": method.name,
        "title": method.title,
        **{name: getattr(method, name) for name in ABOUT},
        "values": {name: statistics.plain(value) for name, value in row.values.items()},
        "paper": dict(row.paper),
        "rank": row.rank,
        "ranks": dict(row.ranks),
        "less": {
            head: {other: statistics.plain(lead) for other, lead in leads.items()}
            for head, leads in row.leads.items()
        },
        "shared": None if row.shared is None else row.shared._asdict(),
        "reason": row.reason,
    }
    if row.scores is not None:
        told["about"] = row.scores.about
        told["failed"] = row.scores.failed
    return told
