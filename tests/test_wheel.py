"""What `pip install` of a wheel brings: everything, away from the repository."""

import functools
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = ("ssrlm_jax", "configs", "pyproject.toml", "setup.py", "README.md", "LICENSE")


def _pip(*arguments):
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Builds a wheel of a copy and installs it; returns where."""
    for name in ("pip", "setuptools"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    if int(importlib.metadata.version("setuptools").split(".")[0]) < 77:
        pytest.skip("setuptools is older than 77, which pyproject.toml asks for")
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=without)
        else:
            shutil.copy(ROOT / name, folder / "source")
    _pip("wheel", "--no-build-isolation", "-w", folder, folder / "source")
    (wheel,) = folder.glob("*.whl")
    _pip("install", "--no-index", "--target", folder / "site", wheel)
    shutil.rmtree(folder / "source")
    return folder / "site"


@pytest.fixture
def commands(installed, tmp_path):
    """Returns what runs `ssrlm`, and Python, of the wheel in an empty folder."""

    def run(*command):
        environment = os.environ | {"PYTHONPATH": str(installed)}
        return subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=tmp_path,
            env=environment | {"JAX_NUM_CPU_DEVICES": "1"},
            capture_output=True,
            text=True,
        )

    return functools.partial(run, installed / "bin" / "ssrlm"), run


def test_it_folds_and_its_files_are_scored(commands, tmp_path):
    ssrlm, _ = commands
    folded = ssrlm("fold", "GGGGAAAACCCC")
    assert folded.returncode == 0, folded.stderr
    assert folded.stdout.splitlines()[1:] == ["GGGGAAAACCCC", "((((....))))"]
    assert ssrlm("fold", "GGGGAAAACCCC", "-o", "out", "--report").returncode == 0
    assert "d3js.org" in (tmp_path / "out" / "report.html").read_text()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "sequence.dbn").write_text(folded.stdout)
    (tmp_path / "truth.dbn").write_text(folded.stdout)
    done = ssrlm("evaluate", "--predictions=files", "--truth=truth.dbn")
    assert done.returncode == 0, done.stderr
    assert " 1.000  1.000 " in done.stdout


def test_it_trains_by_the_name_of_a_config(commands, tmp_path):
    ssrlm, _ = commands
    done = ssrlm("pretrain", "--config=demo", "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "memory per device: " in done.stdout
    assert (tmp_path / "runs" / "demo" / "corpus" / "manifest.json").exists()


def test_every_command_says_what_it_does(commands, installed):
    code = (
        "import contextlib, ssrlm_jax\n"
        "from ssrlm_jax import cli\n"
        "from ssrlm_jax.cli import commands\n"
        "print(ssrlm_jax.__file__)\n"
        "for name in commands.OWN | commands.JOBS:\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        cli.main([name, '--help'])\n"
    )
    ssrlm, python = commands
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    place, *lines = done.stdout.splitlines()
    assert place == str(installed / "ssrlm_jax" / "__init__.py")
    told = [line.split()[2] for line in lines if line.startswith("usage: ssrlm ")]
    assert {"info", "fold", "evaluate", "pretrain", "fit_contacts"} <= set(told)
    listed = [line.split()[:1] for line in ssrlm("--help").stdout.splitlines()]
    assert all([name] in listed for name in told)
