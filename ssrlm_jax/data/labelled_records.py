"""Labelled RNA: read, and split into what trains, validates and tests.

A split is a pure function of the files, the settings and the seed. What is left out is
counted in the log; what cannot be used is an error that names the record.
"""

import dataclasses
import logging
from collections.abc import Sequence

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.rna import (
    alphabet,
    formats,
    record_tables,
    structure_formats,
    textfile,
)

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Split:
    """Labelled records by what they are for."""

    train: Sequence[formats.Record]
    validation: Sequence[formats.Record]
    test: Sequence[formats.Record]


def split(settings: config.LabelledConfig, seed: int) -> Split:
    """Reads and splits the records that the settings name.

    Records of another kind of letters are errors; records without a structure too.
    Of those that would train or validate, the empty ones and those longer than
    `max_length` are left out, and counted in the log; so are those that would train
    and equal a sequence of `leave_out`, and, of one `table`, those that would validate.
    Of records that train and validate the log warns.

    Raises:
      ValueError: files or families are missing, or a record cannot be used.
    """
    if settings.table:
        parts = split_by_family(settings, _read(settings.table), seed)
    else:
        for name in ("train", "validation"):
            if not getattr(settings, name):
                raise ValueError(
                    f"data.{name} is empty: name files of structures (tables with "
                    "the columns id, sequence and dotbracket, CT, BPSEQ), or data.table"
                )
        parts = Split(_read(settings.train), _read(settings.validation), ())
    short = {
        name: _short(getattr(parts, name), name, settings.max_length)
        for name in ("train", "validation")
    }
    parts = dataclasses.replace(parts, **short)
    if settings.leave_out:
        parts = _without(parts, settings)
    if not settings.table:  # which is split by family
        _tell_shared(parts)
    for name in ("train", "validation"):
        if not getattr(parts, name):
            why = " after data.leave_out" if settings.leave_out else ""
            raise ValueError(f"no record is left to {name} on{why}")
    return parts


def _read(files: str) -> list[formats.Record]:
    records = []
    for path in _paths(files):
        for record in structure_formats.read(path):
            if record.structure is None:
                why = record_tables.without_structure(record)
                raise ValueError(f"{record.place}: {why}")
            if record.breaks:
                several = "several strands, left out"
                _log.warning("%s: %s: %s", record.place, record.name, several)
                continue
            records.append(record)
    return records


def _short(
    records: Sequence[formats.Record], what: str, max_length: int
) -> list[formats.Record]:
    """Returns the records that are not empty nor too long; logs how many are."""
    kept = [one for one in records if 0 < len(one.sequence) <= max_length]
    if num_left_out := len(records) - len(kept):
        _log.info(
            "data.%s: %d are empty or longer than data.max_length=%d nt, and left out",
            what,
            num_left_out,
            max_length,
        )
    return kept


def _tell_shared(parts: Split) -> None:
    """Warns of records that train and validate: their scores flatter."""
    validating = set(map(letters_of, parts.validation))
    if num_shared := sum(letters_of(one) in validating for one in parts.train):
        _log.warning(
            "training: %d of %d records equal one of validation, whose scores they "
            "flatter; name the files of data.validation in data.leave_out, too",
            num_shared,
            len(parts.train),
        )


def _paths(files: str) -> list[str]:
    return [path for path in files.split(",") if path]


def letters_of(record: formats.Record) -> bytes:
    """Returns what two records share if they are equal: U is T, lower is upper case.

    Raises:
      ValueError: a letter that is not of RNA; the message names the record.
    """
    try:
        return alphabet.encode(record.sequence)[0].tobytes()
    except ValueError as error:
        raise ValueError(f"{record.place or record.name}: {error}") from error


def left_out(settings: config.LabelledConfig) -> set[bytes]:
    """Returns the letters of the records of `leave_out`, as `letters_of`."""
    files = _paths(settings.leave_out)
    return {
        letters_of(record) for path in files for record in structure_formats.read(path)
    }


def _without(parts: Split, settings: config.LabelledConfig) -> Split:
    """Returns the parts without what equals a record of `leave_out`; logs how many."""
    unwanted = left_out(settings)
    kept = {
        name: [one for one in getattr(parts, name) if letters_of(one) not in unwanted]
        for name in ("train", "validation")
    }
    num_train = len(parts.train) - len(kept["train"])
    num_validation = len(parts.validation) - len(kept["validation"])
    _log.info("training: %d records equal one of data.leave_out", num_train)
    if settings.table:
        _log.info("validation: %d do, and are left out, too", num_validation)
        return dataclasses.replace(parts, **kept)
    if num_validation:
        _log.warning(
            "validation: %d do; data.validation is used as it is given", num_validation
        )
    return dataclasses.replace(parts, train=kept["train"])


def split_by_family(
    settings: config.LabelledConfig, records: Sequence[formats.Record], seed: int
) -> Split:
    """Splits by family; see `config.LabelledConfig`.

    Raises:
      ValueError: there is no such family, or fewer families than folds.
    """
    families = _families(settings, records)
    names = sorted(set(families))
    if settings.held_out:
        if settings.held_out not in names:
            raise ValueError(
                f"data.held_out={settings.held_out!r} is not one of {names}"
            )
        both = list(zip(records, families, strict=True))
        test = [record for record, family in both if family == settings.held_out]
        rest = [record for record, family in both if family != settings.held_out]
        order = np.random.default_rng((seed, len(rest))).permutation(len(rest))
        num_validation = max(1, round(settings.validation_share * len(rest)))
        validation = [rest[n] for n in sorted(order[:num_validation])]
        return Split(
            [rest[n] for n in sorted(order[num_validation:])], validation, test
        )
    if not settings.num_folds:
        raise ValueError("data.table needs data.held_out or data.num_folds")
    if len(names) < settings.num_folds:
        raise ValueError(
            f"data.num_folds={settings.num_folds}: there are {len(names)} families only"
        )
    fold_of = folds(families, settings.num_folds, seed)
    parts: list[list[formats.Record]] = [[], [], []]
    for record, family in zip(records, families, strict=True):
        past = (fold_of[family] - settings.fold) % settings.num_folds
        parts[{0: 2, 1: 1}.get(past, 0)].append(record)
    return Split(*parts)


def _families(
    settings: config.LabelledConfig, records: Sequence[formats.Record]
) -> list[str]:
    """Returns the family of each record; a name without has its own."""
    if not settings.families:
        return [r.family or f"of {r.name} alone" for r in records]
    given = {}
    for number, line in textfile.lines(settings.families):
        fields = line.decode("utf-8", "replace").split("\t")
        if len(fields) < 2:
            raise ValueError(
                f"{settings.families}:{number}: 'id<TAB>family' expected, "
                f"found {fields[0][:40]!r}"
            )
        given[fields[0]] = fields[1]
    unknown = [record for record in records if record.name not in given]
    if records and len(unknown) == len(records):
        raise ValueError(
            f"data.families={settings.families!r} has no record of the table, such as "
            f"{unknown[0].name!r}"
        )
    if unknown:
        _log.warning(
            "%s: %d records of the table are not in it, each a family of its own",
            settings.families,
            len(unknown),
        )
    return [given.get(r.name) or f"of {r.name} alone" for r in records]


def folds(families: Sequence[str], num_folds: int, seed: int) -> dict[str, int]:
    """Deals whole families to folds of nearly equal numbers of records.

    Args:
      families: of each record.
      num_folds: at least 1.
      seed: decides among families of equal size.

    Returns:
      The fold of each family, 0..num_folds-1: the largest family first, each to the
      fold with the fewest records.
    """
    names, counts = np.unique(np.array(families), return_counts=True)
    rank = np.random.default_rng(seed).permutation(len(names))
    sizes = np.zeros(num_folds, np.int64)
    fold_of = {}
    for number in np.lexsort((rank, -counts)):
        fold = int(np.argmin(sizes))
        fold_of[str(names[number])] = fold
        sizes[fold] += counts[number]
    return fold_of
