"""Folds by LinearFold: linear time, for long sequences; no probabilities.

It reads one sequence a line from standard input. Builds differ in their exit status
(1 with right structures; 0 with none, as the wrapper script does not look), so the
answer counts: every sequence with its structure, and nothing else.

Source: Huang et al. 2019, Bioinformatics 35(14). Behaviour as recorded in
tests/fixtures/tools.
"""

import dataclasses
import os
from collections.abc import Sequence

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities

PROGRAM = programs.Program(
    "linearfold",
    "SSRLM_LINEARFOLD",
    "build it from https://github.com/LinearFold/LinearFold",
)
MODELS = ("C", "V")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Linearfold:
    """A folder; see `folding_programs.Folder`. No pseudoknots.

    Attributes:
      beam: states kept at each position; 0: all of them.
      model: "C" CONTRAfold's parameters, "V" ViennaRNA's.
      path: of the script linearfold, or of linearfold_c or linearfold_v below bin;
        "": SSRLM_LINEARFOLD, then PATH.
      timeout: seconds for one call of the program; None: no limit.

    Raises:
      ValueError: a setting out of its range.
      ProgramError: the program is missing, or is of the other model.
    """

    beam: int = 100
    model: str = "C"
    path: str = ""
    timeout: float | None = None

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"model={self.model!r} is not one of {MODELS}")
        if self.beam < 0:
            raise ValueError(f"beam={self.beam!r} is < 0")
        self._command()

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
        if with_probabilities:
            raise ValueError(
                "linearfold gives no pair probabilities; vienna, contrafold and "
                "eternafold do"
            )
        return folded.fold("linearfold", sequences, self._predict, False)

    def describe(self) -> dict[str, object]:
        """Returns program and settings; the program does not tell its version."""
        return {
            "program": f"LinearFold-{self.model}",
            "program_sha256": programs.digest(self._command()[0]),
            "beam": self.beam,
        }

    def _command(self) -> list[str]:
        path = programs.find(PROGRAM, self.path)
        name = os.path.basename(path).lower()
        if not name.startswith("linearfold_"):
            is_vienna = ["-V"] if self.model == "V" else []
            return [path, "-b", str(self.beam), *is_vienna]
        if name != f"linearfold_{self.model.lower()}":
            raise programs.ProgramError(
                f"linearfold: {name} does not fit model={self.model!r}"
            )
        # sharp turns, verbose, eval, constraints, suboptimal, delta, shape, fasta,
        # dangles: as the script passes them
        zeros = ["0"] * 5
        return [path, str(self.beam), *zeros, "5.0", "", "0", "2"]

    def _predict(self, letters: list[str], _: float | None) -> list[folded.Prediction]:
        answer = programs.run(
            self._command(),
            text="".join(f"{one}\n" for one in letters),
            timeout=self.timeout,
            accepted=(0, 1),
        )
        lines = answer.stdout.splitlines()
        predictions = []
        for number, one in enumerate(letters):
            words = " ".join(lines[2 * number + 1 : 2 * number + 2]).split()
            if lines[2 * number : 2 * number + 1] != [one] or not words:
                raise programs.ProgramError(
                    f"linearfold: no structure for sequence {number + 1} of "
                    f"{len(letters)}; {programs.failure(answer)}"
                )
            predictions.append(folded.Prediction(words[0], None))
        if len(lines) > 2 * len(letters):
            raise programs.ProgramError(
                f"linearfold: more lines than sequences: {lines[2 * len(letters)]!r}"
            )
        return predictions
