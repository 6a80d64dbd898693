"""What readers of structures leave out, put together or name, by hand."""

import json

import numpy as np
import pair_files
import pytest

from ssrlm_jax.rna import (
    drawing,
    formats,
    probability_formats,
    structure_formats,
    structures,
)


def _read(path, content):
    """Returns records as (name, sequence, dot-bracket), and notes without the file."""
    path.write_text(content)
    records, notes = [], []
    for one in structure_formats.each(path):
        if isinstance(one, formats.Note):
            notes.append(one.text.removeprefix(str(path)))
        else:
            dots = structures.to_dot_bracket(one.structure)
            records.append((one.name, one.sequence, dots))
    return records, notes


STOCKHOLM = """# STOCKHOLM 1.0
#=GF ID  x
a              GGAAACC-AA
b              GG-AACCUUA
#=GR b SS      (.......).
#=GR b SS_1    .{.....}..
#=GR b PP      9999999999
c              GGAAACCUUA
#=GC SS_cons   <<___>>:::
#=GC SS_cons_1 .<.....>..
#=GC cov_SS_cons  2222222222
//
"""


def test_numbered_consensus_and_own_structures_of_rows(tmp_path):
    """In column 2 the consensus has two pairs: a base triple, where there is no gap."""
    path = tmp_path / "x.sto"
    path.write_text(STOCKHOLM)
    a, b, c, note = structure_formats.each(path)
    assert a.structure.pairs.tolist() == [[0, 6], [1, 5]]
    assert b.structure.pairs.tolist() == [[0, 7], [1, 6]]
    assert c.structure.pairs.tolist() == [[0, 6], [1, 5], [1, 7]]
    assert note == formats.Note(
        f"{path}: annotations not used: #=GR PP, #=GC cov_SS_cons", is_record=False
    )


def test_a_bad_row_of_an_alignment_leaves_the_others(tmp_path):
    text = STOCKHOLM.replace("(.......).", "(........").replace("GGAAACC-AA", "GG")
    records, notes = _read(tmp_path / "x.sto", text.replace("SS_cons_1", "SS_x"))
    assert [record[0] for record in records] == ["c"]
    assert notes == [
        ":3: a: 2 columns, SS_cons has 10",
        ":4: b: #=GR b SS: dot-bracket position 1: '(' is never closed",
        ": annotations not used: #=GR PP, #=GC SS_x, #=GC cov_SS_cons",
    ]


def test_a_bad_structure_of_a_ct_leaves_the_others(tmp_path):
    whole = "2 x\n1 A 0 2 2 1\n2 U 1 0 1 2\n"
    text = whole + whole.replace("0 1 2", "0 0 2") + "3 y\n1 A 0 0 0 1\n" + whole
    records, notes = _read(tmp_path / "x.ct", text)
    assert records == [("x", "AU", "()")] * 2
    assert notes == [
        ":5: 1 is paired with 2, whose partner 1 is expected, found 0",
        ":7: 3 lines of nucleotides expected, found 1",
    ]
    assert len(list(structure_formats.each(tmp_path / "x.ct"))) == 4


def test_a_bad_structure_of_a_bpseq_leaves_the_others(tmp_path):
    text = "#Name: a\n1 A 2\n2 U 1\n1 A 2\n2 U 0\n>c\n1 A 0\n"
    records, notes = _read(tmp_path / "x.bpseq", text)
    assert records == [("a", "AU", "()"), ("c", "A", ".")]
    assert notes == [":4: 1 is paired with 2, whose partner 1 is expected, found 0"]


def test_titles_name_what_they_are_of():
    for title, name in {
        "ENERGY = -5.0  hp of two": "hp",
        "dG = -21.1 [initially -22.0] hp": "hp",
        "hp ENERGY = -3": "hp",
        "-3.4 hp": "hp",
        "ENERGY = 0.0 [1msy] -- secondary structure derived by DSSR": "1msy",
        "DSSR-derived secondary structure in '1msy'": "1msy",
        "1msy nts=27 DSSR-derived secondary structure": "1msy",
        "ENERGY = -5.0": "",
    }.items():
        assert formats.titled(title) == name


def test_lines_that_are_none_of_a_record_are_named(tmp_path):
    text = ">a\nGC\n()\nsome words about it\n>b\nGC\n()\nmore of them\n"
    records, notes = _read(tmp_path / "x.dbn", text)
    assert records == [("a", "GC", "()"), ("b", "GC", "()")]
    assert notes == [":4: not used: 'some words about it', and 1 more such lines"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("()\n", ""),
        ("()\n(.\n", ":4: dot-bracket position 1: '(' is never closed"),
        ("(\n)\n()\n..\n", ""),
        ("(.)\n", ":3: dot-bracket of 2 positions expected, found 3: '(.)'"),
        ("(,\n", ":3: dot-bracket position 1: '(' is never closed; with ',' and"),
    ],
)
def test_the_first_structure_has_to_be_whole(lines, told, tmp_path):
    records, notes = _read(tmp_path / "x.dbn", f">a\nGC\n{lines}")
    assert records[:1] == ([("a", "GC", "()")] if ":3" not in told else [])
    assert [note[: len(told)] for note in notes] == [told] * bool(told)


def test_strands_have_to_end_together(tmp_path):
    records, notes = _read(tmp_path / "x.dbn", ">a\nGG&CC\n(&())\n>b\nGG&CC\n((&))\n")
    assert records == [("b", "GGCC", "(())")]
    assert "strands begin after (2,) letters, in the structure after (1,)" in notes[0]


def test_three_paired_i_are_no_linker_but_inosines(tmp_path):
    (tmp_path / "x.dbn").write_text(">a\nGGIIICC\n((..)).\n>b\nGIIIC\n(...)\n")
    paired, linked = structure_formats.read(tmp_path / "x.dbn")
    assert (paired.sequence, paired.breaks) == ("GGIIICC", ())
    assert (linked.sequence, linked.breaks) == ("GC", (1,))


def test_training_takes_the_first_structure_of_a_sequence(tmp_path, caplog):
    caplog.set_level("INFO", "ssrlm_jax")
    (tmp_path / "x.dbn").write_text(">a\nGAC\n(.)\n...\n>b\nGAC\n...\n")
    records = list(structure_formats.read(tmp_path / "x.dbn"))
    assert [(one.name, len(one.structure.pairs)) for one in records] == [
        ("a", 1),
        ("b", 0),
    ]
    assert "x.dbn:4: 1 further structures of a sequence not used" in caplog.text


def test_columns_are_found_by_other_names_and_the_rest_is_named(tmp_path):
    text = "RNA_ID,Seq,True Structure,method\nx,GAC,(.),mine\ny,GAC,((.,mine\n"
    records, notes = _read(tmp_path / "x.csv", text)
    assert records == [("x", "GAC", "(.)")]
    assert notes == [
        ":3: dot-bracket position 1: '(' is never closed",
        ": columns not used: method",
    ]


@pytest.mark.parametrize("indent", [None, 1])
def test_json_is_lines_or_a_list(indent, tmp_path):
    fields = {"name": "x", "sequence": "GAAC", "pairs": [[1, 4], [1, 3]]}
    texts = [json.dumps(one, indent=indent) for one in (fields, fields | {"pairs": 1})]
    whole = "\n".join(texts) if indent is None else f"[{','.join(texts)}]"
    path = tmp_path / "x.jsonl"
    path.write_text(whole)
    record, note = structure_formats.each(path)
    assert record.structure.pairs.tolist() == [[0, 2], [0, 3]]
    assert note.text == f"{path}:2: pairs as '1-7;2-6' are expected, found '1'"


@pytest.mark.parametrize("value", [{"rna": "GC"}, ["GC"], 1.5])
def test_what_is_no_text_in_json_is_no_sequence(value, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"name": "x", "sequences": value}))
    (note,) = structure_formats.each(path)
    assert "'sequence': text is expected" in note.text


def test_a_dot_plot_of_two_strands_has_a_break():
    """ViennaRNA's RNA.cofold of GGGGAAAA&UUUUCCCC: `(((((((..)))))))`."""
    path = pair_files.PAIRS / "co_dp.ps"
    (one,) = probability_formats.each(path)
    assert (one.name, one.sequence, one.breaks) == ("co", "GGGGAAAAUUUUCCCC", (8,))
    best = one.listed.probability > 0.5
    assert (one.listed.i[best] + one.listed.j[best]).tolist() == [15] * 7
    with pytest.raises(ValueError, match="a dot plot of probabilities, which is no"):
        list(drawing.records(path))


HALF = [[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("1 2 0.5\n", [""]),
        (">a\n1 2 0.5\n\n>b\n\n", ["a", "b"]),
        ("% NUPACK 3.2\n\n3\n1\t2\t5.0e-01\n3\t4\t1.0e+00\n", [""]),
        ("pos1\tpos2\tprobability\n1\t2\t0.5\n", [""]),
        ("i\tj\tP(i,j)\n1\t2\t0.5\n", [""]),
        ("1 G 2:0.5\n2 C\n3 A\n", [""]),
        (">a\n1 G 2:0.5\n2 C\n3 A\n>b\n1 G\n", ["a", "b"]),
        ("0 .5 0\n.5 0 0\n0 0 0\n", [""]),
        (",0,1,2\n0,0,.5,0\n1,.5,0,0\n2,0,0,0\n", [""]),
        ("\tG\t\tC\t\tA\nG\t0\t.5\t0\nC\t.5\t0\t0\nA\t0\t0\t0\n", [""]),
        ("%!PS\n%%Title: RNA Local Dot Plot\n% i j sqrt(p) ubox\n"
         "/sequence { (GCA) } def\n1 2 0.70710678 ubox\n", ["a"]),
    ],
)  # fmt: skip
def test_probabilities_of_every_form_are_read(content, named, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(content)
    first, *others = found = list(probability_formats.each(path))
    assert [one.name for one in found] == named
    assert first.listed.i.tolist() == [0]
    assert first.listed.j.tolist() == [1]
    assert first.listed.probability == pytest.approx([0.5])
    assert not any(len(one.listed.i) for one in others)


@pytest.mark.parametrize("shape", [(3, 3), (1, 3, 3), (3, 3, 1), (1, 1, 3, 3)])
def test_a_batch_and_a_channel_of_one_are_a_matrix(shape, tmp_path):
    np.save(tmp_path / "a.npy", np.reshape(HALF, shape))
    (one,) = probability_formats.each(tmp_path / "a.npy")
    assert (one.length, one.is_padded) == (3, False)
    assert one.listed.probability.tolist() == [0.5]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.prob", "", "a.prob: the file is empty"),
        ("a.prob", ">a\nGCAAC\n1 2\n", "a.prob:3: 'i j probability' .* found '1 2'"),
        ("a.prob", ">a\nGCAAC\n\n5 5 0.1\n", "a.prob:4: .* 1 <= i < j <= 5"),
        ("a.prob", ">a\nGCAAC\n1 6 0.1\n", "a.prob:3"),
        ("a.prob", ">a\nGCAAC\n1 5 nan\n", "a.prob:3"),
        ("a.prob", ">a\nGCAAC\n1 5 0.1\n1 5 0.2\n", r"the pair \(1, 5\) is listed twi"),
        ("a.txt", "5\ni j -log10(Probability)\n1 5 -1\n", "a.txt:3: .* i < j <= 5"),
        ("a.txt", "0 .5\n.5 0 .1\n", "a.txt:2: 2 numbers expected, found 3"),
        ("a.txt", "0 .5\n2 0\n", r"0..1 are expected, found 2 at \(2, 1\)"),
        ("a.txt", "0 .5 .1\n.5 0 .1\n", r"a square matrix .* found the shape \(2, 3\)"),
        ("a.txt", "1 G 5:0.5\n2 C\n", r"probability 0.5 of the pair \(1, 5\)"),
        ("a.txt", "1 G 2:0.5\n3 C\n", "a.txt:2: 'i letter j:p' with i = 2 expected"),
        ("a.ps", "%!PS\n%%Title: RNA Dot Plot\n/sequence { (GC) } def\n1 3 1 ubox\n",
         "a.ps:4: 'i j p ubox' with 1 <= i < j <= 2"),
        ("a.ps", "%!PS\n%%Title: RNA Dot Plot\n/sequence { (GC) } def\n1 2 1 x ubox\n",
         "a.ps:4: 'i j p ubox' .* found '1 2 1 x ubox'"),
    ],
)  # fmt: skip
def test_wrong_probabilities_are_named_with_their_line(name, content, told, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=told):
        list(probability_formats.each(tmp_path / name))
