"""`ssrlm fold` of alignments: one structure of the columns, and each member's."""

import argparse
import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ssrlm_jax.cli import reports
from ssrlm_jax.external import vienna
from ssrlm_jax.infer import ensembles
from ssrlm_jax.rna import alignments, formats, probabilities, structures

if TYPE_CHECKING:
    from ssrlm_jax.infer import predictors

Write = Callable[
    [formats.Record, probabilities.PairProbabilities, Mapping[str, Any]], None
]
_ALONE = ("reactivities", "constraints", "max_span", "samples", "suboptimal", "compare")


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flag of alignments to a command."""
    parser.add_argument(
        "--alignment",
        action="store_true",
        help="FASTA is aligned: fold it as one; Stockholm files are always",
    )


def is_asked(parsed: argparse.Namespace) -> bool:
    """Tells whether the input is an alignment.

    Raises:
      ValueError: --alignment without a file, or with flags that are of one RNA.
    """
    is_file = parsed.source is not None and os.path.isfile(parsed.source)
    if not is_file:
        if parsed.alignment:
            raise ValueError("--alignment needs a file, of Stockholm or aligned FASTA")
        return False
    if not (parsed.alignment or alignments.is_stockholm(parsed.source)):
        return False
    for name in _ALONE:
        if getattr(parsed, name):
            flag = f"--{name.replace('_', '-')}"
            raise ValueError(f"{flag} is of one RNA; {parsed.source} is an alignment")
    return True


def fold(
    parsed: argparse.Namespace,
    predictor: "predictors.Predictor",
    write: Write,
    report: reports.Report,
    about: Mapping[str, Any],
) -> None:
    """Folds each alignment of the input, and writes consensus and members."""
    from ssrlm_jax.infer import alignment_folding  # JAX: seconds

    for one in alignments.read(parsed.source):
        try:
            found = alignment_folding.fold(predictor, one)
            beside = vienna.Vienna().consensus(one.rows)
        except ValueError as error:
            report.problem(f"{parsed.source}: {one.name}: {error}")
            continue
        columns = structures.from_dot_bracket(beside.dot_bracket)
        differs_L = ensembles.differences(found.structure, columns)
        told = dict(about) | {
            "members": len(one.rows),
            "ensemble_distance": round(ensembles.spread(found.probabilities), 2),
            "alternatives": [
                {
                    "kind": "program",
                    "source": "RNAalifold",
                    "dot_bracket": beside.dot_bracket,
                    "differs": (np.flatnonzero(differs_L) + 1).tolist(),
                }
            ],
        }
        name = pathlib.PurePath(one.name).stem
        place = str(parsed.source)
        record = formats.Record(name, one.letters, found.structure, place=place)
        with _reported(record, report):
            write(record, found.probabilities, told)
            report.advance()
        for predicted in found.members:
            member = formats.Record(
                predicted.name, predicted.letters, predicted.structure, place=place
            )
            with _reported(member, report):
                write(member, predicted.probabilities, dict(about) | {"family": name})
                report.advance()


@contextlib.contextmanager
def _reported(record: formats.Record, report: reports.Report) -> Iterator[None]:
    """Reports a structure that a format cannot hold."""
    try:
        yield
    except ValueError as error:
        report.problem(f"{record.place}: {record.name}: {error}")
