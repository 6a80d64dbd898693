import pytest

from ssrlm_jax.rna import residues


@pytest.mark.parametrize(
    ("letter", "names"),
    [
        # AMBER ff94 and OL3, CHARMM, X-PLOR and CNS, Rosetta 2 and 3, 3DNA
        ("A", "A RA RA5 RA3 RAN A5 A3 AN ADE rA RAD a"),
        ("C", "C RC RC5 RC3 RCN C5 C3 CN CYT rC RCY c"),
        ("G", "G RG RG5 RG3 RGN G5 G3 GN GUA rG RGU g"),
        ("U", "U RU RU5 RU3 RUN U5 U3 UN URA URI rU u"),
        ("DC", "DC DC5 DC3 DCN"),
        ("DT", "DT DT5 DT3 DTN THY"),
    ],
)
def test_names_of_programs_stand_for_the_standard_ones(letter, names):
    assert {residues.standard(name) for name in names.split()} == {letter}


@pytest.mark.parametrize("name", ["PSU", "5MC", "GTP", "N", "UNK", "DG", "R5", "A53"])
def test_other_names_stay(name):
    assert residues.standard(name) == name


@pytest.mark.parametrize(
    ("letter", "names"),
    [
        # Those of the second line have a parent in the dictionary and no letter.
        ("A", "A DA 1MA MIA +A RA5 6NW 7RZ 8AH A1ID5"),
        ("C", "C DC 5MC OMC +C RCN 4AC 5HM 73W M4C"),
        ("G", "G DG 7MG YYG +G GUA VSN 18M 7SN GTP"),
        ("U", "U DT PSU H2U +U URI 3AU 3TD 75B 3MU T"),
        ("N", "N I DN 128 ?? XYZ ALA GLY SAM HOH"),
    ],
)
def test_modified_nucleotides_go_by_their_parent(letter, names):
    assert {name: residues.parent(name) for name in names.split()} == dict.fromkeys(
        names.split(), letter
    )


BASES = {
    "A": "N9 C8 N7 C5 C6 N6 N1 C2 N3 C4",
    "C": "N1 C2 O2 N3 C4 N4 C5 C6",
    "G": "N9 C8 N7 C5 C6 O6 N1 C2 N2 N3 C4",
    "U": "N1 C2 O2 N3 C4 O4 C5 C6",
}


@pytest.mark.parametrize("letter", BASES)
def test_names_that_nobody_knows_go_by_the_atoms_of_the_base(letter):
    atoms = BASES[letter].split()
    assert residues.by_atoms("X1", atoms) == letter
    assert residues.by_atoms("N", atoms) == "N"
    assert residues.by_atoms("PYY", atoms) == "N"  # of the dictionary, without parent
    assert residues.by_atoms("X1", set(atoms) - {"N6", "N4", "O6", "O4"}) == "N"


def test_a_base_of_other_atoms_has_no_letter():
    inosine = ["N9", "C8", "N7", "C5", "C6", "O6", "N1", "C2", "N3", "C4"]
    assert residues.by_atoms("X1", inosine) == "N"
    assert residues.by_atoms("X1", []) == "N"


def test_older_names_of_atoms():
    names = ["O1P", "O2P", "O5*", "C1'", "O5T", "P"]
    assert [residues.atom_name(name) for name in names] == [
        *("OP1", "OP2", "O5'", "C1'", "O5'", "P"),
    ]  # fmt: skip
