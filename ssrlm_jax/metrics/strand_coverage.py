"""What of each strand of a known structure a prediction has, and what differs."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ssrlm_jax.metrics import assembly, coordinate_scores, report3d

COLUMNS = (
    *("chain", "model_chain", "matched_by", "length", "seen", "covered", "coverage"),
    *("lddt", "missing", "differs"),
)


class Row(NamedTuple):
    """What is said of a strand.

    Attributes:
      chain: of the known structure.
      model_chain: of the prediction; several where the strand is in pieces there.
      matched_by: of `matching.WAYS`.
      length: nucleotides.
      num_seen: those that have atoms.
      num_covered: those of them that the prediction has.
      lddt: of all atoms, within the strand; nan where it has no contact.
      missing: nucleotides that were seen and that the prediction lacks, by number.
      differs: those whose letter is another there, such as "G5A".
    """

    chain: str
    model_chain: str
    matched_by: str
    length: int
    num_seen: int
    num_covered: int
    lddt: float
    missing: str
    differs: str

    def cells(self) -> list[object]:
        """Returns the values of COLUMNS."""
        coverage = self.num_covered / self.num_seen if self.num_seen else np.nan
        shares = (coverage, self.lddt)
        texts = ["" if np.isnan(value) else f"{value:.4f}" for value in shares]
        return [*self[:6], *texts, self.missing, self.differs]


def rows(
    known: assembly.Assembly, predicted: assembly.Assembly, laid: assembly.Laid
) -> tuple[Row, ...]:
    """Says of each known strand what a prediction has of it."""
    moved = report3d.along(predicted.model, known.model, laid.at_L)
    found = []
    for index, (one, start) in enumerate(zip(known.strands, known.starts, strict=True)):
        part = slice(start, start + len(one.letters))
        is_seen_L = known.model.is_atom_LT[part].any(1)
        is_covered_L = is_seen_L & moved.is_atom_LT[part].any(1)
        at_L = laid.at_L[part]
        letters = [predicted.model.letters[at] if at >= 0 else "" for at in at_L]
        names = [number or f"({n + 1})" for n, number in enumerate(one.numbers)]
        differs = [
            f"{mine}{name}{theirs}"
            for mine, name, theirs in zip(one.letters, names, letters, strict=True)
            if theirs not in ("", mine)
        ]
        ours = [(m, way) for n, m, way in laid.pairs if n == index]
        lddt = coordinate_scores.lddt_all_atom(
            moved.xyz_LT3[part],
            moved.is_atom_LT[part],
            known.model.xyz_LT3[part],
            known.model.is_atom_LT[part],
        )
        lacking_N = np.flatnonzero(is_seen_L & ~is_covered_L)
        found.append(
            Row(
                one.name,
                "+".join(predicted.strands[m].name for m, _ in ours),
                "+".join(dict.fromkeys(way for _, way in ours)),
                len(one.letters),
                int(is_seen_L.sum()),
                int(is_covered_L.sum()),
                lddt.score,
                _ranges(names, lacking_N.tolist()),
                " ".join(differs),
            )
        )
    return tuple(found)


def note(found: Iterable[Row]) -> str:
    """Says in words what a prediction lacks; "" where it lacks nothing."""
    said = []
    for one in found:
        if one.num_covered < one.num_seen:
            what = f"{one.num_covered} of {one.num_seen} nucleotides"
            said.append(f"chain {one.chain}: {what}, without {one.missing}")
        if one.differs:
            said.append(f"chain {one.chain}: other letters, {one.differs}")
    return "; ".join(said)


def _ranges(names: Sequence[str], indices: Sequence[int]) -> str:
    """Returns names of positions, runs of them as first-last."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return " ".join(
        names[run[0]] + (f"-{names[run[-1]]}" if len(run) > 1 else "") for run in runs
    )
