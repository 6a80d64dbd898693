"""How far a sweep is: one live table on a terminal, plain lines in a log."""

import logging
import math
import pathlib
import time
from collections.abc import Iterable, Mapping, Sequence

import rich.console
import rich.live
import rich.table

from ssrlm_jax.sweeps import job_graph, job_states
from ssrlm_jax.train import log

_log = logging.getLogger("ssrlm_jax")
_TERMINAL_SECONDS, _LOG_SECONDS = 1.0, 2.0  # between two looks
_TELL_SECONDS = 60.0  # between two lines of one job that runs
_MOST_ROWS = 40  # of the live table
_STYLES = {
    job_states.DONE_STATE: "green",
    job_states.FAILED_STATE: "bold red",
    job_states.BLOCKED: "red",
    job_states.RUNNING: "bold",
}
HEADS = ("job", "cells", "state", "step", "loss", "time")


class Display:
    """Shows how far jobs are; use it as a context, call it often."""

    def __init__(
        self,
        out: pathlib.Path,
        made: job_graph.Graph,
        console: rich.console.Console | None = None,
    ) -> None:
        """Begins to show.

        Args:
          out: directory of the sweep.
          made: its jobs.
          console: where; None: standard error.
        """
        self._out, self._made = out, made
        self._console = console or rich.console.Console(
            stderr=True, markup=False, emoji=False, highlight=False
        )
        self._live: rich.live.Live | None = None
        self._looked = -math.inf
        self._states: dict[str, str] = {}
        self._told: dict[str, float] = {}

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live = rich.live.Live(console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._look(time.monotonic())
        if self._live is not None:
            self._live.stop()

    def __call__(self) -> None:
        """Looks again, unless it has just done so."""
        now = time.monotonic()
        every = _LOG_SECONDS if self._live is None else _TERMINAL_SECONDS
        if now - self._looked >= every:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looked = now
        looks = job_states.look(self._out, self._made)
        if self._live is not None:
            self._live.update(table(self._made, looks), refresh=True)
            return
        for name, one in looks.items():
            is_new = self._states.get(name, job_states.WAITING) != one.state
            is_due = now - self._told.get(name, now) >= _TELL_SECONDS
            if is_new or (is_due and one.state == job_states.RUNNING):
                self._told[name] = now
                _log.info("%s", line(one, looks))
            self._states[name] = one.state


def table(
    made: job_graph.Graph, looks: Mapping[str, job_states.Look]
) -> rich.table.Table:
    """Returns how far all jobs are; of many, what runs or failed comes first."""
    shown = rich.table.Table(*HEADS, box=None, pad_edge=False)
    order = [
        job_states.RUNNING,
        job_states.FAILED_STATE,
        job_states.WAITING,
        job_states.QUEUED_STATE,
    ]
    names = list(looks)
    if len(names) > _MOST_ROWS:
        names.sort(key=lambda name: _place(order, looks[name].state))
    for name in names[:_MOST_ROWS]:
        shown.add_row(*_cells(made, looks[name]), style=_STYLES.get(looks[name].state))
    shown.caption = summary(looks.values())
    return shown


def text(made: job_graph.Graph, looks: Mapping[str, job_states.Look]) -> str:
    """Returns the table of all jobs as plain lines."""
    rows = [HEADS, *(tuple(_cells(made, one)) for one in looks.values())]
    return _aligned(rows) + "\n" + summary(looks.values())


def line(one: job_states.Look, looks: Mapping[str, job_states.Look]) -> str:
    """Returns a line about one job for a log."""
    parts = [f"{one.name}: {one.state}"]
    if one.num_steps:
        parts.append(f"step {one.step:,}/{one.num_steps:,}")
    if not math.isnan(one.loss):
        parts.append(f"loss {one.loss:.4f}")
    if told := _time(one):
        parts.append(told)
    if one.waits_for:
        parts.append(f"as {one.waits_for} failed")
    if one.failure is not None:
        parts += [f"exit status {one.failure.status}", *one.failure.lines]
        parts.append(f"repeat it: {one.failure.command}")
        return "\n    ".join(parts)
    return "  ".join(parts)


def summary(looks: Iterable[job_states.Look]) -> str:
    """Returns how many jobs are in which state."""
    states = [one.state for one in looks]
    counts = [f"{states.count(word)} {word}" for word in sorted(set(states))]
    return f"{len(states)} jobs: {', '.join(counts)}"


def _cells(made: job_graph.Graph, one: job_states.Look) -> list[str]:
    cells = len(made.cells_of(one.name))
    step = f"{one.step:,}/{one.num_steps:,}" if one.num_steps else ""
    loss = "" if math.isnan(one.loss) else f"{one.loss:.4f}"
    return [one.name, str(cells or "-"), one.state, step, loss, _time(one)]


def _time(one: job_states.Look) -> str:
    if one.cost is not None:
        return log.duration(one.cost.seconds)
    if math.isnan(one.seconds_left):
        return ""
    return f"{log.duration(one.seconds_left)} left"


def _place(order: Sequence[str], word: str) -> int:
    return order.index(word) if word in order else len(order)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )
