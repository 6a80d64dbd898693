"""Residues of a chain of the authors → strands of nucleotides, from 5' to 3'.

One rule: nothing of a nucleotide is left out without a word. Bonds decide what belongs
to a strand and in which order, the file's own sequence what was not seen. Angstrom.
"""

import collections
import math
from collections.abc import Sequence
from typing import NamedTuple

import gemmi
import numpy as np

from ssrlm_jax.rna import atom_records, full_sequences, residues

COARSE = "coarse-grained"
_SUGAR = ("C1'", "C3'", "C4'")
_FEW_LACK = 11  # heavy atoms, half of a nucleotide's
_RIBOSE = frozenset({"O2'", "F2'", "N2'", "S2'", "C2M"})  # at C2'; DNA has none
_BOND = 2.5  # between O3' and the next P, at most
_SHORTEST, _LONGEST = 1.2, 2.1  # likewise, of two that are not listed one by one
_APART = 10.0  # likewise, where the file says that they are neighbours
_CARBON = 3.5  # between C3' and the next P, where there is no O3'
_BRIDGE = 3.5  # between O3' and the next O5', where no nucleotide has P
_STEP = 8.0  # between C4' of neighbours, where those are not seen either
_SAME_PLACE = 3.0  # C4' of alternatives, at most

Residue = atom_records.Residue


class LeftOut(NamedTuple):
    """What is not read of a file, and why.

    Attributes:
      name: a chain, or a chain and a residue of it: "A", "A:GTP201".
      reason: such as "no RNA: protein".
      detail: what was found; may be "".
    """

    name: str
    reason: str
    detail: str = ""

    @property
    def is_unread(self) -> bool:
        """Whether it is a chain of RNA of which nothing is known."""
        return self.reason == COARSE

    @property
    def why(self) -> str:
        """Reason and detail."""
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class Strand(NamedTuple):
    """A strand of RNA.

    Attributes:
      label: of mmCIF, "" where the chain has no other strand.
      letters: A C G U, N where unknown.
      names: of the residues, as the PDB has them.
      seen: the residue of each position, or none.
      gaps: positions from 0 behind which the strand is broken, and how many numbers
        are missing there.
      is_whole: the file's own sequence is that of `letters`.
    """

    label: str
    letters: str
    names: tuple[str, ...]
    seen: tuple[Residue | None, ...]
    gaps: tuple[tuple[int, int], ...]
    is_whole: bool


def of_chain(
    chain: str, listed: Sequence[Residue], sequences: dict[str, list[str]]
) -> tuple[list[Strand], list[LeftOut]]:
    """Finds the strands of RNA in a chain.

    Args:
      chain: its name.
      listed: residues in the order of the file.
      sequences: names of residues of polymers, as `atom_records.File` has them.
    """
    one_each = _without_alternatives(listed)
    found = _nucleotides(one_each)
    if not found:
        return [], [_no_nucleotides(chain, one_each)]
    follower = _followers(found)
    known = sequences.get(chain, []) if not any(r.polymer for r in found) else []
    is_own = _belong(one_each, found, follower, known)
    left_out = [
        LeftOut(f"{chain}:{_said(r)}", "ligand, of no strand")
        for r, own in zip(found, is_own, strict=True)
        if not own
    ]
    if not any(is_own):
        rest = [r for r in one_each if not set(_SUGAR) <= r.atoms.keys()]
        return [], left_out + ([_no_nucleotides(chain, rest)] if rest else [])
    strands: list[Strand] = []
    groups = _groups(found, is_own, follower)
    for label, members in groups.items():
        said = label if len(groups) > 1 else ""
        inside = [found[n] for n in members]
        if _is_dna(inside):
            name = f"{chain}-{said}" if said else chain
            left_out.append(LeftOut(name, "no RNA: DNA"))
            continue
        full = sequences.get(label, []) if label else known
        strand = _strand(inside, full)
        if full and not strand.is_whole:
            detail = f"{len(inside)} nucleotides, {len(full)} in the sequence"
            reason = "the file's sequence, which does not fit the atoms"
            left_out.append(LeftOut(f"{chain}:sequence", reason, detail))
        strands.append(strand._replace(label=said))
    if not all(strand.is_whole for strand in strands):  # it would have them, too
        taken = set(map(id, found))
        left_out += [
            LeftOut(
                f"{chain}:{_said(residue)}",
                "nucleotide without a whole sugar",
                " ".join(list(residue.atoms)[:8]),
            )
            for residue in one_each
            if _is_partial(residue) and id(residue) not in taken
        ]
    return strands, left_out


def _nucleotides(listed: Sequence[Residue]) -> list[Residue]:
    """Returns residues with whole sugars, and those that lack a few atoms.

    The latter only where they are the fewer: else the chain is coarse-grained.
    """
    is_whole = [set(_SUGAR) <= residue.atoms.keys() for residue in listed]
    is_near = [_is_partial(r) and len(r.atoms) >= _FEW_LACK for r in listed]
    if sum(is_near) > sum(is_whole):
        is_near = [False] * len(listed)
    each = zip(listed, is_whole, is_near, strict=True)
    return [residue for residue, whole, near in each if whole or near]


def _said(residue: Residue) -> str:
    return f"{residue.name}{residue.number}"


def _without_alternatives(listed: Sequence[Residue]) -> list[Residue]:
    """Returns one residue of those at one place under one number: the best occupied."""
    kept: list[Residue] = []
    for residue in listed:
        if kept and _is_alternative(kept[-1], residue):
            if _occupancy(residue) > _occupancy(kept[-1]):
                kept[-1] = residue
        else:
            kept.append(residue)
    return kept


def _is_alternative(first: Residue, second: Residue) -> bool:
    if first.number != second.number or first.name == second.name:
        return False
    shared = first.atoms.keys() & second.atoms.keys()
    return bool(shared) and all(
        math.dist(first.atoms[name].xyz, second.atoms[name].xyz) <= _SAME_PLACE
        for name in shared & {"C4'", "P"} or shared
    )


def _occupancy(residue: Residue) -> float:
    held = [atom.occupancy for atom in residue.atoms.values()]
    return sum(held) / len(held) if held else 0.0


def _no_nucleotides(chain: str, listed: Sequence[Residue]) -> LeftOut:
    """Says what a chain without a whole sugar is."""
    coarse = [residue for residue in listed if _is_partial(residue)]
    num_amino = sum(map(_is_amino, listed))
    if len(coarse) > num_amino:
        there = sorted(set().union(*(residue.atoms for residue in coarse)))
        missing = [name for name in _SUGAR if name not in there] or _SUGAR
        return LeftOut(
            chain,
            COARSE,
            f"sugar atoms {' '.join(missing)} are missing of {len(coarse)} "
            f"nucleotides, which have {' '.join(there[:8])}",
        )
    if num_amino:
        return LeftOut(chain, "no RNA: protein")
    names = list(dict.fromkeys(residue.name for residue in listed))
    return LeftOut(chain, "no RNA: no polymer", " ".join(names[:8]))


def _is_amino(residue: Residue) -> bool:
    return gemmi.find_tabulated_residue(residue.name).is_amino_acid()


def _is_partial(residue: Residue) -> bool:
    """Tells a nucleotide without a whole sugar, not an ion that is named like one."""
    return bool(
        residue.atoms
        and not set(_SUGAR) <= residue.atoms.keys()
        and residues.is_nucleic(residue.name)
        and (not residue.is_hetero or "P" in residue.atoms)
    )


def _places(found: Sequence[Residue], name: str) -> np.ndarray:
    """Returns where an atom lies, (N, 3), nan where there is none."""
    nowhere = (math.nan,) * 3
    rows = [r.atoms[name].xyz if name in r.atoms else nowhere for r in found]
    return np.array(rows, np.float64).reshape(-1, 3)


def _followers(found: Sequence[Residue]) -> list[int]:
    """Returns the nucleotide whose P is bonded to O3' of each, -1 where none is.

    The next of the file where it is near enough. Else the nearest that follows no
    other, within the length of a bond, and only if the numbers rise or one is HETATM:
    atoms of a bad model may be near by chance.
    """
    end_N3, start_N3 = _places(found, "O3'"), _places(found, "P")
    step_N = np.linalg.norm(end_N3[:-1] - start_N3[1:], axis=-1)
    is_next_N = step_N <= _BOND
    follower = np.append(np.where(is_next_N, np.arange(1, len(found)), -1), -1)
    is_free_N = np.isfinite(start_N3[:, 0])
    is_free_N[1:] &= ~is_next_N
    count_N = np.array([residue.whole for residue in found])
    is_hetero_N = np.array([residue.is_hetero for residue in found])
    is_end_N = np.isfinite(end_N3[:, 0]) & (follower < 0)
    for index in np.flatnonzero(is_end_N).tolist():
        may_N = is_free_N & (count_N > count_N[index])
        may_N |= is_free_N & (is_hetero_N | is_hetero_N[index])
        free = np.flatnonzero(may_N)
        far_N = np.linalg.norm(start_N3[free] - end_N3[index], axis=-1)
        far_N[free == index] = np.inf
        if free.size and _SHORTEST <= far_N.min() <= _LONGEST:
            follower[index] = free[far_N.argmin()]
            is_free_N[follower[index]] = False
    return follower.tolist()


def _belong(
    listed: Sequence[Residue],
    found: Sequence[Residue],
    follower: Sequence[int],
    known: Sequence[str],
) -> list[bool]:
    """Tells nucleotides of strands from ligands such as GTP and SAM."""
    is_bonded = [after >= 0 for after in follower]
    for after in follower:
        if after >= 0:
            is_bonded[after] = True
    is_all_hetero = all(r.is_hetero for r in listed if r.atoms or _is_amino(r))
    rest = collections.Counter(known)
    rest.subtract(r.name for r, bonded in zip(found, is_bonded, strict=True) if bonded)
    own = []
    for residue, bonded in zip(found, is_bonded, strict=True):
        is_atom = not residue.is_hetero or is_all_hetero
        is_standard = residues.standard(residue.name) in residues.STANDARD
        is_named = is_atom and (is_standard or not residues.is_ligand(residue.name))
        is_known = not is_standard and rest[residue.name] > 0
        own.append(bool(bonded or residue.polymer or is_named or is_known))
    return own


def _groups(
    found: Sequence[Residue], is_own: Sequence[bool], follower: Sequence[int]
) -> dict[str, list[int]]:
    """Returns nucleotides by the label of their polymer, in order from 5' to 3'.

    What is of none, such as a cap, is with the polymer that it is bonded to.
    """
    ordered = _ordered(follower)
    first = next((r.polymer for r in found if r.polymer), "")
    groups: dict[str, list[int]] = {}
    for fragment in ordered:
        labels = [found[n].polymer for n in fragment if found[n].polymer] or [first]
        label = labels[0]
        for n in fragment:
            label = found[n].polymer or label
            if is_own[n]:
                groups.setdefault(label, []).append(n)
    return groups


def _ordered(follower: Sequence[int]) -> list[list[int]]:
    """Returns bonded fragments, each from 5' to 3', in the order of the file."""
    is_follower = set(follower)
    heads = [n for n in range(len(follower)) if n not in is_follower]
    used: set[int] = set()
    fragments = []
    for head in [*heads, *range(len(follower))]:  # the rest are rings
        fragment = []
        n = head
        while n >= 0 and n not in used:
            used.add(n)
            fragment.append(n)
            n = follower[n]
        if fragment:
            fragments.append(fragment)
    return sorted(fragments, key=min)


def _is_dna(strand: Sequence[Residue]) -> bool:
    """Tells DNA by its sugars, whatever the names; by these where C2' is not seen."""
    names = [residues.standard(residue.name) for residue in strand]
    has_uracil = "U" in names and not {"T", "DT"} & set(names)
    num_dna = 0
    for name, residue in zip(names, strand, strict=True):
        if _RIBOSE & residue.atoms.keys():
            continue
        is_sugar = "C2'" in residue.atoms and not has_uracil
        num_dna += is_sugar or name in residues.DNA
    return 2 * num_dna >= len(strand)


def _strand(inside: Sequence[Residue], full: Sequence[str]) -> Strand:
    """Returns a strand, with what was not seen where the sequence fits."""
    has_phosphates = any("P" in residue.atoms for residue in inside)
    if full and all(residue.position for residue in inside):
        inside = sorted(inside, key=lambda residue: residue.position)
    broken = [
        _is_broken(first, second, has_phosphates, _BOND)
        for first, second in zip(inside, inside[1:], strict=False)
    ]
    found = full_sequences.placed(inside, broken, full) if full else None
    indices, told = found or (list(range(len(inside))), [r.name for r in inside])
    names = [residues.standard(name) for name in told]
    letters = [residues.parent(name) for name in told]
    seen: list[Residue | None] = [None] * len(names)
    for index, residue in zip(indices, inside, strict=True):
        seen[index] = residue
        letter = residues.parent(residue.name)
        if letter != "N" or letters[index] == "N":  # else the sequence knows better
            names[index] = residues.standard(residue.name)
            by_atoms = residues.by_atoms(residue.name, residue.atoms)
            letters[index] = letter if letter != "N" else by_atoms
    gaps = []
    for n, (first, second) in enumerate(zip(inside, inside[1:], strict=False)):
        if found:  # the sequence says who is next; a bond may be long
            is_next = indices[n + 1] == indices[n] + 1
            is_gap = is_next and _is_broken(first, second, has_phosphates, _APART)
        else:
            is_gap = broken[n]
        if is_gap:
            gaps.append((indices[n], 0 if found else _skipped(first, second)))
    return Strand(
        "", "".join(letters), tuple(names), tuple(seen), tuple(gaps), bool(found)
    )


def _skipped(first: Residue, second: Residue) -> int:
    return max(second.whole - first.whole - 1, 0)


def _is_broken(
    first: Residue, second: Residue, has_phosphates: bool, most: float
) -> bool:
    """Tells whether no bond leads from one nucleotide to the next.

    A nucleotide with O5' and no phosphate is a 5' end where others have phosphates.
    """

    def far(name: str, other: str, limit: float) -> bool | None:
        ends = first.atoms.get(name), second.atoms.get(other)
        if not (ends[0] and ends[1]):
            return None
        return math.dist(ends[0].xyz, ends[1].xyz) > limit

    if has_phosphates and "P" not in second.atoms and "O5'" in second.atoms:
        return True
    for name, other, limit in (
        ("O3'", "P", most),
        ("C3'", "P", max(_CARBON, most if most > _BOND else 0)),
        ("O3'", "O5'", _BRIDGE),
        ("C4'", "C4'", _STEP),
    ):
        if (told := far(name, other, limit)) is not None:
            return told
    return False
