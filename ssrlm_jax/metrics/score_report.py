"""Scores of a set of RNAs: pooled and mean, by part, each with a bootstrap interval.

Pooled: counts are added up over RNAs before they are divided. Mean: of what each RNA
scores; in a class of pairs, over the RNAs that have such a pair in either structure.
Every score is strict unless its group is called "slack".
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import pair_scores, statistics
from ssrlm_jax.rna import probabilities, structures

LENGTHS = (0, 50, 100, 150, 200, 300, 400, 500, math.inf)  # nucleotides; our bins
IDENTITIES = (0.0, 0.6, 0.7, 0.8, 0.9, 1.01)  # of the nearest training sequence
STRICT, SLACK, CROSSING = "strict", "slack", "pseudoknotted"
CANONICAL = "canonical"  # Watson-Crick and wobble pairs together
SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "precision": pair_scores.precision,
    "recall": pair_scores.recall,
    "f1": pair_scores.f1,
}


COLUMNS = (
    *("id", "length", "known", "predicted", "right", "precision", "recall", "f1"),
    *("f1_slack", "average_precision", "identity"),
)

_Means = dict[str, list[float | None]]  # "mean" and "pooled": value, low, high


class Scored(NamedTuple):
    """What is known of one RNA's prediction.

    Attributes:
      name: of the RNA.
      length: nucleotides.
      counts: by STRICT, SLACK, CROSSING, CANONICAL and the classes of `pair_scores`.
      ranked: of its probabilities; None where there are none.
      identity: with the nearest training sequence, 0 where none is near; None: not
        looked for.
    """

    name: str
    length: int
    counts: Mapping[str, pair_scores.Counts]
    ranked: pair_scores.Ranked | None = None
    identity: float | None = None


def score(
    name: str,
    sequence: str,
    predicted: structures.Structure,
    known: structures.Structure,
    listed: probabilities.PairProbabilities | None = None,
    identity: float | None = None,
) -> Scored:
    """Scores one RNA.

    Raises:
      ValueError: the structures differ in length.
    """
    by_class = pair_scores.count_by_class(predicted, known, sequence)
    canonical = np.sum([by_class[one] for one in pair_scores.CANONICAL_CLASSES], 0)
    counts = {
        STRICT: pair_scores.count(predicted, known),
        SLACK: pair_scores.count(predicted, known, slack=1),
        CROSSING: pair_scores.count_crossing(predicted, known),
        CANONICAL: pair_scores.Counts(*canonical.tolist()),
        **by_class,
    }
    ranked = None if listed is None else pair_scores.rank(listed, known)
    return Scored(name, len(sequence), counts, ranked, identity)


def report(scored: Sequence[Scored], seed: int = 0) -> dict[str, object]:
    """Returns all scores as nested dicts; a score is [value, low, high].

    The interval is the middle 95 % over RNAs drawn anew (metrics.statistics). A score
    that is not defined is None. Average precision is there only if all RNAs have
    probabilities.
    """
    bins: dict[str, dict[str, list[Scored]]] = {"length": {}, "identity": {}}
    for one in sorted(scored, key=lambda one: (one.length, one.name)):
        bins["length"].setdefault(length_bin(one.length), []).append(one)
    for one in sorted(scored, key=lambda one: (one.identity or 0.0, one.name)):
        if one.identity is not None:
            bins["identity"].setdefault(identity_bin(one.identity), []).append(one)
    parts = (CANONICAL, *pair_scores.CLASSES, CROSSING)
    return {
        **_whole(scored, seed),
        "parts": {part: _part(scored, part, seed) for part in parts},
        **{
            kind: {name: _whole(members, seed) for name, members in of.items()}
            for kind, of in bins.items()
            if of
        },
    }


def length_bin(length: int) -> str:
    """Returns the bin of a length, "50 to 100 nt"."""
    return _bin(length, LENGTHS, "{:g} to {:g} nt", "over {:g} nt")


def identity_bin(identity: float) -> str:
    """Returns the bin of an identity with the nearest training sequence, 0..1."""
    name = _bin(identity, IDENTITIES, "{:.0%} to {:.0%}", "")
    return name if identity else "nothing found"


def f1(scored: Sequence[Scored]) -> np.ndarray:
    """Returns the strict F1 of each RNA, (N,)."""
    return pair_scores.f1(_counts(scored, STRICT))


def differences(
    scored_of: Mapping[str, Sequence[Scored]], seed: int = 0
) -> list[dict[str, object]]:
    """Returns how far methods are above each other in mean strict F1, by pairs of them.

    Args:
      scored_of: by method, the same RNAs in the same order.
      seed: of the bootstrap over RNAs, which draws both methods together.

    Returns:
      Of each pair `first`, `second`, `f1` (the mean of the first less that of the
      second, and its 95 % interval) and `probability`, the share of samples in which
      the first is above.
    """
    found: list[dict[str, object]] = []
    columns = {
        name: np.stack([f1(scored), np.ones(len(scored))], axis=1)
        for name, scored in scored_of.items()
    }
    for first, second in itertools.combinations(columns, 2):
        told = statistics.difference(
            columns[first], columns[second], statistics.ratio, seed
        )
        found.append(
            {
                "first": first,
                "second": second,
                "f1": statistics.plain(told.interval),
                "probability": round(told.probability, 4),
            }
        )
    return found


def rows(scored: Iterable[Scored]) -> list[list[object]]:
    """Returns a header and a row of scores for each RNA."""
    found: list[list[object]] = [list(COLUMNS)]
    for one in scored:
        strict, slack = one.counts[STRICT], one.counts[SLACK]
        ratios = [of(np.array(strict)) for of in SCORES.values()]
        ratios.append(pair_scores.f1(np.array(slack)))
        precise = (
            pair_scores.average_precision([one.ranked]) if one.ranked else math.nan
        )
        found.append(
            [one.name, one.length, strict.known, strict.predicted, strict.right]
            + [f"{ratio:.4f}" for ratio in [*map(float, ratios), precise]]
            + ["" if one.identity is None else f"{one.identity:.3f}"]
        )
    return found


def _whole(scored: Sequence[Scored], seed: int) -> dict[str, object]:
    num_pairs_N = np.array([one.length * (one.length - 1) / 2 for one in scored])
    strict_N4 = _counts(scored, STRICT)
    found: dict[str, object] = {
        "rnas": len(scored),
        STRICT: _ratios(strict_N4, seed) | {"mcc": _mcc(strict_N4, num_pairs_N, seed)},
        SLACK: _ratios(_counts(scored, SLACK), seed),
    }
    ranked = [one.ranked for one in scored if one.ranked is not None]
    if ranked and len(ranked) == len(scored):
        each_N = np.array([pair_scores.average_precision([one]) for one in ranked])
        has_pairs_N = ~np.isnan(each_N)
        found["average_precision"] = {
            "rnas": int(has_pairs_N.sum()),
            "mean": statistics.plain(statistics.of_mean(each_N[has_pairs_N], seed)),
            "pooled": statistics.plain(
                pair_scores.pooled_average_precision(ranked, seed)
            ),
        }
    return found


def _mcc(counts_N4: np.ndarray, num_pairs_N: np.ndarray, seed: int) -> _Means:
    columns_N5 = np.concatenate([counts_N4, num_pairs_N[:, None]], axis=1)
    return {
        "mean": statistics.plain(
            statistics.of_mean(pair_scores.mcc(counts_N4, num_pairs_N), seed)
        ),
        "pooled": statistics.plain(
            statistics.of_sums(
                columns_N5, lambda s_S5: pair_scores.mcc(s_S5[:, :4], s_S5[:, 4]), seed
            )
        ),
    }


def _part(scored: Sequence[Scored], part: str, seed: int) -> dict[str, object]:
    counts_N4 = _counts(scored, part)
    has_pairs_N = (counts_N4[:, 1] > 0) | (counts_N4[:, 3] > 0)
    return {
        "rnas": int(has_pairs_N.sum()),
        "known": int(counts_N4[:, 3].sum()),
        **_ratios(counts_N4[has_pairs_N], seed),
    }


def _counts(scored: Sequence[Scored], part: str) -> np.ndarray:
    return np.array([one.counts[part] for one in scored], np.float64).reshape(-1, 4)


def _ratios(counts_N4: np.ndarray, seed: int) -> dict[str, _Means]:
    return {
        name: {
            "mean": statistics.plain(statistics.of_mean(of(counts_N4), seed)),
            "pooled": statistics.plain(statistics.of_sums(counts_N4, of, seed)),
        }
        for name, of in SCORES.items()
    }


def _bin(value: float, edges: Sequence[float], form: str, open_form: str) -> str:
    index = int(np.searchsorted(edges, value, side="right")) - 1
    low, high = edges[index], edges[index + 1]
    if math.isinf(high):
        return open_form.format(low)
    return form.format(low, min(high, 1.0) if high == IDENTITIES[-1] else high)
