"""Structures of the ncRNA that has none: a program folds it, some records a task.

A record is folded whole, however packing cuts it; pairs that cross a cut are then
dropped. A record longer than `longest` is folded in windows of that length, or left
unfolded. Records that came with a structure keep it.
"""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ssrlm_jax import config, files
from ssrlm_jax.external import folding_programs, programs
from ssrlm_jax.prepare import executor
from ssrlm_jax.prepare.corpus import windows
from ssrlm_jax.rna import alphabet, structures

SKIPPED = "too long, left unfolded"
IN_WINDOWS = "folded in windows"
GAP = "left unfolded: a window of it has no A C G U"
_TAIL_SHARE = 0.125  # of a window, what the last one of a long record holds


_OPTIONS: dict[str, Callable[[config.FoldConfig], dict[str, object]]] = {
    "vienna": lambda its: {"method": its.method, "gamma": its.gamma},
    "contrafold": lambda its: {"gamma": its.gamma, "path": its.path},
    "eternafold": lambda its: {
        "gamma": its.gamma, "path": its.path, "parameters": its.parameters,
    },
    "linearfold": lambda its: {"beam": its.beam, "path": its.path},
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """Some records of one part.

    Attributes:
      windows: file of the part.
      records: numbers of those to fold, ascending.
      out: where structures go.
      settings: which program, and how.
    """

    windows: str
    records: tuple[int, ...]
    out: str
    settings: config.FoldConfig


def folder(settings: config.FoldConfig) -> folding_programs.Folder:
    """Returns the program that folds.

    Raises:
      ValueError, ImportError: it is missing; the message says how to get it.
    """
    return folding_programs.FOLDERS[settings.program](
        **_OPTIONS[settings.program](settings)
    )


def unfolded(keys_path: str, kept: np.ndarray) -> np.ndarray:
    """Returns number and nucleotides of the kept records that lack a structure.

    Args:
      keys_path: of a part.
      kept: dedupe.KEPT of the part, sorted by record.

    Returns:
      int64 (records, 2).
    """
    keys = np.load(keys_path)
    keys = keys[np.argsort(keys["record"])]
    keys = keys[kept["record"]]
    keys = keys[~keys["has_structure"]]
    return np.stack([keys["record"], keys["num_nucleotides"]], axis=1)


def grouped(records: np.ndarray, room: int) -> list[tuple[int, ...]]:
    """Groups records into tasks.

    Args:
      records: as `unfolded`.
      room: nucleotides of a task, about.
    """
    task = (np.cumsum(records[:, 1]) - 1) // room
    bounds = np.flatnonzero(np.diff(task, prepend=-1))
    return [tuple(some.tolist()) for some in np.split(records[:, 0], bounds)[1:]]


def fold(task: Task) -> executor.Counts:
    """Folds records and writes the partners of their windows.

    Returns:
      records: all that were asked for; folded: those with a structure now;
      changed: records or pairs by reason.
    """
    part = windows.load(task.windows)
    chosen = set(task.records)
    spans = [span for span in windows.spans(part) if span.record in chosen]
    text = alphabet.letters(part.token).decode()
    changed: collections.Counter[str] = collections.Counter()
    pieces: list[tuple[int, int]] = []
    folded: list[windows.Span] = []
    for span in spans:
        found = _pieces(span, part, task.settings, changed)
        pieces += found
        folded += [span] * bool(found)
    program = folder(task.settings)
    answers = program.fold([text[begin:end] for begin, end in pieces])
    partner = np.full(len(part.token), -1, np.int32)
    for (begin, _), answer in zip(pieces, answers, strict=True):
        own, _ = structures.partners(answer.structure)
        partner[begin : begin + len(own)] = np.where(own >= 0, own + begin, -1)
    index = [n for span in folded for n in range(*span.window)]
    kept = _in_windows(part, index, partner, changed)
    with files.whole(task.out) as beside, beside.open("wb") as file:
        np.save(file, np.array(index, np.int32))
        np.save(file, kept)
    return {
        "records": list(task.records),
        "folded": [span.record for span in folded],
        "changed": dict(changed),
    }


def _pieces(
    span: windows.Span,
    part: windows.Windows,
    settings: config.FoldConfig,
    changed: collections.Counter[str],
) -> list[tuple[int, int]]:
    """Returns what of a record is folded together: begin and end in the part."""
    begin, end = span.place
    names = part.names[slice(*span.window)]
    if len(names) > 1:
        bounds = [name.rpartition(":")[2].split("-") for name in names]
        if int(bounds[-1][1]) - int(bounds[0][0]) + 1 != end - begin:
            changed[GAP] += 1
            return []
    if end - begin <= settings.longest:
        return [(begin, end)]
    if settings.long_records == "skip":
        changed[SKIPPED] += 1
        return []
    changed[IN_WINDOWS] += 1
    tail = max(1, int(_TAIL_SHARE * settings.longest))
    bounds_N = windows.cuts(end - begin, settings.longest, tail) + begin
    return list(zip(bounds_N[:-1].tolist(), bounds_N[1:].tolist(), strict=True))


def _in_windows(
    part: windows.Windows,
    index: Sequence[int],
    partner: np.ndarray,
    changed: collections.Counter[str],
) -> np.ndarray:
    """Returns int16 partners of windows, one after the other, from places in the part.

    Pairs of nucleotides in different windows are dropped and counted.
    """
    end = np.cumsum(part.length, dtype=np.int64)
    found = [np.zeros(0, np.int16)]
    for n in index:
        first, last = int(end[n] - part.length[n]), int(end[n])
        own = partner[first:last]
        is_inside = (own >= first) & (own < last)
        changed["pairs that cross a cut"] += int((own >= last).sum())
        found.append(np.where(is_inside, own - first, -1).astype(np.int16))
    return np.concatenate(found)


def with_structures(part: windows.Windows, paths: Sequence[str]) -> windows.Windows:
    """Returns a part with the structures that `fold` wrote for some of its windows."""
    if not paths:
        return part
    partner = part.partner.copy()
    if not len(partner):
        partner = np.full(len(part.token), -1, np.int16)
    end = np.cumsum(part.length, dtype=np.int64)
    for path in paths:
        with open(path, "rb") as file:
            index, own = np.load(file), np.load(file)
        place = 0
        for n in index.tolist():
            size = int(part.length[n])
            partner[end[n] - size : end[n]] = own[place : place + size]
            place += size
    return dataclasses.replace(part, partner=partner)


def check(
    settings: config.CorpusConfig, files: Sequence[str], kinds: Mapping[str, str]
) -> dict[str, object]:
    """Returns how ncRNA is folded, for the manifest.

    Args:
      settings: which program, and how.
      files: of ncRNA.
      kinds: format of each file; FASTA holds no structures.

    Raises:
      ValueError: there is ncRNA to fold and the program is missing.
    """
    how = settings.fold
    is_needed = bool(files) and not settings.keep_structures
    is_needed |= any(kinds[path] == "fasta" for path in files)
    if how.program == "none" or not is_needed:
        return {"program": how.program}
    try:
        return {**dataclasses.asdict(how), **folder(how).describe()}
    except programs.ProgramError as error:
        raise ValueError(
            f"{error}; or leave ncRNA unfolded with --config.fold.program=none"
        ) from error
