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
_LEAST_RANKED = 5  # RNAs, of fewer a bootstrap tells nothing
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
      ranks: best and worst that intervals allow, from 1, by F1 and, of a column
        `NEAR`, by that; none of fewer than five RNAs, or where it is not scored, or was
        fitted to more than one in twenty of the RNAs, of which a score is none.
      leads: by the same columns, how far it is above each other method of the set, over
        the same RNAs; of what is not ranked, too.
      reason: why there are no scores; "": there are.
    """

    set: str
    method: items.Method
    scores: set_scores.SetScores | None
    values: Mapping[str, statistics.Interval]
    paper: Mapping[str, float]
    shared: set_files.Shared | None
    ranks: Mapping[str, tuple[int, int]]
    leads: Mapping[str, Mapping[str, statistics.Interval]]
    reason: str

    @property
    def rank(self) -> tuple[int, int] | None:
        """By F1 of all RNAs."""
        return self.ranks.get(items.F1.name)


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
    bins = _bins(item.bins, lengths, identity_N)
    compared = {items.F1.name: np.ones(len(lengths), bool)}
    compared |= {head: is_in_N for head, is_in_N in bins.items() if NEAR in head}
    compared = {h: of for h, of in compared.items() if of.sum() >= _LEAST_RANKED}
    leads = {head: _leads(given, is_in_N, seed) for head, is_in_N in compared.items()}
    ranks = {head: _ranks(given, leads[head]) for head in compared}
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
                ranks={h: of[name] for h, of in ranks.items() if name in of},
                leads={h: of[name] for h, of in leads.items() if name in of},
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


def _leads(
    given: Sequence[Scored], is_in_N: np.ndarray, seed: int
) -> dict[str, dict[str, statistics.Interval]]:
    """Returns how far each method is above each other one on some RNAs of a set."""
    columns = {
        one.method.name: np.array([(f1, 1) for f1 in one.scores.f1])[is_in_N]
        for one in given
        if one.scores is not None
    }
    found: dict[str, dict[str, statistics.Interval]] = {name: {} for name in columns}
    for first, second in itertools.combinations(columns, 2):
        lead = statistics.difference(
            columns[first], columns[second], statistics.ratio, seed
        ).interval
        found[first][second] = lead
        turned = (0 - lead.value, 0 - lead.high, 0 - lead.low)  # 0 has no sign
        found[second][first] = statistics.Interval(*turned)
    return found


def _ranks(
    given: Sequence[Scored], leads: Mapping[str, Mapping[str, statistics.Interval]]
) -> dict[str, tuple[int, int]]:
    """Returns the best and the worst rank of each method that is ranked."""
    ranked = [
        one.method.name
        for one in given
        if one.scores is not None and not _has_seen(one.shared, len(one.scores.f1))
    ]
    found = {}
    for name in ranked:
        others = [leads[name][other] for other in ranked if other != name]
        above = sum(lead.high < 0 for lead in others)
        below = sum(lead.low > 0 for lead in others)
        found[name] = (1 + above, len(ranked) - below)
    return found
