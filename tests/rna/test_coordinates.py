import bz2
import gzip
import lzma
import math

import numpy as np
import pytest

from ssrlm_jax.rna import coordinates


def _nucleotide(name, number, x, *, chain="A", hetero=False, code=" "):
    """Returns lines of a nucleotide whose P is 1.6 behind the O3' of the last."""
    atoms = {"P": 0.0, "C4'": 2.0, "C3'": 3.0, "C1'": 3.5, "O2'": 3.8, "O3'": 4.4}
    record = "HETATM" if hetero else "ATOM"
    return [
        f"{record:<6}{1:5d}  {atom:<3} {name:>3} {chain}{number:4d}{code}   "
        f"{x + dx:8.3f}{0:8.3f}{0:8.3f}{1:6.2f}{0:6.2f}          {atom[0]:>2}"
        for atom, dx in atoms.items()
    ]


def _write(path, *lines):
    path.write_text("\n".join(line for part in lines for line in part) + "\nEND\n")
    return path


def test_letters_numbers_and_atoms_of_a_chain(tmp_path):
    path = _write(
        tmp_path / "1abc.pdb",
        _nucleotide("G", 5, 0.0),
        _nucleotide("PSU", 6, 6.0, hetero=True),
        _nucleotide("C", 6, 12.0, code="A"),
    )
    entry = coordinates.read(path)
    (chain,) = entry.chains
    assert (entry.id, chain.name, chain.letters) == ("1abc", "A", "GUC")
    assert chain.numbers == ("5", "6", "6A")
    assert chain.modified == ((1, "PSU"),)
    assert chain.gaps == ()
    assert chain.is_seen_L.all()
    np.testing.assert_array_equal(chain.residue_N, np.repeat([0, 1, 2], 6))
    assert chain.xyz_N3[chain.name_N == "C1'", 0].tolist() == [3.5, 9.5, 15.5]


def test_a_broken_strand_has_a_gap_and_a_ligand_is_no_nucleotide(tmp_path):
    path = _write(
        tmp_path / "a.pdb",
        _nucleotide("G", 1, 0.0),
        _nucleotide("A", 4, 40.0),
        _nucleotide("SAM", 90, 90.0, hetero=True),
    )
    (chain,) = coordinates.read(path).chains
    assert chain.letters == "GA"
    assert chain.gaps == ((0, 2),)


def test_seqres_brings_what_was_not_seen(tmp_path):
    seqres = ["SEQRES   1 A    4    G   U 5MC   A"]
    path = _write(
        tmp_path / "a.pdb",
        seqres,
        _nucleotide("G", 1, 0.0),
        _nucleotide("A", 4, 40.0),
        ["TER"],
    )
    (chain,) = coordinates.read(path).chains
    assert chain.letters == "GUCA"
    assert chain.is_seen_L.tolist() == [True, False, False, True]
    assert chain.numbers == ("1", "", "", "4")
    assert chain.modified == ((2, "5MC"),)
    assert chain.residue_N.tolist() == [0] * 6 + [3] * 6


def test_dna_and_protein_are_named(tmp_path):
    dna = [line for line in _nucleotide("DG", 1, 0.0) if "O2'" not in line]
    path = _write(tmp_path / "a.pdb", dna)
    entry = coordinates.read(path)
    assert entry.chains == ()
    assert entry.others == (("A", "no RNA: DNA", ""),)


def test_release_date_resolution_and_method_of_pdb(tmp_path):
    head = [
        "HEADER    RNA                                     01-JAN-94   1ABC",
        "EXPDTA    X-RAY DIFFRACTION",
        "REVDAT   2   24-FEB-09 1ABC    1       VERSN",
        "REVDAT   1   22-FEB-95 1ABC    0",
        "REMARK   2 RESOLUTION.    2.50 ANGSTROMS.",
    ]
    entry = coordinates.read(
        _write(tmp_path / "1abc.pdb", head, _nucleotide("G", 1, 0.0))
    )
    assert entry.date == "1995-02-22"
    assert entry.resolution == 2.5
    assert entry.method == "X-RAY DIFFRACTION"


MMCIF = """data_1XYZ
_exptl.entry_id 1XYZ
_exptl.method 'SOLUTION NMR'
loop_
_pdbx_audit_revision_history.ordinal
_pdbx_audit_revision_history.revision_date
1 2001-05-06
2 2011-07-13
loop_
_entity.id
_entity.type
1 polymer
loop_
_entity_poly.entity_id
_entity_poly.type
1 polyribonucleotide
loop_
_entity_poly_seq.entity_id
_entity_poly_seq.num
_entity_poly_seq.mon_id
1 1 A
1 2 H2U
1 3 G
loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_entity_id
_atom_site.label_seq_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.occupancy
_atom_site.auth_seq_id
_atom_site.auth_asym_id
"""


def test_mmcif_in_gz_with_missing_and_alternative_places(tmp_path):
    rows = [
        f"ATOM {n} C {atom} {alt} {name} A 1 {seq} {n} 0 0 {occ} {seq + 10} R"
        for n, (atom, alt, name, seq, occ) in enumerate(
            [
                ('"C1\'"', ".", "H2U", 2, 1),
                ('"C3\'"', "A", "H2U", 2, 0.4),
                ('"C3\'"', "B", "H2U", 2, 0.6),
                ('"C4\'"', ".", "H2U", 2, 1),
                ('"O2\'"', ".", "H2U", 2, 1),
            ]
        )
    ]
    path = tmp_path / "1xyz.cif.gz"
    path.write_bytes(gzip.compress((MMCIF + "\n".join(rows) + "\n").encode()))
    entry = coordinates.read(path)
    (chain,) = entry.chains
    assert (chain.name, chain.letters) == ("R", "AUG")
    assert chain.numbers == ("", "12", "")
    assert chain.xyz_N3[chain.name_N == "C3'", 0].tolist() == [2.0]
    assert (entry.date, entry.method) == ("2001-05-06", "SOLUTION NMR")
    assert math.isnan(entry.resolution)


def test_what_is_no_structure_is_refused_with_its_name(tmp_path):
    (tmp_path / "a.pdb").write_text("hello\n")
    with pytest.raises(ValueError, match="a.pdb: no atoms"):
        coordinates.read(tmp_path / "a.pdb")
    (tmp_path / "b.cif").write_text("loop_\n_a\n")
    with pytest.raises(ValueError, match="b.cif"):
        coordinates.read(tmp_path / "b.cif")
    (tmp_path / "c.cif").write_text("")
    with pytest.raises(
        ValueError,
        match="c.cif: no atoms are found in 0 data blocks; mmCIF is expected",
    ):
        coordinates.read(tmp_path / "c.cif")


def test_letters_that_are_not_ascii_keep_their_columns(tmp_path):
    path = _write(
        tmp_path / "a.pdb", _nucleotide("G", 1, 0.0), _nucleotide("C", 2, 6.0)
    )
    path.write_bytes(
        b"REMARK \xe9t\xe9\n" + path.read_bytes().replace(b"  P  ", b" \xb7P  ", 1)
    )
    (chain,) = coordinates.read(path).chains
    assert chain.letters == "GC"
    assert "?P" in chain.name_N


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_is_read_by_the_end_of_its_name(tmp_path, pack):
    path = _write(tmp_path / "a.pdb", _nucleotide("G", 1, 0.0))
    (tmp_path / "b.pdb.xz").write_bytes(pack(path.read_bytes()))
    assert coordinates.read(tmp_path / "b.pdb.xz").chains[0].letters == "G"
