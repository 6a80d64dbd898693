"""Lines of the table: cells over seeds, with intervals, and which is above which.

Intervals are the middle 95 % over RNAs drawn anew (metrics/statistics.py), of the mean
over seeds; two lines are compared on the same draws. Seeds are no part of the draws:
what they do is told beside, as the score of each.
"""

import dataclasses
import itertools
import math
import pathlib
from collections.abc import Mapping, Sequence

from ssrlm_jax.metrics import statistics
from ssrlm_jax.sweeps import chains, job_graph, job_states, rna_scores


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score:
    """A cell of the table.

    Attributes:
      interval: of the mean over seeds.
      seeds: the score of each that is done, by its name.
      column: the RNAs; means over seeds.
    """

    interval: statistics.Interval
    seeds: Mapping[str, float]
    column: rna_scores.Column


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """Cells that differ in the seed alone, or a baseline.

    Attributes:
      name: for people.
      values: of the axes but the seed; {} for a baseline.
      scores: by name of the measure; those that there are.
      missing: why a cell has no score, a line each.
      seconds: that all its jobs took; those that it shares count whole.
      jobs: the training runs of each cell, by seed.
      paper: the paper's numbers by name of the measure.
    """

    name: str
    values: Mapping[str, chains.Value]
    scores: Mapping[str, Score]
    missing: Sequence[str]
    seconds: float
    jobs: Sequence[Mapping[str, str]]
    paper: Mapping[str, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Above:
    """Whether one line is better than another.

    Attributes:
      measure: by which.
      first: name of the line that is named first.
      second: of the other.
      difference: first less second.
      probability: share of the draws in which the first is better.
      num_better: seeds that both have in which the first is better.
      num_seeds: that both have.
    """

    measure: str
    first: str
    second: str
    difference: statistics.Interval
    probability: float
    num_better: int
    num_seeds: int


def lines(
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    looks: Mapping[str, job_states.Look],
    seed: int,
) -> list[Line]:
    """Returns the lines of the table from what is done.

    Args:
      out: directory of the sweep.
      asked: what the table has.
      made: the jobs.
      looks: how far they are.
      seed: of the draws.
    """
    grouped: dict[str, list[int]] = {}
    for number, (values, _) in enumerate(made.cells):
        own = {name: values[name] for name in shown_axes(asked)}
        grouped.setdefault(chains.name_of(own), []).append(number)
    found = []
    for name, numbers in grouped.items():
        cells = [made.cells[number] for number in numbers]
        found.append(_line(name, out, asked, made, looks, cells, seed))
    for baseline in asked.baselines:
        found.append(_baseline(baseline, out, asked, made, looks, seed))
    return found


def _line(
    name: str,
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    looks: Mapping[str, job_states.Look],
    cells: Sequence[tuple[Mapping[str, chains.Value], Mapping[str, str]]],
    seed: int,
) -> Line:
    missing: list[str] = []
    scored = {}
    for measure in asked.measures:
        columns: dict[str, rna_scores.Column] = {}
        for values, steps in cells:
            job = made.jobs[steps[measure.step]]
            try:
                columns[str(values.get(chains.SEED, ""))] = _read(
                    out, job, measure, looks
                )
            except (ValueError, OSError) as error:
                missing.append(f"{chains.name_of(values)}: {error}")
        if columns:
            scored[measure.name] = _score(columns, seed)
    values = _without_seed(cells[0][0])
    jobs = {job for _, steps in cells for job in steps.values()}
    costs = [looks[job].cost for job in jobs]
    return Line(
        name=name,
        values=values,
        scores=scored,
        missing=list(dict.fromkeys(missing)),
        seconds=math.fsum(cost.seconds for cost in costs if cost),
        jobs=[steps for _, steps in cells],
        paper={
            measure.name: asked.paper[key]
            for measure in asked.measures
            if (key := (*values.values(), measure.name)) in asked.paper
        },
    )


def _baseline(
    baseline: chains.Baseline,
    out: pathlib.Path,
    asked: chains.Sweep,
    made: job_graph.Graph,
    looks: Mapping[str, job_states.Look],
    seed: int,
) -> Line:
    scored: dict[str, Score] = {}
    missing: list[str] = []
    steps = made.baselines[baseline.name]
    for measure in asked.measures:
        if measure.step not in steps:
            continue  # it has no such score, as a program has no loss
        job = made.jobs[steps[measure.step]]
        own = dataclasses.replace(measure, method=baseline.method)
        try:
            scored[measure.name] = _score({"": _read(out, job, own, looks)}, seed)
        except (ValueError, OSError) as error:
            missing.append(f"{baseline.name}: {error}")
    costs = [looks[name].cost for name in steps.values()]
    return Line(
        name=baseline.name,
        values={},
        scores=scored,
        missing=list(dict.fromkeys(missing)),
        seconds=math.fsum(cost.seconds for cost in costs if cost),
        jobs=[],
        paper={},
    )


def _read(
    out: pathlib.Path,
    job: job_graph.Job,
    measure: chains.Measure,
    looks: Mapping[str, job_states.Look],
) -> rna_scores.Column:
    """Returns the scores of a job.

    Raises:
      ValueError: it has none; the message says why.
    """
    look = looks[job.name]
    if look.state != job_states.DONE_STATE:
        raise ValueError(why_not(look, looks))
    return rna_scores.read(out, job, measure)


def why_not(look: job_states.Look, looks: Mapping[str, job_states.Look]) -> str:
    """Says why a job has no result."""
    if look.failure is not None:
        return f"{look.name} failed: {look.failure.reason}"
    if look.waits_for:
        return why_not(looks[look.waits_for], looks)
    return f"{look.name} is not done ({look.state})"


def _score(columns: Mapping[str, rna_scores.Column], seed: int) -> Score:
    mean = rna_scores.over_seeds(list(columns.values()))
    interval = statistics.of_sums(mean.sums_N2, statistics.ratio, seed)
    each = {name: column.value for name, column in columns.items()}
    return Score(interval=interval, seeds=each, column=mean)


def shown_axes(asked: chains.Sweep) -> list[str]:
    """Returns the axes that tell lines apart: not the seed, and of several values."""
    names = [name for name in asked.axes if name != chains.SEED]
    return [name for name in names if len(asked.axes[name]) > 1]


def comparisons(found: Sequence[Line], asked: chains.Sweep, seed: int) -> list[Above]:
    """Compares every two lines that differ in the axis `asked.compared` alone.

    The later value of the axis is named first. What was scored on other RNAs is left
    out.
    """
    told = []
    for second, first in itertools.combinations(found, 2):
        if not _differ_in_one(first, second, asked.compared):
            continue
        for measure in asked.measures:
            one, other = (line.scores.get(measure.name) for line in (first, second))
            if one is None or other is None or one.column.names != other.column.names:
                continue
            found_difference = statistics.difference(
                one.column.sums_N2, other.column.sums_N2, statistics.ratio, seed
            )
            above = found_difference.probability
            better, seeds = _of_seeds(one, other, measure)
            told.append(
                Above(
                    measure=measure.name,
                    first=first.name,
                    second=second.name,
                    difference=found_difference.interval,
                    probability=1.0 - above if measure.is_lower_better else above,
                    num_better=better,
                    num_seeds=seeds,
                )
            )
    return told


def _of_seeds(first: Score, second: Score, measure: chains.Measure) -> tuple[int, int]:
    """Returns in how many seeds that both have the first is better, and of how many."""
    shared = first.seeds.keys() & second.seeds.keys()
    sign = -1.0 if measure.is_lower_better else 1.0
    better = sum(sign * (first.seeds[s] - second.seeds[s]) > 0 for s in shared)
    return better, len(shared)


def _differ_in_one(first: Line, second: Line, axis: str) -> bool:
    """Says whether two cells differ in an axis, and in no other."""
    if not (first.values and second.values):
        return False
    return {n for n in first.values if first.values[n] != second.values[n]} == {axis}


def _without_seed(values: Mapping[str, chains.Value]) -> dict[str, chains.Value]:
    return {name: value for name, value in values.items() if name != chains.SEED}
