"""More than one answer of `ssrlm fold`: drawn structures, suboptimal ones, programs'.

They stand below the structure, one a line, each with what it is; in JSON as
`alternatives`.
"""

import argparse
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ssrlm_jax.external import evidence, folding_programs, sequences, vienna
from ssrlm_jax.infer import ensembles
from ssrlm_jax.rna import formats, strands, structures

if TYPE_CHECKING:
    from ssrlm_jax.infer import prediction

_MOST = 20  # groups of drawn structures, and suboptimal ones, that are shown
_FURTHEST = 10.0  # kcal/mol
_ALIASES = {"viennarna": "vienna", "rnafold": "vienna"}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of more than one answer to a command."""
    group = parser.add_argument_group("more than one answer")
    group.add_argument(
        "--samples",
        type=int,
        default=0,
        metavar="N",
        help="draw N structures from the model's probabilities, and from ViennaRNA's "
        "ensemble, and show groups of them with their shares",
    )
    group.add_argument(
        "--suboptimal",
        type=float,
        default=0.0,
        metavar="X",
        help="ViennaRNA's structures within X kcal/mol of the least free energy, "
        f"{_MOST} at most",
    )
    group.add_argument(
        "--compare",
        default="",
        metavar="PROGRAMS",
        help="show structures of programs, and where they differ; of "
        f"{','.join(folding_programs.FOLDERS)}",
    )


class Asked:
    """What was asked for besides the model's structure."""

    def __init__(self, parsed: argparse.Namespace) -> None:
        """Checks the flags, and that the programs are there.

        Raises:
          ValueError: a number out of its range, or an unknown program.
          ProgramError: a program is missing.
        """
        if parsed.samples < 0:
            raise ValueError(f"--samples={parsed.samples} is < 0")
        if not 0 <= parsed.suboptimal <= _FURTHEST:
            raise ValueError(
                f"--suboptimal={parsed.suboptimal:g} does not lie in 0..{_FURTHEST:g}"
            )
        self._samples, self._within = parsed.samples, parsed.suboptimal
        self._programs: dict[str, Callable[..., folding_programs.Folder]] = {}
        for given in filter(None, parsed.compare.split(",")):
            name = _ALIASES.get(given.strip().lower(), given.strip().lower())
            if name not in folding_programs.FOLDERS:
                raise ValueError(
                    f"--compare: {given!r} is not one of "
                    f"{', '.join(folding_programs.FOLDERS)}"
                )
            folding_programs.FOLDERS[name]()
            self._programs[name] = folding_programs.FOLDERS[name]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for."""
        return not (self._samples or self._within or self._programs)

    def of(
        self,
        record: formats.Record,
        predicted: "prediction.Prediction",
        known: evidence.Evidence | None,
    ) -> dict[str, Any]:
        """Returns what is told of one record, for `results`.

        ViennaRNA sees the same evidence as the model; other programs see none.

        Raises:
          ValueError: two strands, and what takes one was asked for.
          ProgramError: a program failed.
        """
        if self.is_empty:
            return {}
        if record.breaks:
            self._check_strands()
        letters = sequences.read(1, record.sequence)
        shown = [
            *self._drawn(letters, predicted, known),
            *self._suboptimal(letters, known),
            *self._compared(letters, record.breaks, predicted, known),
        ]
        return {
            "ensemble_distance": round(ensembles.spread(predicted.probabilities), 2),
            "alternatives": shown,
        }

    def _check_strands(self) -> None:
        """Raises a ValueError if what was asked for takes one strand only."""
        if self._samples or self._within:
            raise ValueError("two strands; --samples and --suboptimal take one")
        for name, build in self._programs.items():
            if not isinstance(build(), vienna.Vienna):
                raise ValueError(
                    f"two strands; --compare={name} takes one, ViennaRNA two"
                )

    def _drawn(
        self,
        letters: str,
        predicted: "prediction.Prediction",
        known: evidence.Evidence | None,
    ) -> Iterator[dict[str, Any]]:
        if not self._samples:
            return
        seed = zlib.crc32(letters.encode()) % 2**31 or 1  # same in, same out
        rng = np.random.default_rng(seed)
        from_model = ensembles.drawn(
            predicted.probabilities, letters, self._samples, rng
        )
        program = vienna.Vienna(evidence=known)
        from_vienna = [
            structures.from_dot_bracket(dots)
            for dots in program.sample(letters, self._samples, seed)
        ]
        for source, found in (("model", from_model), ("vienna", from_vienna)):
            for one in ensembles.groups(found)[:_MOST]:
                yield {
                    "kind": "sample",
                    "source": source,
                    "dot_bracket": structures.to_dot_bracket(one.structure),
                    "share": round(one.share, 3),
                }

    def _suboptimal(
        self, letters: str, known: evidence.Evidence | None
    ) -> Iterator[dict[str, Any]]:
        if not self._within:
            return
        program = vienna.Vienna(evidence=known)
        for one in program.suboptimal(letters, self._within, _MOST):
            yield {
                "kind": "suboptimal",
                "source": "vienna",
                "dot_bracket": one.dot_bracket,
                "energy": round(one.energy, 2),
            }

    def _compared(
        self,
        letters: str,
        breaks: tuple[int, ...],
        predicted: "prediction.Prediction",
        known: evidence.Evidence | None,
    ) -> Iterator[dict[str, Any]]:
        for name, build in self._programs.items():
            folder = build()
            if isinstance(folder, vienna.Vienna):
                folder = build(evidence=known)
            (found,) = folder.fold([strands.marked(letters, breaks)])
            differs_L = ensembles.differences(predicted.structure, found.structure)
            yield {
                "kind": "program",
                "source": name,
                "dot_bracket": strands.marked(
                    structures.to_dot_bracket(found.structure), breaks
                ),
                "differs": (np.flatnonzero(differs_L) + 1).tolist(),
            }


def lines(told: Mapping[str, Any]) -> str:
    """Returns alternatives as lines below a structure, "" where there are none."""
    found = []
    for one in told.get("alternatives", ()):
        dots, source = one["dot_bracket"], one["source"]
        if one["kind"] == "sample":
            found.append(f"{dots} {one['share']:.1%} of what {source} draws")
        elif one["kind"] == "suboptimal":
            found.append(f"{dots} {one['energy']:.2f} kcal/mol by {source}")
        else:
            differs, (letters, breaks) = set(one["differs"]), strands.split(dots)
            marks = "".join(
                "^" if n + 1 in differs else " " for n in range(len(letters))
            )
            marks = strands.marked(marks, breaks).replace(strands.MARK, " ")
            found += [f"{dots} {source}", f"{marks} {len(differs)} differ"]
    if found:
        found.append(f"ensemble distance {told['ensemble_distance']:.2f} pairs")
    return "".join(f"{line}\n" for line in found)
