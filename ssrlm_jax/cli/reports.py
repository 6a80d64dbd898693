"""What commands that read RNA say on standard error, and how they end.

Results are the only thing on standard output. A bar shows progress where standard
error is a terminal and results do not run through it.
"""

import argparse
import functools
import os
import signal
import sys
import time
from collections.abc import Callable

import rich.console
import rich.progress

Run = Callable[[argparse.Namespace], int]


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
        self._console = rich.console.Console(stderr=True, soft_wrap=True)
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
        line = f"ssrlm {self._command}: {text}"
        self._console.print(line, markup=False, highlight=False)

    def problem(self, text: str) -> None:
        """Writes a line about a record that has no result."""
        self.num_problems += 1
        self.say(text)

    def advance(self, num_records: int = 1) -> None:
        """Counts records that have results."""
        self.num_done += num_records
        self._bar.update(self._task, description=f"{self.num_done:,} {self._done}")

    @property
    def status(self) -> int:
        """Returns the exit status: 0 if every record has a result."""
        return int(self.num_problems > 0)


def ends_quietly(run: Run) -> Run:
    """Makes a command end as others of a shell when its reader or user stops it.

    The exit status is 128 and the signal's number: 141 when what reads standard
    output has ended (`| head`), 130 after Ctrl-C.
    """

    @functools.wraps(run)
    def guarded(parsed: argparse.Namespace) -> int:
        try:
            return run(parsed)
        except BrokenPipeError:
            # Python flushes standard output once more when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        except KeyboardInterrupt:
            print(f"ssrlm {parsed.command}: interrupted", file=sys.stderr)
            return 128 + signal.SIGINT

    return guarded


def is_full(error: Exception) -> bool:
    """Tells whether memory is full: a MemoryError, or what XLA raises then."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
