"""Programs that read a FASTA file and print names, letters and dot-bracket.

mxfold2, IPknot, RNAfold and others do. One sequence a call, so that one it fails on
costs no other. What is printed has to have the letters that were given, and a structure
of their length behind them; words behind the structure (an energy) are not read.
"""

import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities

_FILE = "sequence.fa"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrintingProgram:
    """A folder; see `folding_programs.Folder`. No probabilities.

    Attributes:
      program: what is run.
      arguments: before the file.
      asked_version: an argument that has it print its version; "": none, and the
        digest of its file stands for it.
      path: of the program; "": its variable, then PATH.
      timeout: seconds for one sequence; None: no limit.

    Raises:
      ProgramError: the program is missing.
    """

    program: programs.Program
    arguments: tuple[str, ...] = ()
    asked_version: str = ""
    path: str = ""
    timeout: float | None = None

    def __post_init__(self) -> None:
        programs.find(self.program, self.path)

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`.

        Raises:
          ValueError: also where probabilities are asked for.
        """
        del least
        name = self.program.name
        if with_probabilities:
            raise ValueError(f"{name} gives no pair probabilities")
        return folded.fold(name, sequences, self._predict, False)

    def describe(self) -> dict[str, object]:
        """Returns program, version and arguments, for manifests.

        Raises:
          ProgramError: it does not tell its version.
        """
        found = programs.find(self.program, self.path)
        told: dict[str, object] = {"program": self.program.name}
        if self.asked_version:
            answer = programs.run([found, self.asked_version], timeout=self.timeout)
            told["version"] = (answer.stdout.strip() or answer.stderr.strip())[:80]
        else:
            told["program_sha256"] = programs.digest(found)
        if self.arguments:
            told["arguments"] = list(self.arguments)
        return told

    def _predict(
        self, letters: list[str], least: float | None
    ) -> list[folded.Prediction]:
        del least
        return [self._predict_one(one) for one in letters]

    def _predict_one(self, letters: str) -> folded.Prediction:
        name = self.program.name
        command = [programs.find(self.program, self.path), *self.arguments, _FILE]
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            here = pathlib.Path(folder)
            (here / _FILE).write_text(f">sequence\n{letters}\n")
            answer = programs.run(command, folder=here, timeout=self.timeout)
        lines = [line.split() for line in answer.stdout.splitlines() if line.strip()]
        given = letters.replace("T", "U")
        for words, after in zip(lines, lines[1:], strict=False):
            if words[0].upper().replace("T", "U") == given:
                return folded.Prediction(after[0], None)
        raise programs.ProgramError(
            f"{name}: the sequence and a line with its structure are expected, found "
            f"{answer.stdout.strip()[-60:]!r}"
        )
