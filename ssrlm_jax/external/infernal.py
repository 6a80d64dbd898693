"""Names the Rfam family of sequences by Infernal's cmscan.

The hit that counts is the one with the least E-value, so overlaps of families of one
clan need no rule of their own. Only the given strand is looked at.

Source: Nawrocki and Eddy 2013, Bioinformatics 29(22); the options as Rfam's own
annotation, Kalvari et al. 2018, Curr. Protoc. Bioinformatics 62(1).
"""

import os
import pathlib
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from ssrlm_jax.external import programs, sequences

PROGRAM = programs.Program(
    "cmscan",
    "SSRLM_CMSCAN",
    "conda install -c bioconda infernal, or apt install infernal",
)
MODELS = programs.DataFile(
    "Rfam.cm",
    "SSRLM_RFAM_CM",
    "https://ftp.ebi.ac.uk/pub/databases/Rfam/CURRENT/Rfam.cm.gz",
)

_PRESSED = (".i1f", ".i1i", ".i1m", ".i1p")  # what cmpress writes


class Hit(NamedTuple):
    """Where a sequence matches a family.

    Attributes:
      family: its name, such as "tRNA".
      accession: such as "RF00005"; "-" where the models have none.
      start: first letter of the match, from 0.
      stop: behind its last letter.
      score: bits; at least the family's gathering threshold.
      e_value: expected matches this good by chance.
    """

    family: str
    accession: str
    start: int
    stop: int
    score: float
    e_value: float


class Scanner(NamedTuple):
    """How cmscan is called.

    Attributes:
      models: file of covariance models with gathering thresholds, after cmpress; "":
        SSRLM_RFAM_CM.
      path: of cmscan; "": SSRLM_CMSCAN, then PATH.
      num_threads: of the program.
      folder: for temporary files; "": the system's.
      timeout: seconds; None: no limit.
    """

    models: str = ""
    path: str = ""
    num_threads: int = 1
    folder: str = ""
    timeout: float | None = None


def check(scanner: Scanner) -> None:
    """Checks that program and models are there.

    Raises:
      ProgramError: one is missing, or cmpress has not run.
    """
    programs.find(PROGRAM, scanner.path)
    _models(scanner)


def describe(scanner: Scanner) -> dict[str, object]:
    """Returns program, version and models, for manifests."""
    answer = programs.run([programs.find(PROGRAM, scanner.path), "-h"])
    words = [w for line in answer.stdout.splitlines()[1:2] for w in line.split()]
    models = _models(scanner)
    return {
        "program": "cmscan",
        "version": " ".join(words[1:3]),
        "models": os.path.basename(models),
        "models_sha256": programs.digest(models),
    }


def scan(given: Sequence[str], scanner: Scanner) -> list[Hit | None]:
    """Finds the family of each sequence.

    Args:
      given: letters as `rna.alphabet` reads them; an empty one has no family.
      scanner: how.

    Returns:
      One for each sequence, in their order: the hit with the least E-value, of equals
      the one with the greatest score; None where no family passes its threshold.

    Raises:
      ValueError: a letter that is not of RNA.
      ProgramError: as `check`; cmscan failed, or its table has another form.
    """
    command = [programs.find(PROGRAM, scanner.path)]
    command += ["--rfam", "--cut_ga", "--nohmmonly", "--toponly", "--noali"]
    workers = 0 if scanner.num_threads == 1 else scanner.num_threads
    command += ["--cpu", str(workers), "-o", os.devnull, "--tblout", "hits"]
    command += [_models(scanner), "in.fa"]
    if not any(given):
        return [None] * len(given)
    with tempfile.TemporaryDirectory(
        prefix="cmscan-", dir=scanner.folder or None
    ) as name:
        folder = pathlib.Path(name)
        sequences.write_fasta(folder / "in.fa", given)
        programs.run(command, folder=folder, timeout=scanner.timeout)
        try:
            lines = (folder / "hits").read_text().splitlines()
        except OSError as error:
            raise programs.ProgramError("cmscan: wrote no table of hits") from error
    return _best(lines, len(given))


def _best(lines: list[str], num_sequences: int) -> list[Hit | None]:
    hits: list[Hit | None] = [None] * num_sequences
    for line in lines:
        if line.startswith("#"):
            continue
        number, hit = _hit(line)
        best = hits[number]
        if best is None or (hit.e_value, -hit.score) < (best.e_value, -best.score):
            hits[number] = hit
    return hits


def _models(scanner: Scanner) -> str:
    """Returns the absolute path of the models, after cmpress."""
    path = programs.find_file(MODELS, scanner.models)
    missing = [end for end in _PRESSED if not os.path.exists(path + end)]
    if missing:
        raise programs.ProgramError(
            f"{path}: no {os.path.basename(path)}{missing[0]} beside it; "
            f"run `cmpress {path}` first"
        )
    return path


def _hit(line: str) -> tuple[int, Hit]:
    """Reads a line of the table (format 1): the query's number and the hit."""
    words = line.split(None, 17)
    try:
        family, accession, number = words[0], words[1], int(words[2])
        first, last = sorted((int(words[7]), int(words[8])))
        score, e_value = float(words[14]), float(words[15])
    except (ValueError, IndexError) as error:
        raise programs.ProgramError(
            f"cmscan: a table of hits is expected, found {line[:60]!r}"
        ) from error
    return number, Hit(family, accession, first - 1, last, score, e_value)
