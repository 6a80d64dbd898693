r"""Scores predicted structures of RNA: models, files of programs, and a helix.

  ssrlm evaluate3d --config.models=mine=runs/tertiary/model \
      --config.truth=rna_puzzles/ --config.train=runs/tertiary/training.tsv \
      --out=scores/puzzles
  ssrlm evaluate3d --config.predictions=rhofold=models/ \
      --config.truth=rna_puzzles/ --out=scores/peers

A test set is scored once. Chains of equal letters are scored once, by the first file.
Files of predictions are matched by their letters. OUT gets scores.json and, for each
method, a table of all structures, its PDB files, and pictures of how scores depend on
length, on similarity to the training set, and on confidence.
"""

import argparse
import dataclasses
import functools
import json
import logging
import pathlib
import time
from collections.abc import Callable

import numpy as np

from ssrlm_jax import config, files
from ssrlm_jax.cli import scores as tables
from ssrlm_jax.data import tertiary as data
from ssrlm_jax.external import mmseqs
from ssrlm_jax.infer import canvas, trends
from ssrlm_jax.jobs import command
from ssrlm_jax.metrics import report3d
from ssrlm_jax.rna import formats

_log = logging.getLogger("ssrlm_jax")
HELIX = "helix"
SEQUENCES = (".tsv", ".fa", ".fasta")  # of which only letters are read

Predict = Callable[[str], report3d.Model | None]  # of letters; None: not predicted


def evaluate(settings: config.Evaluate3dConfig, flags: argparse.Namespace) -> None:
    """Predicts all structures with each method, scores and writes."""
    methods = _methods(settings)
    if not settings.truth:
        raise ValueError("config.truth is empty: name known structures")
    if flags.out.exists() and any(flags.out.iterdir()):
        raise ValueError(f"{flags.out} exists and is not empty; give another --out")
    canvas.check_installed("matplotlib")
    truth = read_truth(settings.truth, settings.min_length, settings.max_length)
    identities: dict[str, float] = {}
    if settings.train:
        sequences = [one.letters for one in truth.values()]
        near_N = mmseqs.identities(sequences, read_letters(settings.train))
        identities = dict(zip(truth, near_N.tolist(), strict=True))
    loaded = {name: load() for name, load in methods.items()}
    flags.out.mkdir(parents=True, exist_ok=True)
    scores, scored, about = {}, {}, {}
    for name, predict in loaded.items():
        start = time.perf_counter()
        scored[name], missing = _score(predict, truth, identities, flags.out / name)
        seconds = round(time.perf_counter() - start, 1)
        about[name] = {"missing": missing, "seconds": seconds}
        scores[name] = report3d.report(scored[name], settings.seed)
        rows = ("\t".join(map(str, row)) for row in report3d.rows(scored[name]))
        files.write_text(flags.out / f"{name}.tsv", "\n".join(rows) + "\n")
        _log.info("%s: %d structures scored", name, len(truth) - len(missing))
        for one in missing:
            _log.info("%s: no structure of %s; it scores 0", name, one)
    facts = {"config": dataclasses.asdict(settings), "methods": about, "scores": scores}
    files.write_text(flags.out / "scores.json", json.dumps(facts, indent=1) + "\n")
    trends.save(scored, flags.out)
    tables.show_atoms(scores, report3d.SCORES)


def _methods(settings: config.Evaluate3dConfig) -> dict[str, Callable[[], Predict]]:
    """Returns what loads each method, by its name; loads nothing yet.

    Raises:
      ValueError: no method is named, or one is named badly.
    """

    def helix() -> Predict:
        from ssrlm_jax.infer import methods3d  # JAX: seconds

        return methods3d.helix

    def model(directory: pathlib.Path) -> Predict:
        from ssrlm_jax.infer import methods3d

        return methods3d.of_model(directory, settings.num_cycles or None)

    def predictions(directory: pathlib.Path) -> Predict:
        return read_predictions(str(directory)).get

    found: dict[str, Callable[[], Predict]] = {}
    if settings.has_helix:
        found[HELIX] = helix
    for field, load in (("models", model), ("predictions", predictions)):
        for text in filter(None, getattr(settings, field).split(",")):
            name, _, directory = text.partition("=")
            if not (name and directory) or name in found or "/" in name:
                raise ValueError(
                    f"config.{field}: NAME=DIR, each name once, is expected, found "
                    f"{text!r}"
                )
            if not pathlib.Path(directory).is_dir():
                raise ValueError(f"config.{field}: there is no directory {directory}")
            found[name] = functools.partial(load, pathlib.Path(directory))
    if not found:
        raise ValueError("nothing to score: name config.models or config.predictions")
    return found


def _score(
    predict: Predict,
    truth: dict[str, report3d.Model],
    identities: dict[str, float],
    directory: pathlib.Path,
) -> tuple[list[report3d.Scored], list[str]]:
    """Returns scores, and the names of what could not be predicted."""
    from ssrlm_jax.infer import methods3d

    directory.mkdir()
    scored, missing = [], []
    for name, native in truth.items():
        predicted = predict(native.letters)
        if predicted is None:
            missing.append(name)
            predicted = report3d.missing(native)
        else:
            try:
                text = methods3d.as_pdb(name, predicted)
                files.write_text(directory / f"{name}.pdb", text)
            except ValueError as error:  # scored all the same
                _log.warning("%s: not written: %s", name, error)
        scored.append(report3d.score(name, predicted, native, identities.get(name)))
    return scored, missing


def read_truth(
    names: str, min_length: int, max_length: int
) -> dict[str, report3d.Model]:
    """Reads known structures, by name; one of each sequence, the first.

    Args:
      names: directories or files, separated by commas.
      min_length: nucleotides.
      max_length: nucleotides; 0: any number.

    Raises:
      ValueError: nothing is left to score, or two chains have one name.
      OSError: a file cannot be read.
    """
    found: dict[str, report3d.Model] = {}
    known: set[str] = set()
    structures = data.read(names, data.any_quality(min_length, max_length))
    for one in structures:
        if "N" in one.letters:
            _log.info("%s is left out: a letter of it is unknown", one.name)
        elif one.letters not in known:
            if one.name in found:
                raise ValueError(f"{names}: two chains are {one.name}; rename a file")
            known.add(one.letters)
            found[one.name] = _as_model(one)
    if not found:
        raise ValueError(f"{names}: no chain is left to score")
    _log.info(
        "%d chains, %d of them of distinct letters, are scored",
        len(structures),
        len(found),
    )
    return found


def read_predictions(names: str) -> dict[str, report3d.Model]:
    """Reads predicted structures, by letters; the first of each.

    Raises:
      ValueError: there is none.
      OSError: a file cannot be read.
    """
    found: dict[str, report3d.Model] = {}
    for one in data.read(names, data.any_quality()):
        found.setdefault(one.letters, _as_model(one))
    return found


def read_letters(names: str) -> list[str]:
    """Returns the distinct sequences of structures, or of one table or FASTA, sorted.

    Raises:
      ValueError: a file is neither, or nothing is in it.
      OSError: a file cannot be read.
    """
    if names.removesuffix(".gz").endswith(SEQUENCES):
        return sorted({record.sequence for record in formats.read(names)})
    return sorted({one.letters for one in data.read(names, data.any_quality())})


def _as_model(structure: data.Structure) -> report3d.Model:
    breaks = np.flatnonzero(np.diff(structure.index_L) > 1)
    return report3d.Model(
        structure.letters,
        structure.xyz_LT3,
        structure.is_atom_LT,
        tuple(breaks.tolist()),
    )


COMMAND = command.Command(
    function=evaluate,
    about=__doc__,
    kind=config.Evaluate3dConfig,
    default="evaluate3d",
    flags={
        "--out": {
            "type": pathlib.Path,
            "required": True,
            "help": "new directory for scores",
        }
    },
)
