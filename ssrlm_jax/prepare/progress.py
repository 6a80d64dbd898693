"""What the user sees while a corpus is made, and what it holds in the end."""

import sys
from collections.abc import Mapping

import rich.console
import rich.progress
import rich.table

from ssrlm_jax.data import rows

_WIDE = 10_000  # letters of a line that no terminal shows
_TITLES = {
    "read": "reading files",
    "dedupe": "equal records",
    "cluster": "near-duplicates",
    "fold": "folding",
    "pack": "packing",
}


class Display:
    """Shows how far each stage is: bars on a terminal, else a line for each stage."""

    def __init__(self, console: rich.console.Console) -> None:
        """Draws on `console`."""
        self._console = console
        self._bars = rich.progress.Progress(
            "{task.description:<15}",
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, rich.progress.TaskID] = {}

    def __enter__(self) -> "Display":
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows that `done` of the `total` tasks of a stage are done."""
        title = _TITLES[stage]
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(title, total=total)
        self._bars.update(self._tasks[stage], completed=done)
        if not self._console.is_terminal and done in (0, total):
            self._console.print(f"{title}: {done} of {total}")


def show(console: rich.console.Console, corpus: str, manifest: rows.Manifest) -> None:
    """Prints the way of the records, what is in the corpus, and what to run next."""
    way = rich.table.Table("stage", "in", "out", "dropped, changed", box=None)
    for stage in manifest.stages:
        way.add_row(
            stage.name,
            f"{stage.num_in:,}",
            f"{stage.num_out:,}",
            "; ".join(filter(None, (_listed(stage.dropped), _listed(stage.changed)))),
        )
    held = rich.table.Table(
        "split", "source", "shards", "rows", "records", "tokens", "fill", box=None
    )
    for split in rows.SPLITS:
        for source in rows.SOURCES:
            if not manifest.select(split, source):
                continue
            totals = manifest.totals(split, source)
            held.add_row(
                split,
                source,
                str(len(manifest.select(split, source))),
                f"{totals['num_rows']:,}",
                f"{totals['num_records']:,}",
                f"{totals['num_tokens']:,}",
                f"{manifest.fill(split, source):.1%}",
            )
    console.print(way, "", held, "")
    cost = rich.table.Table(
        "stage", "tasks", "seconds", "core seconds", "peak MiB of a process", box=None
    )
    for stage, spent in manifest.how.get("stages", {}).items():
        cost.add_row(stage, *(f"{value:,}" for value in spent.values()))
    console.print(cost, "")
    known = manifest.how.get("records_of_known_family", 0)
    families = len(manifest.how.get("validation_families", ()))
    console.print(
        f"{known:,} records are of a known family; {families} families are held out"
    )
    if told := manifest.how.get("bad_records", ()):
        console.print("left out, as on_bad=skip asks for:", *told, sep="\n")
    if line := rows.unmeasured(manifest):
        console.print(line, style="bold", soft_wrap=True, highlight=False)
    if manifest.how.get("cluster", {}).get("method") == "none":
        console.print("near-duplicates were not looked for: cluster.method=none")
    console.print(
        f"{corpus} holds rows of {manifest.row_length} tokens; report.json and "
        "report.png say how it came about. Next:\n"
        f"ssrlm pretrain --config=8m --config.data.corpus={corpus} "
        f"--config.data.row_length={manifest.row_length}",
        soft_wrap=True,
        highlight=False,
    )


def _listed(counts: Mapping[str, int]) -> str:
    return "; ".join(
        f"{reason}: {number:,}" for reason, number in counts.items() if number
    )


def console() -> rich.console.Console:
    """Returns the console that results are shown on."""
    width = None if sys.stdout.isatty() else _WIDE
    return rich.console.Console(
        file=sys.stdout, markup=False, emoji=False, highlight=False, width=width
    )
