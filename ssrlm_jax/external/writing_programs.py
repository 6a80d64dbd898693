"""Programs that read a FASTA file and write a file of pairs for each sequence.

RNAstructure (CT) and SPOT-RNA (BPSEQ, and `.prob` with probabilities) do. Sequences are
called by numbers, and so are the files that are read: `0.ct`, `0.bpseq`, `0.prob`.
"""

import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence

from ssrlm_jax.external import folded, programs
from ssrlm_jax.rna import (
    probabilities,
    probability_formats,
    structure_formats,
    structures,
)

_FILE, _OUT = "sequences.fa", "out"


@dataclasses.dataclass(frozen=True, kw_only=True)
class WritingProgram:
    """A folder; see `folding_programs.Folder`.

    Attributes:
      program: what is run.
      arguments: {fasta} is the file of sequences, {out} the folder for results.
      suffix: of files with structures, ".ct" or ".bpseq".
      has_probabilities: whether it writes `.prob` beside them.
      is_for_one: it reads one sequence a call.
      version: where it is known; "": the digest of the program's file stands for it.
      path: of the program; "": its variable, then PATH.
      timeout: seconds for each sequence of a call; None: no limit.

    Raises:
      ProgramError: the program is missing.
    """

    program: programs.Program
    arguments: tuple[str, ...]
    suffix: str
    has_probabilities: bool = False
    is_for_one: bool = False
    version: str = ""
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
          ValueError: also where probabilities are asked for and it gives none.
        """
        name = self.program.name
        if with_probabilities and not self.has_probabilities:
            raise ValueError(f"{name} gives no pair probabilities")
        return folded.fold(name, sequences, self._predict, with_probabilities, least)

    def describe(self) -> dict[str, object]:
        """Returns program, version and arguments, for manifests."""
        told: dict[str, object] = {"program": self.program.name}
        if self.version:
            told["version"] = self.version
        else:
            found = programs.find(self.program, self.path)
            told["program_sha256"] = programs.digest(found)
        return told | {"arguments": list(self.arguments)}

    def _predict(
        self, letters: list[str], least: float | None
    ) -> list[folded.Prediction]:
        if not self.is_for_one:
            return self._call(letters, least)
        return [self._call([one], least)[0] for one in letters]

    def _call(self, letters: list[str], least: float | None) -> list[folded.Prediction]:
        limit = None if self.timeout is None else self.timeout * len(letters)
        with tempfile.TemporaryDirectory(prefix=f"{self.program.name}-") as folder:
            here = pathlib.Path(folder)
            entries = (f">{number}\n{one}\n" for number, one in enumerate(letters))
            (here / _FILE).write_text("".join(entries))
            (here / _OUT).mkdir()
            words = [
                one.replace("{fasta}", _FILE).replace("{out}", _OUT)
                for one in self.arguments
            ]
            command = [programs.find(self.program, self.path), *words]
            programs.run(command, folder=here, timeout=limit)
            return [
                self._read(here / _OUT / str(number), one, least)
                for number, one in enumerate(letters)
            ]

    def _read(
        self, place: pathlib.Path, letters: str, least: float | None
    ) -> folded.Prediction:
        """Reads the files of one sequence."""
        path = place.with_name(place.name + self.suffix)
        name = self.program.name
        if not path.exists():
            raise programs.ProgramError(f"{name}: wrote no {path.name}")
        try:
            record = next(structure_formats.read(path))
            pairs = None
            if least is not None:
                pairs = _pairs(place.with_name(f"{place.name}.prob"))
        except (ValueError, StopIteration, OSError) as error:
            told = str(error).removeprefix(str(path.parent)).lstrip("/")
            raise programs.ProgramError(f"{name}: {told}") from error
        if record.structure is None or len(record.sequence) != len(letters):
            raise programs.ProgramError(
                f"{name}: {path.name} has {len(record.sequence)} nucleotides, the "
                f"sequence {len(letters)}"
            )
        dots = structures.to_dot_bracket(structures.without_triples(record.structure))
        return folded.Prediction(dots, pairs)


def _pairs(path: pathlib.Path) -> list[tuple[int, int, float]]:
    """Returns the pairs of a file, from 1.

    Raises:
      ValueError: it is not there, or holds no probabilities.
    """
    if not path.exists():
        raise ValueError(f"wrote no {path.name}")
    found = probability_formats.each(path)
    if found is None:
        raise ValueError(f"{path.name} holds no probabilities")
    listed = next(found).listed
    rows = zip(listed.i, listed.j, listed.probability, strict=True)
    return [(int(i) + 1, int(j) + 1, float(p)) for i, j, p in rows]
