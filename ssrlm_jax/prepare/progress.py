"""How far work is, for the user: bars on a terminal, else lines."""

import sys
from typing import Self

import rich.console
import rich.progress

_WIDE = 10_000  # letters of a line that no terminal shows
_TITLES = {
    "read": "reading files",
    "dedupe": "equal records",
    "cluster": "near-duplicates",
    "fold": "folding",
    "pack": "packing",
}


class _Bars:
    """A bar for each thing that is under way, on a terminal; use it as a context."""

    _WIDTH: int  # of titles, in letters
    _COLUMNS: tuple[type[rich.progress.ProgressColumn], ...]

    def __init__(self, console: rich.console.Console) -> None:
        """Draws on `console`."""
        self._console = console
        self._bars = rich.progress.Progress(
            rich.progress.TextColumn(
                f"{{task.description:<{self._WIDTH}}}", markup=False
            ),
            rich.progress.BarColumn(),
            *(column() for column in self._COLUMNS),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, rich.progress.TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def _advance(self, title: str, done: int, total: int | None, line: str) -> None:
        """Moves a bar; where there are no bars, prints the line, if there is one."""
        if title not in self._tasks:
            self._tasks[title] = self._bars.add_task(title, total=total)
        self._bars.update(self._tasks[title], completed=done, total=total)
        if line and not self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False)


class Stages(_Bars):
    """Shows how far each stage is; without a terminal, its begin and its end."""

    _WIDTH = 15
    _COLUMNS = (rich.progress.MofNCompleteColumn, rich.progress.TimeElapsedColumn)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows that `done` of the `total` tasks of a stage are done."""
        title = _TITLES[stage]
        line = f"{title}: {done} of {total}" if done in (0, total) else ""
        self._advance(title, done, total, line)


class Downloads(_Bars):
    """Shows how far each file is; without a terminal, its end."""

    _WIDTH = 28
    _COLUMNS = (
        rich.progress.DownloadColumn,
        rich.progress.TransferSpeedColumn,
        rich.progress.TimeRemainingColumn,
    )

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Shows that `done` of `total` bytes are here."""
        line = f"{name}: {done:,} bytes" if done == total else ""
        self._advance(name, done, total, line)


def console() -> rich.console.Console:
    """Returns the console that results are shown on."""
    width = None if sys.stdout.isatty() else _WIDE
    return rich.console.Console(
        file=sys.stdout, markup=False, emoji=False, highlight=False, width=width
    )
