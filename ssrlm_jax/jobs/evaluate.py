r"""Scores base pairs of files, models and programs on labelled RNA, in one table.

  ssrlm evaluate --predictions=DIR --truth=TS0.tsv --json=scores.json
  ssrlm evaluate --config.model=runs/bprna/model \
      --config.truth=bprna_TS0.tsv.gz --out=scores/TS0
  ssrlm evaluate --config.programs=vienna,contrafold --predictions=DIR \
      --config.truth=bprna_TS0.tsv.gz --config.train=bprna_TR0.tsv.gz --out=scores/peers

Of the programs `relatives` are the known structures of config.train, which vote.
A test set is scored once: the threshold is the model's, from validation; that of a rule
other than the greedy one is chosen by `ssrlm thresholds`. OUT gets scores.json and, for
each method, a table of all RNAs; --report writes OUT/report.html, too, for a browser.
Files are scored alone unless a model or programs are named; without files, ViennaRNA is
scored beside the model.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import logging
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ssrlm_jax import config, files, types
from ssrlm_jax.cli import evaluation_notes, score_tables
from ssrlm_jax.infer import decoding_rules, pair_evaluation, scored_files
from ssrlm_jax.jobs import command
from ssrlm_jax.metrics import score_report
from ssrlm_jax.rna import formats

if TYPE_CHECKING:
    from ssrlm_jax.external import folding_programs
    from ssrlm_jax.infer import predictors
    from ssrlm_jax.pages import rna_views

_log = logging.getLogger("ssrlm_jax")


class _Predicted(NamedTuple):
    """What a method says of the RNA, and what is told of the method."""

    found: Sequence[scored_files.Found]
    about: dict[str, object]
    unread: Sequence[str] = ()
    notes: Sequence[str] = ()


class _Scored(NamedTuple):
    """How good a method is.

    Attributes:
      scored: all known structures; a missing prediction counts as an empty one.
      are_there: those with a prediction.
      problems: of `pair_evaluation.Matched`, and what was left out of the known ones.
      notes: what is no problem, but to be told.
      about: the method.
      worst: views of the worst predictions by their place, where a page shows them.
    """

    scored: Sequence[score_report.Scored]
    are_there: Sequence[score_report.Scored]
    problems: dict[str, list[str]]
    notes: Sequence[str]
    about: dict[str, object]
    worst: "Mapping[int, rna_views.View]"


def evaluate(settings: config.EvaluateConfig, flags: argparse.Namespace) -> int:
    """Predicts all RNA by each method, scores and writes; 1 if files do not fit."""
    if flags.truth and settings.truth:
        raise ValueError(
            f"--truth={flags.truth} and config.truth={settings.truth}: give one"
        )
    settings = dataclasses.replace(
        settings,
        truth=flags.truth or settings.truth,
        decoding=dataclasses.replace(settings.decoding, **decoding_rules.asked(flags)),
    )
    _check(settings, flags)
    training = [
        record
        for path in filter(None, settings.train.split(","))
        for record in scored_files.read_truth(path)
    ]
    known = scored_files.read_known(settings.truth, settings.max_length)
    methods, of_files = _methods(settings, flags.predictions, known.records, training)
    found = _scored(methods, known, training, settings.decoding, flags.report)
    scored, seed = {name: one.scored for name, one in found.items()}, settings.seed
    scores = {name: score_report.report(one, seed) for name, one in scored.items()}
    differences = score_report.differences(scored, seed)
    if flags.out:
        _write(flags.out, settings, found, scores, differences)
    if flags.report:
        _show(flags.out, settings, found, scores)
    shown, problems = dict(scores), known.problems()
    if of_files:
        problems = found[of_files].problems
        there = score_report.report(found[of_files].are_there, seed)
        if flags.json:
            told = {
                "truth": settings.truth,
                "predictions": str(flags.predictions),
                "scores": scores[of_files],
                "scores without missing": there,
                "problems": problems,
                "notes": found[of_files].notes,
            }
            flags.json.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(flags.json, json.dumps(told, indent=1) + "\n")
        if "missing" in problems:
            shown["without missing"] = there
    empty = (evaluation_notes.why_empty(*one) for one in scored.items())
    below = [*itertools.chain.from_iterable(empty)]
    below += evaluation_notes.differences(differences)
    score_tables.show_pairs(shown, below)
    evaluation_notes.say(
        dict.fromkeys(text for one in found.values() for text in one.notes), problems
    )
    return int(bool(problems))


def _check(settings: config.EvaluateConfig, flags: argparse.Namespace) -> None:
    """Raises a ValueError if something is not named, or a place is taken."""
    if not (flags.predictions or settings.model or settings.programs):
        raise ValueError(
            "nothing to score: name --predictions, config.model or config.programs"
        )
    if config.RELATIVES in settings.programs.split(",") and not settings.train:
        raise ValueError("config.programs=relatives: of config.train, which is empty")
    if not settings.truth:
        raise ValueError("config.truth is empty: name a file of known structures")
    if flags.json:
        if not flags.predictions:
            raise ValueError("--json is of --predictions; --out takes all scores")
        files.check_file(flags.json, is_replaced=flags.force)
    if flags.report and not flags.out:
        raise ValueError("--report needs a new directory: give --out DIR")
    if flags.out:
        files.check_directory(flags.out, is_replaced=True)
        if flags.out.exists() and any(flags.out.iterdir()):
            raise ValueError(f"{flags.out} exists and is not empty; give another --out")
    elif settings.model or settings.programs:
        raise ValueError("--out=DIR is needed, a new directory for scores")


def _methods(
    settings: config.EvaluateConfig,
    predictions: pathlib.Path | None,
    truth: list[formats.Record],
    training: Sequence[formats.Record],
) -> tuple[dict[str, Callable[[], _Predicted]], str]:
    """Returns what predicts, by name, and the name of the files, "" without any."""
    folders = _folders(settings, training)
    if folders or settings.model:
        scored_files.check_strands(truth, "a model or program")
    methods: dict[str, Callable[[], _Predicted]] = {
        name: functools.partial(_by_program, folder, truth)
        for name, folder in folders.items()
    }
    if settings.model:
        given = _model(settings, truth), settings, truth, _num_seen(settings, truth)
        methods["model"] = functools.partial(_by_model, *given)
    if not predictions:
        return methods, ""
    of_files = predictions.name or str(predictions)
    of_files += "/" * (of_files in methods)
    methods[of_files] = functools.partial(_by_files, predictions)
    return methods, of_files


def _folders(
    settings: config.EvaluateConfig, training: Sequence[formats.Record]
) -> "dict[str, folding_programs.Folder]":
    """Returns the programs that are named; they are there."""
    names = [name for name in settings.programs.split(",") if name]
    if not names:
        return {}
    from ssrlm_jax.external import folding_programs

    known = (*folding_programs.FOLDERS, config.RELATIVES)
    if set(names) - set(known):
        raise ValueError(
            f"config.programs={settings.programs!r}: names of {', '.join(known)} are "
            "expected"
        )
    return {name: _folder(name, training) for name in names}


def _folder(name: str, training: Sequence[formats.Record]) -> "folding_programs.Folder":
    from ssrlm_jax.external import folding_programs

    if name == config.RELATIVES:
        from ssrlm_jax.external import relatives

        return relatives.Relatives(memory=relatives.remember(training))
    return folding_programs.FOLDERS[name]()


def _model(
    settings: config.EvaluateConfig, truth: list[formats.Record]
) -> "predictors.Predictor":
    """Returns the model, if it can fold all RNA: it has a head and a threshold."""
    from ssrlm_jax.infer import catalogue, loading  # JAX: seconds

    asked = None if settings.is_own_rule else settings.decoding
    predictor = loading.load(catalogue.find(settings.model), asked)
    rule = decoding_rules.flags_of(predictor.decoding)
    _log.info("threshold of the model: %g, %s", predictor.threshold, rule)
    for note in filter(None, (predictor.threshold_note, predictor.energy_note)):
        _log.warning("%s", note)
    scored_files.check_lengths(truth, predictor.max_fold_length)
    return predictor


def _num_seen(
    settings: config.EvaluateConfig, truth: Sequence[formats.Record]
) -> int | None:
    """Returns how many RNAs trained the model; None: it does not say."""
    from ssrlm_jax.infer import catalogue, seen_sequences

    place = catalogue.find(settings.model)
    are_seen = seen_sequences.are_seen(place, (record.sequence for record in truth))
    seen = None if are_seen is None else sum(are_seen)
    if seen and settings.is_seen_refused:
        raise ValueError(
            f"{settings.model} was trained on {seen:,} of the {len(truth):,} RNAs of "
            f"{settings.truth}, and config.is_seen_refused is set"
        )
    return seen


def _by_model(
    predictor: "predictors.Predictor",
    settings: config.EvaluateConfig,
    truth: list[formats.Record],
    seen: int | None,
) -> _Predicted:
    predicted = predictor.fold([record.sequence for record in truth])
    found = [
        scored_files.Found(r.name, r.sequence, "", one.structure, one.probabilities)
        for r, one in zip(truth, predicted, strict=True)
    ]
    rule = decoding_rules.flags_of(predictor.decoding)
    about = {"model": settings.model, "threshold": predictor.threshold, "rule": rule}
    about["seen in training"] = seen
    about["data until"] = predictor.description.made.get("data_until", "")
    note = evaluation_notes.of_training(seen, len(truth), has_near=bool(settings.train))
    return _Predicted(found, about, notes=[note])


def _by_program(
    folder: "folding_programs.Folder", truth: list[formats.Record]
) -> _Predicted:
    from ssrlm_jax.external import programs

    sequences = [record.sequence for record in truth]
    try:
        folded = folder.fold(sequences, with_probabilities=True)
    except programs.ProgramError:
        raise
    except ValueError as error:  # a program that gives none
        _log.warning("%s: no AUPRC", error)
        folded = folder.fold(sequences)
    found = [
        scored_files.Found(r.name, r.sequence, "", one.structure, one.probabilities)
        for r, one in zip(truth, folded, strict=True)
    ]
    return _Predicted(found, dict(folder.describe()))


def _by_files(folder: pathlib.Path) -> _Predicted:
    found, unread, notes = scored_files.read_predictions(folder)
    return _Predicted(found, {"predictions": str(folder)}, unread, notes)


def _scored(
    methods: Mapping[str, Callable[[], _Predicted]],
    known: scored_files.Truth,
    training: list[formats.Record],
    decoding: config.DecodingConfig,
    is_shown: bool,
) -> dict[str, _Scored]:
    """Returns the scores of each method, and how long it took."""
    identities, truth = None, known.records
    if training:
        from ssrlm_jax.external import mmseqs

        identities = mmseqs.identities(
            [record.sequence for record in truth],
            [record.sequence for record in training],
        )
    found = {}
    for name, predict in methods.items():
        start = time.perf_counter()
        given, about, unread, notes = predict()
        about |= {"seconds": round(time.perf_counter() - start, 1)}
        matched = pair_evaluation.match(truth, given, unread)
        scored = pair_evaluation.score(truth, matched, decoding, identities)
        pairs = zip(scored, matched.found, strict=True)
        are_there = [one for one, prediction in pairs if prediction]
        problems = matched.problems() | known.problems()
        told = [*known.notes, *notes, *evaluation_notes.joined(name, matched.joined)]
        if given and not are_there:
            told.append(f"{name}: none fits the known RNA; reversed, or another set?")
        worst = {}
        if is_shown:
            from ssrlm_jax.cli import evaluation_page  # few ask for it

            worst = evaluation_page.worst(truth, matched, scored, decoding)
        found[name] = _Scored(scored, are_there, problems, told, about, worst)
    return found


def _write(
    out: pathlib.Path,
    settings: config.EvaluateConfig,
    found: Mapping[str, _Scored],
    scores: Mapping[str, types.Json],
    differences: Sequence[types.Json],
) -> None:
    """Writes all scores, and a table of all RNAs for each method."""
    out.mkdir(parents=True, exist_ok=True)
    for name, one in found.items():
        rows = ("\t".join(map(str, row)) for row in score_report.rows(one.scored))
        table = out / f"{name.replace('/', '_')}.tsv"
        files.write_text(table, "\n".join(rows) + "\n")
    methods = {
        name: one.about
        | ({"problems": one.problems} if one.problems else {})
        | ({"notes": one.notes} if one.notes else {})
        for name, one in found.items()
    }
    facts = {
        "config": dataclasses.asdict(settings),
        "methods": methods,
        "scores": scores,
        "differences": differences,
    }
    files.write_text(out / "scores.json", json.dumps(facts, indent=1) + "\n")


def _show(
    out: pathlib.Path,
    settings: config.EvaluateConfig,
    found: Mapping[str, _Scored],
    scores: Mapping[str, types.Json],
) -> None:
    """Writes the page."""
    from ssrlm_jax.cli import evaluation_page
    from ssrlm_jax.pages import evaluation_report

    methods = [
        evaluation_report.Method(
            name,
            one.about,
            scores[name],
            score_report.rows(one.scored),
            one.worst,
            evaluation_page.told(one.problems, one.notes),
        )
        for name, one in found.items()
    ]
    num_rnas = len(next(iter(found.values())).scored)
    evaluation_page.write(out, settings, num_rnas, methods)


COMMAND = command.Command(
    function=evaluate,
    about=__doc__,
    kind=config.EvaluateConfig,
    default="evaluate",
    bare_with="predictions",
    flags={
        "--predictions": {
            "type": pathlib.Path,
            "metavar": "DIR",
            "help": "files of a program, or one: structures or probabilities of pairs "
            "in any format of docs/formats.md",
        },
        "--truth": {"metavar": "FILE", "help": "known structures; config.truth"},
        **decoding_rules.flags(
            "least probability of a pair, where files hold probabilities"
        ),
        "--json": {
            "type": pathlib.Path,
            "metavar": "FILE",
            "help": "write the scores of --predictions",
        },
        "--force": {"action": "store_true", "help": "replace FILE"},
        "--out": {
            "type": pathlib.Path,
            "metavar": "OUT",
            "help": "new directory for scores; needed for models and programs",
        },
        "--report": {
            "action": "store_true",
            "help": "write OUT/report.html, too: for a browser, without a network",
        },
    },
)
