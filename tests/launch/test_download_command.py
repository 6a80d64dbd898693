import pathlib
import subprocess
import sys

import pytest

from ssrlm_jax.prepare.download import public_sources

ROOT = pathlib.Path(__file__).parents[2]


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "launch/download.py", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_list_names_every_source():
    done = _run("--list")
    assert done.returncode == 0, done.stderr
    for name, source in public_sources.SOURCES.items():
        assert f"{name}: {source.about}\n" in done.stdout
        assert all(file.url in done.stdout for file in source.files)


def test_what_is_there_is_not_fetched_again(tmp_path):
    for file in public_sources.SOURCES["rfam"].files:
        (tmp_path / file.name).write_bytes(b"")
    done = _run("rfam", f"--out={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"4 files in {tmp_path}; cite Kalvari et al. 2021")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rfam"], "--out=DIR are needed, or --list"),
        (["rfam", "--out=x", "--ids=tRNA"], r"id 'tRNA' does not match RF\d{5}"),
        (["bprna", "--out=x", "--ids=1"], "the files of this source go by no ids"),
    ],
)
def test_errors_are_one_line(arguments, said):
    done = _run(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_source_is_refused():
    done = _run("rfma", "--out=x")
    assert done.returncode == 2
    assert "invalid choice: 'rfma'" in done.stderr
