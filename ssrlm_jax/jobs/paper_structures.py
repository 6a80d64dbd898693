"""Fig. 4 and Fig. S1 of `ssrlm paper`: structures that methods fold from letters.

One rule: `ssrlm evaluate3d` scores, each method once. What it wrote is kept in
OUT/structures, by a hash of the method's files, of the known structures and of what
trained.
"""

import argparse
import dataclasses
import json
import logging
import pathlib
import shutil

import numpy as np

from ssrlm_jax import config, files, model_dir
from ssrlm_jax.comparisons import (
    bench,
    figure_tables,
    items,
    paper_report,
    structure_scores,
    table_rows,
)
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.external import programs
from ssrlm_jax.infer import catalogue
from ssrlm_jax.jobs import evaluate3d, structures3d
from ssrlm_jax.metrics import report3d
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import formats, record_tables, structures

_ADDED = "added_structures"
_TARGETS = "targets"  # the set of their letters and pairs
_DIGITS = 12  # of a hash, in the name of a directory
_VERSION = 2  # of the scores
_FIRST = "method"  # heading
_NONE = (
    "- No network that folds in 3-D ships, and none was published: "
    "--config.models=NAME=DIR names one that `ssrlm tertiary` trained, "
    "--config.folded=NAME=DIR (or --add NAME --predictions DIR) PDB or mmCIF files of "
    "any program's predictions."
)
_LEGEND = (
    "Means over structures, 95 % of bootstrap samples in brackets; what a method did "
    "not predict counts as 0. r: Pearson's correlation over structures, with lDDT of "
    "C1' for pLDDT, of all atoms for the others. The helix is one strand of an A-form "
    "helix for each sequence: what does not beat it does not fold."
)
_log = logging.getLogger("ssrlm_jax")


def add(
    name: str,
    predictions: pathlib.Path,
    settings: config.PaperConfig,
    out: pathlib.Path,
) -> bool:
    """Keeps a person's own structures; says whether there were any.

    Args:
      name: of the method, checked by `added.check_name`.
      predictions: a directory; its PDB and mmCIF files are taken.
      settings: which methods there are beside it.
      out: directory of reports.

    Raises:
      ValueError: another method that folds has this name.
    """
    if not predictions.is_dir():
        return False
    try:
        paths = tertiary_crops.files(str(predictions))
    except ValueError:
        return False
    if name in {*_models(settings), *settings.directories("folded")}:
        raise ValueError(f"--add={name}: another method that folds has this name")
    place = out / _ADDED / name
    part = place.with_name(f".{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for path in paths:
        kept = part / path.relative_to(predictions)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return True


def make(
    name: str,
    item: items.Item,
    asked: items.Structures,
    desk: bench.Bench,
    settings: config.PaperConfig,
    out: pathlib.Path,
) -> str:
    """Scores structures and writes the report; returns its Markdown.

    Args:
      name: of the item: that of its files.
      item: the figure; its methods predict pairs of the same letters.
      asked: which structures.
      desk: of the methods that predict pairs.
      settings: where structures and predictions are.
      out: directory of reports.
    """
    truth = settings.structures or str(pathlib.Path(settings.data, asked.truth))
    lines = [f"# {item.title}", "", f"Made by `ssrlm paper {name}`.", ""]
    facts: dict[str, object] = {"title": item.title}
    rows: list[figure_tables.Row] = []
    of_letters = None
    out.mkdir(parents=True, exist_ok=True)
    if not settings.structures and not pathlib.Path(truth).exists():
        why = f"there is no {truth}: {asked.get}"
        lines += [f"Not measured: {why}.", "", _NONE]
        facts["reason"] = why
    else:
        found = [
            _scored(method, changes, truth, settings, out)
            for method, changes in _methods(settings, out).items()
        ]
        seed, is_of_pairs = settings.seed, asked.is_of_pairs
        if is_of_pairs:
            of_letters = _of_letters(item, desk, truth, settings, out)
            lines += paper_report.sections(of_letters[0].sets, *of_letters)
            lines += ["## Pairs of folded structures", ""]
        rows = structure_scores.rows(found, seed, is_of_pairs=is_of_pairs)
        lines += figure_tables.markdown(_FIRST, rows)
        lines += ["", *([_NONE, ""] if len(found) < 2 else []), _LEGEND, ""]
        picture = out / f"{name}.png"
        why = structure_scores.draw(picture, found, is_of_pairs=is_of_pairs)
        lines += [why or f"![{picture.name}]({picture.name})"]
    lines += ["", item.note] if item.note else []
    text = "\n".join(lines).rstrip() + "\n"
    facts["structures"] = figure_tables.facts(rows)
    latex = figure_tables.latex(item.title, _FIRST, rows)
    if of_letters is not None:
        facts["letters"] = paper_report.facts(*of_letters, "")["rows"]
        latex = f"{paper_report.latex(*of_letters)}\n{latex}"
        letters_csv = paper_report.table_csv(*of_letters)
        files.write_text(out / f"{name}_letters.csv", letters_csv)
    files.write_text(out / f"{name}.md", text)
    files.write_text(out / f"{name}.csv", figure_tables.as_csv(_FIRST, rows))
    files.write_text(out / f"{name}.tex", latex)
    files.write_text(out / f"{name}.json", json.dumps(facts, indent=1) + "\n")
    return text


def _methods(
    settings: config.PaperConfig, out: pathlib.Path
) -> dict[str, dict[str, object]]:
    """Returns what differs between methods in `Evaluate3dConfig`, by their names."""
    found = _models(settings)
    kept = out / _ADDED
    folded = {one.name: str(one) for one in sorted(kept.glob("*")) if one.is_dir()}
    folded |= settings.directories("folded")
    for name, text in folded.items():
        if name in found:
            raise ValueError(f"two methods that fold are called {name!r}: rename one")
        found[name] = {"predictions": f"{name}={text}"}
    return found


def _models(settings: config.PaperConfig) -> dict[str, dict[str, object]]:
    """Returns the helix and the models that fold, as `_methods`."""
    found: dict[str, dict[str, object]] = {evaluate3d.HELIX: {"has_helix": True}}
    places = {one.name: one.directory for one in catalogue.shipped()}
    named = settings.directories("models")
    places |= {name: pathlib.Path(place) for name, place in named.items()}
    for name, place in places.items():
        if model_dir.describe(place).folding is not None:
            found[name] = {"models": f"{name}={place}"}
    return found


def _scored(
    name: str,
    changes: dict[str, object],
    truth: str,
    settings: config.PaperConfig,
    out: pathlib.Path,
) -> structure_scores.Folded:
    """Returns the scores of a method, of before if they are there."""
    asked = {
        "has_helix": False,
        "truth": truth,
        "train": settings.structures_train,
        "seed": settings.seed,
        **changes,
    }
    try:
        content = {what: _content(one) for what, one in asked.items()}
        key = executor.key_of(_VERSION, content)
        place = out / "structures" / f"{name}-{key[:_DIGITS]}"
        if not (place / "scores.json").exists():
            part = place.with_name(f".{place.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            evaluate3d.evaluate(
                config.Evaluate3dConfig(**asked),  # type: ignore[arg-type]
                argparse.Namespace(out=part),
            )
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
        return structure_scores.Folded(
            name, structure_scores.read(place / f"{name}.tsv")
        )
    except (ValueError, OSError) as error:
        return structure_scores.Folded(name, [], str(error))


def _content(value: object) -> object:
    """Returns a setting with the content of the files that it names."""
    if not isinstance(value, str):
        return value
    told: list[object] = []
    for text in filter(None, value.split(",")):
        path = pathlib.Path(text)
        if not path.exists():  # NAME=DIR
            path = pathlib.Path(text.partition("=")[2])
        inside = sorted(one for one in path.rglob("*") if one.is_file())
        told += [
            [str(one.relative_to(path)), programs.digest(one)]
            for one in inside or [path]
        ]
    return told


def _of_letters(
    item: items.Item,
    desk: bench.Bench,
    truth: str,
    settings: config.PaperConfig,
    out: pathlib.Path,
) -> tuple[items.Item, list[table_rows.Row]]:
    """Returns a table of methods that predict pairs from the same letters."""
    records = _targets(truth)
    key = executor.key_of([[one.name, one.sequence] for one in records])
    path = out / "sets" / f"{_TARGETS}-{key[:_DIGITS]}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    record_tables.write_table(path, records)
    of = items.LabelledSet(
        name=_TARGETS,
        title="structures of one strand, canonical pairs of their atoms",
        file=str(path),
        count=len(records),
        get="written here",
    )
    given = [desk.scored(of, method) for method in item.methods]
    lengths = [len(one.sequence) for one in records]
    rows = table_rows.rows(item, of, given, lengths, None, settings.seed)
    return dataclasses.replace(item, sets=(of,)), rows


def _targets(truth: str) -> list[formats.Record]:
    """Returns letters and canonical pairs of the known structures of one strand."""
    known = structures3d.read_known(config.Evaluate3dConfig(truth=truth))
    records = []
    for name, one in known.items():
        if len(one.strands) > 1:
            _log.info("%s: several strands, no method of one sequence", name)
            continue
        pairs = [
            (pair.i, pair.j)
            for pair in report3d.base_pairs(one.model)
            if pair.edges == "cWW"
        ]
        pairs_P2 = np.array(pairs, int).reshape(-1, 2)
        folded = structures.Structure(len(one.model.letters), pairs_P2)
        records.append(formats.Record(name, one.model.letters, folded))
    return records
