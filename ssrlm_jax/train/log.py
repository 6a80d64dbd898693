"""Where the numbers of a run go: metrics.jsonl, the terminal, TensorBoard, W&B.

Only process 0 writes. A line of metrics.jsonl is one JSON object with "step"; a
resumed run drops the lines after the step it goes on from, so that the curve has
every step once.
"""

import contextlib
import importlib.util
import math
import pathlib
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

import rich.console
import rich.progress

from ssrlm_jax import config, files
from ssrlm_jax.train import workdirs

Scalars = dict[str, float]
Sink = Callable[[int, Scalars], None]


def check(settings: config.LoopConfig) -> None:
    """Checks that what the settings ask to log to is installed.

    Raises:
      ValueError: it is not; the message names the setting and what to install.
    """
    wanted = {
        f"loop.tensorboard={settings.tensorboard}": (
            "tensorboardX",
            settings.tensorboard,
        ),
        f"loop.wandb_project={settings.wandb_project!r}": (
            "wandb",
            settings.wandb_project,
        ),
    }
    for setting, (package, is_wanted) in wanted.items():
        if is_wanted and importlib.util.find_spec(package) is None:
            raise ValueError(f"{setting} needs {package}: pip install 'ssrlm-jax[log]'")


class Log:
    """The log of one session of a run; use it as a context."""

    def __init__(
        self,
        workdir: pathlib.Path,
        settings: config.LoopConfig,
        *,
        first: int,
        is_primary: bool,
    ) -> None:
        """Opens the log of a run that goes on after step `first`.

        Args:
          workdir: of the run.
          settings: of the loop.
          first: the step that the run goes on from; 0 at its start.
          is_primary: whether this process writes.
        """
        self._is_primary = is_primary
        self._num_steps = settings.num_steps
        self._console = rich.console.Console(
            stderr=True, markup=False, emoji=False, highlight=False
        )
        self._exits = contextlib.ExitStack()
        self._sinks: list[Sink] = []
        self._bar: rich.progress.Progress | None = None
        if self._is_primary:
            self._open(workdir, settings, first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def advance(self, step: int) -> None:
        """Moves the progress display, on a terminal."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step)

    def write(self, step: int, scalars: Scalars, line: str) -> None:
        """Writes scalars to every sink, and `line` for people to read."""
        for sink in self._sinks:
            sink(step, scalars)
        self.say(f"step {step:,}/{self._num_steps:,}  {line}")

    def say(self, line: str) -> None:
        """Shows one line."""
        if self._is_primary:
            self._console.print(line, soft_wrap=True)

    def _open(
        self, workdir: pathlib.Path, settings: config.LoopConfig, first: int
    ) -> None:
        workdirs.drop_metrics(workdir, after=first)
        path = workdir / workdirs.METRICS
        file = self._exits.enter_context(path.open("a", buffering=1))
        self._sinks.append(_to_lines(file))
        if settings.tensorboard:
            self._sinks.append(_to_tensorboard(workdir, self._exits))
        if settings.wandb_project:
            self._sinks.append(_to_wandb(workdir, settings.wandb_project, self._exits))
        if self._console.is_terminal:
            self._bar = self._exits.enter_context(
                rich.progress.Progress(console=self._console, transient=True)
            )
            self._bar.add_task("training", total=settings.num_steps, completed=first)


def duration(seconds: float) -> str:
    """Returns a time for people: "3 d 4 h", "4 h 05 min", "5 min 06 s", "7 s"."""
    if not math.isfinite(seconds):
        return "?"
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {s:02} s" if minutes else f"{s} s"


def _to_lines(file: TextIO) -> Sink:
    def write(step: int, scalars: Scalars) -> None:
        file.write(workdirs.line_of({"step": step} | scalars))

    return write


def _to_tensorboard(workdir: pathlib.Path, exits: contextlib.ExitStack) -> Sink:
    import tensorboardX

    writer = exits.enter_context(tensorboardX.SummaryWriter(str(workdir / "events")))

    def write(step: int, scalars: Scalars) -> None:
        for name, value in scalars.items():
            writer.add_scalar(name, value, step)

    return write


def _to_wandb(workdir: pathlib.Path, project: str, exits: contextlib.ExitStack) -> Sink:
    """Logs to one W&B run per workdir, also over several sessions."""
    import wandb

    path = workdir / "wandb_run"
    if not path.exists():
        files.write_text(path, wandb.util.generate_id())
    run = wandb.init(
        project=project,
        name=workdir.name,
        dir=str(workdir),
        id=path.read_text(),
        resume="allow",
    )
    exits.callback(run.finish)

    def write(step: int, scalars: Scalars) -> None:
        run.log(scalars, step=step)

    return write
