"""Fig. 4 and Fig. S1 of `ssrlm paper` on two small structures, known and folded."""

import gzip
import json
import pathlib
import shutil

import pytest

from ssrlm_jax import cli
from ssrlm_jax.jobs import evaluate3d

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """A folder of two natives, of 27 and 20 nt."""
    folder = tmp_path_factory.mktemp("truth")
    shutil.copy(FIXTURES / "1Q96.pdb", folder)
    packed = FIXTURES / "assessment" / "native.pdb.gz"
    (folder / "native.pdb").write_bytes(gzip.decompress(packed.read_bytes()))
    return folder


def call(name, truth, out, *words):
    given = [f"--config.structures={truth}", f"--out={out}", f"--config.data={out}"]
    return cli.main(["paper", name, *given, *map(str, words)])


def told(out, name):
    rows = json.loads((out / f"{name}.json").read_text())["structures"]
    return {row["name"]: row["values"] for row in rows}


@pytest.fixture(scope="module")
def done(truth, tmp_path_factory):
    """A folder where natives were given as predictions: of both, and of one."""
    place = tmp_path_factory.mktemp("fig4")
    one = place / "one"
    one.mkdir()
    shutil.copy(truth / "1Q96.pdb", one)
    folded = f"--config.folded=same={truth},one={one}"
    assert (
        call("fig4", truth, place / "out", folded, f"--config.structures_train={one}")
        == 0
    )
    return place


def test_a_native_is_like_itself_and_what_is_missing_counts_as_nothing(done):
    found = told(done / "out", "fig4")
    assert found["same"]["lDDT, all atoms"][0] == 1.0
    assert found["one"]["lDDT, all atoms"][0] == 0.5
    assert 0 < found["helix"]["lDDT, all atoms"][0] < 1
    # Known for training: the one that "one" predicts, the other has nothing near.
    assert found["one"]["r with identity"][0] == pytest.approx(1.0)
    text = (done / "out" / "fig4.md").read_text()
    assert "| same | 2 of 2 | 1.000 (1.000-1.000) |" in text
    assert "| one | 1 of 2 | 0.500 (0.000-1.000) |" in text
    assert "![fig4.png](fig4.png)" in text
    assert (done / "out" / "fig4.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_scored_twice_and_a_new_method_alone(done, truth, monkeypatch):
    calls = []
    real = evaluate3d.evaluate

    def counted(settings, flags):
        calls.append(settings.predictions or "helix")
        real(settings, flags)

    monkeypatch.setattr(evaluate3d, "evaluate", counted)
    folded = f"--config.folded=same={truth},one={done}/one"
    train = f"--config.structures_train={done}/one"
    before = (done / "out" / "fig4.md").read_text()
    assert call("fig4", truth, done / "out", folded, train) == 0
    assert calls == []
    assert (done / "out" / "fig4.md").read_text() == before
    assert call("fig4", truth, done / "out", f"{folded},new={truth}", train) == 0
    assert calls == [f"new={truth}"]


def test_structures_of_ones_own_are_added_and_stay(truth, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(truth / "1Q96.pdb", mine / "x.pdb")
    out = tmp_path / "out"
    assert call("fig4", truth, out, "--add=mine", f"--predictions={mine}") == 0
    shutil.rmtree(mine)
    assert call("fig4", truth, out) == 0
    assert told(out, "fig4")["mine"]["lDDT, C1'"][0] == 0.5


def test_structures_of_ones_own_have_a_name_of_their_own(truth, tmp_path, capsys):
    given = ["--add=helix", f"--predictions={truth}"]
    assert call("fig4", truth, tmp_path, *given) == 1
    said = capsys.readouterr().err
    assert "--add=helix: another method that folds has this name" in said
    assert not (tmp_path / "added_structures").exists()  # the next run would fail


def test_pairs_of_atoms_stand_beside_pairs_from_letters(truth, tmp_path):
    out = tmp_path / "out"
    folded = f"--config.folded=same={truth}"
    assert call("s1fig", truth, out, folded, "--methods=vienna") == 0
    facts = json.loads((out / "s1fig.json").read_text())
    assert told(out, "s1fig")["same"]["F1, canonical"] == [1, 1, 1]
    (vienna,) = facts["letters"]
    assert vienna["set"] == "targets"
    assert 0 < vienna["values"]["F1"][0] <= 1
    text = (out / "s1fig.md").read_text()
    assert "canonical pairs of their atoms, 2 RNAs" in text
    assert "| ViennaRNA, least free energy | " in text
    latex = (out / "s1fig.tex").read_text()
    assert "ViennaRNA, least free energy & " in latex
    assert r"same & 2 of 2 & 1.000 (1.000-1.000) & " in latex
    assert 'same,2 of 2,"F1, canonical",1.000000,' in (out / "s1fig.csv").read_text()
    assert "targets,vienna," in (out / "s1fig_letters.csv").read_text()


def test_structures_that_are_not_there_are_told(tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["paper", "fig4", f"--out={out}", f"--config.data={tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert f"Not measured: there is no {tmp_path}/tertiary/rna_puzzles: " in said
    assert "No network that folds in 3-D ships" in said
    assert call("fig4", tmp_path / "none", out) == 0
    assert "- helix: " in (out / "fig4.md").read_text()


def test_a_dry_run_folds_nothing(truth, tmp_path, capsys):
    out = tmp_path / "out"
    assert call("fig4", truth, out, "--dry_run") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("fig4 ")
    assert told[0].endswith(" a second for each structure and method")
    assert not out.exists()


def test_a_folder_without_structures_is_a_row_with_the_reason(truth, tmp_path):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    folded = f"--config.folded=none={tmp_path}/empty,helix2={truth}"
    assert call("fig4", truth, out, folded) == 0
    text = (out / "fig4.md").read_text()
    assert "- none: " in text
    assert "| helix2 | 2 of 2 | 1.000" in text


@pytest.mark.parametrize("name", ["..", ".", "a/b", "x,y=z"])
def test_a_name_that_is_a_place_is_refused_before_anything_is_moved(
    name, truth, tmp_path, capsys
):
    kept = tmp_path / "predictions" / "kept"
    kept.parent.mkdir()
    kept.write_text("it stays")
    assert call("fig4", truth, tmp_path, "--add", name, f"--predictions={truth}") == 1
    assert f"--add={name}: letters, digits" in capsys.readouterr().err
    assert kept.read_text() == "it stays"
