"""A structure file → its RNA chains with base pairs: one task of prepare_pdb.

What is said of chains comes back as counts, atoms lie in the task's file.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from ssrlm_jax import files, types
from ssrlm_jax.external import dssr, rnapolis
from ssrlm_jax.prepare import executor
from ssrlm_jax.rna import coordinates, pair_annotation, pair_kinds

READING = 2  # one more, whenever the same file is read in another way


@dataclasses.dataclass(frozen=True)
class Task:
    """One file.

    Attributes:
      path: of the structure.
      out: file for the atoms.
      annotators: of base pairs; the first one's count.
      dssr: folder of DSSR's JSON.
    """

    path: str
    out: str
    annotators: tuple[str, ...]
    dssr: str = ""


def find(names: Sequence[str]) -> list[str]:
    """Returns the structure files that names stand for, in a fixed order.

    Args:
      names: files or directories, separated by commas or not.

    Raises:
      ValueError: as `coordinates.find`.
    """
    parts = [part for text in names for part in text.split(",") if part]
    return [os.fspath(path) for path in coordinates.find(parts)]


def read(task: Task) -> executor.Counts:
    """Reads a file, finds the pairs of its chains and writes their atoms.

    Returns:
      error: why the file cannot be read, or ""; with an error nothing else.
      id, date, resolution (0 if unknown), method, others: as of `coordinates.Entry`.
      chains: name, letters, missing, gaps, modified of each, num_between: pairs with
      other chains, and pairs: by annotator, (i, j, edges) within the chain.
    """
    try:
        entry = coordinates.read(task.path)
        by_name = {
            name: ANNOTATORS[name](task, entry.chains) for name in task.annotators
        }
    except ValueError as error:
        return {"id": coordinates.id_of(task.path), "error": str(error)}
    atoms: dict[str, np.ndarray] = {}
    for number, chain in enumerate(entry.chains):
        atoms[f"residue_{number}"] = chain.residue_N
        atoms[f"name_{number}"] = chain.name_N
        atoms[f"xyz_{number}"] = chain.xyz_N3
    with files.whole(task.out) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **atoms)  # type: ignore[arg-type]
    return {
        "id": entry.id,
        "error": "",
        "date": entry.date,
        "resolution": 0.0 if math.isnan(entry.resolution) else entry.resolution,
        "method": entry.method,
        "others": entry.others,
        "chains": [
            _said(number, chain, by_name) for number, chain in enumerate(entry.chains)
        ],
    }


def _said(
    number: int, chain: coordinates.Chain, by_name: dict[str, list[pair_kinds.Pair]]
) -> types.Json:
    first = next(iter(by_name.values()))
    return {
        "name": chain.own_name,
        "letters": chain.letters,
        "missing": np.flatnonzero(~chain.is_seen_L).tolist(),
        "gaps": chain.gaps,
        "modified": chain.modified,
        "num_between": sum(
            pair.chain != pair.other and number in (pair.chain, pair.other)
            for pair in first
        ),
        "pairs": {
            name: _best_edges([p for p in found if p.chain == p.other == number])
            for name, found in by_name.items()
        },
    }


def _best_edges(found: Sequence[pair_kinds.Pair]) -> list[tuple[int, int, str]]:
    """Returns each pair once; an annotator may give it under two classes."""
    best: dict[tuple[int, int], str] = {}
    for pair in found:
        if best.get((pair.i, pair.j), "") in ("", pair.edges) or pair.edges == "cWW":
            best[pair.i, pair.j] = pair.edges
    return [(i, j, edges) for (i, j), edges in sorted(best.items())]


def _of_dssr(task: Task, chains: Sequence[coordinates.Chain]) -> list[pair_kinds.Pair]:
    return dssr.read(
        pathlib.Path(task.dssr, coordinates.id_of(task.path) + ".json"), chains
    )


Annotate = Callable[[Task, Sequence[coordinates.Chain]], list[pair_kinds.Pair]]

ANNOTATORS: dict[str, Annotate] = {
    "biotite": lambda task, chains: pair_annotation.annotate(chains),
    "rnapolis": lambda task, chains: rnapolis.annotate(chains),
    "dssr": _of_dssr,
}
