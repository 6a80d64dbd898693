"""Notebooks run from top to bottom on small settings, and say how they are had."""

import json
import os
import pathlib
import re
import shutil
import sysconfig
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"][
    "Repository"
]
MOST_S = 60  # of a notebook
LONG = {"fold3d", "pretrain"}  # over 30 s


def _cells(path, kind):
    cells = json.loads(path.read_text())["cells"]
    return ["".join(c["source"]) for c in cells if c["cell_type"] == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_shows(path):
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_badge_and_its_installation_name_this_repository(path):
    place = f"{ADDRESS.removeprefix('https://')}/blob/main/notebooks/{path.name}"
    badge = f"(https://colab.research.google.com/{place.replace('.com', '')})"
    assert badge in _cells(path, "markdown")[0]
    (install,) = [c for c in _cells(path, "code") if "%pip" in c]
    assert f'package = "git+{ADDRESS}"' in install


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_asked_for_is_a_form_that_colab_reads(path):
    for line in "\n".join(_cells(path, "code")).splitlines():
        if "@param" in line:  # in the line of the value; text without quotes
            assert re.fullmatch(r'\w+ = .+  # @param (\{type:"\w+"\}|\[.+\])', line)


def test_readme_has_a_badge_for_each():
    readme = (ROOT / "README.md").read_text()
    for path in NOTEBOOKS:
        assert f"/blob/main/notebooks/{path.name})" in readme


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.long if path.stem in LONG else ())
        for path in NOTEBOOKS
    ],
    ids=lambda path: path.stem,
)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    scripts = sysconfig.get_path("scripts")  # where `ssrlm` is
    monkeypatch.setenv("PATH", scripts, prepend=os.pathsep)
    monkeypatch.setenv("SSRLM_QUICK", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONWARNINGS", "error::DeprecationWarning:__main__")
    monkeypatch.setenv("SSRLM_CACHE", os.fspath(tmp_path / "cache"))
    (tmp_path / "pdb").mkdir()  # what a notebook would fetch
    shutil.copy(ROOT / "tests/fixtures/1Q96.pdb", tmp_path / "pdb")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook,
        timeout=MOST_S * 5,  # a busy machine is no error of the notebook
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": os.fspath(tmp_path)}},
    ).execute()
    if "SSRLM_EXECUTED" in os.environ:  # for docs/site.py
        nbformat.write(notebook, pathlib.Path(os.environ["SSRLM_EXECUTED"], path.name))
    shown = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    assert [one["text"] for one in shown if one.get("name") == "stderr"] == []
