"""Commands of all pages are such as the parsers take; nothing is run here.

Those of docs/howto run in test_howto.py, those of notebooks in test_notebooks.py.
"""

import argparse
import importlib
import itertools
import pathlib
import re
import shlex

import pytest

from ssrlm_jax.cli import commands
from ssrlm_jax.jobs import command

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```$", re.M | re.S)
_ELSEWHERE = re.compile(
    r"<\([^)]*\)|2?>>?(&\d|\s*\S+)"
)  # what a shell reads, or writes
_ENDS = {"|", "||", "&&", ";", "&"}


def _file(match):
    return "FILE" if match[0].startswith("<") else ""


def _commands(text):
    """Yields the words of each ssrlm command of a script."""
    for line in text.replace("\\\n", " ").splitlines():
        if "ssrlm" not in line.split():
            continue
        words = shlex.split(_ELSEWHERE.sub(_file, line), comments=True)
        for place, word in enumerate(words):
            if word == "ssrlm" and (not place or words[place - 1] in _ENDS):
                rest = words[place + 1 :]
                if not rest or not rest[0].endswith(":"):  # what a command says
                    yield list(itertools.takewhile(lambda one: one not in _ENDS, rest))


def _check(words):
    """Reads a command as it would be read, up to its settings; runs nothing."""
    name, *rest = words
    rest = [word for word in rest if word not in ("...", "…")]
    if name not in commands.OWN | commands.JOBS:
        raise ValueError("no such command")
    if "--help" in rest:
        return
    parser = commands.Parser(
        conflict_handler="resolve", prog=f"ssrlm {name}", exit_on_error=False
    )
    commands.add(name, parser)
    _, unknown = parser.parse_known_args(rest)
    if name not in commands.JOBS or not unknown:
        if unknown:
            raise ValueError(f"unknown: {unknown}")
        return
    job = importlib.import_module(f"ssrlm_jax.jobs.{name}").COMMAND
    given = [word for word in rest if word.startswith("--config=")]
    config = given[0].partition("=")[2] if given else job.default
    is_free = not any("$" in word or "NAME" in word for word in (config, *unknown))
    if is_free:
        command.read(config, unknown)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_are_read_as_they_stand(path):
    for block in _BLOCK.findall(path.read_text()):
        for words in _commands(block):
            if not words or words[0] in ("COMMAND", "--help"):
                continue
            try:
                _check(words)
            except (SystemExit, ValueError, OSError, argparse.ArgumentError) as error:
                pytest.fail(f"ssrlm {' '.join(words)}: {error}")


@pytest.mark.parametrize(
    "line",
    [
        "ssrlm pretrain --config=8m --config.data.corpsu=x",
        "ssrlm pretrain --config=9m --config.seed=1",
        "ssrlm fold my.fa --methd nested",
        "true && ssrlm fodl my.fa",
    ],
)
def test_a_misspelt_command_is_found(line):
    (words,) = _commands(line)
    with pytest.raises((ValueError, OSError, argparse.ArgumentError)):
        _check(words)
