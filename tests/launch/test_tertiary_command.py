"""Training, folding and scoring in 3-D as users start them: processes and commands."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import gemmi
import numpy as np
import pytest
import structures

from ssrlm_jax import cli, config, model_dir
from ssrlm_jax.data import tertiary_crops
from ssrlm_jax.jobs import evaluate3d
from ssrlm_jax.metrics import report3d
from ssrlm_jax.rna import record_tables

ROOT = pathlib.Path(__file__).parents[2]
SETTINGS = {
    "data.identity": 1.0,
    "data.validation_share": 0.3,
    "data.crop": 16,
    "data.step": 16,
    "data.batch_size": 2,
    "loop.num_steps": 30,
    "loop.evaluate_every": 30,
    "loop.save_every": 10,
    "loop.log_every": 1,
}


def _start(script, *flags, **settings):
    overrides = [f"--config.{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [sys.executable, f"launch/{script}", *flags, *overrides],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )


def _finish(process):
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with chains, and a model without knowledge."""
    path = tmp_path_factory.mktemp("tertiary")
    (path / "chains").mkdir()
    rng = np.random.default_rng(0)
    for number in range(4):
        letters = "".join(rng.choice(list("ACGU"), 16 + number))
        text = structures.helix_pdb(letters)
        (path / "chains" / f"helix{number}.pdb").write_text(text)
    (path / "chains" / "loop.pdb").write_text(structures.PATH.read_text())
    _finish(_start("letters.py", str(path / "letters")))
    return path


def _train(folder, *flags, **settings):
    settings = {
        "model": folder / "letters",
        "data.structures": folder / "chains",
        "loop.compilation_cache": folder / "compiled",
        **SETTINGS,
        **settings,
    }
    return _start(
        "tertiary.py", "--config=configs/tertiary.py:tiny", *flags, **settings
    )


@pytest.fixture(scope="module")
def workdir(folder):
    path = folder / "run"
    said = _finish(_train(folder, f"--workdir={path}"))
    assert f"ssrlm fold3d my.fa -m {path / 'model'}" in said
    return path


@pytest.mark.long
def test_tables_say_what_trained_and_what_validated(folder, workdir):
    parts = [
        list(record_tables.read_table(workdir / f"{part}.tsv"))
        for part in ("training", "validation")
    ]
    assert all(parts)
    found = sorted((r.name, r.sequence) for part in parts for r in part)
    read = tertiary_crops.read(str(folder / "chains"), config.StructuresConfig())
    assert found == sorted((one.name, one.letters) for one in read)
    assert any(len(record.structure.pairs) for part in parts for record in part)
    named = f"{workdir / 'training.tsv'}"
    assert evaluate3d.read_letters(named) == sorted(r.sequence for r in parts[0])


@pytest.mark.long
def test_a_stopped_run_goes_on_bit_for_bit(folder, workdir):
    path = folder / "stopped"
    flag = f"--workdir={path}"
    with _train(folder, flag) as process:
        for line in process.stdout:
            if line.startswith("step 2/"):
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert not (path / "model").exists()
    assert "going on from the checkpoint of step" in _finish(_train(folder, flag))
    first, second = (model_dir.describe(one / "model") for one in (workdir, path))
    assert first.scores == second.scores
    assert first.scores.keys() >= {"lddt", "lddt_c1", "rmsd", "plddt_error"}
    weights = "model/weights.safetensors"
    assert (workdir / weights).read_bytes() == (path / weights).read_bytes()


@pytest.mark.long
def test_fold3d_writes_what_programs_read(workdir, tmp_path, capsys):
    out = tmp_path / "out"
    fasta = tmp_path / "my.fa"
    fasta.write_text(">one\nGGGAAATCCC\n>two\nGGXAAA\n>three\nACGU\n")
    status = cli.main(
        ["fold3d", str(fasta), "-m", str(workdir / "model"), "-o", str(out)]
        + ["--format", "pdb,mmcif", "--cycles", "1", "--plot", "--report"]
    )
    assert status == 1  # one could not be folded
    said = capsys.readouterr().err
    assert "two" in said
    assert "'X' at 3" in said or "position 3" in said
    for ending in ("pdb", "cif"):
        chain = gemmi.read_structure(str(out / f"one.{ending}"))[0][0]
        assert [residue.name for residue in chain] == list("GGGAAAUCCC")
    summary = json.loads((out / "one.json").read_text())
    plddt = [residue[0].b_iso for residue in chain]
    assert summary["plddt"] == pytest.approx(plddt, abs=0.01)
    assert summary["relaxation"] is None
    names = {path.name for path in out.iterdir()}
    page = (out / "report.html").read_text()
    assert page.count('"told":') == 2  # one and three
    assert names >= {"three.npz", "three.dbn", "three.space.png", "three.plddt.svg"}
    with np.load(out / "one.npz") as maps:
        assert maps["pairs"].shape == (10, 10)
    again = ["fold3d", str(fasta), "-m", str(workdir / "model"), "-o", str(out)]
    assert cli.main(again) == 1
    assert "--force" in capsys.readouterr().err


@pytest.mark.long
def test_fold3d_of_several_rnas_is_refused_before_anything_is_printed(
    workdir, tmp_path, capsys
):
    fasta = tmp_path / "my.fa"
    command = ["fold3d", str(fasta), "-m", str(workdir / "model"), "--cycles", "1"]
    fasta.write_text(">one\nGGGAAATCCC\n>two\nGG-AAA\n>three\nACGU\n")
    assert cli.main(command) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "the structure of one RNA, several were found: give -o DIR" in err
    fasta.write_text(">one\nGGGAAATCCC\n>two\nGG-AAA\n")
    assert cli.main(command) == 1  # one could not be folded
    out, err = capsys.readouterr()
    assert [residue.name for residue in gemmi.read_pdb_string(out)[0][0]] == list(
        "GGGAAAUCCC"
    )
    assert "position 3" in err


@pytest.mark.long
def test_fold3d_relaxes(workdir, tmp_path, capsys):
    pytest.importorskip("openmm")
    letters = "GGGAAAUCCC"
    command = ["fold3d", letters, "-m", str(workdir / "model"), "--relax"]
    assert cli.main([*command, "-o", str(tmp_path / "out")]) == 0
    found = json.loads(next((tmp_path / "out").glob("*.json")).read_text())
    relaxed = found["relaxation"]
    assert relaxed["energy_after_kj_per_mol"] < relaxed["energy_before_kj_per_mol"]
    err = capsys.readouterr().err
    for name in ("clashes", "bond_outliers", "wrong_chirality"):
        assert found[name] == relaxed[f"{name}_after"]
        is_worse = relaxed[f"{name}_after"] > relaxed[f"{name}_before"]
        assert (name in relaxed["worse"]) == is_worse
        said = f"{name.replace('_', ' ')} from {relaxed[f'{name}_before']} to"
        assert (said in err) == is_worse


@pytest.mark.long
def test_models_files_and_a_helix_are_scored(folder, workdir, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    (files / "loop.pdb").write_text(structures.PATH.read_text())
    out = tmp_path / "scores"
    process = _start(
        "evaluate3d.py",
        f"--out={out}",
        models=f"mine={workdir / 'model'}",
        predictions=f"theirs={files}",
        truth=folder / "chains",
        num_cycles=1,
    )
    said = _finish(process)
    assert "theirs: no structure of helix0_A; it scores 0" in said
    found = json.loads((out / "scores.json").read_text())
    assert list(found["scores"]) == ["helix", "mine", "theirs"]
    assert found["scores"]["helix"]["scores"]["lddt"][0] > 0.8
    assert found["scores"]["theirs"]["scores"]["lddt"][0] == pytest.approx(1 / 5)
    assert len(found["methods"]["theirs"]["missing"]) == 4
    assert found["scores"]["mine"]["confidence"]["mean_absolute_error"] < 1
    table = [line.split("\t") for line in (out / "mine.tsv").read_text().splitlines()]
    assert table[0] == list(report3d.COLUMNS)
    assert len(table) == 6
    assert (out / "trends.png").stat().st_size > 10_000
    assert len(list(out.glob("helix/*.pdb"))) == 5


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"truth": ""}, "config.truth is empty"),
        ({"models": "nowhere"}, "NAME=DIR, each name once, is expected"),
        ({"models": "a=/nowhere"}, "there is no directory /nowhere"),
        ({"has_helix": False}, "nothing to score"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path, settings, complaint):
    settings = {"truth": structures.PATH} | settings
    process = _start("evaluate3d.py", f"--out={tmp_path / 'out'}", **settings)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert complaint in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
