"""Tables of all measures, between marks in README.md and docs/speed.md.

What stands between the marks is made of results/all.json; no number is typed.
"""

import pathlib
import re
import statistics
from collections.abc import Sequence

import measured_rows

ROOT = pathlib.Path(__file__).parents[1]
README, PAGE = ROOT / "README.md", ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- made by benchmarks/all.py -->", "<!-- end -->"
BUSY = 0.1  # of the processor, from which a row is said to be measured beside others
HEADLINES = (  # rows of the README: benchmark, how the name starts
    ("8m", "8m, one update, float32"),
    ("650m_gpu", "650m, one update, bfloat16, 32 rows of 1024"),
    ("650m_gpu", "650m, one update, bfloat16, 16 rows of 1024"),
    ("8m_gpu", "8m, one update, bfloat16, 96 rows of 1024"),
    ("input_pipeline", "input, ssm, every record"),
    ("prepare", "corpus of 1,000,000 records"),
    ("secondary", "fold 1000 nt by 650m and head rinalmo"),
    ("tertiary", "RhoFold's trunk, forward and backward, 256 nt"),
    ("secondary_set", "fold 51 RNAs of TS0 by 650m, bfloat16"),
    ("first_answer", "ssrlm fold, second process"),
    ("many_rnas", "ssrlm fold, second process"),
)
_PROCESSOR = re.compile(r"\(R\)|Processor| CPU| 80GB HBM3")


def write(found: dict[str, object], readme: pathlib.Path, page: pathlib.Path) -> None:
    """Puts the tables into the two files.

    Args:
      found: as `measured_rows.read` returns it.
      readme: gets the headlines.
      page: gets all rows, and what did not run.
    """
    readme.write_text(with_table(readme.read_text(), headlines(found)))
    page.write_text(with_table(page.read_text(), whole(found)))


def with_table(text: str, table: str) -> str:
    """Returns a page with a table in the place of the one between the marks.

    Raises:
      ValueError: the page has not one such place.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"a page needs {BEGIN!r} and {END!r}, once each")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def headlines(found: dict[str, object]) -> str:
    """Returns the rows of the README."""
    lines = ["| what | result | beside it | on | `all.py` |", "|---" * 5 + "|"]
    rows = _rows(found)
    for benchmark, start in HEADLINES:
        for row in rows:
            if row["benchmark"] == benchmark and row["name"].startswith(start):
                if "memory" in row["name"].removeprefix(start):
                    continue
                cells = (row["name"], _ours(row), _beside(row), _on(row))
                lines.append(_line([*cells, f"`--only={benchmark}`"]))
    return "\n".join(lines)


def whole(found: dict[str, object]) -> str:
    """Returns all rows by benchmark, and what did not run the last time."""
    rows = _rows(found)
    parts = []
    for benchmark in dict.fromkeys(row["benchmark"] for row in rows):
        own = [row for row in rows if row["benchmark"] == benchmark]
        command = f"`python benchmarks/all.py --only={benchmark}`"
        parts.append(f"### {benchmark}\n\n{command}\n")
        parts.append("| what | result | runs differ by | beside it | on |")
        parts.append("|---" * 5 + "|")
        parts += [
            _line([row["name"], _ours(row), _spread(row), _beside(row), _on(row)])
            for row in own
        ]
        parts.append("")
    ended = found["ended"]
    assert isinstance(ended, dict), "a table by benchmark"
    lacking = {name: how for name, how in ended.items() if how != "done"}
    if lacking:
        parts += ["### What did not run as a whole the last time\n"]
        parts += ["| benchmark | why |", "|---|---|"]
        parts += [_line([name, how]) for name, how in lacking.items()]
    return "\n".join(parts).rstrip()


def _rows(found: dict[str, object]) -> list[measured_rows.Row]:
    rows = found["rows"]
    assert isinstance(rows, list), "rows in a list"
    return rows


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _ours(row: measured_rows.Row) -> str:
    text = shown(measured_rows.value(row), row["unit"])
    if row.get("moved_from") is None:
        return text
    moved = [f"moved, was {shown(row['moved_from'], row['unit'])}"]
    moved += [
        f"{name} then {shown(then, row['unit'])}"
        for name, then in row.get("rivals_then", {}).items()
    ]
    if row.get("because"):
        moved.append(row["because"])
    return f"{text} ({'; '.join(moved)})"


def _spread(row: measured_rows.Row) -> str:
    if len(row["values"]) < 2:
        return "one run"
    share = measured_rows.spread(row)
    return "-" if share is None else f"{100 * share:.0f} %"


def _beside(row: measured_rows.Row) -> str:
    """Returns what others got, and how many times better ours is."""
    return ", ".join(
        f"{shown(statistics.median(values), row['unit'])} {rival} "
        f"({measured_rows.ratio(row, rival):.2f} x)"
        for rival, values in row["rivals"].items()
    )


def _on(row: measured_rows.Row) -> str:
    """Returns the processor, version and day of a row."""
    cores = f", {row['cores']} cores" if row["cores"] else ""
    processor = " ".join(_PROCESSOR.sub("", row["processor"]).split())
    busy = row.get("busy") or 0.0  # None: not known
    beside = f", beside other work ({100 * busy:.0f} %)" if busy > BUSY else ""
    return f"{processor}{cores}, jax {row['jax']}, {row['date']}{beside}"


def shown(value: float, unit: str) -> str:
    """Returns a number with three digits, and its unit."""
    size = abs(value)
    if unit == "F1":
        text = f"{value:.3f}"
    elif size >= 1e6:
        text = f"{value / 1e6:.2f} M"
    elif size >= 100:
        text = f"{value:,.0f}"
    elif size >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"
    return f"{text} {unit}"
