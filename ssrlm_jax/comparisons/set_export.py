"""Sets as they are scored, and what methods said of them, as tables for others."""

import pathlib
from collections.abc import Sequence

from ssrlm_jax.comparisons import added, bench, items, set_scores
from ssrlm_jax.rna import formats, record_tables, structure_tables, structures


def write(
    desk: bench.Bench,
    one: items.LabelledSet,
    methods: Sequence[items.Method],
    folder: pathlib.Path,
) -> list[pathlib.Path]:
    """Writes FOLDER/SET.tsv, and FOLDER/SET/METHOD.tsv of what is kept of methods.

    The latter have names and dot-brackets alone, and pairs where there are base
    triples, without letters and probabilities. RNA that a method failed on is left out.

    Raises:
      ValueError: the set is not here; nothing is kept of a method.
    """
    records = desk.records(one)
    said = [_said(desk, one, method, records) for method in methods]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{one.name}.tsv"]
    record_tables.write_table(paths[0], records)
    for method, named in zip(methods, said, strict=True):
        paths.append(folder / one.name / f"{method.name}.tsv")
        paths[-1].parent.mkdir(exist_ok=True)
        structure_tables.write(paths[-1], named)
    return paths


def take_over(
    desk: bench.Bench,
    sets: Sequence[items.LabelledSet],
    methods: Sequence[items.Method],
    folder: pathlib.Path,
) -> list[str]:
    """Keeps what `write` wrote elsewhere, of methods that lack RNAs of a set here.

    Files are FOLDER/SET/METHOD.tsv, packed or not; one that lacks an RNA is left out.

    Returns:
      What is to be told, a line each.

    Raises:
      ValueError: there is none, or one is damaged.
    """
    notes, num_files = [], 0
    for method in methods:
        for one, plan in list(desk.plans(sets, method)):
            paths = sorted((folder / one.name).glob(f"{method.name}.tsv*"))
            num_files += len(paths)
            if paths and (plan.reason or plan.missing):
                records = desk.records(one)
                notes += added.keep_file(
                    desk.added, method.name, paths[0], one, records
                )
    if not num_files:
        raise ValueError(
            f"--published={folder}: no SET/METHOD.tsv.xz is there, of "
            f"{', '.join(one.name for one in sets) or 'any set that is here'}"
        )
    return notes


def _said(
    desk: bench.Bench,
    one: items.LabelledSet,
    method: items.Method,
    records: Sequence[formats.Record],
) -> list[tuple[str, structures.Structure]]:
    found = desk.said(one, method)
    letters = set_scores.letters_of(records)
    kept = (
        (record.name, found.get(key))
        for record, key in zip(records, letters, strict=True)
    )
    named = [
        (name, it.structure)
        for name, it in kept
        if it is not None and it.structure is not None
    ]
    if not named:
        raise ValueError(
            f"nothing is kept of {method.name} on {one.name}: ssrlm paper table1 "
            f"--sets={one.name} --methods={method.name} predicts it"
        )
    return named
