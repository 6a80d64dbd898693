"""Files, models and programs scored side by side, as launch/evaluate.py does it."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import small_models
import stand_ins

import ssrlm_jax
from ssrlm_jax import cli, model_dir
from ssrlm_jax.rna import formats, record_tables, structures, trained_sequences

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path):
    """Returns a folder with a model, known structures and a stand-in for CONTRAfold."""
    small_models.save(tmp_path / "model")
    known = structures.from_dot_bracket(stand_ins.TRNA_DOTS)
    hairpin = structures.from_dot_bracket("((((....))))")
    records = [
        formats.Record("trna", stand_ins.TRNA, known),
        formats.Record("hairpin", "GGGGAAAACCCC", hairpin),
    ]
    record_tables.write_table(tmp_path / "truth.tsv", records)
    stand_ins.program(tmp_path, "contrafold", stand_ins.CONTRAFOLD)
    return tmp_path


def evaluate(files, *flags, **settings):
    settings = {"truth": files / "truth.tsv", "model": files / "model"} | settings
    command = [sys.executable, "launch/evaluate.py", f"--out={files / 'scores'}"]
    command += [f"--config.{name}={value}" for name, value in settings.items()]
    command += flags
    environment = os.environ | {"SSRLM_CONTRAFOLD": str(files / "contrafold")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_a_model_and_a_program_are_scored_in_one_run(files):
    settings = {"programs": "contrafold", "decoding.method": "nested"}
    done = evaluate(files, **settings)
    assert done.returncode == 0, done.stderr
    assert "no threshold was chosen for --method nested; 0.45 is that" in done.stderr
    facts = json.loads((files / "scores" / "scores.json").read_text())
    assert facts["methods"]["model"]["threshold"] == 0.45
    assert set(facts["scores"]) == {"contrafold", "model"}
    # What was recorded is the known structure of the first and nothing of the second.
    scores = facts["scores"]["contrafold"]
    assert scores["strict"]["f1"]["mean"][0] == 0.5
    assert scores["average_precision"]["mean"][0] is not None
    (_, *rows) = (files / "scores" / "contrafold.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["trna", "hairpin"]
    again = evaluate(files)
    assert again.returncode == 1
    assert "exists and is not empty; give another --out" in again.stderr


def test_a_model_says_what_it_has_seen_or_is_refused(files):
    trained_sequences.write(
        files / "model" / trained_sequences.FILE, ["ggggaaaacccc", "ACGU"]
    )
    refused = evaluate(files, **{"is_seen_refused": "true"})
    assert refused.returncode == 1
    assert "was trained on 1 of the 2 RNAs of" in refused.stderr
    assert not (files / "scores").exists()
    done = evaluate(files)
    assert done.returncode == 0, done.stderr
    assert "model: it was trained on 1 of 2 RNAs; what it has seen" in done.stderr
    facts = json.loads((files / "scores" / "scores.json").read_text())
    assert facts["methods"]["model"]["seen in training"] == 1


@pytest.mark.skipif(not shutil.which("mmseqs"), reason="mmseqs is not installed")
def test_scores_by_identity_with_the_training_set(files):
    known = structures.from_dot_bracket("." * 80)
    near = stand_ins.TRNA[:-4] + "GGGG" + "ACGU"
    record_tables.write_table(files / "near.tsv", [formats.Record("x", near, known)])
    known = structures.from_dot_bracket("." * 40)
    record_tables.write_table(
        files / "other.tsv", [formats.Record("y", "UUUA" * 10, known)]
    )
    done = evaluate(files, train=f"{files / 'other.tsv'},{files / 'near.tsv'}")
    assert done.returncode == 0, done.stderr
    facts = json.loads((files / "scores" / "scores.json").read_text())
    groups = facts["scores"]["model"]["identity"]
    assert sorted(group["rnas"] for group in groups.values() if group["rnas"]) == [1, 1]


@pytest.mark.skipif(not shutil.which("mmseqs"), reason="mmseqs is not installed")
def test_relatives_in_the_training_set_are_scored_as_a_program(files):
    pytest.importorskip("pyopal", reason="PyOpal is not installed")
    done = evaluate(files, programs="relatives", train=files / "truth.tsv", model="")
    assert done.returncode == 0, done.stderr
    facts = json.loads((files / "scores" / "scores.json").read_text())
    assert facts["methods"]["relatives"]["records"] == 2
    assert facts["scores"]["relatives"]["strict"]["f1"]["mean"][0] > 0.9
    done = evaluate(files, programs="relatives", model="")
    assert done.returncode == 1
    assert "config.programs=relatives: of config.train, which is" in done.stderr


def test_a_program_that_fails_ends_it_before_anything_is_scored(files):
    stand_ins.program(files, "contrafold", "import sys; sys.exit('broken')")
    done = evaluate(files, programs="contrafold")
    assert done.returncode == 1
    assert "broken" in done.stderr.splitlines()[-1]
    assert not list(files.glob("scores/*"))


def test_a_model_without_a_head_is_refused_and_does_not_block_the_next_command(files):
    description, params = model_dir.load_encoder(files / "model")
    bare = dataclasses.replace(description, head=None, threshold=None)
    model_dir.save(files / "encoder", bare, params)
    done = evaluate(files, model=files / "encoder", programs="contrafold")
    assert done.returncode == 1
    assert "the model has no head that predicts pairs" in done.stderr
    assert not (files / "scores").exists()


def test_files_stand_in_one_table_with_a_model_and_a_program(files):
    (files / "theirs").mkdir()
    (files / "theirs" / "trna.dbn").write_text(
        f">trna\n{stand_ins.TRNA}\n{stand_ins.TRNA_DOTS}\n"
    )
    done = evaluate(
        files,
        f"--predictions={files / 'theirs'}",
        f"--json={files / 'theirs.json'}",
        programs="contrafold",
    )
    assert done.returncode == 1  # one is missing
    assert done.stderr.endswith("missing: 1\n  hairpin\n")
    shown = [line.split()[0] for line in done.stdout.splitlines() if "  all  " in line]
    assert shown == ["contrafold", "model", "theirs", "without"]
    facts = json.loads((files / "scores" / "scores.json").read_text())
    assert list(facts["scores"]) == ["contrafold", "model", "theirs"]
    assert facts["scores"]["theirs"]["strict"]["f1"]["mean"][0] == 0.5
    assert facts["methods"]["theirs"]["problems"] == {"missing": ["hairpin"]}
    assert (files / "scores" / "theirs.tsv").exists()
    alone = json.loads((files / "theirs.json").read_text())
    assert alone["scores"] == facts["scores"]["theirs"]


def test_files_are_scored_alone_unless_more_is_named(files, capsys):
    (files / "theirs").mkdir()
    table = files / "theirs" / "all.tsv"
    table.write_bytes((files / "truth.tsv").read_bytes())
    given = [f"--predictions={table.parent}", f"--truth={files / 'truth.tsv'}"]
    assert cli.main(["evaluate", *given]) == 0
    shown = capsys.readouterr().out
    assert "theirs  all" in shown
    assert "vienna" not in shown
    assert cli.main(["evaluate", *given, "--config.programs=vienna"]) == 1
    assert "--out=DIR is needed" in capsys.readouterr().err
    assert cli.main(["evaluate", f"--out={files / 'x'}", "--config.programs="]) == 1
    assert "nothing to score: name --predictions" in capsys.readouterr().err


def test_the_example_of_the_docs_runs(files, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="draws")
    text = (ROOT / "docs" / "folding.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(files)
    exec(code.replace('"MODEL"', '"model"'), {})
    (folded,) = ssrlm_jax.load("model").fold(["GGGAAACCC"])
    assert structures.to_dot_bracket(folded.structure) in capsys.readouterr().out
    assert (files / "map.png").stat().st_size > 1_000
