"""Names of residues and their atoms → letters of nucleotides.

A name is looked for among those of programs and older files, then in the PDB's
chemical component dictionary, as biotite brings it; only what neither knows is told by
the atoms of its base.
"""

import functools
import re
from collections.abc import Collection

LETTERS = frozenset("ACGU")
DNA = frozenset({"DA", "DC", "DG", "DT", "DU", "DN", "DI", "T"})
STANDARD = LETTERS | DNA | {"N"}
_NUCLEIC = re.compile(r"[DR]NA")  # in a component's type
_AMBER = re.compile(r"(?:R?(?P<rna>[ACGU])|(?P<dna>D[ACGT]))[53N]?", re.IGNORECASE)
_PROGRAMS = {  # CHARMM, X-PLOR and CNS; Rosetta before 2012; the PDB before 2007
    **{"ADE": "A", "CYT": "C", "GUA": "G", "URA": "U", "URI": "U", "THY": "DT"},
    **{"RAD": "A", "RCY": "C", "RGU": "G"},
}
_OLDER = {"O1P": "OP1", "O2P": "OP2", "O3P": "OP3", "O5T": "O5'", "O3T": "O3'"}
_EXOCYCLIC = {  # N and O that a base has beside its ring
    frozenset({"N6"}): "A",
    frozenset({"N4", "O2"}): "C",
    frozenset({"N2", "O6"}): "G",
    frozenset({"O2", "O4"}): "U",
}
_BESIDE_RINGS = frozenset().union(*_EXOCYCLIC)
_MOST_STEPS = 4  # from a component to its parent, in the dictionary


def atom_name(name: str) -> str:
    """Returns the name that the PDB has given an atom since 2007."""
    return _OLDER.get(name, name).replace("*", "'")


@functools.cache
def standard(name: str) -> str:
    """Returns the PDB's name of a nucleotide that programs name in other ways.

    Such as G for AMBER's RG5 and G3, CHARMM's GUA and Rosetta's rG; DC for DC5. Any
    other name comes back as it is, also those of modified nucleotides.
    """
    if name in STANDARD:
        return name
    if name.upper() in _PROGRAMS:
        return _PROGRAMS[name.upper()]
    found = _AMBER.fullmatch(name)
    return (found["rna"] or found["dna"]).upper() if found else name


@functools.cache
def parent(name: str) -> str:
    """Returns the letter of a residue's parent: A C G U, or N.

    Source: the parent of the PDB's chemical component dictionary, or the letter it
    gives where it names no parent. "+U" is how the PDB wrote a modified U before 2007.
    """
    name = standard(name).removeprefix("+")
    for _ in range(_MOST_STEPS):
        letter = name.removeprefix("D").replace("T", "U")
        if letter in LETTERS:
            return letter
        above = _listed(name, "mon_nstd_parent_comp_id").partition(",")[0]
        if not above:
            letter = _listed(name, "one_letter_code").replace("T", "U")
            if letter in LETTERS and not _is_amino(name):
                return letter
            above = _listed(name, "pdbx_replaced_by")
        if not above:
            return "N"
        name = above
    return "N"


def is_nucleic(name: str) -> bool:
    """Tells whether a name is that of a nucleotide of RNA or DNA."""
    return (
        standard(name) in STANDARD
        or parent(name) != "N"
        or bool(_NUCLEIC.search(_listed(name, "type").upper()))
    )


def is_ligand(name: str) -> bool:
    """Tells whether the dictionary has a name as that of no nucleotide."""
    kind = _listed(name, "type").upper() if standard(name) == name else ""
    return bool(kind) and not _NUCLEIC.search(kind)


def by_atoms(name: str, atoms: Collection[str]) -> str:
    """Returns the letter of a base by its atoms, or N.

    N also of names which the dictionary has as nucleotides: it knows no parent then.
    """
    if name in STANDARD or _NUCLEIC.search(_listed(name, "type").upper()):
        return "N"
    letter = _EXOCYCLIC.get(_BESIDE_RINGS.intersection(atoms), "N")
    is_purine = "N9" in atoms
    return letter if is_purine == (letter in "AG") else "N"


def _is_amino(name: str) -> bool:
    return "PEPTIDE" in _listed(name, "type").upper()


@functools.cache
def _listed(name: str, column: str) -> str:
    """Returns what the dictionary says of a component; "" if nothing."""
    from biotite.structure import info  # a third of a second

    found = info.get_from_ccd("chem_comp", name.upper(), column)
    if found is None or (found.mask is not None and found.mask.array[0]):
        return ""
    return str(found.as_item())
