"""All sets and methods of one run: each read, predicted and scored once."""

import functools
import logging
import pathlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.comparisons import (
    added,
    estimates,
    fenced,
    items,
    kept_predictions,
    predicting,
    set_files,
    set_scores,
    table_rows,
)
from ssrlm_jax.external import folding_programs
from ssrlm_jax.infer import seen_sequences
from ssrlm_jax.rna import formats

_log = logging.getLogger("ssrlm_jax")
_TELL_SECONDS = 15.0  # between two lines


class Plan(NamedTuple):
    """What there is to do for a method on a set.

    Attributes:
      missing: RNAs that are to be predicted.
      again: of them, those that a set before it needs, too.
      seconds: that the others take one process, estimated.
      failed: RNAs that the method failed on before, which are kept as that.
      reason: why nothing can be; "": it can.
    """

    missing: int
    again: int
    seconds: float
    failed: int
    reason: str


class Bench:
    """Sets and methods with what is known of them."""

    def __init__(
        self,
        out: pathlib.Path,
        settings: config.PaperConfig,
        *,
        is_retried: bool,
        is_predicting: bool = True,
    ) -> None:
        """Prepares; nothing is read yet.

        Args:
          out: directory of predictions, scores and reports.
          settings: where data and models are.
          is_retried: what failed before is tried again.
          is_predicting: what is missing is predicted; a reason stands for it, if not.
        """
        self._out, self._settings = out, settings
        self._is_retried, self._is_predicting = is_retried, is_predicting
        self._records: dict[str, list[formats.Record]] = {}
        self._stores: dict[pathlib.Path, kept_predictions.Store] = {}
        self._letters: dict[tuple[str, ...], list[str]] = {}
        self._scored: dict[tuple[object, ...], table_rows.Scored] = {}

    @property
    def added(self) -> pathlib.Path:
        """The folder of added methods."""
        return self._out / "added"

    def records(self, one: items.LabelledSet) -> list[formats.Record]:
        """Returns the RNAs of a set; errors as `set_files.read`."""
        if one.name not in self._records:
            self._records[one.name] = set_files.read(one, self._settings.data)
        return self._records[one.name]

    def absence(self, one: items.LabelledSet) -> str:
        """Returns why a set is not here, and how to get it; "": it is."""
        try:
            self.records(one)
        except (ValueError, OSError) as error:
            return str(error)
        return ""

    def plans(
        self, sets: Iterable[items.LabelledSet], method: items.Method
    ) -> Iterator[tuple[items.LabelledSet, Plan]]:
        """Yields what there is to do on sets that are here, one after the other.

        An RNA of several sets costs time once, as it is predicted once.
        """
        counted: set[str] = set()
        for one in sets:
            try:
                is_there = self._is_there(one, method)
                left = set() if is_there else self._left(one, method)
                kept = {} if is_there else self.said(one, method)
            except (ValueError, OSError) as error:
                yield one, Plan(0, 0, 0.0, 0, str(error))
                continue
            failed = sum(it.failed != "" for it in kept.values())
            new = left - counted
            counted |= new
            lengths = [len(sequence) for sequence in new]
            seconds = estimates.seconds(method, lengths, self._took(method))
            yield one, Plan(len(left), len(left) - len(new), seconds, failed, "")

    def _left(self, one: items.LabelledSet, method: items.Method) -> set[str]:
        """Returns sequences that are to be predicted; errors as `_store`."""
        store, folder = self._store(one, method)
        letters = set_scores.letters_of(self.records(one))
        left = predicting.missing(store, letters)
        if self._is_retried and self._is_predicting:
            left += [
                n for n in set(letters) if n in store.found and store.found[n].failed
            ]
        known = self._elsewhere(method, folder) if left else {}
        return {sequence for sequence in left if sequence not in known}

    def scored(self, one: items.LabelledSet, method: items.Method) -> table_rows.Scored:
        """Returns the scores of a method on a set, predicted now if need be."""
        key = (one.name, method.name, method.make)  # two tables may call two alike
        if key not in self._scored:
            self._scored[key] = self._score(one, method)
        return self._scored[key]

    def said(
        self, one: items.LabelledSet, method: items.Method
    ) -> dict[str, kept_predictions.Kept]:
        """Returns what is kept of a method on a set, by sequence; predicts nothing.

        Raises:
          ValueError: the set or the method is not here.
        """
        place = added.store(self.added, method.name, one.name)
        store = self._store(one, method)[0] if place is None else self._kept(place)
        return store.found

    def nearest(
        self, one: items.LabelledSet, methods: Sequence[items.Method]
    ) -> tuple[np.ndarray | None, str]:
        """Returns identities with the nearest RNA that trained any of the methods.

        None: MMseqs2 is missing, or what trained is not at hand; and why.
        """
        found: list[np.ndarray] = []
        reason = "no method says what trained it; set config.train"
        try:
            found = self._identities(one, methods)
        except (ValueError, OSError) as error:
            reason = str(error)
        if not found:
            return None, f"{one.name}: no scores by identity: {reason}"
        return np.max(found, axis=0), ""

    def _identities(
        self, one: items.LabelledSet, methods: Sequence[items.Method]
    ) -> list[np.ndarray]:
        """Returns identities with the nearest of each training set that is known.

        What MMseqs2 finds depends on how much it looks through. What trained a method
        is looked through alone, as for its row: what that calls near is near here.

        Raises:
          ValueError: a file is not there, or damaged; MMseqs2 is missing.
        """
        letters = set_scores.letters_of(self.records(one))
        texts = [text for text in self._settings.train.split(",") if text]
        own = tuple(str(pathlib.Path(text).absolute()) for text in texts)
        named = (
            [own] if own else dict.fromkeys(filter(None, map(self._trained, methods)))
        )
        found = []
        for names in named:
            training = self._training(names)
            told, identity_N = set_files.shared(letters, training, self._out / "near")
            if identity_N is None:
                raise ValueError(told.reason)
            found.append(identity_N)
        if found and not own:
            seen = filter(None, (self._are_seen(one, method) for method in methods))
            found += [np.array(is_seen, np.float32) for is_seen in seen]
        return found

    def _trained(self, method: items.Method) -> tuple[str, ...]:
        """Returns the files of what trained a method; (): nothing, or not known."""
        own = self._settings.trained_files(method.name)
        names = tuple(str(pathlib.Path(name).absolute()) for name in own)
        return names or method.training or ()

    def _score(self, one: items.LabelledSet, method: items.Method) -> table_rows.Scored:
        try:
            records = self.records(one)
        except (ValueError, OSError) as error:
            return table_rows.Scored(method, None, None, str(error))
        try:
            scores = self._scores(one, method, records)
        except fenced.NotStartedError as error:
            return _unscored(method, _with_source(error, method))
        except ValueError as error:
            return _unscored(method, str(error))
        if len(scores.failed) == len(records):
            why = next(iter(scores.failed.values()))
            return _unscored(
                method, f"all RNAs failed: {why}; --retry tries them again"
            )
        # After scores: what is near is searched for a minute, and tells of a score.
        return table_rows.Scored(method, scores, self._shared(one, method), "")

    def _scores(
        self,
        one: items.LabelledSet,
        method: items.Method,
        records: Sequence[formats.Record],
    ) -> set_scores.SetScores:
        before = self._evaluated(one, method)
        if before is not None:
            return set_scores.of_evaluation(before, records)
        place = added.store(self.added, method.name, one.name)
        if place is not None:
            store, version = kept_predictions.Store(place), added.version(place)
        else:
            store, folder = self._store(one, method)
            if not self._is_predicting and (left := self._left(one, method)):
                raise ValueError(
                    f"{len(left):,} RNAs are not predicted yet: `ssrlm paper` with "
                    f"--methods {method.name} does it"
                )
            if self._is_retried and self._is_predicting:
                store.forget_failures()
            self._fill(one, method, store, folder)
            version = store.directory.name
        scores = self._out / "scores" / one.name / f"{method.name}.{version}.json"
        if not scores.exists():
            _log.info("%s, %s: scoring", one.name, method.name)
        return set_scores.of_kept(store, records, scores, self._settings.seed)

    def _fill(
        self,
        one: items.LabelledSet,
        method: items.Method,
        store: kept_predictions.Store,
        folder: folding_programs.Folder,
    ) -> None:
        told = time.monotonic()

        def report(done: int, total: int) -> None:
            nonlocal told
            if done == total or time.monotonic() - told > _TELL_SECONDS:
                told = time.monotonic()
                _log.info("%s, %s: %d of %d", one.name, method.name, done, total)

        predicting.fill(
            store,
            folder,
            set_scores.letters_of(self.records(one)),
            known=functools.partial(self._elsewhere, method, folder),
            at_once=method.at_once,
            parallel=self._settings.parallel,
            time_limit=self._settings.time_limit,
            report=report,
        )

    def _elsewhere(
        self, method: items.Method, folder: folding_programs.Folder
    ) -> dict[str, kept_predictions.Kept]:
        """Returns what the method said of other sets, by sequence, and did not fail on.

        Raises:
          ValueError: what is kept is damaged.
        """
        places = kept_predictions.elsewhere(
            self._out / "predictions", method.name, folder.describe()
        )
        return {
            letters: kept
            for place in places
            for letters, kept in self._kept(place).found.items()
            if not kept.failed
        }

    def _kept(self, place: pathlib.Path) -> kept_predictions.Store:
        """Returns what is kept in a directory, read once."""
        if place not in self._stores:
            self._stores[place] = kept_predictions.Store(place)
        return self._stores[place]

    def _took(self, method: items.Method) -> list[tuple[int, float]]:
        """Returns the lengths and seconds of RNAs that the method predicted here."""
        return [
            (len(one.sequence), one.seconds)
            for path in self._out.glob(f"predictions/*/{method.name}-*")
            for one in self._kept(path).found.values()
            if one.seconds and not one.failed
        ]

    def _is_there(self, one: items.LabelledSet, method: items.Method) -> bool:
        is_added = added.store(self.added, method.name, one.name) is not None
        return is_added or self._evaluated(one, method) is not None

    def _evaluated(
        self, one: items.LabelledSet, method: items.Method
    ) -> pathlib.Path | None:
        """Returns where `ssrlm evaluate` has scored a method before; None: nowhere."""
        known = self._settings.directories("evaluated")
        place = pathlib.Path(known.get(method.name, "")) / one.name
        is_there = method.name in known and (place / "scores.json").exists()
        return place if is_there else None

    def _store(
        self, one: items.LabelledSet, method: items.Method
    ) -> tuple[kept_predictions.Store, folding_programs.Folder]:
        """Returns what is kept of a method, and what folds.

        Raises:
          ValueError: the method cannot be run here, and what gets it; what is kept is
            damaged.
        """
        letters = set_scores.letters_of(self.records(one))
        try:
            folder = method.make(self._settings)
            name = kept_predictions.key_of(method.name, folder, letters)
        except (ValueError, OSError, ImportError) as error:
            raise ValueError(_with_source(error, method)) from error
        place = self._out / "predictions" / one.name / name
        return self._kept(place), folder

    def _shared(self, one: items.LabelledSet, method: items.Method) -> set_files.Shared:
        names = self._trained(method)
        if method.training is None and not names:
            return self._shared_by_hashes(one, method)
        try:
            training = self._training(names)
        except (ValueError, OSError) as error:
            return set_files.Shared(None, None, str(error))
        letters = set_scores.letters_of(self.records(one))
        # What was left out of training is not equal, but near to itself.
        is_seen = self._are_seen(one, method)
        return set_files.shared(letters, training, self._out / "near", is_seen)[0]

    def _shared_by_hashes(
        self, one: items.LabelledSet, method: items.Method
    ) -> set_files.Shared:
        """Returns what a model's own list of hashes says of a set, if it has one."""
        is_seen = self._are_seen(one, method)
        if is_seen is None:
            return set_files.Shared(None, None, "what trained it is not at hand")
        return set_files.Shared(
            sum(is_seen), None, "it has hashes alone of what trained it"
        )

    def _are_seen(
        self, one: items.LabelledSet, method: items.Method
    ) -> list[bool] | None:
        """Returns which RNAs of a set a model's own hashes have; None: it has none.

        They are of what did train: a file may have more, which was left out.
        """
        known = self._settings.directories("models")
        place = method.directory or known.get(method.name, "")
        if not place:
            return None
        letters = set_scores.letters_of(self.records(one))
        return seen_sequences.are_seen(pathlib.Path(place), letters)

    def _training(self, names: tuple[str, ...]) -> list[str]:
        """Returns the sequences of training sets; errors as `training_letters`."""
        if names not in self._letters:
            data = self._settings.data
            self._letters[names] = set_files.training_letters(names, data)
        return self._letters[names]


def _unscored(method: items.Method, reason: str) -> table_rows.Scored:
    return table_rows.Scored(method, None, set_files.Shared(None, None, ""), reason)


def _with_source(error: Exception, method: items.Method) -> str:
    """Returns why a method cannot be run here, and what gets it."""
    return str(error) if method.get in str(error) else f"{error}; {method.get}"
