import dataclasses
import io
import pathlib
import tarfile

import gemmi
import numpy as np
import pytest
from biotite.structure.io import pdb, pdbx

from ssrlm_jax.rna import atoms, coordinate_formats, coordinates

DATA = pathlib.Path(__file__).parents[3] / "shared" / "data" / "tertiary"
SOFTWARE = {"ssrlm-jax": "0.1.0"}
ABOUT = {"title": "A riboswitch", "model": "tiny", "data cut-off": "2022-01-01"}
WRITERS = {
    "pdb": coordinate_formats.as_pdb,
    "cif": coordinate_formats.as_mmcif,
}


def _chain(letters="GACU", **changed):
    """Returns all atoms of a chain at random places, pLDDT rising from 0.1."""
    rng = np.random.default_rng(0)
    length = len(letters)
    fields = {
        "letters": letters,
        "xyz_LT3": rng.uniform(-99, 999, (length, atoms.SLOTS, 3)).astype(np.float32),
        "is_atom_LT": atoms.is_atom()[atoms.encode(letters)],
        "plddt_L": np.linspace(0.1, 0.9876, length, dtype=np.float32),
    }
    return coordinate_formats.PredictedChain(**(fields | changed))


def _native(path, tmp_path):
    """Returns the first chain of a PDB file."""
    with tarfile.open(DATA / "rna_puzzles.tar.xz") as archive:
        text = archive.extractfile(path).read()
    (tmp_path / "native.pdb").write_bytes(text)
    chain = coordinates.read(tmp_path / "native.pdb").chains[0]
    xyz_LT3, is_atom_LT = atoms.place(
        chain.letters, chain.residue_N, chain.name_N, chain.xyz_N3
    )
    plddt_L = np.linspace(0, 1, len(chain.letters), dtype=np.float32)
    return coordinate_formats.PredictedChain(
        chain.letters, xyz_LT3, is_atom_LT, plddt_L
    )


def _expected(chain):
    """Returns a row of an atom: place from 0, letter, name, element, pLDDT x 100."""
    return [
        (place, letter, name, name[0], 100 * chain.plddt_L[place])
        for place, letter in enumerate(chain.letters)
        for slot, name in enumerate(atoms.NAMES[letter])
        if chain.is_atom_LT[place, slot]
    ]


def _read_by_gemmi(kind, text):
    structure = (
        gemmi.read_pdb_string(text)
        if kind == "pdb"
        else gemmi.make_structure_from_block(gemmi.cif.read_string(text)[0])
    )
    ((strand,),) = structure
    rows = [
        (residue.seqid.num, residue.name, atom.name, atom.element.name, atom.b_iso)
        for residue in strand
        for atom in residue
    ]
    assert {atom.occ for residue in strand for atom in residue} == {1.0}
    xyz_N3 = np.array([atom.pos.tolist() for residue in strand for atom in residue])
    (entity,) = structure.entities
    return strand.name, entity.full_sequence, rows, xyz_N3


def _read_by_biotite(kind, text):
    extra = ["b_factor", "occupancy"]
    if kind == "pdb":
        file = pdb.PDBFile.read(io.StringIO(text))
        array = file.get_structure(1, extra_fields=extra)
        names = [line[19:].split() for line in text.splitlines() if "SEQRES" in line]
        sequence = sum(names, [])
    else:
        file = pdbx.CIFFile.read(io.StringIO(text))
        array = pdbx.get_structure(file, 1, extra_fields=extra)
        (found,) = pdbx.get_sequence(file).values()
        sequence = list(str(found).replace("T", "U"))
    rows = list(
        zip(
            array.res_id.tolist(),
            array.res_name.tolist(),
            array.atom_name.tolist(),
            array.element.tolist(),
            array.b_factor.tolist(),
            strict=True,
        )
    )
    assert set(array.occupancy) == {1.0}
    assert not array.hetero.any()
    (name,) = set(array.chain_id)
    return name, sequence, rows, array.coord


READERS = {"gemmi": _read_by_gemmi, "biotite": _read_by_biotite}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("letters", ["G", "GACU", "UCAG" * 30])
def test_other_programs_read_what_was_written(kind, reader, letters):
    numbers = tuple(range(5, 5 + 2 * len(letters), 2))
    for chain in (_chain(letters), _chain(letters, name="b", numbers=numbers)):
        text = WRITERS[kind](chain, SOFTWARE, ABOUT)
        name, sequence, rows, xyz_N3 = READERS[reader](kind, text)
        expected = _expected(chain)
        assert name == chain.name
        assert sequence == list(letters)
        assert [row[:4] for row in rows] == [
            (chain.numbers[place], *row) for place, *row, _ in expected
        ]
        bfactor_N = [row[4] for row in rows]
        np.testing.assert_allclose(bfactor_N, [row[4] for row in expected], atol=0.006)
        # Three decimals, and what float32 holds of 1,000 angstrom.
        np.testing.assert_allclose(
            xyz_N3, chain.xyz_LT3[chain.is_atom_LT], rtol=0, atol=0.00056
        )


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/tertiary is absent")
@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("name", ["rp01__raw__1_solution_0", "rp07__raw__7_solution_1"])
def test_a_native_comes_back_into_the_same_slots(tmp_path, kind, name):
    chain = _native(f"{name}.pdb", tmp_path)
    path = tmp_path / f"again.{kind}"
    path.write_text(WRITERS[kind](chain, SOFTWARE, ABOUT))
    entry = coordinates.read(path)
    (again,) = entry.chains
    assert again.letters == chain.letters
    assert again.gaps == ()
    assert entry.method == "THEORETICAL MODEL"
    xyz_LT3, is_atom_LT = atoms.place(
        again.letters, again.residue_N, again.name_N, again.xyz_N3
    )
    np.testing.assert_array_equal(is_atom_LT, chain.is_atom_LT)
    np.testing.assert_allclose(xyz_LT3, chain.xyz_LT3, rtol=0, atol=0.00051)


@pytest.mark.parametrize("kind", WRITERS)
def test_nucleotides_without_atoms_stay_in_the_sequence(tmp_path, kind):
    is_atom_LT = atoms.is_atom()[atoms.encode("GACU")]
    is_atom_LT[[0, 2]] = False
    is_atom_LT[1, 0] = False
    chain = _chain(is_atom_LT=is_atom_LT)
    path = tmp_path / f"a.{kind}"
    path.write_text(WRITERS[kind](chain, {}, {}))
    (again,) = coordinates.read(path).chains
    assert again.letters == "GACU"
    assert again.is_seen_L.tolist() == [False, True, False, True]
    assert len(again.name_N) == is_atom_LT.sum()


def test_lines_of_a_pdb_file_stand_in_its_columns():
    """Columns: PDB format 3.3, ATOM and TER."""
    xyz_LT3 = np.zeros((1, atoms.SLOTS, 3), np.float32)
    xyz_LT3[0, :2] = [[1.23449, -20.5, 300], [-0.0001, 0, -999.999]]
    is_atom_LT = np.arange(atoms.SLOTS)[None] < 2
    chain = _chain(
        "G", xyz_LT3=xyz_LT3, is_atom_LT=is_atom_LT, plddt_L=np.float32([0.5])
    )
    lines = coordinate_formats.as_pdb(chain, {}, {}).splitlines()
    assert [line[76:] for line in lines if line.startswith("ATOM")] == [" P  ", " O  "]
    assert [line[:76].rstrip() for line in lines] == [
        "EXPDTA    THEORETICAL MODEL",
        "SEQRES   1 A    1    G",
        "ATOM      1  P     G A   1       1.234 -20.500 300.000  1.00 50.00",
        "ATOM      2  OP1   G A   1       0.000   0.000-999.999  1.00 50.00",
        "TER       3        G A   1",
        "END",
    ]


def test_what_is_said_of_a_prediction_keeps_to_the_lines_of_a_pdb_file():
    about = ABOUT | {"note": "Ångström\nEND " + "words " * 40, "long": "x" * 200}
    text = coordinate_formats.as_pdb(_chain(), SOFTWARE, about)
    assert text.isascii()
    assert {len(line) for line in text.splitlines()} == {80}
    remarks = [line[11:].rstrip() for line in text.splitlines() if "REMARK" in line]
    assert remarks[:3] == [
        "program: ssrlm-jax 0.1.0",
        "model: tiny",
        "data cut-off: 2022-01-01",
    ]
    assert " ".join(remarks[3:]).startswith("note: ?ngstr?m END words words")
    assert "".join(remarks).count("x") == 201
    assert text.startswith("TITLE     A RIBOSWITCH ")


def test_an_mmcif_file_says_where_it_comes_from_and_how_sure_it_is():
    """Names: the dictionaries PDBx/mmCIF and ModelCIF."""
    chain = _chain(plddt_L=np.array([0.25, 0.5, 0.75, 1.0], np.float32))
    about = ABOUT | {"title": "it's\n\"5' and 3'\"; "}
    text = coordinate_formats.as_mmcif(chain, SOFTWARE, about)
    block = gemmi.cif.read_string(text)[0]
    tables = block.get_mmcif_category
    assert tables("_struct.")["title"] == ["it's \"5' and 3'\";"]
    assert tables("_struct.")["pdbx_model_details"] == [
        "model: tiny\ndata cut-off: 2022-01-01"
    ]
    assert tables("_software.")["name"] == ["ssrlm-jax"]
    assert tables("_software.")["version"] == ["0.1.0"]
    assert tables("_entity_poly.")["pdbx_seq_one_letter_code"] == ["GACU"]
    assert tables("_entity_poly.")["type"] == ["polyribonucleotide"]
    assert tables("_entity_poly_seq.")["mon_id"] == list("GACU")
    assert tables("_ma_qa_metric.")["name"] == ["pLDDT", "mean pLDDT"]
    local = tables("_ma_qa_metric_local.")
    assert local["label_seq_id"] == ["1", "2", "3", "4"]
    assert local["metric_value"] == ["25.00", "50.00", "75.00", "100.00"]
    assert tables("_ma_qa_metric_global.")["metric_value"] == ["62.50"]


def test_an_mmcif_file_needs_neither_title_nor_programs():
    text = coordinate_formats.as_mmcif(_chain(), {}, {})
    block = gemmi.cif.read_string(text)[0]
    assert block.name == "model"
    assert "_software." not in block.get_mmcif_category_names()


def _sparse(length, num_atoms=1, **changed):
    is_atom_LT = np.tile(np.arange(atoms.SLOTS) < num_atoms, (length, 1))
    return _chain("G" * length, is_atom_LT=is_atom_LT, **changed)


@pytest.mark.parametrize(
    ("chain", "what"),
    [
        (_sparse(10_000), "nucleotide 10,000"),
        (_sparse(2, numbers=(1, 10_000)), "nucleotide 10,000"),
        (_sparse(4348, 23), "100,004 atoms"),
        (_sparse(1, name="AB"), "chain name 'AB'"),
        (
            _sparse(1, xyz_LT3=np.full((1, atoms.SLOTS, 3), -1000, np.float32)),
            "a coordinate of -1000.000",
        ),
        (
            _sparse(1, xyz_LT3=np.full((1, atoms.SLOTS, 3), 1e4, np.float32)),
            "a coordinate of 10000.000",
        ),
    ],
)
def test_what_pdb_cannot_hold_is_named(chain, what):
    with pytest.raises(ValueError, match=f"PDB cannot hold {what}; write mmCIF"):
        coordinate_formats.as_pdb(chain, {}, {})


def test_mmcif_holds_a_long_chain():
    text = coordinate_formats.as_mmcif(_sparse(10_000), {}, {})
    name, sequence, rows, _ = _read_by_gemmi("cif", text)
    assert (name, len(sequence), rows[-1][0]) == ("A", 10_000, 10_000)


def _with(array, place, value):
    array = array.copy()
    array[place] = value
    return array


WHOLE = _chain()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"letters": "GANU"}, "nucleotide 3: 'N' is not one of A C G U"),
        ({"letters": "GAC"}, r"3 letters: xyz_LT3 of shape \(3, 23, 3\) is expected"),
        ({"plddt_L": np.zeros(3)}, r"plddt_L of shape \(4,\) is expected"),
        ({"is_atom_LT": np.zeros((4, 22), bool)}, r"is_atom_LT of shape \(4, 23\)"),
        (
            {"xyz_LT3": _with(WHOLE.xyz_LT3, (1, 11, 2), np.nan)},
            r"nucleotide 2: the place of C1' is \[.*nan\]; finite numbers",
        ),
        ({"xyz_LT3": _with(WHOLE.xyz_LT3, (0, 0, 0), np.inf)}, "the place of P is"),
        ({"plddt_L": _with(WHOLE.plddt_L, 3, 1.5)}, "nucleotide 4: pLDDT is 1.5"),
        ({"plddt_L": _with(WHOLE.plddt_L, 0, np.nan)}, "nucleotide 1: pLDDT is nan"),
        (
            {"is_atom_LT": np.ones((4, atoms.SLOTS), bool)},
            "nucleotide 2: A has 22 atoms; there is one in slot 23",
        ),
        ({"is_atom_LT": np.zeros((4, atoms.SLOTS), bool)}, "a chain with atoms"),
        ({"name": ""}, "chain '': letters and digits are expected"),
        ({"numbers": (1, 2, 2, 3)}, "numbers: 4 that rise are expected"),
        ({"numbers": (1, 2)}, "numbers: 4 that rise are expected"),
    ],
)
def test_what_is_no_chain_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(WHOLE, **({"numbers": ()} | changed))


def test_places_without_an_atom_may_be_anything():
    xyz_LT3 = _with(WHOLE.xyz_LT3, (1, 22), np.nan)
    assert "nan" not in coordinate_formats.as_pdb(_chain(xyz_LT3=xyz_LT3), {}, {})
