"""What `ssrlm paper` keeps in OUT, damaged: it is made anew, or told with its place."""

import json
import shutil

import numpy as np
import pytest
import ten_rnas
import test_paper_command

from ssrlm_jax import config
from ssrlm_jax.comparisons import bench, items, set_files
from ssrlm_jax.external import mmseqs, programs

TWO_THIRDS = pytest.approx(2 / 3, abs=1e-6)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder where one program has folded all."""
    folder = tmp_path_factory.mktemp("done")
    ten_rnas.write(folder, names=("inner",))
    assert test_paper_command.call(folder) == 0
    return folder


@pytest.fixture
def out(done):
    """What is kept, which may be damaged."""
    whole = done / "whole"
    if not whole.exists():
        shutil.copytree(done / "out", whole)
    yield done / "out"
    shutil.rmtree(done / "out")
    shutil.copytree(whole, done / "out")


def scored_again(folder):
    num_calls = len(ten_rnas.calls(folder, "inner"))
    assert test_paper_command.call(folder) == 0
    assert len(ten_rnas.calls(folder, "inner")) == num_calls
    return test_paper_command.rows(folder)["inner"]


@pytest.mark.parametrize("text", ["{", "{}", "[]", "3"])
def test_scores_that_are_damaged_are_computed_anew(done, out, text):
    (path,) = out.glob("scores/Ten/*.json")
    kept = json.loads(path.read_text())
    path.write_text(text)
    assert scored_again(done)["values"]["F1"][0] == TWO_THIRDS
    assert json.loads(path.read_text())["f1"] == kept["f1"]
    path.write_text(json.dumps({"key": kept["key"]}))
    assert scored_again(done)["values"]["F1"][0] == TWO_THIRDS


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_a_method_says_of_itself_is_written_anew(done, out, is_gone):
    (path,) = out.glob("predictions/Ten/*/method.json")
    told = path.read_text()
    shutil.rmtree(out / "scores")
    path.unlink()
    if not is_gone:
        path.write_text("{")
    assert scored_again(done)["about"]["version"] == "1.0"
    assert path.read_text() == told


def test_a_damaged_prediction_is_told_with_its_place_alone(done, out):
    (path,) = out.glob("predictions/Ten/*/records.jsonl")
    path.write_text("{}\n")
    reason = scored_again(done)["reason"]
    assert reason.startswith(
        f"{path}:1: no record of a prediction ('sequence'); remove"
    )
    assert reason.endswith(path.parent.name)  # and not with how a program is got


def test_identities_that_are_damaged_are_looked_for_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(mmseqs, "check", lambda: None)
    monkeypatch.setattr(
        mmseqs, "identities", lambda letters, _: np.full(len(letters), 0.5)
    )
    for text in ("{", "[]", "null"):
        first = set_files.shared(["GGGG", "CCCC"], ["AAAA"], tmp_path)
        assert first[0].near == 2
        (path,) = tmp_path.glob("*.json")
        path.write_text(text)
        again = set_files.shared(["GGGG", "CCCC"], ["AAAA"], tmp_path)
        assert again[0].near == 2


def test_what_a_row_calls_near_is_near_in_the_table(tmp_path, monkeypatch):
    # A short RNA that is found in one file, and not in two that are searched as one.
    monkeypatch.setattr(mmseqs, "check", lambda: None)
    monkeypatch.setattr(
        mmseqs,
        "identities",
        lambda letters, among: np.full(len(letters), 0.9 * (len(among) < 3)),
    )
    ten_rnas.write(tmp_path)
    for name, letters in (("a", "AAAA"), ("b", "CCCC")):
        text = f"id\tsequence\nx\t{letters}\ny\t{letters}G\n"
        (tmp_path / f"{name}.tsv").write_text(text)
    named = ",".join(f"{name}={tmp_path}/{name}.tsv" for name in "ab")
    settings = config.PaperConfig(data=str(tmp_path), trained=named)
    desk = bench.Bench(tmp_path / "out", settings, is_retried=False)
    ten = items.LabelledSet(name="Ten", title="", file="ten.tsv", count=10, get="")
    asked = [method(name) for name in "ab"]
    identity_N, why = desk.nearest(ten, asked)
    assert identity_N.tolist() == pytest.approx([0.9] * 10)
    assert not why


def method(name):
    def make(settings):
        raise programs.ProgramError("it is not here")

    return items.Method(
        **dict.fromkeys(("weights", "threshold", "rule", "licence", "trained"), ""),
        **{"name": name, "title": name, "make": make, "get": "", "training": None},
        seconds=(0.0, 0.0),
    )
