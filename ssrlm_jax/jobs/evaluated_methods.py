"""What `ssrlm evaluate` scores: a model, programs and files, each as a method."""

import functools
import logging
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ssrlm_jax import config
from ssrlm_jax.cli import evaluation_notes
from ssrlm_jax.infer import decoding_rules, scored_files
from ssrlm_jax.rna import formats

if TYPE_CHECKING:
    from ssrlm_jax.external import folding_programs
    from ssrlm_jax.infer import predictors

_log = logging.getLogger("ssrlm_jax")


class Predicted(NamedTuple):
    """What a method says of the RNA, and what is told of the method."""

    found: Sequence[scored_files.Found]
    about: dict[str, object]
    unread: Sequence[str] = ()
    notes: Sequence[str] = ()


Method = Callable[[], Predicted]


def methods(
    settings: config.EvaluateConfig,
    predictions: pathlib.Path | None,
    truth: list[formats.Record],
    training: Sequence[formats.Record],
) -> tuple[dict[str, Method], str]:
    """Returns what predicts, by name, and the name of the files, "" without any.

    Args:
      settings: name the model and the programs.
      predictions: files, or a folder of them; None: none.
      truth: RNA with known structures, which a model or program is to predict.
      training: known structures that `relatives` vote with.

    Raises:
      ValueError: a model or program is not there or cannot take the RNA; the model was
        trained on some, and the settings refuse that.
    """
    folders = _folders(settings, training)
    if folders or settings.model:
        scored_files.check_strands(truth, "a model or program")
    found: dict[str, Method] = {
        name: functools.partial(_by_program, folder, truth)
        for name, folder in folders.items()
    }
    if settings.model:
        given = _model(settings, truth), settings, truth, _num_seen(settings, truth)
        found["model"] = functools.partial(_by_model, *given)
    if not predictions:
        return found, ""
    of_files = predictions.name or str(predictions)
    of_files += "/" * (of_files in found)
    found[of_files] = functools.partial(_by_files, predictions)
    return found, of_files


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
) -> Predicted:
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
    return Predicted(found, about, notes=[note])


def _by_program(
    folder: "folding_programs.Folder", truth: list[formats.Record]
) -> Predicted:
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
    return Predicted(found, dict(folder.describe()))


def _by_files(folder: pathlib.Path) -> Predicted:
    found, unread, notes = scored_files.read_predictions(folder)
    return Predicted(found, {"predictions": str(folder)}, unread, notes)
