"""Contacts from attention maps: a logistic regression on a few RNAs, and its scores.

The encoder is not trained. scikit-learn's liblinear minimises |w| + C sum(loss), so
the paper's lambda = 0.15 is C = 0.15. liblinear penalises the intercept like a weight
of a feature of size `intercept_scaling`; at 1000 it is in effect free.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from sklearn import exceptions, linear_model

from ssrlm_jax import config, types
from ssrlm_jax.metrics import pair_scores, threshold_choice
from ssrlm_jax.rna import (
    decode,
    formats,
    probabilities,
    record_tables,
    structures,
)

_log = logging.getLogger(__name__)

# j - i of a pair: from, and up to but without; as ESM counts them. "local" (3 to 6)
# lies below the paper's least separation.
RANGES: dict[str, tuple[float, float]] = {
    "all": (0, np.inf),
    "short": (6, 12),
    "medium": (12, 24),
    "long": (24, np.inf),
}


class Maps(Protocol):
    """An encoder whose attention maps are read."""

    def features(self, sequence: str, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Returns features_PF of pairs; see `models.contact_maps.features`."""
        ...

    def logits(
        self, sequence: str, weight_NF: np.ndarray, intercept_N: np.ndarray
    ) -> np.ndarray:
        """Returns logits_NLM of N fits; see `models.contact_maps.logits`."""
        ...


class Fit(NamedTuple):
    """A regression.

    Attributes:
      weight_F: of each head, the first layer's first.
      intercept: added to all.
      iterations: that liblinear took.
    """

    weight_F: np.ndarray
    intercept: float
    iterations: int


class Draw(NamedTuple):
    """Which RNAs train, validate and test a fit.

    Attributes:
      train: whose pairs are fitted.
      validation: whose mean F1 chooses the threshold.
      test: scored once.
    """

    train: Sequence[formats.Record]
    validation: Sequence[formats.Record]
    test: Sequence[formats.Record]


def fit_draws(
    maps: Maps, draws: Sequence[Draw], settings: config.ContactsConfig
) -> list[types.Json]:
    """Fits to some RNAs, chooses a threshold on others, and scores the rest.

    An RNA is encoded once for all draws that it validates, and once for all that it
    tests.

    Args:
      maps: of an encoder.
      draws: RNAs of each fit.
      settings: of the regression.

    Returns:
      For each draw `weights` (F,), `intercept`, `iterations`, `threshold`, names of
      `train` and `validation`, and `scores` on `test`: means over RNAs of `precisions`
      and of strict "precision", "recall" and "f1" of structures, decoded by the greedy
      rule (pairs closer than the least separation are never predicted, and count);
      `tested` has the scores of each RNA, with its "id" and "length".

    Raises:
      ValueError: as `fit`; a record without a structure; no RNA of a `test` has a pair
        that counts.
    """
    least = settings.min_separation
    for one in draws:
        if not any(np.diff(_known(r).pairs).max(initial=0) >= least for r in one.test):
            raise ValueError(
                f"none of {len(one.test)} test RNAs has a base pair with j - i >= "
                f"{least}: there is nothing to score"
            )
    fits = []
    for number, one in enumerate(draws, 1):
        fits.append(_fit_records(maps, one.train, settings))
        _log.info("draw %d of %d: fitted", number, len(draws))
    decoded: list[list[threshold_choice.Decoded]] = [[] for _ in draws]
    for record, number, logits_LM in _each(maps, fits, [d.validation for d in draws]):
        listed = probabilities.from_logits(logits_LM, least)
        known = threshold_choice.Known(record.sequence, _known(record), listed)
        decoded[number].append(threshold_choice.decoded(known))
    choices = [threshold_choice.choose(one) for one in decoded]
    _log.info("thresholds are chosen; next: the RNAs that test")
    tests = [one.test for one in draws]
    scores: list[dict[int, dict[str, float]]] = [{} for _ in draws]
    for record, number, logits_LM in _each(maps, fits, tests):
        found = _scores(record, logits_LM, choices[number], least)
        scores[number][id(record)] = found
    return [_told(*one) for one in zip(draws, fits, choices, scores, strict=True)]


def _told(
    one: Draw,
    fitted: Fit,
    choice: threshold_choice.Choice,
    found: Mapping[int, Mapping[str, float]],
) -> types.Json:
    """Returns what `fit_draws` does of one draw; scores by id of the record."""
    return {
        "train": [record.name for record in one.train],
        "validation": [record.name for record in one.validation],
        "weights": fitted.weight_F.tolist(),
        "intercept": fitted.intercept,
        "iterations": fitted.iterations,
        "threshold": choice.threshold,
        "validation f1": choice.f1,
        "scores": mean(list(found.values())),
        "tested": [
            {"id": record.name, "length": len(record.sequence), **found[id(record)]}
            for record in one.test
        ],
    }


def _each(
    maps: Maps, fits: Sequence[Fit], chosen: Sequence[Sequence[formats.Record]]
) -> Iterator[tuple[formats.Record, int, np.ndarray]]:
    """Yields logits_LM of each fit and each RNA chosen for it; encodes RNAs once."""
    records: dict[int, formats.Record] = {}
    numbers: dict[int, list[int]] = {}
    for number, of_fit in enumerate(chosen):
        for record in of_fit:
            records[id(record)] = record
            numbers.setdefault(id(record), []).append(number)
    weight_NF = np.stack([fitted.weight_F for fitted in fits])
    intercept_N = np.array([fitted.intercept for fitted in fits])
    for key, record in records.items():
        # Of all fits, whichever are wanted: one shape for each length is compiled.
        logits_NLM = maps.logits(record.sequence, weight_NF, intercept_N)
        for number in numbers[key]:
            yield record, number, logits_NLM[number]


def _fit_records(
    maps: Maps, records: Sequence[formats.Record], settings: config.ContactsConfig
) -> Fit:
    """Fits to all separated pairs of some RNAs."""
    features, labelled = [], []
    for record in records:
        i, j = separated(len(record.sequence), settings.min_separation)
        features.append(maps.features(record.sequence, i, j))
        labelled.append(threshold_choice.labels(_known(record), i, j))
    return fit(np.concatenate(features), np.concatenate(labelled), settings)


def _scores(
    record: formats.Record,
    logits_LM: np.ndarray,
    choice: threshold_choice.Choice,
    least: int,
) -> dict[str, float]:
    """Returns `precisions` of an RNA, and scores of its decoded structure."""
    listed = probabilities.from_logits(logits_LM, least)
    found = decode.decode(listed, record.sequence, threshold=choice.threshold)
    counts = np.array(pair_scores.count(found, _known(record)))
    return precisions(logits_LM, _known(record), least) | {
        "precision": float(pair_scores.precision(counts)),
        "recall": float(pair_scores.recall(counts)),
        "f1": float(pair_scores.f1(counts)),
    }


def _known(record: formats.Record) -> structures.Structure:
    if record.structure is None:
        why = record_tables.without_structure(record)
        raise ValueError(f"{record.place}: {why}")
    return record.structure


def separated(length: int, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns i and j of all pairs with j - i >= least, by i, then j."""
    return np.triu_indices(length, least)


def fit(
    features_PF: np.ndarray, is_pair_P: np.ndarray, settings: config.ContactsConfig
) -> Fit:
    """Fits the regression: no standardisation, no weights of classes.

    Raises:
      ValueError: there is no pair, or nothing but pairs; liblinear did not converge.
    """
    if is_pair_P.all() or not is_pair_P.any():
        raise ValueError(
            f"{int(is_pair_P.sum())} of {len(is_pair_P)} pairs of nucleotides of the "
            "training RNAs are base pairs: both kinds are needed"
        )
    model = linear_model.LogisticRegression(
        **_lasso(),
        C=settings.inverse_penalty,
        solver="liblinear",
        intercept_scaling=settings.intercept_scaling,
        max_iter=settings.max_iterations,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", exceptions.ConvergenceWarning)
        try:
            model.fit(features_PF, is_pair_P)
        except exceptions.ConvergenceWarning as error:
            raise ValueError(
                f"liblinear did not converge in max_iterations="
                f"{settings.max_iterations}: raise it"
            ) from error
    return Fit(model.coef_[0], float(model.intercept_[0]), int(model.n_iter_[0]))


def _lasso() -> dict[str, object]:
    """Returns the argument that asks for L1; scikit-learn 1.8 renamed it."""
    import sklearn

    version = tuple(map(int, sklearn.__version__.split(".")[:2]))
    return {"l1_ratio": 1.0} if version >= (1, 8) else {"penalty": "l1"}


def precisions(
    logits_LM: np.ndarray, structure: structures.Structure, least: int
) -> dict[str, float]:
    """Returns scores of one RNA by range of separation: "long P@L/5" and so on.

    P@K: the base pairs among the K pairs with the highest logits, over K, also where
    there are fewer than K candidates (as ESM counts). K is L, L/2, L/5 rounded down,
    at least 1, and the number of base pairs of the range. AUPRC: average precision.
    A range without base pairs has no score. Of equal logits the earlier pair comes
    first.
    """
    L = structure.length
    found = {}
    for name, (low, high) in RANGES.items():
        i, j = separated(L, max(least, int(low)))
        is_near = j - i < high
        i, j = i[is_near], j[is_near]
        is_pair_P = threshold_choice.labels(structure, i, j)
        if not is_pair_P.any():
            continue
        score_P = logits_LM[i, j]
        ranked_P = is_pair_P[np.argsort(-score_P, kind="stable")]
        num_true = int(is_pair_P.sum())
        cuts = {"P@L": L, "P@L/2": L // 2, "P@L/5": L // 5, "P@true": num_true}
        for cut, number in cuts.items():
            count = max(number, 1)
            found[f"{name} {cut}"] = float(ranked_P[:count].sum()) / count
        ranked = pair_scores.Ranked(score_P, is_pair_P, num_true, len(score_P))
        found[f"{name} AUPRC"] = pair_scores.average_precision([ranked])
    return found


def draw(
    records: Mapping[str, Sequence[formats.Record]],
    settings: config.ContactsConfig,
    number: int,
) -> Draw:
    """Draws the RNAs that train and validate; the ones that test come with them.

    Args:
      records: of "table", of which the rest tests, or of "train", "validation" and
        "test", which tests whole.
      settings: how many are drawn, and the seed.
      number: of the draw, from 0.

    Raises:
      ValueError: there are too few.
    """
    rng = np.random.default_rng((settings.seed, number))
    num_train, num_validation = settings.num_train, settings.num_validation
    if "table" in records:
        needed = {"table": num_train + num_validation + 1}
    else:
        needed = {"train": num_train, "validation": num_validation, "test": 1}
    for name, count in needed.items():
        if len(records[name]) < count:
            raise ValueError(
                f"{count} RNAs are needed in {name}, it has {len(records[name])}"
            )
    order = {name: rng.permutation(len(records[name])).tolist() for name in needed}
    chosen = {name: [records[name][n] for n in order[name]] for name in needed}
    if "table" in chosen:
        last = num_train + num_validation
        every = chosen["table"]
        return Draw(every[:num_train], every[num_train:last], every[last:])
    return Draw(
        chosen["train"][:num_train],
        chosen["validation"][:num_validation],
        list(records["test"]),
    )


def mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns the mean of each score over the RNAs, or draws, that have it."""
    names = dict.fromkeys(name for one in scores for name in one)
    return {
        name: float(np.mean([one[name] for one in scores if name in one]))
        for name in names
    }


def spread(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns the standard deviation of each score over draws; 0 for one."""
    names = dict.fromkeys(name for one in scores for name in one)
    values = {name: [one[name] for one in scores if name in one] for name in names}
    return {
        name: float(np.std(found, ddof=1)) if len(found) > 1 else 0.0
        for name, found in values.items()
    }
