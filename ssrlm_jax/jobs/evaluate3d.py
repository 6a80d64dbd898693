r"""Scores predicted structures of RNA: models, files of programs, and a helix.

  ssrlm evaluate3d --config.models=mine=runs/tertiary/model \
      --config.truth=rna_puzzles/ --config.train=runs/tertiary/training.tsv \
      --out=scores/puzzles
  ssrlm evaluate3d --config.predictions=rhofold=models/ \
      --config.truth=rna_puzzles/ --out=scores/peers

A test set is scored once. Strands that pair with each other are one structure;
structures of equal letters are scored once, by the first file. Files of predictions are
matched by sequence and numbers (docs/tertiary.md); what is not used is named. OUT gets
scores.json and, for each method, a table of all predictions, one of strands or PDB
files, and pictures of how scores depend on length, on similarity to the training set,
and on confidence.
"""

import argparse
import dataclasses
import functools
import json
import logging
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax import config, files
from ssrlm_jax.cli import score_tables
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.external import mmseqs
from ssrlm_jax.infer import canvas, trends
from ssrlm_jax.jobs import command, structures3d
from ssrlm_jax.metrics import assembly, report3d, strand_coverage
from ssrlm_jax.rna import structure_formats

_log = logging.getLogger("ssrlm_jax")
HELIX = "helix"
SEQUENCES = (".tsv", ".fa", ".fasta")  # of which only letters are read

Known = Mapping[str, assembly.Assembly]


class Predicted(NamedTuple):
    """One prediction of a known structure.

    Attributes:
      model: its atoms.
      at_L: see `report3d.score`.
      sample: as `structures3d.Sample.file`; "" of a model.
      rows: what is said of each known strand.
      note: what is said of the prediction.
    """

    model: report3d.Model
    at_L: np.ndarray
    sample: str = ""
    rows: tuple[strand_coverage.Row, ...] = ()
    note: str = ""


class Method(NamedTuple):
    """Something that predicts structures.

    Attributes:
      predict: from a known structure's name and letters, its predictions.
      about: what scores.json says of it.
      saved: whether its structures are written.
    """

    predict: Callable[[str, assembly.Assembly], list[Predicted]]
    about: Mapping[str, object]
    saved: bool


def evaluate(settings: config.Evaluate3dConfig, flags: argparse.Namespace) -> None:
    """Predicts all structures with each method, scores and writes."""
    methods = _methods(settings)
    if not settings.truth:
        raise ValueError("config.truth is empty: name known structures")
    if flags.out.exists() and any(flags.out.iterdir()):
        raise ValueError(f"{flags.out} exists and is not empty; give another --out")
    canvas.check_installed("matplotlib")
    truth = structures3d.read_known(settings)
    identities = _identities(truth, settings.train) if settings.train else {}
    loaded = {name: load(truth) for name, load in methods.items()}
    flags.out.mkdir(parents=True, exist_ok=True)
    scores, scored, about = {}, {}, {}
    for name, method in loaded.items():
        start = time.perf_counter()
        samples, rows = _score(name, method, truth, identities, flags.out)
        seconds = round(time.perf_counter() - start, 1)
        missing = [
            n for n, ours in samples.items() if ours[0].note == report3d.NOT_PREDICTED
        ]
        about[name] = {"missing": missing, "seconds": seconds, **method.about}
        scored[name] = [ours[0] for ours in samples.values()]
        scores[name] = report3d.report(scored[name], settings.seed)
        if any(len(ours) > 1 for ours in samples.values()):
            of_all = report3d.of_samples([*samples.values()], settings.seed)
            scores[name]["samples"] = of_all
        flat = [one for ours in samples.values() for one in ours]
        _write_table(flags.out / f"{name}.tsv", report3d.rows(flat))
        if rows:
            _write_table(flags.out / f"{name}.strands.tsv", rows)
        _log.info("%s: %d structures scored", name, len(truth) - len(missing))
    facts = {"config": dataclasses.asdict(settings), "methods": about, "scores": scores}
    files.write_text(flags.out / "scores.json", json.dumps(facts, indent=1) + "\n")
    trends.save(scored, flags.out)
    score_tables.show_atoms(scores, report3d.SCORES)


def _identities(truth: Known, train: str) -> dict[str, float]:
    """Returns the identity of the nearest training sequence, of any strand."""
    letters = [one.letters for known in truth.values() for one in known.strands]
    near_N = mmseqs.identities(letters, read_letters(train))
    near = dict(zip(letters, near_N.tolist(), strict=True))
    return {
        name: max(near[one.letters] for one in known.strands)
        for name, known in truth.items()
    }


def _write_table(path: pathlib.Path, rows: Sequence[Sequence[object]]) -> None:
    lines = ("\t".join(map(str, row)) + "\n" for row in rows)
    files.write_text(path, "".join(lines))


def _methods(
    settings: config.Evaluate3dConfig,
) -> dict[str, Callable[[Known], Method]]:
    """Returns what loads each method, by its name; loads nothing yet.

    Raises:
      ValueError: no method is named, or one is named badly.
    """

    def helix(truth: Known) -> Method:
        from ssrlm_jax.infer import atom_methods  # JAX: seconds

        return _of_letters(atom_methods.helix)

    def model(directory: pathlib.Path, truth: Known) -> Method:
        from ssrlm_jax.infer import atom_methods

        return _of_letters(
            atom_methods.of_model(directory, settings.num_cycles or None)
        )

    def predictions(directory: pathlib.Path, truth: Known) -> Method:
        return _of_files(directory, truth, settings)

    found: dict[str, Callable[[Known], Method]] = {}
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


def _of_letters(
    predict: Callable[[str], report3d.Model | None],
) -> Method:
    """Returns a method that sees the letters of strands, one by one."""
    from ssrlm_jax.infer import atom_methods

    def predicted(name: str, known: assembly.Assembly) -> list[Predicted]:
        made = [predict(one.letters) for one in known.strands]
        whole = [one for one in made if one is not None]
        if len(whole) < len(made):
            return []
        at_L = np.arange(len(known.model.letters))
        model = whole[0] if len(whole) == 1 else atom_methods.together(whole)
        return [Predicted(model, at_L)]

    return Method(predicted, {}, saved=True)


def _of_files(
    directory: pathlib.Path, truth: Known, settings: config.Evaluate3dConfig
) -> Method:
    """Returns a method whose predictions are files."""
    samples, unused = structures3d.read_predictions(
        directory, has_plddt=settings.has_plddt
    )
    taken, others = structures3d.assign(truth, samples)
    unused |= others
    for file, why in unused.items():
        _log.warning("%s is not used: %s", directory / file, why)

    def predicted(name: str, known: assembly.Assembly) -> list[Predicted]:
        found = []
        for sample, edges in taken[name]:
            laid = assembly.lay(known, sample.structure, edges)
            rows = strand_coverage.rows(known, sample.structure, laid)
            model = sample.structure.model._replace(breaks=laid.breaks)
            note = sample.wrong or strand_coverage.note(rows)
            found.append(Predicted(model, laid.at_L, sample.file, rows, note))
        return found

    by_name = {n: [one.file for one, _ in ours] for n, ours in taken.items() if ours}
    return Method(predicted, {"files": by_name, "unused": unused}, saved=False)


def _score(
    method_name: str,
    method: Method,
    truth: Known,
    identities: Mapping[str, float],
    out: pathlib.Path,
) -> tuple[dict[str, list[report3d.Scored]], list[list[object]]]:
    """Returns scores of all predictions, by name, and a table of strands."""
    scored: dict[str, list[report3d.Scored]] = {}
    rows: list[list[object]] = []
    for name, known in truth.items():
        predictions = method.predict(name, known)
        true = report3d.base_pairs(known.model)
        score = functools.partial(
            report3d.score, name, known=known.model, identity=identities.get(name)
        )
        scored[name] = [
            score(one.model, at_L=one.at_L, true=true)._replace(
                sample=one.sample, note=one.note
            )
            for one in predictions
        ]
        if method.saved and predictions:
            _save(out / method_name, name, known, predictions[0].model)
        for one in predictions:
            rows += [[name, one.sample, *row.cells()] for row in one.rows]
            if one.note:
                _log.warning("%s: %s, %s: %s", method_name, name, one.sample, one.note)
        if not predictions:
            _log.warning("%s: no structure of %s; it scores 0", method_name, name)
            none = score(known.model.without_atoms(), true=true)
            scored[name] = [none._replace(note=report3d.NOT_PREDICTED)]
        elif len(predictions) > 1:
            _say_samples(method_name, scored[name])
    header: list[object] = ["id", "sample", *strand_coverage.COLUMNS]
    return scored, [header, *rows] if rows else []


def _say_samples(method_name: str, scored: Sequence[report3d.Scored]) -> None:
    first, best = scored[0], max(scored, key=lambda one: one.scores["lddt"])
    _log.info(
        "%s: %s: %d samples; lddt of the first, %s: %.3f; of the best, %s: %.3f",
        method_name, first.name, len(scored), first.sample, first.scores["lddt"],
        best.sample, best.scores["lddt"],
    )  # fmt: skip


def _save(
    directory: pathlib.Path, name: str, known: assembly.Assembly, model: report3d.Model
) -> None:
    """Writes the strands of a structure, a file for each."""
    from ssrlm_jax.infer import atom_methods

    directory.mkdir(exist_ok=True)
    for strand, start in zip(known.strands, known.starts, strict=True):
        part = slice(start, start + len(strand.letters))
        title = name if len(known.strands) == 1 else f"{name}.{strand.name}"
        plddt_L = None if model.plddt_L is None else model.plddt_L[part]
        one = report3d.Model(
            strand.letters, model.xyz_LT3[part], model.is_atom_LT[part], (), plddt_L
        )
        try:
            text = atom_methods.as_pdb(title, one)
        except ValueError as error:  # scored all the same
            _log.warning("%s: not written: %s", title, error)
        else:
            files.write_text(directory / f"{title}.pdb", text)


def read_letters(names: str) -> list[str]:
    """Returns the distinct sequences of structures, or of one table or FASTA, sorted.

    Raises:
      ValueError: a file is neither, or nothing is in it.
      OSError: a file cannot be read.
    """
    if names.removesuffix(".gz").endswith(SEQUENCES):
        return sorted({record.sequence for record in structure_formats.read(names)})
    return sorted(
        {
            one.letters
            for one in tertiary_crops.read(names, tertiary_crops.any_quality())
        }
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
