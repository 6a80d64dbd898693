"""One structure as programs, tables and people write it: all read the same."""

import pytest

from ssrlm_jax.rna import formats, structure_formats, structures

SEQUENCE, DOTS = "GGGGAAAUCCUUCGGGAUUUCCCC", "((((((((((....))))))))))"
OTHER, OTHER_DOTS = "GGCACGGAAACCGAAAGUGCC", "((((.((...))....))))."
PARTNER = [*range(24, 14, -1), 0, 0, 0, 0, *range(10, 0, -1)]
HP, S2 = ("hp", SEQUENCE, DOTS), ("s2", OTHER, OTHER_DOTS)
UNNAMED = ("x", SEQUENCE, DOTS)
OPEN = ("hp", SEQUENCE, "." * 24)


def _rows(line, *, base=1, nobody=0):
    """Returns a line for each nucleotide, by its place and its partner."""
    return "".join(
        line.format(
            n=n - 1 + base,
            letter=letter,
            before=n - 2 + base,
            after=n + base,
            partner=partner - 1 + base if partner else nobody,
        )
        for n, (letter, partner) in enumerate(zip(SEQUENCE, PARTNER, strict=True), 1)
    )


_CT_LINE = "{n:5} {letter} {before:5} {after:5} {partner:5} {n:5}\n"
CT, BPSEQ = _rows(_CT_LINE), _rows("{n} {letter} {partner}\n")
FIRST, LAST = (SEQUENCE[:12], DOTS[:12]), (SEQUENCE[12:], DOTS[12:])
BLOCKS = "\n".join([*FIRST, *LAST]) + "\n"
BOTH = f"{SEQUENCE}\n{DOTS}\n"

WHOLE = {
    "alternating blocks": (f">hp\n{BLOCKS}>s2\n{OTHER}\n{OTHER_DOTS}\n", [HP, S2]),
    "alternating blocks, blank lines": (
        ">hp\n" + "\n".join(FIRST) + "\n\n" + "\n".join(LAST) + "\n",
        [HP],
    ),
    "alternating blocks, numbered": (
        ">hp\n1 {} 12\n  {}\n13 {} 24\n  {}\n".format(*FIRST, *LAST),
        [HP],
    ),
    "alternating blocks, no header": (
        f"{BLOCKS}{OTHER}\n{OTHER_DOTS}\n",
        [UNNAMED, ("x-2", OTHER, OTHER_DOTS)],
    ),
    "RNAshapes": (f">hp\n{SEQUENCE}\n-12.30  {DOTS}  []\n", [HP]),
    "RNAshapes, numbers": (f">hp\n1   {SEQUENCE}   24\n-12.30   {DOTS}   []\n", [HP]),
    "RNAshapes, probabilities": (
        f">hp\n{SEQUENCE}\n-12.30  {DOTS}  0.9853  []\n-3.1  {'.' * 24}  0.001  _\n",
        [HP, OPEN],
    ),
    "RNAshapes, energies behind": (
        f">hp\n{SEQUENCE}\n{DOTS}  (-12.30)  (0.98)  [][]\n",
        [HP],
    ),
    "RNAsubopt": (
        f">hp [100]\n{SEQUENCE} -12.30   1.00\n{DOTS} -12.30\n{'.' * 24}   0.00\n",
        [HP, OPEN],
    ),
    "IPknot": (f"> hp (e=-12.0)\n{BOTH}", [HP]),
    "HotKnots": (f"Seq: {SEQUENCE}\nS0:  {DOTS}\t-12.3\n", [UNNAMED]),
    "Knotty": (f">hp\nSeq: {SEQUENCE}\nRES: {DOTS}  -12.3\n", [HP]),
    "Iterative HFold": (
        f"Sequence: {SEQUENCE}\nResult_0: {DOTS} (-12.3)\n",
        [UNNAMED],
    ),
    "name_structure": (
        f">hp\n{SEQUENCE}\n>hp_structure\n{DOTS}\n>s2\n{OTHER}\n>s2.ss\n{OTHER_DOTS}\n",
        [HP, S2],
    ),
    "name structure": (f">hp seq\n{SEQUENCE}\n>hp structure\n{DOTS}\n", [HP]),
    "name:sequence": (f">hp:sequence\n{SEQUENCE}\n>hp:secstr\n{DOTS}\n", [HP]),
    "dotbracket": (f">hp\n{SEQUENCE}\n>dotbracket\n{DOTS}\n", [HP]),
    "structure with more": (f">hp\n{SEQUENCE}\n>structure (MEA)\n{DOTS}\n", [HP]),
    "two named structures": (
        f">hp\n{SEQUENCE}\n>hp_mfe\n{DOTS}\n>hp_open\n{'.' * 24}\n",
        [HP, OPEN],
    ),
    "RNAstructure, several": (
        f">ENERGY = -12.3  hp\n{BOTH}>ENERGY = -2.3  hp\n{'.' * 24}\n",
        [HP, OPEN],
    ),
    "CT, a length": (f"24\n{CT}", [UNNAMED]),
    "CT, SPOT-RNA's": (f"24\t\thp SPOT-RNA output\n\n{CT}", [HP]),
    "CT, eight columns": (
        "24 dG = -3 hp\n" + _rows(_CT_LINE.replace("\n", " 0 0\n")),
        [HP],
    ),
    "CT, five columns": (
        "24 hp\n" + _rows("{n} {letter} {before} {after} {partner}\n"),
        [HP],
    ),
    "CT, -1 for none": (f"24 hp\n{_rows(_CT_LINE, nobody=-1)}", [HP]),
    "CT from 0": (f"24 hp\n{_rows(_CT_LINE, base=0, nobody=-1)}", [HP]),
    "BPSEQ of CRW": (
        "Filename: hp.bpseq\nOrganism: Homo sapiens\nAccession Number: X\n"
        f"Citation and related information available at x\n{BPSEQ}",
        [HP],
    ),
    "BPSEQ, several": (f">hp\n{BPSEQ}\n# s2\n{BPSEQ}", [HP, ("s2", *HP[1:])]),
    "BPSEQ, -1 for none": (_rows("{n} {letter} {partner}\n", nobody=-1), [UNNAMED]),
    "BPSEQ from 0": (
        _rows("{n} {letter} {partner}\n", base=0, nobody=-1) * 2,
        [UNNAMED, ("x-2", *HP[1:])],
    ),
    "BPSEQ, commas": (_rows("{n},{letter},{partner}\n"), [UNNAMED]),
    "pairs as a list of lists": (
        f'name;sequence;base_pairs\nhp;{SEQUENCE};"[[1, 24], [2, 23]]"\n',
        [("hp", SEQUENCE, "((" + "." * 20 + "))")],
    ),
    "pairs as tuples": (
        f"name\tsequence\tpairs\nhp\t{SEQUENCE}\t[(1, 24), (2, 23)]\n",
        [("hp", SEQUENCE, "((" + "." * 20 + "))")],
    ),
    "pairs with colons": (
        f"name\tsequence\tpairs\nhp\t{SEQUENCE}\t1:24, 2:23\n",
        [("hp", SEQUENCE, "((" + "." * 20 + "))")],
    ),
    "pairs with blanks": (
        f"name\tsequence\tpairs\nhp\t{SEQUENCE}\t1-24 2-23\n",
        [("hp", SEQUENCE, "((" + "." * 20 + "))")],
    ),
    "no pairs": (f"name\tsequence\tpairs\nhp\t{SEQUENCE}\t[]\n", [OPEN]),
    "names of other sets": (f"bpRNA_id,seq,dotBracket\nhp,{SEQUENCE},{DOTS}\n", [HP]),
    "names of files": (f"filename,rna_sequence,db\nhp,{SEQUENCE},{DOTS}\n", [HP]),
    "quotes of R": (
        f'"name"\t"sequence"\t"structure"\n"hp"\t"{SEQUENCE}"\t"{DOTS}"\n',
        [HP],
    ),
    "separator of Excel": (f"sep=;\nname;sequence;ss\nhp;{SEQUENCE};{DOTS}\n", [HP]),
    "tabs behind a row": (f"name\tsequence\tss\nhp\t{SEQUENCE}\t{DOTS}\t\t\n", [HP]),
    "JSON": (
        f'{{"id": "hp", "sequence": "{SEQUENCE}", "structure": "{DOTS}"}}\n',
        [HP],
    ),
}  # fmt: skip


def _read(path, text):
    path.write_text(text)
    records, notes = [], []
    for one in structure_formats.each(path):
        if isinstance(one, formats.Note):
            notes.append(one)
        else:
            dots = structures.to_dot_bracket(one.structure)
            records.append((one.name, one.sequence, dots))
    return records, notes


@pytest.mark.parametrize("form", WHOLE)
def test_every_form_is_read_whole_without_a_word(form, tmp_path):
    text, expected = WHOLE[form]
    assert _read(tmp_path / "x.txt", text) == (expected, [])


TOLD = {
    "R's names of rows": (
        f'"name" "sequence" "ss"\n"1" "hp" "{SEQUENCE}" "{DOTS}"\n'.replace(" ", "\t"),
        [HP],
        "columns not used: column 1",
    ),
    "CT without a header": (CT, [UNNAMED], "header 'LENGTH TITLE'; taken for 24"),
    "RNAeval's loops": (
        ">hp\nExternal loop                           :     0\n"
        f"Interior loop (  1, 24) GC; (  2, 23) GC:  -330\n{BOTH}",
        [HP],
        "not used: 'External loop",
    ),
    "CT below a name": (f">hp\n{CT}", [HP], "no header 'LENGTH TITLE'"),
    "a table without a header": (
        f"hp\t{SEQUENCE}\t{DOTS}\ns2\t{OTHER}\t{OTHER_DOTS}\n",
        [HP, S2],
        "took column 2 for sequence, column 3 for dotbracket, column 1 for id",
    ),
    "two columns without a header": (
        f"{SEQUENCE} {DOTS}\n",
        [("record1", SEQUENCE, DOTS)],
        "took column 1 for sequence, column 2 for dotbracket",
    ),
    "a structure by its content": (
        f"name,sequence,mfe\nhp,{SEQUENCE},{DOTS}\n",
        [HP],
        "by the first row, took sequence for sequence, mfe for dotbracket",
    ),
    "EternaFold's words": (
        f"Training mode: \nPredicting using MEA estimator.\n>hp\n{SEQUENCE}\n"
        f">structure\n{DOTS}\n",
        [HP],
        "not used: 'Training mode:', and 1 more",
    ),
    "LinearFold's words": (
        f">hp\n{SEQUENCE}\n{DOTS} (-12.30)\nParse Time: 0.001 len: 24 score -12.3\n",
        [HP],
        "not used: 'Parse Time",
    ),
}


@pytest.mark.parametrize("form", TOLD)
def test_what_is_guessed_or_left_out_is_told(form, tmp_path):
    text, expected, told = TOLD[form]
    records, [note] = _read(tmp_path / "x.txt", text)
    assert records == expected
    assert told in note.text
    assert not note.is_record


LEFT_OUT = {
    "a table and then a BPSEQ": (
        f"hairpin\t{SEQUENCE}\t{DOTS}\n{BPSEQ}",
        [("hairpin", SEQUENCE, DOTS)],
        "x.txt:2: 3 fields expected",
    ),
    "two sequences under one name": (f">hp\n{BOTH}{BOTH}", [HP], "'>name' is expected"),
    "blocks that never close": (f">hp\n{FIRST[0]}\n{FIRST[1]}\n", [], "never closed"),
    "a structure of another": (
        f">hp\n{SEQUENCE}\n>other\n{DOTS}\n>a\n{BOTH}",
        [("a", SEQUENCE, DOTS)],
        "hp: a dot-bracket line is expected",
    ),
    "from 0, with 0 for none": (
        _rows("{n} {letter} {partner}\n", base=0),
        [],
        "10 is paired with 0, whose partner 10 is expected, found 23",
    ),
    "half a pair": (f"sequence\tpairs\n{SEQUENCE}\t1-24;2\n", [], "are expected"),
    "a row of numbers": (f"sequence\tpairs\n{SEQUENCE}\t1-24-2\n", [], "are expected"),
    "pairs from 0": (f"sequence\tpairs\n{SEQUENCE}\t[[0, 23]]\n", [], "lies outside"),
}


@pytest.mark.parametrize("form", LEFT_OUT)
def test_what_may_be_two_things_is_left_out_and_told(form, tmp_path):
    text, expected, told = LEFT_OUT[form]
    records, notes = _read(tmp_path / "x.txt", text)
    assert records == expected
    assert told in notes[0].text
    assert notes[0].is_record


def test_sequences_above_a_bpseq_are_no_labels(tmp_path):
    with pytest.raises(ValueError, match=r"x.txt:1: expected FASTA"):
        _read(tmp_path / "x.txt", f"hairpin\t{SEQUENCE}\t((((\n{BPSEQ}")


def test_a_structure_that_is_never_closed_leaves_those_behind_it(tmp_path):
    bad = f"{SEQUENCE}\n{DOTS.replace(')', '.', 1)}\n"
    records, notes = _read(tmp_path / "x.txt", bad + BOTH + bad + BOTH * 2)
    assert [record[1:] for record in records] == [HP[1:]] * 3
    assert [note.text.count("never closed") for note in notes] == [1, 1]


def test_structures_of_a_ct_without_headers_part_at_their_first_nucleotide(tmp_path):
    records, notes = _read(tmp_path / "x.txt", CT * 2)
    assert records == [UNNAMED, ("x-2", *HP[1:])]
    assert [note.text[-24:] for note in notes] == ["taken for 24 nucleotides"] * 2
