import duplex
import pytest

from ssrlm_jax.rna import coordinates, pair_annotation

ATOMS = duplex.atoms()
FIRST = [one for one in ATOMS if one.number <= 10]
SECOND = [one for one in ATOMS if one.number >= 15]
ANEW = duplex.changed(SECOND, number=lambda one: one.number - 14)
GAP = ((9, 4),)
NICK = ((9, 0),)


def _read(folder, text, name="x.pdb"):
    (folder / name).write_text(text)
    return coordinates.read(folder / name)


def _only(entry):
    (chain,) = entry.chains
    return chain


def _num_pairs(entry):
    """Counts pairs within chains."""
    return sum(
        pair.chain == pair.other for pair in pair_annotation.annotate(entry.chains)
    )


def _without(names, given=ATOMS):
    return [one for one in given if one.name not in names.split()]


def _renamed(names):
    of = dict(zip("ACGU", names.split(), strict=True))
    return duplex.changed(ATOMS, residue=lambda one: of[one.residue])


@pytest.mark.parametrize(
    "names",
    [
        *("RA RC RG RU", "A5 C3 GN U3", "ADE CYT GUA URA", "ADE CYT GUA URI"),
        *("rA rC rG rU", "RAD RCY RGU URA", "a c g u", "X1 X2 X3 X4"),
    ],
)
def test_letters_and_pairs_do_not_depend_on_the_names_of_residues(tmp_path, names):
    given = _renamed(names)
    for entry in (
        _read(tmp_path, duplex.pdb(given)),
        _read(tmp_path, duplex.cif(given), "x.cif"),
    ):
        chain = _only(entry)
        assert (chain.letters, chain.gaps) == (duplex.LETTERS, GAP)
        assert _num_pairs(entry) == 10
        assert bool(chain.modified) == ("X1" in names)
        assert entry.others == ()


def test_older_names_of_atoms_lose_no_modified_nucleotide(tmp_path):
    given = duplex.changed(
        ATOMS,
        name=lambda one: one.name.replace("'", "*").replace("OP1", "O1P"),
        residue=lambda one: "PSU" if one.number == 5 else one.residue,
        is_hetero=lambda one: one.number == 5,
    )
    chain = _only(_read(tmp_path, duplex.pdb(given)))
    assert chain.letters == duplex.LETTERS
    assert chain.modified == ((4, "PSU"),)
    assert {"OP1", "O3'"} <= set(chain.name_N.tolist())


BARE = _without("N6 N4 N2 O6 O4 O2", _renamed("X1 X2 X3 X4"))  # no letter is left


def test_the_sequence_of_the_file_names_unknown_residues(tmp_path):
    assert set(_only(_read(tmp_path, duplex.pdb(BARE))).letters) == {"N"}
    placed = duplex.changed(BARE, place=lambda one: one.number)
    for entry in (
        _read(tmp_path, duplex.pdb(BARE, duplex.WHOLE)),
        _read(tmp_path, duplex.cif(placed, {"1": duplex.WHOLE}), "x.cif"),
        _read(tmp_path, duplex.cif(BARE, {"1": duplex.WHOLE}), "x.cif"),
    ):
        chain = _only(entry)
        assert (chain.letters, chain.modified) == (duplex.WHOLE, ())
        assert not chain.is_seen_L[10:14].any()
        assert chain.is_seen_L.sum() == 20


def test_a_sequence_in_one_letter_codes_is_read(tmp_path):
    text = duplex.cif(ATOMS, {"1": "G"})
    start, end = text.index("loop_\n_entity_poly."), text.index("loop_\n_atom_site")
    codes = (
        "_entity_poly.entity_id 1\n_entity_poly.type polyribonucleotide\n"
        "_entity_poly.pdbx_seq_one_letter_code\n;GGCA(PSU)CGAGCU\nUCGGCUCGAUGCC\n;\n"
    )
    chain = _only(_read(tmp_path, text[:start] + codes + text[end:], "x.cif"))
    assert chain.letters == duplex.WHOLE
    assert chain.is_seen_L.sum() == 20


@pytest.mark.parametrize(
    ("names", "sequence"),
    [
        ("RA RC RG RU", duplex.WHOLE),
        ("A C G U", ["R" + letter for letter in duplex.WHOLE]),
        ("A C G U", "AA" + duplex.WHOLE + "AA"),
    ],
)
def test_a_sequence_fits_whatever_names_it_has(tmp_path, names, sequence):
    chain = _only(_read(tmp_path, duplex.pdb(_renamed(names), sequence)))
    assert duplex.WHOLE in chain.letters
    assert len(chain.letters) == len(sequence)
    assert (chain.gaps, chain.modified) == ((), ())


def test_numbers_place_what_letters_alone_would_not(tmp_path):
    """Of AAAAAAAA, 3, 4 and 7 were seen; an alignment would take the first."""
    given = [one for one in ATOMS if one.number == 4]
    seen = [
        one
        for number in (3, 4, 7)
        for one in duplex.changed(
            given,
            number=number,
            xyz=lambda one, n=number: (one.xyz[0] + 30 * n, *one.xyz[1:]),
        )
    ]
    chain = _only(_read(tmp_path, duplex.pdb(seen, "A" * 8)))
    assert chain.is_seen_L.nonzero()[0].tolist() == [2, 3, 6]


def test_a_sequence_of_something_else_is_left_out_and_said(tmp_path):
    entry = _read(tmp_path, duplex.pdb(ATOMS, "A" * 24))
    chain = _only(entry)
    assert (chain.letters, chain.gaps) == (duplex.LETTERS, GAP)
    assert entry.others == (
        (
            "A:sequence",
            "the file's sequence, which does not fit the atoms",
            "20 nucleotides, 24 in the sequence",
        ),
    )


@pytest.mark.parametrize(
    "names", ["A C G T", "DA DC DG DT", "DA5 DC DG3 DTN", "ADE CYT GUA THY", "J K L M"]
)
def test_dna_is_none_of_rna_whatever_it_is_called(tmp_path, names):
    given = _without("O2'", _renamed(names))
    for entry in (
        _read(tmp_path, duplex.pdb(given)),
        _read(tmp_path, duplex.cif(given), "x.cif"),
    ):
        assert entry.chains == ()
        assert entry.others == (("A", "no RNA: DNA", ""),)


def test_a_strand_breaks_before_a_nucleotide_without_a_phosphate(tmp_path):
    joined = FIRST + duplex.changed(SECOND, number=lambda one: one.number - 4)
    chain = _only(_read(tmp_path, duplex.pdb(joined)))
    assert (chain.letters, chain.gaps) == (duplex.LETTERS, NICK)
    nicked = [x for x in ATOMS if not (x.number == 5 and x.name in ("P", "OP1", "OP2"))]
    assert _only(_read(tmp_path, duplex.pdb(nicked))).gaps == ((3, 0), *GAP)


def test_without_any_phosphates_places_tell_where_a_strand_breaks(tmp_path):
    given = _without("P OP1 OP2")
    assert _only(_read(tmp_path, duplex.pdb(given))).gaps == GAP
    given = _without("P OP1 OP2 O5' O3'")
    assert _only(_read(tmp_path, duplex.pdb(given))).gaps == GAP


@pytest.mark.parametrize("between", [[], ["TER"]])
def test_numbers_that_start_again_lose_no_atom(tmp_path, between):
    for entry in (
        _read(tmp_path, duplex.pdb([*FIRST, *between, *ANEW])),
        _read(tmp_path, duplex.cif(FIRST + ANEW), "x.cif"),
    ):
        chain = _only(entry)
        assert (chain.letters, chain.gaps) == (duplex.LETTERS, NICK)
        assert len(chain.name_N) == len(ATOMS)
        assert chain.numbers == tuple(str(n) for n in [*range(1, 11)] * 2)
        assert _num_pairs(entry) == 10


@pytest.mark.parametrize("sequences", [{}, {"1": "GGCAUCGAGC", "2": "GCUCGAUGCC"}])
@pytest.mark.parametrize("second", [SECOND, ANEW])
def test_two_polymers_under_one_name_of_the_authors(tmp_path, sequences, second):
    given = FIRST + duplex.changed(second, label="B", entity="2")
    entry = _read(tmp_path, duplex.cif(given, sequences), "x.cif")
    one, two = entry.chains
    assert (one.name, one.own_name, one.letters) == ("A", "A-A", "GGCAUCGAGC")
    assert (two.name, two.own_name, two.letters) == ("A", "A-B", "GCUCGAUGCC")
    assert one.gaps == two.gaps == ()
    assert len(pair_annotation.annotate(entry.chains)) == 10


def test_insertion_codes_leave_no_gap(tmp_path):
    coded = duplex.changed(
        ATOMS,
        number=lambda one: 5 if 5 <= one.number <= 8 else one.number,
        code=lambda one: " ABC"[one.number - 5] if 5 <= one.number <= 8 else " ",
    )
    chain = _only(_read(tmp_path, duplex.pdb(coded)))
    assert chain.numbers[3:9] == ("4", "5", "5A", "5B", "5C", "9")
    assert (chain.letters, chain.gaps) == (duplex.LETTERS, GAP)


CAP = duplex.changed(
    [one for one in ATOMS if one.number == 1],
    residue="GTP",
    is_hetero=True,
    label="B",
    entity="2",
)
REST = [one for one in ATOMS if one.number > 1]


@pytest.mark.parametrize("number", [1, 99])
@pytest.mark.parametrize("sequence", ["", duplex.WHOLE[1:], ["GTP", *duplex.WHOLE[1:]]])
def test_a_cap_that_is_listed_last_is_first(tmp_path, number, sequence):
    cap = duplex.changed(CAP, number=number)
    entries = [_read(tmp_path, duplex.pdb([*REST, "TER", *cap], sequence))]
    if sequence and sequence[0] != "GTP":
        placed = duplex.changed(REST, place=lambda one: one.number - 1)
        text = duplex.cif(placed + cap, {"1": sequence})
        entries.append(_read(tmp_path, text, "x.cif"))
    for entry in entries:
        chain = _only(entry)
        assert chain.letters == (duplex.WHOLE if sequence else duplex.LETTERS)
        assert chain.modified == ((0, "GTP"),)
        assert chain.numbers[:2] == (str(number), "2")
        assert _num_pairs(entry) == 10


def test_a_ligand_is_left_out_and_said(tmp_path):
    far = duplex.changed(CAP, number=201, xyz=lambda one: (one.xyz[0] + 50, 0, 0))
    for name in ("GTP", "G", "SAM"):
        given = [*ATOMS, "TER", *duplex.changed(far, residue=name)]
        entry = _read(tmp_path, duplex.pdb(given))
        assert _only(entry).letters == duplex.LETTERS
        assert entry.others == ((f"A:{name}201", "ligand, of no strand", ""),)


@pytest.mark.parametrize(("share", "letter"), [(0.3, "U"), (0.7, "C")])
def test_of_residues_at_one_place_the_best_occupied_counts(tmp_path, share, letter):
    mine = [one for one in ATOMS if one.number == 6]
    others = duplex.changed(
        _without("N4 C5 C6", mine), residue="U", other="B", occupancy=1 - share
    )
    mine = duplex.changed(mine, other="A", occupancy=share)
    before = [one for one in ATOMS if one.number < 6]
    behind = [one for one in ATOMS if one.number > 6]
    given = [*before, *mine, *others, *behind]
    for entry in (
        _read(tmp_path, duplex.pdb(given)),
        _read(tmp_path, duplex.cif(given), "x.cif"),
    ):
        expected = duplex.LETTERS[:5] + letter + duplex.LETTERS[6:]
        assert _only(entry).letters == expected


@pytest.mark.parametrize(
    ("kept", "missing"),
    [
        ("P", "C1' C3' C4'"),
        ("C1'", "C3' C4'"),
        ("P C4' N1 N9", "C1' C3'"),
        ("P C4' C1' N1 N9 C2 O2'", "C3'"),
    ],
)
@pytest.mark.parametrize("names", ["A C G U", "RA RC RG RU"])
def test_coarse_grained_rna_is_said_to_be_that(tmp_path, kept, missing, names):
    given = [one for one in _renamed(names) if one.name in kept.split()]
    for entry in (
        _read(tmp_path, duplex.pdb(given)),
        _read(tmp_path, duplex.cif(given), "x.cif"),
    ):
        assert entry.chains == ()
        (only,) = entry.others
        assert (only.name, only.reason, only.is_unread) == ("A", "coarse-grained", True)
        assert only.detail.startswith(f"sugar atoms {missing} are missing of ")


def test_a_protein_with_a_nucleotide_as_ligand_is_a_protein(tmp_path):
    amino = [
        duplex.Atom(name, residue, number, (number * 3.8, 0.0, 0.0))
        for number, residue in enumerate(["ALA", "GLY", "ARG"], 1)
        for name in ("N", "CA", "C", "O")
    ]
    entry = _read(tmp_path, duplex.pdb([*amino, "TER", *CAP]))
    assert entry.chains == ()
    assert [(one.name, one.reason) for one in entry.others] == [
        ("A:GTP1", "ligand, of no strand"),
        ("A", "no RNA: protein"),
    ]


def test_ions_are_no_polymer(tmp_path):
    ions = [duplex.Atom("MG", "MG", 1, (0.0, 0.0, 0.0), is_hetero=True)]
    entry = _read(tmp_path, duplex.pdb(ions))
    assert entry.others == (("A", "no RNA: no polymer", "MG"),)


def test_a_nucleotide_without_its_sugar_is_a_gap_and_said(tmp_path):
    given = [x for x in ATOMS if x.number != 4 or x.name in ("P", "OP1", "OP2")]
    entry = _read(tmp_path, duplex.pdb(given))
    chain = _only(entry)
    assert chain.letters == "GGCUCGAGCGCUCGAUGCC"
    assert chain.gaps == ((2, 1), (8, 4))
    assert entry.others == (("A:A4", "nucleotide without a whole sugar", "P OP1 OP2"),)
    entry = _read(tmp_path, duplex.pdb(given, duplex.WHOLE))  # has its letter
    assert _only(entry).letters == duplex.WHOLE
    assert entry.others == ()


@pytest.mark.parametrize("name", ["C1'", "C3'", "C4'"])
def test_a_nucleotide_that_lacks_an_atom_is_one_all_the_same(tmp_path, name):
    given = [x for x in ATOMS if x.number != 4 or x.name != name]
    entry = _read(tmp_path, duplex.pdb(given))
    chain = _only(entry)
    assert (chain.letters, chain.gaps) == (duplex.LETTERS, ((9, 4),))
    assert name not in chain.name_N[chain.residue_N == 3]
    assert entry.others == ()


def test_bonds_of_a_bad_model_change_no_order(tmp_path):
    """All atoms within an angstrom: O3' is near every P."""
    given = duplex.changed(ATOMS, xyz=lambda x: tuple(c / 30 for c in x.xyz))
    assert _only(_read(tmp_path, duplex.pdb(given))).letters == duplex.LETTERS
