r"""Scores a model and other folding programs on labelled RNA, side by side.

  python launch/evaluate.py --config.model=runs/bprna/model \
      --config.truth=bprna_TS0.tsv.gz --out=scores/TS0
  python launch/evaluate.py --config.programs=vienna,contrafold \
      --config.truth=bprna_TS0.tsv.gz --config.train=bprna_TR0.tsv.gz --out=scores/peers

Of the programs `relatives` are the known structures of config.train, which vote.
A test set is scored once: the threshold is the model's, from validation; that of a rule
other than the greedy one is chosen by launch/decoding.py.
OUT gets scores.json and, for each method, a table of all RNAs.
"""

import argparse
import dataclasses
import json
import logging
import pathlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import command

from ssrlm_jax import config
from ssrlm_jax.cli import evaluate as shown
from ssrlm_jax.external import folding, mmseqs, programs, relatives
from ssrlm_jax.infer import catalogue, decodings, evaluation
from ssrlm_jax.metrics import report
from ssrlm_jax.rna import formats

if TYPE_CHECKING:
    from ssrlm_jax.infer import predictor as predictors

_log = logging.getLogger("ssrlm_jax")


def evaluate(settings: config.EvaluateConfig, flags: argparse.Namespace) -> None:
    """Folds all RNA with each method, scores and writes."""
    names = [name for name in settings.programs.split(",") if name]
    known = (*folding.FOLDERS, relatives.NAME)
    if set(names) - set(known) or not (names or settings.model):
        raise ValueError(
            f"config.programs={settings.programs!r}: names of {', '.join(known)}, or "
            "config.model, are expected"
        )
    if relatives.NAME in names and not settings.train:
        raise ValueError("config.programs=relatives: of config.train, which is empty")
    if not settings.truth:
        raise ValueError("config.truth is empty: name a file of known structures")
    if flags.out.exists() and any(flags.out.iterdir()):
        raise ValueError(f"{flags.out} exists and is not empty; give another --out")
    training = [
        record
        for path in settings.train.split(",")
        if path
        for record in evaluation.read_truth(path)
    ]
    folders = {name: _folder(name, training) for name in names}
    kept = evaluation.read_truth(settings.truth, settings.max_length)
    predictor = _model(settings, kept) if settings.model else None
    identities = None
    if training:
        identities = mmseqs.identities(
            [record.sequence for record in kept],
            [record.sequence for record in training],
        )
    flags.out.mkdir(parents=True, exist_ok=True)
    methods = [*folders, *(["model"] if predictor else [])]
    scores, about, tables = {}, {}, {}
    for name in methods:
        start = time.perf_counter()
        if predictor and name == "model":
            found, about[name] = _by_model(predictor, settings.model, kept)
        else:
            found, about[name] = (
                _by_program(folders[name], kept),
                dict(folders[name].describe()),
            )
        about[name]["seconds"] = round(time.perf_counter() - start, 1)
        scored = evaluation.score(
            kept, evaluation.match(kept, found), settings.decoding, identities
        )
        scores[name] = report.report(scored, settings.seed)
        rows = ("\t".join(map(str, row)) for row in report.rows(scored))
        tables[name] = "\n".join(rows) + "\n"
    for name, table in tables.items():
        (flags.out / f"{name}.tsv").write_text(table)
    facts = {"config": dataclasses.asdict(settings), "methods": about, "scores": scores}
    (flags.out / "scores.json").write_text(json.dumps(facts, indent=1) + "\n")
    shown.show(scores)


def _folder(name: str, training: Sequence[formats.Record]) -> folding.Folder:
    if name == relatives.NAME:
        return relatives.Relatives(memory=relatives.remember(training))
    return folding.FOLDERS[name]()


def _model(
    settings: config.EvaluateConfig, truth: list[formats.Record]
) -> "predictors.Predictor":
    """Returns the model, if it can fold all RNA: it has a head and a threshold."""
    from ssrlm_jax.infer import predictor as predictors  # JAX: seconds

    asked = None if settings.is_own_rule else settings.decoding
    predictor = predictors.load(catalogue.find(settings.model), asked)
    rule = decodings.flags_of(decodings.rule_of(predictor.decoding))
    _log.info("threshold of the model: %g, %s", predictor.threshold, rule)
    for note in filter(None, (predictor.threshold_note, predictor.energy_note)):
        _log.warning("%s", note)
    evaluation.check_lengths(truth, predictor.max_fold_length)
    return predictor


def _by_model(
    predictor: "predictors.Predictor", name: str, truth: list[formats.Record]
) -> tuple[list[evaluation.Found], dict[str, object]]:
    predicted = predictor.fold([record.sequence for record in truth])
    found = [
        evaluation.Found(r.name, r.sequence, "", one.structure, one.probabilities)
        for r, one in zip(truth, predicted, strict=True)
    ]
    rule = decodings.flags_of(decodings.rule_of(predictor.decoding))
    return found, {"model": name, "threshold": predictor.threshold, "rule": rule}


def _by_program(
    folder: folding.Folder, truth: list[formats.Record]
) -> list[evaluation.Found]:
    sequences = [record.sequence for record in truth]
    try:
        folded = folder.fold(sequences, with_probabilities=True)
    except programs.ProgramError:
        raise
    except ValueError as error:  # a program that gives none
        _log.warning("%s: no AUPRC", error)
        folded = folder.fold(sequences)
    return [
        evaluation.Found(r.name, r.sequence, "", one.structure, one.probabilities)
        for r, one in zip(truth, folded, strict=True)
    ]


if __name__ == "__main__":
    command.run(
        evaluate,
        about=__doc__,
        kind=config.EvaluateConfig,
        default="configs/evaluate.py",
        flags={
            "--out": {
                "type": pathlib.Path,
                "required": True,
                "help": "new directory for scores",
            }
        },
    )
