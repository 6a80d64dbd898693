import os
import shutil

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import contrafold, programs
from ssrlm_jax.rna import structures


@pytest.fixture
def path(tmp_path):
    return stand_ins.program(tmp_path, "contrafold", stand_ins.CONTRAFOLD)


def _calls(tmp_path):
    return (tmp_path / "calls.log").read_text().splitlines()


def test_the_structure_is_that_of_the_recorded_bpseq(path):
    lines = (stand_ins.TOOLS / "contrafold_predict.bpseq").read_text().splitlines()
    rows = [(int(i) - 1, int(j) - 1) for i, _, j in map(str.split, lines)]
    found = contrafold.Contrafold(path=path).fold([stand_ins.TRNA])[0]
    np.testing.assert_array_equal(
        found.structure.pairs, [(i, j) for i, j in rows if i < j]
    )


@pytest.mark.parametrize("others", [[], ["ACGU"]])
def test_probabilities_are_the_recorded_ones(path, others):
    folder = contrafold.Contrafold(path=path)
    found = folder.fold([stand_ins.TRNA, *others], with_probabilities=True)
    i, j, probability = found[0].probabilities
    # "1 G 11:0.0477073 63:0.0115222 72:0.439834", "2 C 10:0.0529539 ..."
    np.testing.assert_array_equal(i[:4], [0, 0, 0, 1])
    np.testing.assert_array_equal(j[:4], [10, 62, 71, 9])
    np.testing.assert_allclose(
        probability[:4], [0.0477073, 0.0115222, 0.439834, 0.0529539]
    )
    text = (stand_ins.TOOLS / "contrafold_posteriors_0.01.txt").read_text()
    assert len(i) == text.count(":")
    assert all(not len(one.probabilities.i) for one in found[1:])


def test_many_sequences_go_in_one_call(path, tmp_path):
    contrafold.Contrafold(path=path).fold(["ACGU", "ACG", "", "AC"])
    assert _calls(tmp_path) == ["predict 0.fa 1.fa 2.fa --gamma 6 --parens parens"]


def test_very_many_go_in_several_calls(path, tmp_path, monkeypatch):
    monkeypatch.setattr(contrafold, "_FILES", 2)
    sequences = ["A" * length for length in range(1, 6)]
    found = contrafold.Contrafold(path=path).fold(sequences)
    assert [one.structure.length for one in found] == [1, 2, 3, 4, 5]
    assert len(_calls(tmp_path)) == 3


def test_settings_reach_the_program(path, tmp_path):
    (tmp_path / "my params").touch()
    folder = contrafold.eternafold(
        path=path, parameters=str(tmp_path / "my params"), gamma=0.5
    )
    folder.fold(["ACGU"], with_probabilities=True)
    assert _calls(tmp_path) == [
        "predict 0.fa --gamma 0.5 --parens parens --posteriors 0.01 posteriors "
        f"--params {tmp_path / 'my params'}"
    ]


def test_describe_tells_builds_and_parameters_apart(path, tmp_path):
    plain = contrafold.Contrafold(path=path).describe()
    assert plain["gamma"] == 6.0
    assert set(plain) == {"program", "program_sha256", "gamma"}
    parameters = tmp_path / "EternaFoldParams.v1"
    parameters.write_text("a 1\n")
    first = contrafold.eternafold(path=path, parameters=str(parameters)).describe()
    parameters.write_text("a 2\n")
    second = contrafold.eternafold(path=path, parameters=str(parameters)).describe()
    assert first["parameters"] == "EternaFoldParams.v1"
    assert first["parameters_sha256"] != second["parameters_sha256"]


def test_what_is_missing_is_said_at_once(path, monkeypatch):
    for name in ("SSRLM_CONTRAFOLD", "SSRLM_ETERNAFOLD_PARAMS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(programs.ProgramError, match="nor SSRLM_ETERNAFOLD_PARAMS"):
        contrafold.eternafold(path=path)
    with pytest.raises(programs.ProgramError, match="is no file"):
        contrafold.eternafold(path=path, parameters="/no")
    with pytest.raises(ValueError, match="gamma=-1 is < 0"):
        contrafold.Contrafold(path=path, gamma=-1)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(programs.ProgramError, match="^contrafold: not found on PATH"):
        contrafold.Contrafold()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", "wrote no parens for sequence 1 of 1"),
        ("open('parens', 'w').write('>0.fa\\nACGN\\n>structure\\n....')", "expected"),
        ("open('parens', 'w').write('>0.fa\\nACGU\\n')", "expected"),
        ("open('parens', 'w').write('>0.fa\\nACGU\\n>structure\\n..')", "2 positions"),
        (
            "import sys; sys.exit('ERROR: Not all sequences have the same length.')",
            "exit status 1: ERROR: Not all",
        ),
    ],
)
def test_a_wrong_answer_is_refused(tmp_path, script, message):
    path = stand_ins.program(tmp_path, "bad", script)
    with pytest.raises(programs.ProgramError, match=message):
        contrafold.Contrafold(path=path).fold(["ACGU"])


@pytest.mark.parametrize(
    ("posteriors", "message"),
    [
        ("1 A 4:0.5\n2 C\n3 G\n", "probabilities of 'ACG', expected 'ACGU'"),
        (
            "1 A 4=0.5\n2 C\n3 G\n4 U\n",
            "posteriors:1: 'i letter j:p' with i = 1 expe",
        ),
        ("1 A 5:0.5\n2 C\n3 G\n4 U\n", "pair \\(1, 5\\)"),
    ],
)
def test_wrong_probabilities_are_refused(tmp_path, posteriors, message):
    written = {"parens": ">0.fa\nACGU\n>structure\n....\n", "posteriors": posteriors}
    script = f"for name, text in {written!r}.items(): open(name, 'w').write(text)"
    folder = contrafold.Contrafold(path=stand_ins.program(tmp_path, "bad", script))
    with pytest.raises(programs.ProgramError, match=message):
        folder.fold(["ACGU"], with_probabilities=True)


def test_a_slow_program_is_stopped(tmp_path):
    path = stand_ins.program(tmp_path, "slow", "import time; time.sleep(60)")
    with pytest.raises(programs.ProgramError, match="slow: stopped"):
        contrafold.Contrafold(path=path, timeout=0.2).fold(["ACGU"])


def test_the_real_program_gives_what_is_recorded():
    path = os.environ.get("SSRLM_CONTRAFOLD") or shutil.which("contrafold")
    if not path:
        pytest.skip("contrafold is not installed")
    folder = contrafold.Contrafold(path=path)
    sequences = [stand_ins.TRNA, "A", "N" * 20, "GGGGAANACCCC"]
    found = folder.fold(sequences, with_probabilities=True)
    shown = [structures.to_dot_bracket(one.structure) for one in found]
    assert shown == [stand_ins.TRNA_DOTS, ".", "." * 20, "((((....))))"]
    assert found[0].probabilities.probability[2] == pytest.approx(0.439834)
    alone = folder.fold(sequences[:1], with_probabilities=True)[0]
    np.testing.assert_array_equal(alone.probabilities, found[0].probabilities)
