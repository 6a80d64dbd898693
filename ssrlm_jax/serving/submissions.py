"""What a person hands in: checked before it is accepted, in words for that person."""

import pathlib
import tempfile
from typing import NamedTuple

from ssrlm_jax import config
from ssrlm_jax.infer import inputs
from ssrlm_jax.rna import constraint_formats, formats, reactivity_formats

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
    fasta: str, constraints: str, reactivities: str, limits: config.ServeConfig
) -> Checked:
    """Reads what was handed in.

    Args:
      fasta: or any other text that `ssrlm fold` reads.
      constraints: "" or what `--constraints` reads.
      reactivities: "" or what `--reactivities` reads.
      limits: of the server.

    Raises:
      ValueError: nothing of it can be folded, or the rest cannot be read; one line.
      TooLargeError: too many records, or one that is too long.
    """
    given = {INPUT: fasta, CONSTRAINTS: constraints, REACTIVITIES: reactivities}
    texts = {name: text for name, text in given.items() if text.strip()}
    if INPUT not in texts:
        raise ValueError("nothing to fold: paste FASTA, or letters A C G U")
    if not fasta.lstrip().startswith((">", ";", "#")) and len(fasta.split()) == 1:
        texts[INPUT] = f">{inputs.ARGUMENT_NAME}\n{fasta.strip()}\n"
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
        try:
            return _read(pathlib.Path(folder), texts, limits)
        except ValueError as error:
            told = str(error).replace(f"{folder}/", "")
            kind = TooLargeError if isinstance(error, TooLargeError) else ValueError
            raise kind(told) from error


def _read(
    folder: pathlib.Path, texts: dict[str, str], limits: config.ServeConfig
) -> Checked:
    problems, num_records = [], 0
    for one in inputs.records(str(folder / INPUT)):
        if isinstance(one, inputs.Problem):
            problems.append(str(one).replace(f"{folder}/", ""))
        elif isinstance(one, formats.Record):
            num_records += 1
            if len(one.sequence) > limits.max_length:
                raise TooLargeError(
                    f"{one.name} has {len(one.sequence):,} nucleotides; up to "
                    f"{limits.max_length:,} are accepted here"
                )
        if num_records + len(problems) > limits.max_records:
            raise TooLargeError(f"more than {limits.max_records:,} records in one job")
    if not num_records:
        raise ValueError(problems[0] if problems else "no records")
    if CONSTRAINTS in texts:
        constraint_formats.read(folder / CONSTRAINTS)
    if REACTIVITIES in texts:
        reactivity_formats.read(folder / REACTIVITIES)
    return Checked(texts, num_records, problems)
