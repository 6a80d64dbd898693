import os
import shutil

import pytest
import stand_ins

from ssrlm_jax.external import linearfold, programs
from ssrlm_jax.rna import structures


def _make(tmp_path, script, name="linearfold", **settings):
    path = stand_ins.program(tmp_path, name, script)
    return linearfold.Linearfold(path=path, **settings)


def _shown(folder, sequences):
    return [structures.to_dot_bracket(one.structure) for one in folder.fold(sequences)]


def test_exit_status_1_is_fine_where_every_structure_is_there(tmp_path):
    folder = _make(tmp_path, stand_ins.LINEARFOLD)
    assert _shown(folder, [stand_ins.TRNA, "GGGGAAACCCC", "A" * 12]) == [
        stand_ins.TRNA_DOTS,
        "(((....))).",
        "." * 12,
    ]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print('AC'); print('.. (0)')", "sequence 2 of 2; exit status 0: .. \\(0\\)"),
        ("print('AC'); print('.. (0)'); exit('no memory')", "2 of 2; .* 1: no memory"),
        ("print('AC'); print('..'); print('ACG')", "no structure for sequence 2 of 2"),
        ("print('ACG'); print('...'); print('AC'); print('..')", "sequence 1 of 2"),
        ("print('AC'); print('..'); print('ACG'); print('..')", "has 2 positions"),
        ("for x in ('AC', '..', 'ACG', '...', 'x'): print(x)", "more lines .*'x'"),
        ("print('AC'); exit(2)", "linearfold: exit status 2: AC"),
        ("import os; os.kill(os.getpid(), 11)", "linearfold: stopped by SIGSEGV"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(tmp_path, script, message):
    with pytest.raises(programs.ProgramError, match=message):
        _make(tmp_path, f"import sys\nexit = sys.exit\n{script}").fold(["AC", "ACG"])


ARGUMENTS = """
    import sys
    open(sys.argv[0] + '.log', 'w').write(repr(sys.argv[1:]))
    for line in sys.stdin.read().split():
        print(line)
        print('.' * len(line))
"""


@pytest.mark.parametrize(
    ("name", "settings", "arguments"),
    [
        ("linearfold", {}, ["-b", "100"]),
        ("linearfold", {"model": "V", "beam": 0}, ["-b", "0", "-V"]),
        (
            "linearfold_v",
            {"model": "V", "beam": 7},
            ["7", "0", "0", "0", "0", "0", "5.0", "", "0", "2"],
        ),
    ],
)
def test_settings_reach_the_script_and_the_program(tmp_path, name, settings, arguments):
    _make(tmp_path, ARGUMENTS, name, **settings).fold(["ACGU"])
    assert (tmp_path / f"{name}.py.log").read_text() == repr(arguments)


def test_settings_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    with pytest.raises(programs.ProgramError, match="linearfold_v does not fit .*'C'"):
        _make(tmp_path, "", "linearfold_v")
    with pytest.raises(ValueError, match="model='v' is not one of"):
        _make(tmp_path, "", model="v")
    with pytest.raises(ValueError, match="beam=-1 is < 0"):
        _make(tmp_path, "", beam=-1)
    monkeypatch.delenv("SSRLM_LINEARFOLD", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(programs.ProgramError, match="linearfold: not found on PATH"):
        linearfold.Linearfold()


def test_it_gives_no_probabilities(tmp_path):
    with pytest.raises(ValueError, match="gives no pair probabilities; vienna"):
        _make(tmp_path, "").fold(["ACGU"], with_probabilities=True)


def test_describe_names_model_and_beam(tmp_path):
    said = _make(tmp_path, "", model="V", beam=50).describe()
    assert (said["program"], said["beam"]) == ("LinearFold-V", 50)


def test_the_real_program_gives_what_is_recorded():
    path = os.environ.get("SSRLM_LINEARFOLD") or shutil.which("linearfold")
    if not path:
        pytest.skip("linearfold is not installed")
    sequences = [stand_ins.TRNA, "", "GGGGAAACCCC", "A", "N" * 20]
    expected = [stand_ins.TRNA_DOTS, "", "(((....))).", ".", "." * 20]
    assert _shown(linearfold.Linearfold(path=path), sequences) == expected
