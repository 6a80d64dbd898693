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
import itertools
import json
import logging
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ssrlm_jax import config, files, types
from ssrlm_jax.cli import evaluation_notes, score_tables
from ssrlm_jax.infer import decoding_rules, pair_evaluation, scored_files
from ssrlm_jax.jobs import command, evaluated_methods
from ssrlm_jax.metrics import score_report
from ssrlm_jax.rna import formats

if TYPE_CHECKING:
    from ssrlm_jax.pages import rna_views

_log = logging.getLogger("ssrlm_jax")


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
    methods, of_files = evaluated_methods.methods(
        settings, flags.predictions, known.records, training
    )
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


def _scored(
    methods: Mapping[str, evaluated_methods.Method],
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
