"""A small share of the damaged files that `benchmarks/fuzz.py` tries."""

import pathlib
import sys

import damage_verdicts
import damaged_files
import hypothesis
import pytest
import standing_predictor
from hypothesis import strategies as st

from ssrlm_jax import cli, infer
from ssrlm_jax.infer import catalogue, inputs
from ssrlm_jax.rna import structure_formats

SHARE = {
    "fold": 200,
    "fold with evidence": 100,
    "evaluate": 80,
    "prepare_corpus": 15,
    "prepare_pdb": 10,
}


@pytest.fixture(autouse=True)
def standing(monkeypatch):
    """Puts a stand-in in the place of models."""
    name = "ssrlm_jax.infer.loading"
    monkeypatch.setitem(sys.modules, name, sys.modules.get(name))
    monkeypatch.setattr(infer, "loading", None, raising=False)
    standing_predictor.put([])
    monkeypatch.setenv(catalogue.MODEL, "models/tiny")


@pytest.mark.parametrize("command", damage_verdicts.COMMANDS)
def test_damaged_files_end_in_a_line_and_leave_nothing_half_written(command, tmp_path):
    found = (
        damage_verdicts.wrong_with(command, number, tmp_path / "case")
        for number in range(SHARE[command])
    )
    assert [one for one in found if one] == []


@pytest.mark.parametrize("command", damage_verdicts.COMMANDS)
def test_files_that_are_whole_are_read(command, tmp_path):
    kind, ask = damage_verdicts.COMMANDS[command]
    for number, (name, data) in enumerate(damaged_files.seeds(kind).items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(data)
        assert ask(damaged_files.Case(name, data, "whole"), folder) == ""


def test_the_same_number_is_the_same_file():
    first, second = (damaged_files.damaged("pairs", 7) for _ in range(2))
    assert first == second
    assert first != damaged_files.damaged("pairs", 8)
    used = {
        word
        for n in range(200)
        for word in damaged_files.damaged("pairs", n).how.split()
    }
    assert used >= set(damaged_files.DAMAGES) | set(damaged_files.SEEDS)


def _raises(arguments):
    raise KeyError("a name")


def _writes_half(arguments):
    out = pathlib.Path(arguments[arguments.index("-o") + 1])
    out.mkdir()
    (out / "x.dbn.unfinished").write_text("half")
    return 1


def _says_nothing(arguments):
    return 0


def _names_nothing(arguments):
    print("ssrlm fold: something is wrong", file=sys.stderr)
    return 1


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (_raises, "KeyError: 'a name'"),
        (_writes_half, "half-written"),
        (_says_nothing, "0 of 121 letters read, without a word"),
        (_names_nothing, "the file is not named"),
    ],
)
def test_what_is_wrong_is_noticed(monkeypatch, tmp_path, ends, told):
    monkeypatch.setattr(cli, "main", ends)
    data = damaged_files.seeds("pairs")["x.fa"]
    (tmp_path / "x.fa").write_bytes(data)
    _, ask = damage_verdicts.COMMANDS["fold"]
    assert told in ask(damaged_files.Case("x.fa", data, "whole"), tmp_path)


def test_a_command_that_hangs_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(damage_verdicts, "LIMIT_S", 1)

    def hangs(arguments):
        while True:
            pass

    monkeypatch.setattr(cli, "main", hangs)
    assert "TimeoutError: not ended after 1 s" in damage_verdicts.run("fold").trace


_TEXT = st.text(
    st.sampled_from("ACGUNacgu>;#&+-.()[]{}<>*0123456789 \t\n\r,IΨé\0"), max_size=80
)


@hypothesis.settings(
    max_examples=150, suppress_health_check=list(hypothesis.HealthCheck), deadline=None
)
@hypothesis.given(_TEXT.map(str.encode) | st.binary(max_size=80))
def test_any_bytes_are_records_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "x.fa"
    path.write_bytes(data)
    for read in (
        lambda: inputs.records(str(path)),
        lambda: structure_formats.read(path),
    ):
        told = []
        try:
            told += [getattr(one, "place", "") or str(one) for one in read()]
        except ValueError as error:
            told.append(str(error))
        assert all(str(path) in one for one in told)
