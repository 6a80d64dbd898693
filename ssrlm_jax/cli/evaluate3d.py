"""Known and predicted structures for `launch/evaluate3d.py`, and its table."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from ssrlm_jax.cli import evaluate, reports
from ssrlm_jax.data import tertiary as data
from ssrlm_jax.metrics import report3d
from ssrlm_jax.rna import formats

_log = logging.getLogger(__name__)

SEQUENCES = (".tsv", ".fa", ".fasta")  # of which only letters are read

Report = Mapping[str, Mapping[str, Sequence[float | None]]]  # of report3d.report


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


def show(scores_of: Mapping[str, Report]) -> None:
    """Prints means over structures, with 95 % intervals, a column for each method."""
    rows = [["", *scores_of]]
    for score in report3d.SCORES:
        found = (one["scores"][score] for one in scores_of.values())
        rows.append([score, *map(evaluate.text, found)])
    reports.write(
        f"{reports.table(rows, num_left=1)}means over structures (95 % bootstrap "
        "interval); lddt: all atoms, pooled; lddt_c1: C1', mean over nucleotides\n"
    )


def _as_model(structure: data.Structure) -> report3d.Model:
    breaks = np.flatnonzero(np.diff(structure.index_L) > 1)
    return report3d.Model(
        structure.letters,
        structure.xyz_LT3,
        structure.is_atom_LT,
        tuple(breaks.tolist()),
    )
