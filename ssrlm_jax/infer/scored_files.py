"""Files that are scored: known structures, and what programs predict of them.

Nothing is dropped silently: what cannot be read is listed, and so is what was read in
another way than it stands there.
"""

import logging
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ssrlm_jax.rna import (
    alphabet,
    formats,
    packings,
    probabilities,
    probability_formats,
    record_tables,
    structure_formats,
    structure_tables,
    structures,
    textfile,
)

_log = logging.getLogger(__name__)

IGNORED = (".png", ".svg")  # pictures of `ssrlm fold`, beside its structures
READABLE = (
    f"{structure_formats.READABLE.removeprefix('FASTA, ')}, and probabilities of pairs "
    f"(.prob, ViennaRNA's .ps, lists and matrices, .npy, .npz)"
)

_ENDS = ("_dp", "_ss", "_bpp", "_prob")  # of names of files, behind that of the RNA


class Found(NamedTuple):
    """A predicted structure, its probabilities, or both.

    Attributes:
      name: of the RNA; "" where the file does not say it.
      sequence: letters as in the file; "" where it has none.
      place: file, and line where there are several records.
      structure: None where the file holds probabilities only.
      listed: None where it holds a structure only.
      breaks: as of `formats.Record`.
      length: nucleotides, where there is no sequence; 0: unknown.
      file_names: what the file's name says, for files that say nothing.
      is_padded: as of `probability_arrays.Listed`.
    """

    name: str
    sequence: str
    place: str
    structure: structures.Structure | None = None
    listed: probabilities.PairProbabilities | None = None
    breaks: tuple[int, ...] = ()
    length: int = 0
    file_names: tuple[str, ...] = ()
    is_padded: bool = False


class Collected(NamedTuple):
    """Predictions of files.

    Attributes:
      found: what could be read.
      unread: files and records that cannot be read, and why.
      notes: what else is to be told, a line each.
    """

    found: list[Found]
    unread: list[str]
    notes: list[str]


class Truth(NamedTuple):
    """Known structures.

    Attributes:
      records: all with a structure.
      left_out: records that cannot be read, and why.
      notes: what else is to be told, a line each.
    """

    records: list[formats.Record]
    left_out: list[str]
    notes: list[str]

    def problems(self) -> dict[str, list[str]]:
        """Returns what could not be read, by what it is, as `Matched.problems`."""
        return {"left out of the known": self.left_out} if self.left_out else {}


def read_known(path: str, max_length: int = 0) -> Truth:
    """Reads known structures; of several of a sequence the first.

    Args:
      path: of a file.
      max_length: nucleotides; longer RNA is left out, and counted in the log; 0: none.

    Raises:
      ValueError: the file cannot be read, or no record of it.
    """
    records: list[formats.Record] = []
    left_out: list[str] = []
    notes: list[str] = []
    letters = _Letters(path)
    for one in formats.first_of_each(structure_formats.each(path)):
        if isinstance(one, formats.Note):
            (left_out if one.is_record else notes).append(one.text)
        elif problem := _problem(one, letters):
            left_out.append(f"{one.place or path}: {problem}")
        else:
            records.append(one)
    if not records:
        raise ValueError(next(iter(left_out + notes), f"{path}: there is no record"))
    notes += letters.notes()
    longest = max_length or max(len(record.sequence) for record in records)
    kept = [record for record in records if len(record.sequence) <= longest]
    if num_long := len(records) - len(kept):
        notes.append(f"{path}: {num_long} RNAs are longer than {longest} nt")
    return Truth(kept, left_out, notes)


def read_truth(path: str, max_length: int = 0) -> list[formats.Record]:
    """Reads known structures as `read_known`; the log has what is told of them."""
    truth = read_known(path, max_length)
    for text in truth.notes:
        _log.info("%s", text)
    for text in truth.left_out:
        _log.warning("left out: %s", text)
    return truth.records


def check_lengths(records: Iterable[formats.Record], most: int | None) -> None:
    """Raises a ValueError if a record is too long for a model; None: none is."""
    longest = max(records, key=lambda record: len(record.sequence))
    if most is not None and len(longest.sequence) > most:
        raise ValueError(
            f"{longest.place or longest.name}: {len(longest.sequence):,} nucleotides, "
            f"the model takes up to {most:,}; set config.max_length={most}"
        )


def check_strands(records: Iterable[formats.Record], who: str) -> None:
    """Raises a ValueError if a record is of several strands, which `who` reads not."""
    for record in records:
        if record.breaks:
            raise ValueError(
                f"{record.place or record.name}: {record.name} is of "
                f"{len(record.breaks) + 1} strands, which {who} takes no RNA of; "
                "files of predictions are scored"
            )


def read_predictions(given: pathlib.Path) -> Collected:
    """Reads a file, a pipe, or all files within a folder but hidden ones and IGNORED.

    Raises:
      ValueError: there is no such file or folder, or it has no file.
    """
    if not given.exists() and str(given) != textfile.STANDARD_INPUT:
        raise ValueError(f"{given} is no directory of predictions, nor a file")
    paths: list[formats.Path]
    if given.is_dir():
        inside = packings.files_in(given)
        paths = [path for path in inside if path.suffix not in IGNORED]
    else:
        paths = [textfile.again(given)]
    if not paths:
        raise ValueError(f"{given} has no files; {READABLE} are read")
    collected = Collected([], [], [])
    letters = _Letters(str(given))
    for path in paths:
        try:
            for one in _read(path, letters):
                if isinstance(one, Found):
                    collected.found.append(one)
                else:
                    listed = collected.unread if one.is_record else collected.notes
                    listed.append(one.text)
        except (ValueError, OSError) as error:
            collected.unread.append(str(error))
    collected.notes.extend(letters.notes())
    return collected


class _Letters:
    """Counts letters that are read as others."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._some: list[alphabet.Changed] = []

    def add(self, sequence: str) -> None:
        """Counts those of a sequence; errors as `alphabet.encode`."""
        self._some.append(alphabet.encode(sequence)[1])

    def notes(self) -> list[str]:
        """Returns a line if there are any."""
        counts = alphabet.total(self._some)
        told = (
            (counts.codes, "IUPAC codes as N"),
            (counts.modified, "modified nucleotides as their parents, inosine as N"),
            (counts.unknown, "letters that are none of RNA as N"),
        )
        parts = [f"{number:,} {what}" for number, what in told if number]
        return [f"{self._where}: read {', '.join(parts)}"] if parts else []


def _problem(record: formats.Record, letters: _Letters) -> str:
    """Returns why a record cannot be scored, else ""."""
    if record.structure is None:
        return record_tables.without_structure(record)
    try:
        letters.add(record.sequence)
    except ValueError as error:
        return f"{record.name}: {error}"
    return ""


def _read(path: formats.Path, letters: _Letters) -> Iterator[Found | formats.Note]:
    listed = probability_formats.each(path)
    if listed is not None:
        for one in listed:
            letters.add(one.sequence)
            yield Found(
                *(one.name, one.sequence, one.place),
                listed=one.listed,
                breaks=one.breaks,
                length=one.length,
                file_names=_file_names(path),
                is_padded=one.is_padded,
            )
        return
    named = structure_tables.each(path)
    if named is None and structure_formats.kind(path) == "fasta":
        raise ValueError(f"{path}: sequences without structures; {READABLE} are read")
    for record in structure_formats.each(path) if named is None else named:
        if isinstance(record, formats.Note):
            yield record
        elif problem := _problem(record, letters):
            yield formats.Note(f"{record.place or path}: {problem}")
        else:
            yield Found(
                name=record.name,
                sequence=record.sequence if named is None else "",
                place=record.place or str(path),
                structure=record.structure,
                breaks=record.breaks,
                length=len(record.sequence),
            )


def _file_names(path: formats.Path) -> tuple[str, ...]:
    """Returns what an RNA may be called by the name of its file, likely ones first."""
    names, name = [], formats.stem(path)
    while name:
        names.append(name)
        names += [name.removesuffix(end) for end in _ENDS if name.endswith(end)]
        shorter = pathlib.PurePath(name).stem
        name = shorter if shorter != name else ""
    return tuple(names)
