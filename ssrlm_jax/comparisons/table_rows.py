"""Rows of a table: scores with intervals, the paper's beside them, and ranks.

A method ranks above another only where the interval of their difference over the same
RNAs, drawn together, holds no zero.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import types
from ssrlm_jax.comparisons import items, set_files, set_scores
from ssrlm_jax.metrics import score_report, statistics

_MOST_SEEN = 0.05  # of a set's RNAs that trained a method which is ranked
NEAR = "nothing near"  # a column: RNAs that have nothing near in any training set


class Row(NamedTuple):
    """One method on one set.

    Attributes:
      set: its name.
      method: what was scored.
      scores: of it; None where there are none.
      values: by column.
      paper: the paper's numbers, by column.
      shared: what its training shares with the set; None: the set is not there.
      rank: best and worst that intervals allow, from 1; None: not scored, or fitted to
        more than one in twenty of the RNAs, of which a score is none.
      reason: why there are no scores; "": there are.
    """

    set: str
    method: items.Method
    scores: set_scores.SetScores | None
    values: Mapping[str, statistics.Interval]
    paper: Mapping[str, float]
    shared: set_files.Shared | None
    rank: tuple[int, int] | None
    reason: str


class Scored(NamedTuple):
    """What `rows` gets of one method on one set; attributes as of `Row`."""

    method: items.Method
    scores: set_scores.SetScores | None
    shared: set_files.Shared | None
    reason: str


def rows(
    item: items.Item,
    one: items.LabelledSet,
    given: Sequence[Scored],
    lengths: Sequence[int],
    identity_N: np.ndarray | None,
    seed: int,
) -> list[Row]:
    """Returns the rows of a set, in the order of the methods.

    Args:
      item: the table.
      one: the set.
      given: all methods.
      lengths: nucleotides of each RNA of the set.
      identity_N: with the nearest RNA that trained any method; None: unknown.
      seed: of the bootstrap.
    """
    ranks = _ranks(given, seed)
    bins = _bins(item.bins, lengths, identity_N)
    found = []
    for scored in given:
        name = scored.method.name
        values = {}
        if scored.scores is not None:
            values = _values(item, scored.scores, bins, seed)
        known = {
            column: number
            for (method, of, column), number in item.paper.items()
            if (method, of) == (name, one.name)
        }
        found.append(
            Row(
                set=one.name,
                method=scored.method,
                scores=scored.scores,
                values=values,
                paper=known,
                shared=scored.shared,
                rank=ranks.get(name),
                reason=scored.reason,
            )
        )
    return found


def columns(item: items.Item, found: Iterable[Row]) -> list[str]:
    """Returns the headings of a table: those of the item, and of the bins there are."""
    names = [column.name for column in item.columns]
    for row in found:
        names += [name for name in row.values if name not in names]
    return names


def _values(
    item: items.Item,
    scores: set_scores.SetScores,
    bins: Mapping[str, np.ndarray],
    seed: int,
) -> dict[str, statistics.Interval]:
    values = {column.name: _at(scores.report, column.path) for column in item.columns}
    f1_N = np.array(scores.f1)
    for name, is_in_N in bins.items():
        values[name] = statistics.of_mean(f1_N[is_in_N], seed)
    return values


def _at(report: types.Json, path: Sequence[str]) -> statistics.Interval:
    """Returns a value of a report; nan where it is not defined."""
    found: object = report
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return statistics.Interval(math.nan, math.nan, math.nan)
        found = found[name]
    assert isinstance(found, Sequence)
    return statistics.Interval(*(math.nan if n is None else float(n) for n in found))


def _bins(
    kinds: Sequence[str], lengths: Sequence[int], identity_N: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Returns which RNAs lie in each bin, by its name and number, in rising order."""
    found: dict[str, np.ndarray] = {}
    if "length" in kinds:
        named = [score_report.length_bin(length) for length in lengths]
        order = sorted(zip(lengths, named, strict=True))
        found |= _members(named, [name for _, name in order])
    if "identity" in kinds and identity_N is not None:
        named = [score_report.identity_bin(float(one)) for one in identity_N]
        order = sorted(zip(identity_N.tolist(), named, strict=True))
        found |= _members(named, [name for _, name in order])
    if NEAR in kinds and identity_N is not None:
        found[f"F1, {NEAR}, {int((identity_N == 0).sum()):,}"] = identity_N == 0
    return found


def _members(named: Sequence[str], order: Sequence[str]) -> dict[str, np.ndarray]:
    of = np.array(named)
    return {
        f"{name}, {int((of == name).sum()):,}": of == name
        for name in dict.fromkeys(order)
    }


def _has_seen(shared: set_files.Shared | None, count: int) -> bool:
    equal = None if shared is None else shared.equal
    return equal is not None and equal > _MOST_SEEN * count


def _ranks(given: Sequence[Scored], seed: int) -> dict[str, tuple[int, int]]:
    """Returns the best and the worst rank of each method that is ranked."""
    columns = {
        one.method.name: np.stack([one.scores.f1, np.ones(len(one.scores.f1))], axis=1)
        for one in given
        if one.scores is not None and not _has_seen(one.shared, len(one.scores.f1))
    }
    above, below = dict.fromkeys(columns, 0), dict.fromkeys(columns, 0)
    for first, second in itertools.combinations(columns, 2):
        told = statistics.difference(
            columns[first], columns[second], statistics.ratio, seed
        ).interval
        if told.low > 0:
            below[first] += 1
            above[second] += 1
        elif told.high < 0:
            below[second] += 1
            above[first] += 1
    return {name: (1 + above[name], len(columns) - below[name]) for name in columns}
