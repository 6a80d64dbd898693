"""Programs that read a FASTA file and print names, letters and dot-bracket.

mxfold2, SQUARNA, IPknot, RNAfold and others do. All sequences of a call are in one
file. What is printed has to have the letters that were given, in their order, and a
structure of their length behind each; rulers between them, and words behind the
structure (an energy), are not read. Instead of dot-bracket a program may print a list
of pairs, as eFold does: its dot-bracket has "(" for pairs that cross, too.
"""

import dataclasses
import pathlib
import re
import tempfile
from collections.abc import Sequence

import numpy as np

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import probabilities, structures

_FILE = "sequences.fa"
_PAIR = re.compile(r"\((?:np\.int64\()?(\d+)\)?, (?:np\.int64\()?(\d+)\)?\)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrintingProgram:
    """A folder; see `folding_programs.Folder`. No probabilities.

    Attributes:
      program: what is run.
      arguments: the file stands for {} in them, or behind them.
      asked_version: an argument that has it print its version; "": there is none.
      version: where it does not tell it; "": the digest of its file stands for it.
      path: of the program; "": its variable, then PATH.
      timeout: seconds for each sequence of a call; None: no limit.
      has_pairs: the structure is a list of pairs, counted from 1: [(1, 9), (2, 8)].
      unknown: the letter of a nucleotide that nobody knows, to this program.

    Raises:
      ProgramError: the program is missing.
    """

    program: programs.Program
    arguments: tuple[str, ...] = ()
    asked_version: str = ""
    version: str = ""
    path: str = ""
    timeout: float | None = None
    has_pairs: bool = False
    unknown: str = "N"

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
        elif self.version:
            told["version"] = self.version
        else:
            told["program_sha256"] = programs.digest(found)
        if self.arguments:
            told["arguments"] = list(self.arguments)
        if self.unknown != "N":
            told["unknown"] = self.unknown
        return told

    def _predict(
        self, letters: list[str], least: float | None
    ) -> list[folded.Prediction]:
        del least
        name = self.program.name
        letters = [one.replace("N", self.unknown) for one in letters]
        words = [one.replace("{}", _FILE) for one in self.arguments]
        named = [] if words != list(self.arguments) else [_FILE]
        command = [programs.find(self.program, self.path), *words, *named]
        limit = None if self.timeout is None else self.timeout * len(letters)
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            here = pathlib.Path(folder)
            entries = (f">{number}\n{one}\n" for number, one in enumerate(letters))
            (here / _FILE).write_text("".join(entries))
            answer = programs.run(command, folder=here, timeout=limit)
        lines = [
            words
            for words in map(str.split, answer.stdout.splitlines())
            if words and words[0].strip("_=")  # others are rulers
        ]
        pairs = iter(list(zip(lines, lines[1:], strict=False)))
        found = []
        for number, one in enumerate(letters, 1):
            wanted = _letters(one)
            said = (after for line, after in pairs if _letters(line[0]) == wanted)
            after = next(said, None)
            if after is None:
                raise programs.ProgramError(
                    f"{name}: sequence {number} of {len(letters)} and a line with its "
                    f"structure are expected, found {answer.stdout.strip()[-60:]!r}"
                )
            if self.has_pairs:
                structure = _of_pairs(" ".join(after), len(one))
                found.append(folded.Prediction("", None, structure))
            else:
                found.append(folded.Prediction(after[0], None))
        return found


def _letters(word: str) -> str:
    return word.upper().replace("T", "U")


def _of_pairs(text: str, length: int) -> structures.Structure:
    """Returns the structure of a list of pairs; a nucleotide may be in several.

    Raises:
      ProgramError: it is no list of pairs of the sequence.
    """
    found = [(int(i) - 1, int(j) - 1) for i, j in _PAIR.findall(text)]
    rest = _PAIR.sub("", text).replace(",", "").split()
    if "".join(rest) != "[]":
        raise programs.ProgramError(
            f"a list of pairs such as [(1, 9), (2, 8)] is expected, found {text[:40]!r}"
        )
    try:
        return structures.Structure(length, np.array(found, int).reshape(-1, 2))
    except ValueError as error:
        raise programs.ProgramError(str(error)) from error
