"""Folds by CONTRAfold, and by EternaFold, which is CONTRAfold with other parameters.

The program takes one sequence per file and many files per call; it turns letters it
does not know into N without a word, so only A C G U N reach it.

Source: Do, Woods and Batzoglou 2006, Bioinformatics 22(14); Wayment-Steele et al.
2022, Nature Methods 19. Behaviour as recorded in tests/fixtures/tools.
"""

import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Sequence

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities, probability_formats

PROGRAM = programs.Program(
    "contrafold",
    "SSRLM_CONTRAFOLD",
    "build it from https://github.com/csfoo/contrafold-se",
)
PARAMETERS = programs.DataFile(
    "EternaFoldParams.v1",
    "SSRLM_ETERNAFOLD_PARAMS",
    "https://github.com/eternagame/EternaFold",
)
GAMMA = 6.0  # the program's default

_FILES = 2_000  # of one call; their names have to fit on a command line


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contrafold:
    """A folder; see `folding_programs.Folder`. No pseudoknots, canonical pairs only.

    Attributes:
      gamma: weight of pairs against unpaired letters; 0: 6.0.
      path: of the program; "": SSRLM_CONTRAFOLD, then PATH.
      parameters: file of parameters; "": those built into the program.
      timeout: seconds for one call of the program; None: no limit.

    Raises:
      ValueError: a setting out of its range.
      ProgramError: the program or the file of parameters is missing.
    """

    gamma: float = 0.0
    path: str = ""
    parameters: str = ""
    timeout: float | None = None

    def __post_init__(self) -> None:
        if self.gamma < 0:  # the program would then try several
            raise ValueError(f"gamma={self.gamma!r} is < 0")
        programs.find(PROGRAM, self.path)
        if self.parameters:
            programs.digest(self.parameters)

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`."""
        return folded.fold(
            "contrafold", sequences, self._predict, with_probabilities, least
        )

    def describe(self) -> dict[str, object]:
        """Returns program and settings; the program does not tell its version."""
        settings: dict[str, object] = {
            "program": "CONTRAfold",
            "program_sha256": programs.digest(programs.find(PROGRAM, self.path)),
            "gamma": self.gamma or GAMMA,
        }
        if self.parameters:
            settings["parameters"] = os.path.basename(self.parameters)
            settings["parameters_sha256"] = programs.digest(self.parameters)
        return settings

    def _predict(
        self, letters: list[str], least: float | None
    ) -> list[folded.Prediction]:
        predictions: list[folded.Prediction] = []
        for first in range(0, len(letters), _FILES):
            part = letters[first : first + _FILES]
            predictions += self._call(part, least)
        return predictions

    def _call(self, letters: list[str], least: float | None) -> list[folded.Prediction]:
        names = [f"{number}.fa" for number in range(len(letters))]
        command = [programs.find(PROGRAM, self.path), "predict", *names]
        command += ["--gamma", f"{self.gamma or GAMMA:g}", "--parens", "parens"]
        if least is not None:
            command += ["--posteriors", f"{least:g}", "posteriors"]
        if self.parameters:
            command += ["--params", os.path.abspath(self.parameters)]
        with tempfile.TemporaryDirectory(prefix="contrafold-") as folder:
            here = pathlib.Path(folder)
            for name, one in zip(names, letters, strict=True):
                (here / name).write_text(f">{name}\n{one}\n")
            programs.run(command, folder=here, timeout=self.timeout)
            predictions = []
            for number, one in enumerate(letters):
                dots = _structure(_written(here, "parens", number, len(letters)), one)
                pairs = None
                if least is not None:
                    lines = _written(here, "posteriors", number, len(letters))
                    pairs = _pairs(lines, one)
                predictions.append(folded.Prediction(dots, pairs))
            return predictions


def eternafold(
    *,
    gamma: float = 0.0,
    path: str = "",
    parameters: str = "",
    timeout: float | None = None,
) -> Contrafold:
    """Returns CONTRAfold with EternaFold's parameters.

    Args:
      gamma: as `Contrafold`.
      path: as `Contrafold`.
      parameters: the file EternaFoldParams.v1; "": SSRLM_ETERNAFOLD_PARAMS.
      timeout: as `Contrafold`.

    Raises:
      ProgramError: also where no file of parameters is named.
    """
    parameters = programs.find_file(PARAMETERS, parameters)
    return Contrafold(gamma=gamma, path=path, parameters=parameters, timeout=timeout)


def _written(folder: pathlib.Path, kind: str, number: int, total: int) -> list[str]:
    """Returns the lines of one sequence; alone, it has a file and no folder."""
    path = folder / kind if total == 1 else folder / kind / f"{number}.fa"
    try:
        return path.read_text().split("\n")
    except OSError as error:
        raise programs.ProgramError(
            f"contrafold: wrote no {kind} for sequence {number + 1} of {total}"
        ) from error


def _structure(lines: list[str], letters: str) -> str:
    """Reads `>name`, sequence, `>structure`, dot-bracket."""
    if lines[1:3] != [letters, ">structure"] or len(lines) < 4:
        raise programs.ProgramError(
            "contrafold: a name, the sequence, '>structure' and a structure are "
            f"expected, found {' '.join(lines)[:60]!r}"
        )
    return lines[3]


def _pairs(lines: list[str], letters: str) -> list[tuple[int, int, float]]:
    """Reads lines of `i letter j:p j:p ...`."""
    rows = [(number, line) for number, line in enumerate(lines, 1) if line]
    try:
        found, pairs = probability_formats.posteriors(rows)
    except ValueError as error:
        raise programs.ProgramError(f"contrafold: posteriors:{error}") from error
    if found != letters:
        raise programs.ProgramError(
            f"contrafold: probabilities of {found[:30]!r}, expected {letters[:30]!r}"
        )
    return pairs
