"""Standard sets of known secondary structures, read as they are published.

A set is a table or another file that `rna.structure_formats` reads, or a directory of
such with one record each. What a set is said to hold is checked: a difference is told,
in the result and in the log. Of CASP16 the number alone is checked: all that is given
counts as scored.
"""

import dataclasses
import logging
import os
import pathlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ssrlm_jax.rna import alphabet, formats, structure_formats, structures

_log = logging.getLogger(__name__)


class Published(NamedTuple):
    """What is said of a set.

    Attributes:
      num_records: how many there are.
      source: where it is said.
      family: the family of a record from its name, for files that do not say it.
      num_families: or clusters; None: nothing is said.
      targets: beginnings of the names that are chosen; (): all.
      is_watson_crick: only pairs A-U and G-C are kept.
    """

    num_records: int
    source: str
    family: Callable[[str], str] = lambda name: ""
    num_families: int | None = None
    targets: tuple[str, ...] = ()
    is_watson_crick: bool = False


class BenchmarkSet(NamedTuple):
    """A set that was read.

    Attributes:
      name: a key of SETS.
      records: all with a structure, in the order of the table or of file names.
      notes: where it is not what is published, and what was left out, one line each.
    """

    name: str
    records: tuple[formats.Record, ...]
    notes: tuple[str, ...]


def _bprna_family(name: str) -> str:
    """Returns the database: CRW of bpRNA_CRW_15639."""
    words = name.split("_")
    return words[1] if words[0] == "bpRNA" and len(words) > 2 else ""


def _archive_family(name: str) -> str:
    """Returns what comes before the first '_': 5s of 5s_Acanthamoeba-1."""
    return name.partition("_")[0]


_SPOT_RNA = "Singh et al. 2019, Nature Communications 10:5407"
_ARCHIVE = "Sloma and Mathews 2016, RNA 22:1808; the release with 10 families"
_ATOM_1 = "Boyd et al. 2023, Atom-1, bioRxiv"
_CASP = "Das et al. 2023, Proteins 91(12): the natural RNAs of CASP15"
_CASP16 = "SSR-LM, appendix A.1.2, which lists 8 targets; section 4.1.1 says 9"
_NATURAL = ("R1107", "R1108", "R1116", "R1117", "R1149", "R1156")

SETS = {
    "bprna_TR0": Published(10_814, _SPOT_RNA, _bprna_family),
    "bprna_VL0": Published(1_300, _SPOT_RNA, _bprna_family),
    "bprna_TS0": Published(1_305, _SPOT_RNA, _bprna_family),
    "archiveII": Published(3_975, _ARCHIVE, _archive_family, num_families=10),
    "pdb_TR1": Published(120, _SPOT_RNA),
    "pdb_VL1": Published(30, _SPOT_RNA),
    "pdb_TS1": Published(67, _SPOT_RNA),
    "atom1": Published(1_435, _ATOM_1, is_watson_crick=True),
    "atom1_test": Published(113, _ATOM_1, num_families=57, is_watson_crick=True),
    "casp15": Published(len(_NATURAL), _CASP, targets=_NATURAL),
    "casp16": Published(8, _CASP16),
    "rna_puzzles": Published(29, "SSR-LM, the puzzles that it scores"),
}


def read(name: str, path: formats.Path) -> BenchmarkSet:
    """Reads a set.

    Args:
      name: a key of SETS.
      path: a file, or a directory of .st, .bpseq, .ct or .dbn files, packed or not.

    Returns:
      The set. Where another number of records, families or targets was found than is
      published, where names repeat, and where records, pairs or files were left out,
      `notes` says so, and the log warns.

    Raises:
      ValueError: an unknown name; a file or directory that cannot be read, or is
        malformed; a record without a structure, or with a letter that is not of RNA.
    """
    if name not in SETS:
        raise ValueError(f"there is no set {name!r}; known: {', '.join(SETS)}")
    published, notes = SETS[name], _unread(path)
    chosen = []
    num_other = num_dropped = 0
    for record in records(path):
        if published.targets and not record.name.startswith(published.targets):
            num_other += 1
            continue
        family = record.family or published.family(record.name)
        structure, num_pairs = _structure(record, published)
        num_dropped += num_pairs
        chosen.append(dataclasses.replace(record, structure=structure, family=family))
    if num_other:
        notes.append(f"{num_other:,} records of other targets left out")
    if num_dropped:
        notes.append(f"{num_dropped:,} pairs other than A-U and G-C left out")
    notes += _differences(chosen, published)
    for note in notes:
        _log.warning("%s: %s", name, note)
    return BenchmarkSet(name, tuple(chosen), tuple(notes))


def files(path: formats.Path) -> list[pathlib.Path]:
    """Returns the structure files of a directory, sorted; all of one format.

    Raises:
      ValueError: it cannot be read, or holds none, or those of several formats.
    """
    try:
        inside = sorted(pathlib.Path(path).iterdir())
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    chosen = [
        one
        for one in inside
        if structure_formats.suffix(one) in structure_formats.SUFFIXES
        and not one.name.startswith(".")
    ]
    suffixes = sorted({structure_formats.suffix(one) for one in chosen})
    if len(suffixes) != 1:
        raise ValueError(
            f"{path}: files of one format of "
            f"{', '.join(structure_formats.SUFFIXES)} are expected, "
            f"found {', '.join(suffixes) or 'none'}"
        )
    return chosen


def records(path: formats.Path) -> Iterator[formats.Record]:
    """Yields the records of a file or a directory of structure files.

    The one record of a file of a directory is named by the file: ArchiveII's CT
    files say more in their names than in their titles.

    Raises:
      ValueError: as `files` and the readers.
    """
    if not os.path.isdir(path):
        yield from structure_formats.read(path)
        return
    for one in files(path):
        found = list(structure_formats.read(one))
        if len(found) > 1:
            yield from found
            continue
        yield dataclasses.replace(found[0], name=formats.stem(one))


def _unread(path: formats.Path) -> list[str]:
    """Says how much of a directory is not read."""
    if not os.path.isdir(path):
        return []
    num_other = len(list(pathlib.Path(path).iterdir())) - len(files(path))
    return [f"{num_other:,} other entries of {path} not read"] if num_other else []


def _structure(
    record: formats.Record, published: Published
) -> tuple[structures.Structure, int]:
    """Returns the structure that is scored and how many pairs were dropped."""
    if record.structure is None:
        raise ValueError(f"{record.place}: a structure is expected, found none")
    try:
        token_L, _ = alphabet.encode(record.sequence)
    except ValueError as error:
        raise ValueError(f"{record.place}: {error}") from error
    if not published.is_watson_crick:
        return record.structure, 0
    pairs = record.structure.pairs
    letters = np.sort(token_L[pairs], axis=1)
    is_kept = (letters == [alphabet.A, alphabet.U]).all(axis=1)
    is_kept |= (letters == [alphabet.C, alphabet.G]).all(axis=1)
    kept = structures.Structure(record.structure.length, pairs[is_kept])
    return kept, len(pairs) - len(kept.pairs)


def _differences(records: list[formats.Record], published: Published) -> list[str]:
    """Says where a set is not what is published."""
    notes = []
    if len(records) != published.num_records:
        notes.append(
            f"{len(records):,} records found, {published.num_records:,} published "
            f"({published.source})"
        )
    repeated = [name for name, n in Counter(r.name for r in records).items() if n > 1]
    if repeated:
        notes.append(f"{len(repeated):,} names repeat, such as {repeated[0]!r}")
    missing = [
        target
        for target in published.targets
        if not any(record.name.startswith(target) for record in records)
    ]
    if missing:
        notes.append(f"no record of {', '.join(missing)}")
    if published.num_families is not None:
        num_found = len({record.family for record in records} - {""})
        if num_found != published.num_families:
            notes.append(
                f"{num_found} families found, {published.num_families} published "
                f"({published.source})"
            )
    return notes
