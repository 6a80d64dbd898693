import bz2
import gzip

import duplex
import gemmi
import pytest

from ssrlm_jax.rna import atom_files, coordinates

PLACED = duplex.changed(duplex.atoms(), place=lambda one: one.number)
HEAD = (
    "HEADER    RNA                                     01-JAN-20   9XXX\n"
    "EXPDTA    X-RAY DIFFRACTION\n"
    "REVDAT   1   08-JAN-20 9XXX    0\n"
    "REMARK   2 RESOLUTION.    2.00 ANGSTROMS.\n"
)
ABOUT = (
    "_exptl.entry_id 9XXX\n_exptl.method 'X-RAY DIFFRACTION'\n"
    "_refine.pdbx_refine_id 'X-RAY DIFFRACTION'\n_refine.ls_d_res_high 2.0\n"
    "_refine.entry_id 9XXX\n"
    "_pdbx_audit_revision_history.ordinal 1\n"
    "_pdbx_audit_revision_history.revision_date 2020-01-08\n"
)


def _cif():
    return duplex.cif(PLACED, {"1": duplex.WHOLE}).replace(
        "data_test\n", f"data_9XXX\n{ABOUT}"
    )


PDB = (HEAD + duplex.pdb(duplex.atoms(), duplex.WHOLE)).encode()
CIF = _cif().encode()
FILES = {
    "1abc.pdb": PDB,
    "1abc.ent": PDB,
    "1abc.PDB": PDB,
    "1abc.pdb1.gz": gzip.compress(PDB, mtime=0),
    "1abc.pdb.bz2": bz2.compress(PDB),
    "1abc.cif": CIF,
    "1abc.mmcif.gz": gzip.compress(CIF, mtime=0),
    "1abc.bcif": duplex.binary(_cif()),
    "1abc.bcif.gz": gzip.compress(duplex.binary(_cif())),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_says_the_same(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    assert atom_files.find([str(tmp_path)]) == [tmp_path / name]
    entry = coordinates.read(tmp_path / name)
    (chain,) = entry.chains
    assert (entry.id, entry.date, entry.resolution) == ("1abc", "2020-01-08", 2.0)
    assert entry.method == "X-RAY DIFFRACTION"
    assert chain.letters == duplex.WHOLE
    assert len(chain.name_N) == len(PLACED)
    assert chain.xyz_N3[0].tolist() == pytest.approx(PLACED[0].xyz, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rp.out.1.pdb", "rp.out.1"),
        ("rp.out.2.pdb", "rp.out.2"),
        ("pdb1abc.ent.gz", "pdb1abc"),
        ("1abc-assembly1.cif.gz", "1abc-assembly1"),
        ("model.cif.pdb", "model.cif"),
        ("noending", "noending"),
        ("some.thing", "some.thing"),
    ],
)
def test_an_id_is_the_name_without_what_tells_the_format(name, expected):
    assert atom_files.id_of(f"a.folder/{name}") == expected


def test_the_first_block_with_atoms_is_read(tmp_path, caplog):
    ligand = "data_comp_XYZ\n_chem_comp.id XYZ\n"
    path = tmp_path / "a.cif"
    path.write_text(ligand + _cif())
    assert coordinates.read(path).chains[0].letters == duplex.WHOLE
    assert not caplog.records
    other = duplex.cif(duplex.changed(PLACED, chain="Z"))
    path.write_text(_cif() + ligand + other.replace("data_test", "data_other"))
    assert coordinates.read(path).chains[0].name == "A"
    assert "2 data blocks have atoms; the first, 9XXX, is read" in caplog.text


def test_the_first_model_is_read(tmp_path):
    lines = [line for line in duplex.pdb(duplex.atoms()).splitlines() if line != "END"]
    text = ["MODEL        1", *lines, "ENDMDL", "MODEL        2", *lines, "ENDMDL"]
    (tmp_path / "a.pdb").write_text("\n".join(text))
    (chain,) = coordinates.read(tmp_path / "a.pdb").chains
    assert chain.letters == duplex.LETTERS
    assert len(chain.name_N) == len(PLACED)


def test_atoms_of_one_residue_may_differ_in_their_segment(tmp_path):
    given = duplex.changed(duplex.atoms(), segment=lambda one: f"S{one.name[0]}")
    (tmp_path / "a.pdb").write_text(duplex.pdb(given))
    (chain,) = coordinates.read(tmp_path / "a.pdb").chains
    assert len(chain.name_N) == len(PLACED)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdb", b"hello\n", r"a.pdb: no atoms are found; PDB is expected"),
        ("a.cif", b"", "a.cif: no atoms are found in 0 data blocks; mmCIF is expected"),
        ("a.cif", b"data_a\nloop_\n_a\n", "a.cif: "),
        ("a.bcif", b"\x00\x01", "a.bcif: damaged BinaryCIF"),
        ("a.bcif", FILES["1abc.bcif"][:2000], "a.bcif: damaged BinaryCIF"),
        ("a.mmtf", b"x", "a.mmtf: MMTF is not read; get the entry as mmCIF"),
        ("a.pdb.zst", b"\x28\xb5\x2f\xfd", "a.pdb.zst: is packed by zstd"),
        ("a.pdb.gz", gzip.compress(PDB, mtime=0)[:500], "a.pdb.gz.*ends too early"),
        ("a.bcif.gz", gzip.compress(PDB, mtime=0)[:500], "a.bcif.gz.*ends too early"),
        (
            "a.pdb",
            PDB.replace(b"   8.001", b"     nan"),
            r"chain A, G 1: the place of O5' is \[nan, .*\]; finite numbers",
        ),
        ("a.cif", CIF.replace(b" 8.001 ", b" ? "), "chain A, G 1: the place of O5'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert atom_files.find([str(tmp_path)]) == [tmp_path / name]
    with pytest.raises(ValueError, match=message):
        coordinates.read(tmp_path / name)


def test_what_is_found_in_folders(tmp_path):
    for name in ("b/2.pdb", "a.cif", "a.txt", "b/._2.pdb", "1.json", "3.pdb.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    expected = [tmp_path / "3.pdb.zip", tmp_path / "a.cif", tmp_path / "b" / "2.pdb"]
    assert atom_files.find([str(tmp_path), str(tmp_path / "a.cif")]) == expected
    with pytest.raises(ValueError, match=r"a.txt: not the ending of a structure"):
        atom_files.find([str(tmp_path / "a.txt")])
    with pytest.raises(ValueError, match="nowhere: there is no such file or directory"):
        atom_files.find(["nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty: no structure is found; \.pdb, "):
        atom_files.find([str(tmp_path / "empty")])


def test_gemmi_alone_would_mix_strands_that_start_again():
    """What `_apart` is for; where this fails, it may be removed."""
    nucleotide = [one for one in duplex.atoms() if one.number == 2]
    far = duplex.changed(nucleotide, xyz=lambda one: (one.xyz[0] + 50, 0.0, 0.0))
    structure = gemmi.read_pdb_string(duplex.pdb([*nucleotide, "TER", *far]))
    assert [len(residue) for residue in structure[0][0]] == [2 * len(nucleotide)]
