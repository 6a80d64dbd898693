import csv
import gzip
import pathlib
import re

import numpy as np
import pytest

from ssrlm_jax.rna import formats, record_tables, structure_formats, structures

TABLE = "id\tfamily\tsequence\tdotbracket\tpairs\n"


def _write(tmp_path, content, name="file"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _complaint(tmp_path, content):
    """The one line that a file is refused with, without its folder."""
    path = _write(tmp_path, content)
    with pytest.raises(ValueError, match=".") as caught:
        list(structure_formats.read(path))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_fasta_joins_lines_and_takes_the_first_word(tmp_path):
    text = "\n>one first record\nAC\n\ngu\n  \n>two\nT\n>one\nNN"
    records = list(structure_formats.read(_write(tmp_path, text)))
    assert [(r.name, r.sequence) for r in records] == [
        ("one", "ACgu"),
        ("two", "T"),
        ("one", "NN"),
    ]
    assert records[1].place.endswith("file:7")
    assert records[0].structure is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_gz_do_not_matter(tmp_path, end):
    text = f">a{end}ACG{end}UU{end}>b{end}G{end}".encode()
    plain = list(structure_formats.read(_write(tmp_path, text, "plain")))
    packed = list(
        structure_formats.read(_write(tmp_path, gzip.compress(text, mtime=0), "packed"))
    )
    for records in (plain, packed):
        assert [(r.name, r.sequence) for r in records] == [("a", "ACGUU"), ("b", "G")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", ": the file is empty"),
        ("\n \n", ": the file is empty"),
        (">a\n>b\nAC\n", ":1: a header without a sequence"),
        (">b\nAC\n>a\n\n", ":3: a header without a sequence"),
        (">\nAC\n", ":1: a header without a name"),
        ("ACGU\n", ":1: expected FASTA"),
        ("\x89PNG\r\n", ":1: expected FASTA"),
        (gzip.compress(b">a\nACGU\n" * 99, mtime=0)[:-9], "the gz file ends too early"),
        (gzip.compress(b">a\nACGU\n", mtime=0)[:20] + b"wrong data here", "damaged gz"),
    ],
)
def test_malformed_fasta_is_named_with_its_line(tmp_path, content, complaint):
    assert complaint in _complaint(tmp_path, content)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none: cannot be read \(No such file"):
        list(structure_formats.read(tmp_path / "none"))


def test_a_table_is_read_by_column_name(tmp_path):
    text = "dotbracket\tid\tsequence\r\n(.)\ta\tACG\r\n\r\n\tb\tAC\r\n"
    first, second = structure_formats.read(_write(tmp_path, text))
    assert (first.name, first.sequence, first.family) == ("a", "ACG", "")
    np.testing.assert_array_equal(first.structure.pairs, [[0, 2]])
    assert second.structure is None
    assert second.place.endswith(":4")


def test_pairs_are_read_instead_of_dots_where_filled(tmp_path):
    text = TABLE + "a\tRF1\tACGU\t(..)\t1-4;1-3\nb\tRF2\tACGU\t(..)\t\n"
    first, second = structure_formats.read(_write(tmp_path, text))
    np.testing.assert_array_equal(first.structure.pairs, [[0, 2], [0, 3]])
    np.testing.assert_array_equal(second.structure.pairs, [[0, 3]])
    assert (first.family, second.family) == ("RF1", "RF2")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("a\tf\tACGU\t(..)", ":2: 5 fields expected, found 4"),
        ("a\tf\t\t\t", ":2: a record without a sequence"),
        (
            "a\tf\tACGU\t(...)\t",
            ":2: dot-bracket of 4 positions expected, found 5: '(...)'",
        ),
        ("a\tf\tACGU\t((.)\t", ":2: dot-bracket position 1: '(' is never closed"),
        ("a\tf\tACGU\t(..)\t1-9", ":2: pair (1, 9) lies outside positions 1..4"),
        ("a\tf\tACGU\t(..)\t1/4", ":2: pairs as '1-7;2-6' are expected, found '1/4'"),
        ("a\tf\tACGU\t(..)\t2-2", ":2: position 2 is paired with itself"),
    ],
)
def test_a_malformed_row_is_named_with_its_line(tmp_path, row, complaint):
    assert complaint in _complaint(tmp_path, TABLE + row + "\n")


def test_a_table_needs_its_columns(tmp_path):
    path = _write(tmp_path, "id\tstructure\na\t((..))\n")
    with pytest.raises(ValueError, match="a column 'sequence' .or seq, .*found 'id'"):
        list(record_tables.table(path))


@pytest.mark.parametrize("energy", ["", " (-1.20)", " ( -1.20)", "\t-3"])
def test_rnafold_output_is_read(tmp_path, energy):
    text = f">a first\nGAAAC\n(...){energy}\n>b\nGG\n..{energy}\n"
    first, second = structure_formats.read(_write(tmp_path, text))
    assert (first.name, first.sequence) == ("a", "GAAAC")
    np.testing.assert_array_equal(first.structure.pairs, [[0, 4]])
    assert (second.name, len(second.structure.pairs)) == ("b", 0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            ">a\nGC\n()\n>b\nGC\n",
            ":5: b: a dot-bracket line is expected below the sequence",
        ),
        (
            ">a\nGC\n()\nGC\n",
            ":4: '>name' is expected above another sequence, found 'GC'",
        ),
        (
            ">a\nGC\n()\n>b\n",
            ":4: a sequence and a dot-bracket line are expected below '>b'",
        ),
        (">a\nGC\n(.)\n", ":3: dot-bracket of 2 positions expected, found 3: '(.)'"),
        (">a\nGC\n((\n", ":3: dot-bracket position 1: '(' is never closed"),
    ],
)
def test_a_malformed_dot_bracket_file_is_named_with_its_line(tmp_path, text, complaint):
    assert complaint in _complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (">a\nAC\n", "fasta"),
        (">a\nAC\nGU\n", "fasta"),
        (">a\nAC\n..\n", "dot_bracket"),
        ("AC\n..\n", "dot_bracket"),
        (">a\nAC\nGU\n>structure\n()..\n", "dot_bracket"),
        ("#Name: a\nAC\n..\nEE\nNN\n", "st"),
        ("; comment\nSeq,SS\nAC,..\n", "table"),
        ('{"name": "a", "sequence": "AC"}\n', "json"),
        ("2 x\n1 A 0 2 0 1\n2 C 1 0 0 2\n", "ct"),
        (">seq length: 1\t seq name: x\n1\tA\t0\t0\t0\t1\n", "ct"),
        ("Filename: x.nopct\nOrganism: E. coli\n1 x\n1 A 0 0 0 1\n", "ct"),
        ("# x\n1 A 2\n2 U 1\n", "bpseq"),
        ("Filename: x\nCitation and more at http://x\n1 A 0\n", "bpseq"),
        (">a\nGG..AC\n>b\nGGAAAC\n", "fasta"),  # gaps
        (">a\nGC(AU)[GG]\n", "fasta"),  # codes of modified nucleotides
        ("id\tsequence\n", "table"),
    ],
)
def test_the_format_is_told_by_content(tmp_path, text, kind):
    assert structure_formats.kind(_write(tmp_path, text, "any.name")) == kind


STOCKHOLM = """# STOCKHOLM 1.0
#=GF ID   tRNA-like
#=GF AC   RF09999

one/1-9      GG.AC-GUCC
two/3-8      GGaACUG-.C
#=GR one PP  9999999999
#=GC SS_cons <<A.,a_->>
//
# STOCKHOLM 1.0
#=GF ID   bare
three        AC

three        GU
//
"""


def test_a_stockholm_consensus_is_projected_on_each_sequence(tmp_path):
    """Columns 1-10, 2-9 and, as a pseudoknot, 3-6; gaps drop a pair."""
    path = tmp_path / "seed.gz"
    path.write_bytes(gzip.compress(STOCKHOLM.encode(), mtime=0))
    assert structure_formats.kind(path) == "stockholm"
    one, two, three = structure_formats.read(path)
    assert (one.name, one.sequence, one.family) == ("one/1-9", "GGACGUCC", "RF09999")
    assert structures.to_dot_bracket(one.structure) == "((....))"
    assert (two.sequence, two.place) == ("GGaACUGC", f"{path}:6")
    assert structures.to_dot_bracket(two.structure) == "(.(..).)"
    assert (three.sequence, three.structure, three.family) == ("ACGU", None, "bare")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# STOCKHOLM 1.0\na ACGU\n", ":1: the alignment does not end with '//'"),
        ("# STOCKHOLM 1.0\na AC GU\n//\n", ":2: a name and an aligned sequence"),
        ("# STOCKHOLM 1.0\na ---\n//\n", ":2: a: gaps only"),
        (
            "# STOCKHOLM 1.0\na ACGU\n#=GC SS_cons <..\n//\n",
            ":2: SS_cons: dot-bracket position 1: '<' is never closed; 1 rows left",
        ),
        (
            "# STOCKHOLM 1.0\na ACGU\n#=GC SS_cons <.>\n//\n",
            ":2: a: 4 columns, SS_cons has 3",
        ),
        ("# STOCKHOLM 1.0\na AC\n//\nb AC\n", ":4: '# STOCKHOLM 1.0' is expected"),
    ],
)
def test_a_malformed_alignment_names_its_line(tmp_path, text, complaint):
    path = tmp_path / "bad.sto"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(complaint)):
        list(structure_formats.read(path))


RFAM = pathlib.Path(__file__).parents[3] / "shared" / "data" / "rfam"


@pytest.mark.skipif(not RFAM.is_dir(), reason="../shared/data/rfam is absent")
def test_rfam_alignments_give_the_structures_that_were_projected_before(tmp_path):
    """Against a table that others made of the same alignments; every 20th family."""
    csv.field_size_limit(10**8)

    def table(name):
        with gzip.open(RFAM / name, "rt") as file:
            yield from csv.DictReader(file, delimiter="\t")

    chosen = {r["accession"]: r["SS_cons"] for r in table("families.tsv.gz")}
    chosen = dict(list(chosen.items())[::20])
    rows = {accession: [] for accession in chosen}
    for row in table("alignments.tsv.gz"):
        if row["accession"] in rows:
            name, aligned = row["seq_name"], row["aligned_sequence"]
            rows[row["accession"]].append(f"{name} {aligned}")
    text = "".join(
        f"# STOCKHOLM 1.0\n#=GF AC {accession}\n\n" + "\n".join(rows[accession])
        + f"\n#=GC SS_cons {consensus}\n//\n"
        for accession, consensus in chosen.items()
    )  # fmt: skip
    found = list(structure_formats.read(_write(tmp_path, text)))
    expected = [
        record
        for record in structure_formats.read(RFAM / "seed_ss.tsv.gz")
        if record.family in chosen
    ]
    assert len(found) == len(expected) > 2000
    for one, other in zip(found, expected, strict=True):
        assert (one.name, one.sequence) == (other.name, other.sequence)
        np.testing.assert_array_equal(one.structure.pairs, other.structure.pairs)


def test_a_written_table_reads_back_with_triples_and_unpaired_strands(tmp_path):
    triple = structures.Structure(6, np.array([[0, 4], [0, 5], [1, 3]]))
    records = [
        formats.Record("a", "GGAAUC", triple, family="x"),
        formats.Record("b", "ACGU", structures.from_dot_bracket("....")),
        formats.Record("c", "ACGUAC", structures.from_dot_bracket("([.)].")),
    ]
    record_tables.write_table(tmp_path / "t.tsv", records)
    found = list(structure_formats.read(tmp_path / "t.tsv"))
    assert [r.name for r in found] == ["a", "b", "c"]
    assert [r.family for r in found] == ["x", "", ""]
    for one, other in zip(found, records, strict=True):
        assert one.sequence == other.sequence
        np.testing.assert_array_equal(one.structure.pairs, other.structure.pairs)
