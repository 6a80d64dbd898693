r"""Scores predicted structures of RNA: models, files of programs, and a helix.

  python launch/evaluate3d.py --config.models=mine=runs/tertiary/model \
      --config.truth=rna_puzzles/ --config.train=pdb/ --out=scores/puzzles
  python launch/evaluate3d.py --config.predictions=rhofold=models/ \
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
from typing import Any

import command
import numpy as np
import rich.console
import rich.table

from ssrlm_jax import config
from ssrlm_jax.data import tertiary as data
from ssrlm_jax.external import mmseqs
from ssrlm_jax.infer import canvas, trends
from ssrlm_jax.metrics import report3d

_log = logging.getLogger("ssrlm_jax")
HELIX = "helix"

Truth = dict[str, report3d.Model]  # by name


def evaluate(settings: config.Evaluate3dConfig, flags: argparse.Namespace) -> None:
    """Predicts all structures with each method, scores and writes."""
    methods = _methods(settings)
    if not settings.truth:
        raise ValueError("config.truth is empty: name known structures")
    if flags.out.exists() and any(flags.out.iterdir()):
        raise ValueError(f"{flags.out} exists and is not empty; give another --out")
    canvas.check_installed("matplotlib")
    truth = _truth(settings)
    identities = _identities(settings, truth)
    loaded = {name: load() for name, load in methods.items()}
    flags.out.mkdir(parents=True, exist_ok=True)
    scores, scored, about = {}, {}, {}
    for name, predict in loaded.items():
        start = time.perf_counter()
        scored[name], missing = _scored(predict, truth, identities, flags.out / name)
        about[name] = {
            "missing": missing,
            "seconds": round(time.perf_counter() - start, 1),
        }
        scores[name] = report3d.report(scored[name], settings.seed)
        rows = ("\t".join(map(str, row)) for row in report3d.rows(scored[name]))
        (flags.out / f"{name}.tsv").write_text("\n".join(rows) + "\n")
        _log.info("%s: %d structures scored", name, len(truth) - len(missing))
        for one in missing:
            _log.info("%s: no structure of %s; it scores 0", name, one)
    facts = {"config": dataclasses.asdict(settings), "methods": about, "scores": scores}
    (flags.out / "scores.json").write_text(json.dumps(facts, indent=1) + "\n")
    trends.save(scored, flags.out)
    _show(scores)


def _methods(
    settings: config.Evaluate3dConfig,
) -> dict[str, Callable[[], Callable[[str], report3d.Model | None]]]:
    """Returns what loads each method, by its name; loads nothing yet."""

    def model(directory: pathlib.Path) -> Callable[[str], report3d.Model | None]:
        from ssrlm_jax.infer import methods3d  # JAX: seconds

        return methods3d.of_model(directory, settings.num_cycles or None)

    found: dict[str, Any] = {HELIX: _helix} if settings.has_helix else {}
    for field, load in (("models", model), ("predictions", _files)):
        for text in filter(None, getattr(settings, field).split(",")):
            name, equals, directory = text.partition("=")
            if not equals or not name or name in found or "/" in name:
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


def _helix() -> Callable[[str], report3d.Model | None]:
    from ssrlm_jax.infer import methods3d

    return methods3d.helix


def _truth(settings: config.Evaluate3dConfig) -> Truth:
    found: Truth = {}
    known: set[str] = set()
    structures = data.read(
        settings.truth, _limits(settings.min_length, settings.max_length)
    )
    for one in structures:
        if "N" in one.letters:
            _log.info("%s is left out: a letter of it is unknown", one.name)
        elif one.letters not in known:
            known.add(one.letters)
            found[one.name] = _of_structure(one)
    _log.info(
        "%d chains, %d of them of distinct letters, are scored",
        len(structures),
        len(found),
    )
    if not found:
        raise ValueError(f"{settings.truth}: no chain is left to score")
    return found


def _limits(least: int = 1, most: int = 0) -> config.StructuresConfig:
    """Returns settings that let in chains of any quality."""
    return config.StructuresConfig(
        min_length=least, max_length=most or 10**9, max_resolution=np.inf, min_seen=0.0
    )


def _of_structure(structure: data.Structure) -> report3d.Model:
    breaks = np.flatnonzero(np.diff(structure.index_L) > 1)
    return report3d.Model(
        structure.letters,
        structure.xyz_LT3,
        structure.is_atom_LT,
        tuple(breaks.tolist()),
    )


def _identities(settings: config.Evaluate3dConfig, truth: Truth) -> dict[str, float]:
    """Returns the identity of each structure with the nearest one for training."""
    if not settings.train:
        return {}
    training = sorted({one.letters for one in data.read(settings.train, _limits())})
    near_N = mmseqs.identities([one.letters for one in truth.values()], training)
    return dict(zip(truth, near_N.tolist(), strict=True))


def _scored(
    predict: Callable[[str], report3d.Model | None],
    truth: Truth,
    identities: dict[str, float],
    directory: pathlib.Path,
) -> tuple[list[report3d.Scored], list[str]]:
    """Returns scores, and the names of what could not be predicted."""
    from ssrlm_jax.infer import methods3d

    directory.mkdir()
    scored, missing = [], []
    for name, known in truth.items():
        predicted = predict(known.letters)
        if predicted is None:
            missing.append(name)
        else:
            text = methods3d.as_pdb(name, predicted)
            (directory / f"{name}.pdb").write_text(text)
        shown = predicted or report3d.missing(known)
        scored.append(report3d.score(name, shown, known, identities.get(name)))
    return scored, missing


def _files(directory: pathlib.Path) -> Callable[[str], report3d.Model | None]:
    found: dict[str, report3d.Model] = {}
    for one in data.read(str(directory), _limits()):
        found.setdefault(one.letters, _of_structure(one))
    return found.get


def _show(scores: dict[str, dict[str, dict[str, list[float | None]]]]) -> None:
    """Prints means over structures, with 95 % intervals."""
    table = rich.table.Table(box=None)
    table.add_column("")
    for name in scores:
        table.add_column(name, justify="right")
    for score in report3d.SCORES:
        cells = []
        for of in scores.values():
            value, low, high = of["scores"][score]
            cells.append(
                "-"
                if value is None
                else f"{value:.3f} ({low or 0:.3f}-{high or 0:.3f})"
            )
        table.add_row(score, *cells)
    console = rich.console.Console(highlight=False, soft_wrap=True, width=200)
    console.print(table)
    console.print(
        "means over structures (95 % bootstrap interval); lddt: all atoms, pooled; "
        "lddt_c1: C1', mean over nucleotides"
    )


if __name__ == "__main__":
    command.run(
        evaluate,
        about=__doc__,
        kind=config.Evaluate3dConfig,
        default="configs/evaluate3d.py",
        flags={
            "--out": {
                "type": pathlib.Path,
                "required": True,
                "help": "new directory for scores",
            }
        },
    )
