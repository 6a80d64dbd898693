"""Where nucleotides that were seen stand in the sequence that the file gives.

SEQRES, entity_poly_seq and one-letter codes hold what was not seen, too.
"""

import re
from collections.abc import Sequence

import gemmi

from ssrlm_jax.rna import atom_records, residues

_MOST_WRONG = 0.2  # of letters that differ from the file's sequence
_CIGAR = re.compile(r"(\d+)([MID])")

Residue = atom_records.Residue


def placed(
    inside: Sequence[Residue], broken: Sequence[bool], full: Sequence[str]
) -> tuple[list[int], list[str]] | None:
    """Places nucleotides in a sequence, by what the file says or by their letters.

    Args:
      inside: from 5' to 3'.
      broken: whether the strand is broken behind each but the last.
      full: names of residues.

    Returns:
      Positions from 0, and the sequence with caps, which it may lack; none where the
      two do not fit.
    """
    has_positions = any(residue.position for residue in inside)
    core = [
        n
        for n, residue in enumerate(inside)
        if (residue.position if has_positions else _is_of(residue, full))
    ]
    letters = [residues.parent(name) for name in full]
    at = (
        [inside[n].position - 1 for n in core]
        if has_positions
        else _by_numbers([inside[n] for n in core], letters)
        or _aligned(
            [inside[n] for n in core],
            [any(broken[a:b]) for a, b in zip(core, core[1:], strict=False)],
            letters,
        )
    )
    is_rising = all(a < b for a, b in zip(at, at[1:], strict=False))
    if not at or not is_rising or at[-1] >= len(full):
        return None
    index_of = dict(zip(core, at, strict=True))
    names: list[str] = []
    indices: list[int] = []
    num_told = 0  # of the sequence
    for n, residue in enumerate(inside):
        behind = (index_of[m] for m in core if m > n)
        coming = index_of[n] if n in index_of else next(behind, num_told)
        names += full[num_told:coming]
        names.append(full[coming] if n in index_of else residue.name)
        num_told = coming + (n in index_of)
        indices.append(len(names) - 1)
    return indices, names + list(full[num_told:])


def _is_of(residue: Residue, full: Sequence[str]) -> bool:
    """Tells what the sequence counts from a cap that it does not."""
    return (
        not residue.is_hetero
        or residue.name in full
        or residues.standard(residue.name) in residues.STANDARD
    )


def _by_numbers(core: Sequence[Residue], letters: Sequence[str]) -> list[int]:
    """Returns positions that the authors' numbers give; [] where no letter agrees.

    Numbers from 1 are preferred, then those that need the least shift.
    """
    counts = [residue.whole for residue in core]
    is_plain = all(residue.number == str(residue.whole) for residue in core)
    is_rising = all(a < b for a, b in zip(counts, counts[1:], strict=False))
    if not core or not is_plain or not is_rising:
        return []
    told = _letters(core)
    shifts = range(counts[-1] - len(letters), counts[0])
    for shift in sorted(shifts, key=abs):
        indices = [count - 1 - shift for count in counts]
        pairs = zip(told, indices, strict=True)
        if all(one == "N" or letters[index] in (one, "N") for one, index in pairs):
            return indices
    return []


def _letters(core: Sequence[Residue]) -> list[str]:
    return [
        letter if letter != "N" else residues.by_atoms(residue.name, residue.atoms)
        for residue in core
        for letter in [residues.parent(residue.name)]
    ]


def _aligned(
    core: Sequence[Residue], broken: Sequence[bool], letters: Sequence[str]
) -> list[int]:
    """Returns positions by an alignment that opens gaps where the strand is broken."""
    if not core:
        return []
    scoring = gemmi.AlignmentScoring()
    inside = [scoring.good_gapo if is_gap else scoring.bad_gapo for is_gap in broken]
    gaps = [scoring.good_gapo, *inside, scoring.good_gapo]
    told = _letters(core)
    found = gemmi.align_string_sequences(list(letters), told, gaps, scoring)
    indices: list[int] = []
    index = 0
    for number, kind in _CIGAR.findall(found.cigar_str()):
        if kind == "D":
            return []
        if kind == "M":
            indices += range(index, index + int(number))
        index += int(number)
    wrong = sum(
        one != letters[index] and "N" not in (one, letters[index])
        for one, index in zip(told, indices, strict=True)
    )
    return indices if wrong <= _MOST_WRONG * len(core) else []
