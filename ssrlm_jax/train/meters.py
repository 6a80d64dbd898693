"""What the updates between two lines of the log add up to: means, rates, time.

Sums and counts are added up on the host in float64 and kept in checkpoints, so
that a resumed run logs the same means as an uninterrupted one.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import TypedDict

import jax
import numpy as np

from ssrlm_jax.train import updates

_Number = float | np.ndarray | jax.Array  # a scalar


class Kept(TypedDict):
    """What a checkpoint holds of a meter; JSON makes a list of a pair."""

    sums: dict[str, tuple[float, float]]
    tokens: float
    seconds: float


NOTHING: Kept = {"sums": {}, "tokens": 0.0, "seconds": 0.0}


class Meter:
    """Adds up reports of updates.

    Attributes:
      tokens: of the whole run so far, over all sessions.
      seconds: spent training, over all sessions; without compilation,
        evaluation and saving.
      seconds_per_step: mean of this session, everything included.
    """

    def __init__(self, kept: Kept, peak_flops: float | None) -> None:
        """Goes on from `kept`.

        Args:
          kept: what `keep` returned, or `NOTHING`.
          peak_flops: of all devices together, FLOP/s; None when not known.
        """
        self.tokens = kept["tokens"]
        self.seconds = kept["seconds"]
        self.seconds_per_step = float("nan")
        self._sums = {name: (pair[0], pair[1]) for name, pair in kept["sums"].items()}
        self._peak_flops = peak_flops
        self._last: dict[str, float] = {}
        self._rates = np.zeros(5)  # seconds, tokens, flops, exact_flops, waited
        self._mark: float | None = None  # when the report before came
        self._begin = 0.0
        self._num_steps = 0

    def keep(self) -> Kept:
        """Returns what a checkpoint has to hold."""
        return {"sums": self._sums, "tokens": self.tokens, "seconds": self.seconds}

    def add(self, report: updates.Report, waited: float) -> None:
        """Adds a report, fetched to the host, and the seconds its batch took to come.

        The first report of a session starts the clock: before it, things compile.
        """
        is_skipped = bool(report.num_skipped > 0)
        norm = (0.0, 0.0) if is_skipped else (report.gradient_norm, 1.0)
        sums: dict[str, tuple[_Number, _Number]] = report.sums | {
            "skipped": (float(is_skipped), 1.0),
            "gradient_norm": norm,
        }
        for name, (total, count) in sums.items():
            before = self._sums.get(name, (0.0, 0.0))
            self._sums[name] = (before[0] + float(total), before[1] + float(count))
        self._last = {"learning_rate": float(report.learning_rate)}
        _, tokens, flops, exact_flops = report.notes_4.tolist()
        self.tokens += tokens
        now = time.perf_counter()
        if self._mark is None:
            self._begin = now
        else:
            seconds = now - self._mark
            self.seconds += seconds
            self._num_steps += 1
            self.seconds_per_step = (now - self._begin) / self._num_steps
            self._rates += [seconds, tokens, flops, exact_flops, waited]
        self._mark = now

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Stops the clock: evaluation and saving are not training."""
        start = time.perf_counter()
        yield
        if self._mark is not None:
            self._mark += time.perf_counter() - start

    def read(self) -> dict[str, float]:
        """Returns means and rates since the last call; what has no count is left out.

        `input_wait` is the share of time in which the loop waited for a batch; `mfu`
        the share of the peak by 6 N + 12 L D T per token, `mfu_exact` with the true
        lengths of records. Rates are left out until there are two steps.
        """
        means = {name: total / n for name, (total, n) in self._sums.items() if n > 0}
        values = means | self._last | {"tokens": self.tokens, "seconds": self.seconds}
        seconds, tokens, flops, exact_flops, waited = self._rates.tolist()
        if seconds > 0:
            values |= {"tokens_per_second": tokens / seconds}
            values |= {"input_wait": waited / seconds}
            if self._peak_flops is not None:
                available = self._peak_flops * seconds
                values |= {"mfu": flops / available}
                values |= {"mfu_exact": exact_flops / available}
        self._sums = {}
        self._rates = np.zeros(5)
        return values
