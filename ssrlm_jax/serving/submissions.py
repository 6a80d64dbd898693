"""What a person hands in: checked before it is accepted, in words for that person."""

import pathlib
import tempfile
from typing import NamedTuple

from ssrlm_jax import config
from ssrlm_jax.infer import given_evidence, inputs
from ssrlm_jax.rna import (
    constraint_formats,
    formats,
    reactivities,
    reactivity_formats,
)

INPUT, CONSTRAINTS, REACTIVITIES = "input.fa", "constraints.txt", "reactivities.txt"


class TooLargeError(ValueError):
    """More than the server accepts."""


class Checked(NamedTuple):
    """What can be folded.

    Attributes:
      texts: by the name of the file that they become.
      num_records: that can be folded.
      problems: one line for each record that cannot.
    """

    texts: dict[str, str]
    num_records: int
    problems: list[str]


def checked(
    fasta: str,
    constraints: str,
    profiles: str,
    limits: config.ServeConfig,
    max_span: int = 0,
) -> Checked:
    """Reads what was handed in.

    Args:
      fasta: or any other text that `ssrlm fold` reads.
      constraints: "" or what `--constraints` reads.
      profiles: "" or what `--reactivities` reads.
      limits: of the server.
      max_span: nucleotides from one end of a pair to the other; 0: any.

    Raises:
      ValueError: nothing of it can be folded, or the rest cannot be read or does not
        fit its RNA; one line.
      TooLargeError: too many records, or one that is too long.
    """
    given = {INPUT: fasta, CONSTRAINTS: constraints, REACTIVITIES: profiles}
    texts = {name: text for name, text in given.items() if text.strip()}
    if INPUT not in texts:
        raise ValueError("nothing to fold: paste FASTA, or letters A C G U")
    if not fasta.lstrip().startswith((">", ";", "#")) and len(fasta.split()) == 1:
        texts[INPUT] = f">{inputs.ARGUMENT_NAME}\n{fasta.strip()}\n"
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
        try:
            return _read(pathlib.Path(folder), texts, limits, max_span)
        except ValueError as error:
            told = str(error).replace(f"{folder}/", "")
            kind = TooLargeError if isinstance(error, TooLargeError) else ValueError
            raise kind(told) from error


def _read(
    folder: pathlib.Path,
    texts: dict[str, str],
    limits: config.ServeConfig,
    max_span: int,
) -> Checked:
    problems: list[str] = []
    records: list[formats.Record] = []
    for one in inputs.records(str(folder / INPUT)):
        if isinstance(one, inputs.Problem):
            problems.append(str(one).replace(f"{folder}/", ""))
        elif isinstance(one, formats.Record):
            records.append(one)
            if len(one.sequence) > limits.max_length:
                raise TooLargeError(
                    f"{one.name} has {len(one.sequence):,} nucleotides; up to "
                    f"{limits.max_length:,} are accepted here"
                )
        if len(records) + len(problems) > limits.max_records:
            raise TooLargeError(f"more than {limits.max_records:,} records in one job")
    if not records:
        raise ValueError(problems[0] if problems else "no records")
    _check_evidence(folder, texts, records, max_span)
    return Checked(texts, len(records), problems)


def _check_evidence(
    folder: pathlib.Path,
    texts: dict[str, str],
    records: list[formats.Record],
    max_span: int,
) -> None:
    """Raises a ValueError unless all evidence is of a record, and fits it."""
    profiles: list[reactivities.Profile] = []
    blocks: list[constraint_formats.Block] = []
    if CONSTRAINTS in texts:
        blocks = constraint_formats.read(folder / CONSTRAINTS)
    if REACTIVITIES in texts:
        profiles = reactivity_formats.read(folder / REACTIVITIES)
    given = given_evidence.GivenEvidence(profiles, blocks)
    for record in records:
        try:
            given.check(record, max_span)
        except ValueError as error:
            raise ValueError(f"{record.place}: {record.name}: {error}") from error
    if unused := given.unused():
        raise ValueError(unused[0])
