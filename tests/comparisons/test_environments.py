"""`--install`: into an environment of its own, once, and told where it cannot."""

import json

import pytest
import stand_ins

from ssrlm_jax import config
from ssrlm_jax.comparisons import environments
from ssrlm_jax.external import programs

# `-c`: nothing; `-m venv DIR`: a python that notes its words.
PYTHON = """
    import pathlib, shutil, sys
    if sys.argv[1] == "-m":
        folder = pathlib.Path(sys.argv[3], "bin")
        folder.mkdir(parents=True)
        (folder / "python").write_text(
            '#!/bin/sh\\necho "$@" >> "' + str(folder) + '/words"\\n'
        )
        (folder / "python").chmod(0o755)
        (folder / "mxfold2").write_text("#!/bin/sh\\n")
        (folder / "mxfold2").chmod(0o755)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(environments.FOLDER, str(tmp_path / "environments"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    monkeypatch.delenv("SSRLM_MXFOLD2", raising=False)
    return tmp_path


def test_an_environment_is_made_once(place):
    stand_ins.program(place, "python3.8", PYTHON)
    told = []
    found = environments.install("mxfold2", told.append)
    words = (found / "bin" / "words").read_text()
    assert words == "-m pip install --quiet mxfold2==0.1.1\n"
    assert environments.install("mxfold2", told.append) == found
    assert (found / "bin" / "words").read_text() == words
    assert told[-1] == f"mxfold2 is there: {found}"
    made = environments.mxfold2(config.PaperConfig())
    assert made.path == str(found / "bin" / "mxfold2")


def test_what_was_stopped_is_begun_anew(place):
    half = environments.place_of("mxfold2")
    half.mkdir(parents=True)
    (half / "installed.json").write_text(json.dumps({"packages": ["other"]}))
    stand_ins.program(place, "python3.8", PYTHON)
    environments.install("mxfold2", print)
    assert (half / "bin" / "mxfold2").exists()


def test_a_name_on_path_that_runs_nothing_gives_way_to_pyenv_s(place, monkeypatch):
    stand_ins.program(place, "python3.8", "import sys; sys.exit('no version is set')")
    folder = place / "pyenv" / "versions" / "3.8.18" / "bin"
    folder.mkdir(parents=True)
    stand_ins.program(folder, "python3.8", PYTHON)
    with pytest.raises(ValueError, match="Python 3.8 is not on PATH"):
        environments.install("mxfold2", print)
    monkeypatch.setenv("PYENV_ROOT", str(place / "pyenv"))
    found = environments.install("mxfold2", print)
    assert (found / "bin" / "mxfold2").exists()


def test_a_python_that_is_not_there_is_told(place):
    with pytest.raises(ValueError, match="Python 3.8 is not on PATH; `uv python"):
        environments.install("mxfold2", print)
    with pytest.raises(programs.ProgramError, match="ssrlm paper --install mxfold2"):
        environments.mxfold2(config.PaperConfig())
