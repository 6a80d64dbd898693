"""Records of RNA chains, and the files they are written to.

Positions count from 0 here and from 1 in the files.
"""

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from ssrlm_jax.rna import pair_kinds, record_tables, structures

COLUMNS = (
    "id chain date resolution method family type sequence dotbracket pairs classes "
    "missing gaps modified cluster split fold"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """A chain.

    Attributes:
      pairs: (i, j, edges), i < j, sorted.
      missing: positions that were not seen.
      atoms: file of the atoms of its entry, and the chain's place there.
      cluster: id of the representative at 80 %; split and fold: "" if in none.
      others: pairs of other annotators by name.
    """

    id: str
    chain: str
    date: str
    resolution: float
    method: str
    sequence: str
    pairs: tuple[tuple[int, int, str], ...]
    missing: tuple[int, ...]
    gaps: tuple[tuple[int, int], ...]
    modified: tuple[tuple[int, str], ...]
    atoms: tuple[str, int]
    others: dict[str, dict[tuple[int, int], str]]
    family: str = ""
    type: str = ""
    cluster: str = ""
    split: str = ""
    fold: str = ""

    def edges(self) -> dict[tuple[int, int], str]:
        return {(i, j): edges for i, j, edges in self.pairs}


def dot_bracket(record: Record) -> str:
    """Writes one pair of each nucleotide: canonical ones before others."""
    used: set[int] = set()
    chosen = []
    letters = record.sequence
    ranked = sorted(
        record.pairs,
        key=lambda p: (
            pair_kinds.KINDS.index(pair_kinds.kind(letters[p[0]], letters[p[1]], p[2])),
            p,
        ),
    )
    for i, j, _ in ranked:
        if not used & {i, j}:
            used |= {i, j}
            chosen.append((i, j))
    return structures.to_dot_bracket(
        structures.Structure(len(letters), np.array(chosen, np.int32).reshape(-1, 2))
    )


def classes(record: Record) -> list[str]:
    """Names each pair, such as "watson-crick:cWW"; the edges where known."""
    letters = record.sequence
    return [
        ":".join(filter(None, (pair_kinds.kind(letters[i], letters[j], edges), edges)))
        for i, j, edges in record.pairs
    ]


def write(path: pathlib.Path, records: Iterable[Record]) -> None:
    """Writes a table that `rna.formats` reads."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(COLUMNS.replace(" ", "\t") + "\n")
        for record in records:
            file.write("\t".join(_fields(record)) + "\n")


def _fields(record: Record) -> list[str]:
    said = {
        "resolution": f"{record.resolution:g}" if record.resolution else "",
        "dotbracket": dot_bracket(record),
        "pairs": record_tables.pairs_cell((i, j) for i, j, _ in record.pairs),
        "classes": ";".join(classes(record)),
        "missing": ";".join(str(position + 1) for position in record.missing),
        "gaps": ";".join(f"{position + 1}:{size}" for position, size in record.gaps),
        "modified": ";".join(f"{p + 1}:{name}" for p, name in record.modified),
    }
    return [
        said[name] if name in said else getattr(record, name)
        for name in COLUMNS.split()
    ]


def write_rows(
    path: pathlib.Path, columns: str, rows: Iterable[Sequence[object]]
) -> None:
    """Writes a table; columns separated by spaces."""
    with open(path, "w", encoding="utf-8") as file:
        for row in [columns.split(), *rows]:
            file.write("\t".join(map(str, row)) + "\n")


def write_atoms(
    folder: str | os.PathLike[str], records: Sequence[Record], room: int
) -> int:
    """Writes records with atoms as shards of at most `room` nucleotides, or one record.

    A shard holds id and sequence (R,), atoms_from (R + 1,), the first atom of each
    record and behind the last; of each atom residue, the position from 0, name and
    xyz in angstrom.

    Returns:
      The number of shards.
    """
    groups: list[list[Record]] = []
    used = room
    for record in records:
        if not groups or used + len(record.sequence) > room:
            groups.append([])
            used = 0
        groups[-1].append(record)
        used += len(record.sequence)
    for number, group in enumerate(groups):
        loaded = []
        for record in group:
            path, place = record.atoms
            with np.load(path) as held:
                loaded.append(
                    [held[f"{name}_{place}"] for name in ("residue", "name", "xyz")]
                )
        sizes = [len(residue_N) for residue_N, _, _ in loaded]
        np.savez_compressed(
            pathlib.Path(folder, f"atoms-{number:05d}.npz"),
            id=np.array([record.id for record in group]),
            sequence=np.array([record.sequence for record in group]),
            atoms_from=np.cumsum([0, *sizes]),
            residue=np.concatenate([residue_N for residue_N, _, _ in loaded]),
            name=np.concatenate([name_N for _, name_N, _ in loaded]),
            xyz=np.concatenate([xyz_N3 for _, _, xyz_N3 in loaded]),
        )
    return len(groups)
