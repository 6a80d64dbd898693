"""A person's own method, as files of predictions: `--add NAME --predictions DIR`.

Read once and kept beside other predictions, so that DIR may go.
"""

import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ssrlm_jax import config, files
from ssrlm_jax.comparisons import items, kept_predictions, paper_report, set_scores
from ssrlm_jax.external import folding_programs, programs
from ssrlm_jax.infer import pair_evaluation, scored_files
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import formats

_DIGITS = 12  # of a hash, in the name of a file
_ABOUT = "about.json"  # in the folder of a method, beside its sets
_TOLD = ("title", *paper_report.ABOUT)  # there
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def check_name(name: str) -> None:
    """Raises a ValueError for what cannot name a directory of its own."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"--add={name}: letters, digits, '_', '.' and '-' are expected, a letter "
            "or digit first"
        )


def read_about(path: pathlib.Path) -> dict[str, str]:
    """Reads what a method says of itself: a JSON object of texts.

    Args:
      path: has some of _TOLD, which are as in `items.Method`.

    Raises:
      ValueError: it is none, or has other names.
      OSError: it cannot be read.
    """
    what = (
        f"a JSON object of lines of text is expected, with some of {', '.join(_TOLD)}"
    )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {what} ({error})") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: {what}")
    for name, text in found.items():
        is_line = isinstance(text, str) and text.strip() and len(text.splitlines()) == 1
        if name not in _TOLD or not is_line:
            raise ValueError(f"{path}: {what}; found {name!r}: {text!r}")
    return found


def add(
    folder: pathlib.Path,
    name: str,
    predictions: pathlib.Path,
    sets: Sequence[tuple[items.LabelledSet, Sequence[formats.Record]]],
    threshold: float,
    about: Mapping[str, str] | None = None,
) -> list[str]:
    """Reads predictions of some sets and keeps them, in place of what was there.

    Args:
      folder: of all added methods.
      name: of the method, checked by `check_name`.
      predictions: a file or a directory; what it holds of other sets is not read.
        DIR/SET is read instead of DIR where there is one; without it a set is left
        as it was if most of its RNAs have no prediction, and most predictions are of
        other RNAs: sets share some.
      sets: with their RNAs.
      threshold: of predictions that are probabilities alone; 0: there is none.
      about: what `read_about` returned; None: what was told before stays.

    Returns:
      What is to be told, a line each.

    Raises:
      ValueError: nothing can be read, or is of an RNA of the sets;
        probabilities alone and no threshold.
    """
    notes: list[str] = []
    few: list[str] = []
    places = 0
    for one, records in sets:
        inside = predictions / one.name
        collected = scored_files.read_predictions(
            inside if inside.is_dir() else predictions
        )
        matched = pair_evaluation.match(records, collected.found, collected.unread)
        num_missing = len(matched.missing)
        notes += [f"{one.name}: {text}" for text in matched.mismatched]
        notes += [
            f"{one.name}: several, the first counts: {n}" for n in matched.several
        ]
        notes += matched.unread
        if num_missing == len(records):
            notes.append(f"{one.name}: {predictions} has none of its RNAs")
            continue
        is_of_others = 2 * len(matched.unused) > len(collected.found)
        if is_of_others and 2 * num_missing > len(records) and not inside.is_dir():
            few.append(
                f"{one.name}: {predictions} has {len(records) - num_missing:,} of its "
                f"{len(records):,} RNAs, and most of it is of others: put them into "
                f"{inside} to add them"
            )
            continue
        if num_missing:
            notes.append(f"{one.name}: {num_missing:,} RNAs have no prediction")
        place = folder / name / one.name
        notes += [
            f"{one.name}: {other} has the letters of an RNA before it and another "
            "prediction, which does not count"
            for other in _keep(place, predictions, records, matched, threshold)
        ]
        places += 1
    if not places and few:
        raise ValueError(few[0])
    if not places:
        raise ValueError(
            f"{predictions}: no prediction of an RNA of "
            f"{', '.join(one.name for one, _ in sets) or 'any set that is there'}; "
            f"{scored_files.READABLE} are read, matched by name or sequence"
        )
    if about is not None:
        files.write_text(folder / name / _ABOUT, json.dumps(about, indent=1) + "\n")
    return list(dict.fromkeys(notes + few))


def keep_file(
    folder: pathlib.Path,
    name: str,
    path: pathlib.Path,
    one: items.LabelledSet,
    records: Sequence[formats.Record],
) -> list[str]:
    """Keeps what `set_export` wrote of a method and a set, if it has all RNAs.

    Args:
      folder: of all added methods.
      name: of the method.
      path: of the table.
      one: the set.
      records: its RNAs.

    Returns:
      What is to be told, a line each.

    Raises:
      ValueError: the file is damaged.
    """
    collected = scored_files.read_predictions(path)
    matched = pair_evaluation.match(records, collected.found, collected.unread)
    if matched.missing:
        num = len(matched.missing)
        return [f"{path}: {num:,} of {len(records):,} RNAs are missing; left out"]
    _keep(folder / name / one.name, path, records, matched, 0.0)
    return []


def methods(folder: pathlib.Path, known: Sequence[items.Method]) -> list[items.Method]:
    """Returns the methods that were added and are not among the known ones."""
    if not folder.is_dir():
        return []
    names = {one.name for one in known}
    found = sorted(one.name for one in folder.iterdir() if one.is_dir())
    return [_method(folder / name) for name in found if name not in names]


def store(folder: pathlib.Path, name: str, of_set: str) -> pathlib.Path | None:
    """Returns where predictions of a set are kept that were added; None: none were."""
    place = folder / name / of_set
    return place if (place / kept_predictions.RECORDS).exists() else None


def version(place: pathlib.Path) -> str:
    """Returns what tells the predictions in a directory from others of the method."""
    parts = (place / kept_predictions.METHOD, place / kept_predictions.RECORDS)
    key = executor.key_of([programs.digest(one) for one in parts if one.exists()])
    return f"added-{key[:_DIGITS]}"


def _method(folder: pathlib.Path) -> items.Method:
    path = folder / _ABOUT
    method = items.Method(
        name=folder.name,
        title=folder.name,
        make=not_here,
        get=f"--add {folder.name} --predictions DIR, with a table that has the set",
        weights="added",
        threshold="?",
        rule="?",
        licence="?",
        trained="?",
        training=None,
        seconds=(0.0, 0.0),
    )
    told = read_about(path) if path.exists() else {}
    return dataclasses.replace(method, **told)  # type: ignore[arg-type]


def not_here(settings: config.PaperConfig) -> folding_programs.Folder:
    """Makes no method: what was added is asked for no RNA, and raises so."""
    del settings
    raise programs.ProgramError("no predictions of this set were added")


def _keep(
    place: pathlib.Path,
    predictions: pathlib.Path,
    records: Sequence[formats.Record],
    matched: pair_evaluation.Matched,
    threshold: float,
) -> list[str]:
    """Keeps predictions; returns RNAs that have the letters of another one before.

    What is kept goes by letters: for these the prediction of the first RNA counts.
    """
    decoding = config.DecodingConfig(threshold=threshold)
    letters = set_scores.letters_of(records)
    kept: dict[str, kept_predictions.Kept] = {}
    several = []
    for record, sequence, one in zip(records, letters, matched.found, strict=True):
        before = kept.get(sequence)
        if one is None:
            if before is None:
                why = _refusal(record.name, matched) or f"none in {predictions}"
                kept[sequence] = kept_predictions.Kept(sequence, None, failed=why)
            continue
        structure = pair_evaluation.structure_of(one, sequence, decoding)
        if before is None or before.structure is None:
            kept[sequence] = kept_predictions.Kept(sequence, structure, one.listed)
        elif not np.array_equal(before.structure.pairs, structure.pairs):
            several.append(record.name)
    with files.whole_directory(place) as part:
        written = kept_predictions.Store(part)
        written.begin({"predictions": str(predictions)})
        written.add(kept.values())
    return several


def _refusal(name: str, matched: pair_evaluation.Matched) -> str:
    """Returns why a prediction of an RNA was not taken; "": there is none."""
    for text in (*matched.mismatched, *matched.unread):
        if re.match(rf"(.*/)?{re.escape(name)}(\.\w+)?(\s|:|$)", text):
            return text
    return ""
