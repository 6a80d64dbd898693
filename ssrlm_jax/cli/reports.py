"""What commands say: results on standard output, the rest on standard error.

Names and values are shown as they are, never as markup, and whole. A bar shows
progress where standard error is a terminal and results do not run through it.
"""

import sys
import time
from collections.abc import Sequence

import rich.console
import rich.progress

from ssrlm_jax.cli import endings


class _Console(rich.console.Console):
    def on_broken_pipe(self) -> None:
        raise  # the error that Rich caught; it would end the command with 1


class Report:
    """Progress and problems of one command; use it as a context."""

    def __init__(self, command: str, done: str, *, is_output_shown: bool) -> None:
        """Begins a report.

        Args:
          command: such as "fold".
          done: what is done to a record, such as "folded".
          is_output_shown: whether results go to standard output.
        """
        self._command, self._done = command, done
        self.num_done = self.num_problems = 0
        self._begun = time.monotonic()
        self._console = _Console(
            stderr=True, soft_wrap=True, markup=False, emoji=False, highlight=False
        )
        is_free = not (is_output_shown and sys.stdout.isatty())
        self._bar = rich.progress.Progress(
            rich.progress.SpinnerColumn(),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.TimeElapsedColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,  # it would send results to standard error
            redirect_stderr=False,
            disable=not (is_free and self._console.is_terminal),
        )
        self._task = self._bar.add_task("reading")

    def __enter__(self) -> "Report":
        self._bar.start()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if error is None:
            total = self.num_done + self.num_problems
            seconds = time.monotonic() - self._begun
            self.say(f"{self.num_done:,} of {total:,} {self._done} in {seconds:.1f} s")

    def say(self, text: str) -> None:
        """Writes a line."""
        self._console.print(printable(f"ssrlm {self._command}: {text}"))

    def problem(self, text: str) -> None:
        """Writes a line about a record that has no result."""
        self.num_problems += 1
        self.say(text)

    def advance(self, num_records: int = 1) -> None:
        """Counts records that have results."""
        endings.check()
        self.num_done += num_records
        self._bar.update(self._task, description=f"{self.num_done:,} {self._done}")

    @property
    def status(self) -> int:
        """Returns the exit status: 0 if every record has a result."""
        return int(self.num_problems > 0)


def table(rows: Sequence[Sequence[str]], num_left: int) -> str:
    """Returns lines of aligned columns, of which the first `num_left` begin left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if index < num_left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip() + "\n")
    return "".join(lines)


def write(text: str) -> None:
    """Writes results at once; a terminal gets no control characters in names."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def printable(text: str) -> str:
    """Returns a text that does nothing to a terminal: escapes for control letters."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else repr(letter)[1:-1]
        for letter in text
    )


def is_full(error: Exception) -> bool:
    """Tells whether memory is full: a MemoryError, or what XLA raises then."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
