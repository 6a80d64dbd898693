import gzip
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ssrlm_jax.rna import formats, structure_formats, structures

# A hairpin of two pairs, GGAAACC with (1, 7) and (2, 6), then of one: (1, 7).
CT = """# made by hand
  7 ENERGY = -1.2 [initially -2]  first of two
1 G 0 2 7 1
2 G 1 3 6 2 0 0
3 A 2 4 0 3
4 A 3 5 0 4
5 A 4 6 0 5
6 C 5 7 2 6
7 C 6 0 1 7
7\tdG = 3.0
1 G 0 2 7 1
2 G 1 3 0 2
3 A 2 4 0 3
4 A 3 5 0 4
5 A 4 6 0 5
6 C 5 7 0 6
7 C 6 0 1 7
"""
BPSEQ = """Accession Number: X1
# Name: hairpin
1 G 5
2 a 0
3 N 0

4 U 0
5 C 1
"""
ST = """#Name: bpRNA_CRW_1
#Length:  9
#PageNumber: 2
GGAACCUCC
((.[))..]
SSHHSSEEE
NNNKNNNNK
S1 1..2 "GG" 5..6 "CC"
#Name: bpRNA_RFAM_2
#Length: ,2,
AC
..
EE
NN
#Name: bpRNA_RFAM_3
GU
()
"""
DBN = """#Name: bpRNA_CRW_1
#Length: 9
GGAACCUCC
((.[))..]
>two more words
ACG

(.)
"""
READ = {
    "x.ct": (
        CT,
        [("first", "GGAAACC", "((...))"), ("x", "GGAAACC", "(.....)")],
        [2, 10],
    ),
    "x.bpseq": (BPSEQ, [("hairpin", "GaNUC", "(...)")], [3]),
    "x.st": (
        ST,
        [
            ("bpRNA_CRW_1", "GGAACCUCC", "((.[))..]"),
            ("bpRNA_RFAM_2", "AC", ".."),
            ("bpRNA_RFAM_3", "GU", "()"),
        ],
        [4, 11, 16],
    ),
    "x.DBN": (
        DBN,
        [("bpRNA_CRW_1", "GGAACCUCC", "((.[))..]"), ("two", "ACG", "(.)")],
        [3, 6],
    ),
}


def _complaint(path, content):
    path.write_text(content)
    with pytest.raises(ValueError, match=".") as caught:
        list(structure_formats.read(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("name", READ)
def test_a_file_gives_names_sequences_pairs_and_places(tmp_path, name, is_packed):
    content, expected, lines = READ[name]
    path = tmp_path / (name + ".gz" * is_packed)
    path.write_bytes(
        gzip.compress(content.encode(), mtime=0) if is_packed else content.encode()
    )
    found = list(structure_formats.read(path))
    assert [
        (one.name, one.sequence, structures.to_dot_bracket(one.structure))
        for one in found
    ] == expected
    assert [one.place for one in found] == [f"{path}:{line}" for line in lines]


def test_lines_end_as_they_like_and_files_without_a_label_name_their_record(tmp_path):
    (tmp_path / "a.b.dbn").write_bytes(b"ACG\r\n(.)\r\nAC\r\n..\r\n")
    (tmp_path / "c.bpseq").write_bytes(b"1\tA\t0\r\n")
    found = list(structure_formats.read(tmp_path / "a.b.dbn"))
    assert [(one.name, one.sequence) for one in found] == [
        ("a.b", "ACG"),
        ("a.b-2", "AC"),
    ]
    (one,) = structure_formats.read(tmp_path / "c.bpseq")
    assert (one.name, one.sequence, len(one.structure.pairs)) == ("c", "A", 0)


ROWS = "3 x\n1 A 0 2 {} 1\n2 C 1 3 0 2\n3 U 2 0 1 3\n"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.ct", "", ": the file is empty"),
        ("a.ct", ">x\nACGU\n", ":2: a header 'LENGTH TITLE' is expected, found 'ACGU'"),
        ("a.ct", "0 x\n", ":1: a header 'LENGTH TITLE'"),
        ("a.ct", "3 x\n1 A 0 2 0 1\n", ":1: 3 lines of nucleotides expected, found 1"),
        ("a.ct", "1 x\n1 A 0 0\n", ":2: 5 fields expected, found 4: '1 A 0 0'"),
        ("a.ct", "1 x\n2 A 0 0 0 1\n", ":2: position 1 expected, found '2'"),
        ("a.ct", ROWS.format(4), ":2: a partner in 0..3 other than 1 expected, fo"),
        ("a.ct", ROWS.format(1), "other than 1 expected, found '1'"),
        ("a.ct", ROWS.format(-2), "other than 1 expected, found '-2'"),
        ("a.ct", ROWS.format(0), ":4: 3 is paired with 1, whose partner 3 is exp"),
        ("a.bpseq", "# only this\n", ": the file has no nucleotides"),
        ("a.bpseq", "1 A 0\n2 A\n", ":2: 3 fields expected, found 2: '2 A'"),
        ("a.bpseq", "1 A 0 0\n", ":1: 3 fields expected, found 4: '1 A 0 0'"),
        ("a.bpseq", "1 AC 0\n", ":1: one letter expected, found 'AC'"),
        ("a.bpseq", "1 A 2\n2 C 3\n3 U 2\n", ":1: 1 is paired with 2, whose partner 1"),
        ("a.bpseq", "1 A 0\nx late\n", ":2: 3 fields expected, found 2: 'x late'"),
        ("a.st", "#Name: x\nAC\n..\nEE\n", ":4: pseudoknots expected below, found not"),
        ("a.st", "#Name: x\nAC\n", ":2: dot-bracket expected below, found nothing"),
        ("a.st", "#Name: x\n", ":1: a sequence expected below, found nothing"),
        ("a.st", "AC\n..\nEQ\nNN\n", ":3: loop types expected, 2 letters of SEHIMBX"),
        ("a.st", "AC\n..\nEE\nN\n", ":4: pseudoknots expected, 2 letters of NK, fou"),
        ("a.st", "#Length: 3\nAC\n..\nEE\nNN\n", ":1: #Length: 2 expected, found 3"),
        ("a.dbn", "AC\n...\n", ":2: dot-bracket of 2 positions expected, found 3"),
        ("a.dbn", "AC\n(.\n", ":2: dot-bracket position 1: '(' is never closed"),
        ("a.dbn", "AC\n..\nA\n", ":3: a-2: a dot-bracket line is expected below"),
        ("a.dbn", ">x\n>y\nA\n.\n", ":1: a sequence and a dot-bracket line are expe"),
        ("a.dbn", "\n", ": the file is empty"),
        ("a.txt", "nonsense here\n", ":1: expected FASTA, dot-bracket, CT, BPSEQ"),
    ],
)
def test_what_is_malformed_is_named_with_its_line(tmp_path, name, content, complaint):
    assert complaint in _complaint(tmp_path / name, content)


WRITERS = {
    ".ct": structure_formats.write_ct,
    ".bpseq": structure_formats.write_bpseq,
    ".dbn": structure_formats.write_dbn,
}


@st.composite
def records(draw):
    """A record of up to 30 nucleotides with any pairs, pseudoknots included."""
    length = draw(st.integers(1, 30))
    letters = st.text("ACGUTNacgu", min_size=length, max_size=length)
    order = draw(st.permutations(range(length)))
    num_pairs = draw(st.integers(0, length // 2))
    pairs = np.array(order[: 2 * num_pairs], np.int32).reshape(-1, 2)
    name = draw(st.from_regex(r"[A-Za-z0-9_.|/-]+", fullmatch=True))
    return formats.Record(name, draw(letters), structures.Structure(length, pairs))


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=100, deadline=None)
@given(record=records())
@example(record=formats.Record("Tt", "A", structures.from_dot_bracket(".")))
def test_what_is_written_is_read_back(tmp_path_factory, suffix, record):
    path = tmp_path_factory.mktemp("written") / f"other{suffix}"
    WRITERS[suffix](path, record)
    (found,) = structure_formats.read(path)
    assert (found.name, found.sequence) == (record.name, record.sequence)
    np.testing.assert_array_equal(found.structure.pairs, record.structure.pairs)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_the_written_form_is_the_published_one(tmp_path):
    record = formats.Record("x", "GAC", structures.from_dot_bracket("(.)"))
    for suffix, expected in {
        ".ct": "3 x\n1 G 0 2 3 1\n2 A 1 3 0 2\n3 C 2 0 1 3\n",
        ".bpseq": "#Name: x\n1 G 3\n2 A 0\n3 C 1\n",
        ".dbn": ">x\nGAC\n(.)\n",
    }.items():
        WRITERS[suffix](tmp_path / f"x{suffix}", record)
        assert (tmp_path / f"x{suffix}").read_text() == expected


TRIPLE = structures.Structure(4, np.array([(0, 2), (0, 3)]))


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (formats.Record("x", "ACGU", TRIPLE), "x.*(paired already|two partners)"),
        (formats.Record("x", "ACG", TRIPLE), "has 4 positions, the sequence 3"),
        (formats.Record("x", "ACGU"), "a sequence with a structure is expected"),
        (formats.Record("x", "", structures.from_dot_bracket("")), "is expected"),
        (formats.Record("a b", "A", structures.from_dot_bracket(".")), "found 'a b'"),
        (formats.Record("", "A", structures.from_dot_bracket(".")), "found ''"),
    ],
)
def test_what_a_format_cannot_hold_is_not_written(tmp_path, suffix, record, complaint):
    path = tmp_path / f"file{suffix}"
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{complaint}"):
        WRITERS[suffix](path, record)
    assert list(tmp_path.iterdir()) == []


def test_a_name_twice_in_a_block_of_stockholm_is_told(tmp_path):
    path = tmp_path / "x.sto"
    head = "# STOCKHOLM 1.0\n\n"
    path.write_text(f"{head}one GGGG\none CCCC\ntwo AAAA\n//\n")
    note, *records = structure_formats.each(path)
    assert note.text == (
        f"{path}:4: one comes twice in one block; names of rows differ, and blank "
        "lines part the pieces of rows"
    )
    assert [one.sequence for one in records] == ["GGGG", "AAAA"]
    path.write_text(f"{head}one GGGG\ntwo CCCC\n\n# more\none AA\ntwo UU\n//\n")
    assert [r.sequence for r in structure_formats.read(path)] == ["GGGGAA", "CCCCUU"]
    path.write_text("# STOCKHOLM 1.0\none GG\none CC\n//\n")
    with pytest.raises(ValueError, match="x.sto:3: one comes twice"):
        list(structure_formats.read(path))


def test_what_follows_the_loops_of_st_is_told(tmp_path):
    path = tmp_path / "x.st"
    path.write_text(
        '#Name: a\nGGAACC\n((..))\nSSHHSS\nNNNNNN\nS1 1..2 "GG" 5..6 "CC"\n'
        "PK1 1bp 1..1 2..2\nsegment1 2bp 1..2 GG 5..6 CC\nb GGGAAACCC (((...)))\nmore\n"
    )
    record, note = structure_formats.each(path)
    assert record.sequence == "GGAACC"
    assert note.text == (
        f"{path}:9: not used: 'b GGGAAACCC (((...)))', and 1 more such lines"
    )
