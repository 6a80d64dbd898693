"""The commands of docs/howto run as they stand, or say what they need."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/howto").glob("*.md"))
NEEDS = {"cluster", "data", "mmseqs", "server", "weights"}
_BLOCK = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.M | re.S)


def _blocks(path, language):
    """Returns what stands in the blocks of a language, and what each needs."""
    found = _BLOCK.findall(path.read_text())
    return [(text, needs.strip()) for kind, needs, text in found if kind == language]


@pytest.fixture
def place(tmp_path):
    """A folder with the files that the pages speak of."""
    hairpin, longer = "GGGGAAAUCCUUCGGGAUUUCCCC", "ACGUUGCA" * 40
    (tmp_path / "my.fa").write_text(f">a\n{hairpin}\n>b\nGGGAAACCC\n")
    (tmp_path / "long.fa").write_text(f">long\n{longer}\n")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/b.dbn").write_text(">b\nGGGAAACCC\n(((...)))\n")
    table = "id\tsequence\tdotbracket\nb\tGGGAAACCC\t(((...)))\n"
    (tmp_path / "truth.tsv").write_text(table)
    return tmp_path


def _run(command, place):
    bins = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=place,
        env=os.environ | {"PATH": bins, "PYTHONPATH": os.fspath(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_run_as_they_stand(path, place):
    for text, needs in _blocks(path, "sh"):
        if needs:
            assert needs.removeprefix("needs=") in NEEDS
            continue
        done = _run(["bash", "-euo", "pipefail", "-c", text], place)
        assert done.returncode == 0, f"{text}{done.stderr}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_python_runs_as_it_stands(path, place):
    for text, _ in _blocks(path, "python"):
        done = _run([sys.executable, "-c", text], place)
        assert done.returncode == 0, done.stderr
