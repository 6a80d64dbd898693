import gzip
import pathlib

import pytest

from ssrlm_jax.prepare.sets import benchmark_sets
from ssrlm_jax.rna import formats, structure_formats, structures

HEADER = "id\tfamily\tsequence\tdotbracket\tpairs\n"
SHARED = pathlib.Path(__file__).parents[4] / "shared" / "data" / "secondary"


def _table(tmp_path, *rows, name="set.tsv"):
    path = tmp_path / name
    path.write_text(HEADER + "".join("\t".join(row) + "\n" for row in rows))
    return path


def _ct(folder, name, sequence, dots, title="a title"):
    record = formats.Record("x", sequence, structures.from_dot_bracket(dots))
    structure_formats.write_ct(folder / name, record)
    text = (folder / name).read_text().replace(" x\n", f" {title}\n", 1)
    (folder / name).write_text(text)


def test_a_directory_of_ct_files_is_named_by_its_files(tmp_path):
    _ct(tmp_path, "tRNA_b.ct", "GAAC", "(..)")
    _ct(tmp_path, "16s_A.fulgidus.ct", "GAAAC", "(...)")
    (tmp_path / "16s_A.fulgidus.seq").write_text("GAAAC")
    found = benchmark_sets.read("archiveII", tmp_path)
    assert [(one.name, one.family, one.sequence) for one in found.records] == [
        ("16s_A.fulgidus", "16s", "GAAAC"),
        ("tRNA_b", "tRNA", "GAAC"),
    ]
    assert [one.structure.pairs.tolist() for one in found.records] == [
        [[0, 4]],
        [[0, 3]],
    ]
    assert "1 other entries" in found.notes[0]
    assert found.notes[1].startswith("2 records found, 3,975 published (Sloma")
    assert found.notes[2].startswith("2 families found, 10 published")


def test_the_st_files_of_bprna_say_the_database_in_their_names(tmp_path):
    text = "#Name: bpRNA_CRW_7\nGAC\n(.)\nSHS\nNNN\n"
    (tmp_path / "bpRNA_CRW_7.st.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    (one,) = benchmark_sets.read("bprna_TS0", tmp_path).records
    assert (one.name, one.family) == ("bpRNA_CRW_7", "CRW")


def test_a_set_with_the_published_number_needs_no_words(tmp_path, caplog):
    rows = [(f"x{n}", "PDB", "GAC", "(.)", "") for n in range(30)]
    found = benchmark_sets.read("pdb_VL1", _table(tmp_path, *rows))
    assert len(found.records) == 30
    assert found.notes == ()
    assert not caplog.records


def test_a_difference_is_told_and_logged(tmp_path, caplog):
    rows = [("x", "PDB", "GAC", "(.)", "")] * 29
    found = benchmark_sets.read("pdb_VL1", _table(tmp_path, *rows))
    assert found.notes == (
        "29 records found, 30 published "
        "(Singh et al. 2019, Nature Communications 10:5407)",
        "1 names repeat, such as 'x'",
    )
    assert [record.getMessage() for record in caplog.records] == [
        f"pdb_VL1: {note}" for note in found.notes
    ]


def test_of_atom1_only_watson_crick_pairs_stay(tmp_path):
    rows = [
        ("1ABC_A", "c1", "GAUNguTC", "((()(())", "1-8;2-3;4-7;5-6"),
        ("2ABC_A", "c2", "GU", "()", ""),
        ("3ABC_A", "c2", "AA", "..", ""),
    ]
    found = benchmark_sets.read("atom1_test", _table(tmp_path, *rows))
    # G-C and A-U stay; N-T and g-u, then G-U, go.
    assert [one.structure.pairs.tolist() for one in found.records] == [
        [[0, 7], [1, 2]],
        [],
        [],
    ]
    assert found.notes[0] == "3 pairs other than A-U and G-C left out"
    assert found.notes[1].startswith("3 records found, 113 published (Boyd")
    assert found.notes[2].startswith("2 families found, 57 published")


def test_of_casp15_only_the_natural_targets_stay(tmp_path):
    names = ["R1107", "R1108", "R1116", "R1117v2", "R1126", "R1149"]
    rows = [(name, "", "GAC", "(.)", "") for name in names]
    found = benchmark_sets.read("casp15", _table(tmp_path, *rows))
    assert [one.name for one in found.records] == [n for n in names if n != "R1126"]
    assert found.notes[0] == "1 records of other targets left out"
    assert found.notes[1].startswith("5 records found, 6 published")
    assert found.notes[2] == "no record of R1156"


def test_wobble_pairs_of_other_sets_stay(tmp_path):
    path = _table(tmp_path, ("x", "", "GU", "()", ""))
    (one,) = benchmark_sets.read("rna_puzzles", path).records
    assert one.structure.pairs.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("name", "row", "complaint"),
    [
        ("bprna_TS9", ("x", "", "A", ".", ""), "no set 'bprna_TS9'; known: bprna_TR0"),
        ("pdb_TS1", ("x", "", "A", "", ""), "tsv:2: a structure is expected, found no"),
        ("pdb_TS1", ("x", "", "--", "..", ""), "tsv:2: a sequence .*, found gaps only"),
        ("pdb_TS1", ("x", "", "AC", ".", ""), "tsv:2: dot-bracket of 2 positions exp"),
    ],
)
def test_a_wrong_name_or_record_is_refused(tmp_path, name, row, complaint):
    with pytest.raises(ValueError, match=complaint):
        benchmark_sets.read(name, _table(tmp_path, row))


def test_a_directory_holds_one_format(tmp_path):
    with pytest.raises(ValueError, match="of one format of .ct.* are exp.*found none"):
        benchmark_sets.read("archiveII", tmp_path)
    _ct(tmp_path, "a.ct", "GAC", "(.)")
    (tmp_path / "a.dbn").write_text(">a\nGAC\n(.)\n")
    with pytest.raises(ValueError, match="found .ct, .dbn"):
        benchmark_sets.read("archiveII", tmp_path)
    with pytest.raises(ValueError, match="none: cannot be read"):
        benchmark_sets.read("archiveII", tmp_path / "none")


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/secondary is absent")
def test_the_sets_at_hand_are_those_published_but_for_one_of_tr1():
    """Numbers: ../shared/data/README.md; TR1 lacks one of the published 120."""
    for name, num_records in {
        "bprna_TR0": 10_814,
        "bprna_VL0": 1_300,
        "bprna_TS0": 1_305,
        "archiveII": 3_975,
        "pdb_VL1": 30,
        "pdb_TS1": 67,
    }.items():
        found = benchmark_sets.read(name, SHARED / f"{name}.tsv.gz")
        assert (len(found.records), found.notes) == (num_records, ())
    found = benchmark_sets.read("pdb_TR1", SHARED / "pdb_TR1.tsv.gz")
    assert len(found.records) == 119
    assert found.notes[0].startswith("119 records found, 120 published")


@pytest.mark.parametrize(("count", "num_notes"), [(8, 0), (9, 1)])
def test_of_casp16_the_number_is_checked(tmp_path, count, num_notes):
    """The paper lists eight targets and speaks of nine."""
    lines = [("GAC" + "A" * n, "(.)" + "." * n) for n in range(count)]
    rows = [(f"R12{len(letters)}", "", letters, dots, "") for letters, dots in lines]
    found = benchmark_sets.read("casp16", _table(tmp_path, *rows))
    assert len(found.records) == count
    assert len(found.notes) == num_notes
    assert all("9" in note and "8" in note for note in found.notes)
