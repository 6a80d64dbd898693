import dataclasses
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys

import homeless
import jax
import numpy as np
import pytest

from ssrlm_jax import cli, config, model_dir
from ssrlm_jax.cli import models, reports
from ssrlm_jax.external import relatives
from ssrlm_jax.prepare.corpus import generated_rna
from ssrlm_jax.rna import alphabet, formats, structures
from ssrlm_jax.train import hardware, workdirs

SIZES = config.EncoderConfig(
    num_layers=2, width=8, num_heads=2, num_kv_heads=2, ffn_width=16
)


@pytest.fixture
def model(tmp_path):
    description = model_dir.Description(
        architecture=SIZES,
        letters=alphabet.LETTERS,
        made={"step": 7},
        scores={"loss": 1.25},
    )
    model_dir.save(tmp_path / "model", description, {"embedding": np.ones((9, 8))})
    return tmp_path / "model"


def test_info_on_a_model_says_its_size_and_scores(model, capsys):
    assert cli.main(["info", str(model)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^parameters +72$", text, re.MULTILINE)
    assert "of the encoder" not in text
    assert "loss 1.25" in text
    assert "rope_base" not in text
    assert cli.main(["info", "--all", str(model)]) == 0
    assert "rope_base 1e+04" in capsys.readouterr().out


def test_info_on_a_model_fits_a_screen_and_says_what_comes_next(model, capsys):
    description = dataclasses.replace(
        model_dir.describe(model),
        head=config.HeadConfig(energy=config.RELATIVES),
        threshold=0.45,
        made={
            **{"step": 1200, "date": "2026-11-28", "versions": {"ssrlm-jax": "0.1.0"}},
            **{"config": {"data": {"train": "a.tsv"}}, "data_until": "2020"},
        },
    )
    known = structures.from_dot_bracket("(..)")
    table = model.with_name(relatives.FILE)
    relatives.write(table, relatives.remember([formats.Record("x", "GAAC", known)]))
    params = {"encoder": {"x": np.ones(3)}, "pair_head": {"x": np.ones(3)}}
    model_dir.save(model, description, params, is_replaced=True, others=[table])
    assert cli.main(["info", str(model)]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) < 25
    for line in (
        *("predicts +base pairs, from the letters and relatives", "threshold +0.45"),
        *("trained +to step 1,200, 2026-11-28, by ssrlm-jax 0.1.0", "data until +2020"),
        *("trained on +a.tsv", "known structures +1 RNAs"),
        f"next +ssrlm fold my.fa -m {re.escape(str(model))}",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE), line


def test_info_counts_the_parameters_of_all_parts(model, capsys):
    description = dataclasses.replace(
        model_dir.describe(model), head=config.HeadConfig(channels=4)
    )
    params = {"encoder": {"embedding": np.ones((9, 8))}, "pair_head": {"x": np.ones(3)}}
    model_dir.save(model, description, params, is_replaced=True)
    assert cli.main(["info", "--json", str(model)]) == 0
    facts = json.loads(capsys.readouterr().out)
    counted = {"parameters": 75, "of the encoder": 72, "of the pair_head": 3}
    assert {name: facts[name] for name in counted} == counted


def test_info_for_programs_is_json(model, capsys):
    assert cli.main(["info", "--json", str(model)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["holds"] == "a model"
    assert facts["architecture"]["width"] == 8


def test_info_on_a_corpus_counts_rows_and_tokens(tmp_path, capsys):
    settings = config.DataConfig(
        row_length=128,
        families=config.FamiliesConfig(
            num_families=1,
            num_members=3,
            num_validation_members=1,
            num_coding=1,
            num_validation_coding=1,
        ),
    )
    generated_rna.write(tmp_path / "corpus", settings, seed=0)
    assert cli.main(["info", "--json", str(tmp_path / "corpus")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["holds"] == "a corpus"
    assert facts["train, ncrna"]["num_records"] >= 3
    assert cli.main(["info", str(tmp_path / "corpus")]) == 0
    text = capsys.readouterr().out
    assert f"--config.data.corpus={tmp_path / 'corpus'}" in text


def test_info_on_a_run_says_how_far_it_is(tmp_path, capsys):
    meta = {
        "architecture": {"encoder": {"width": 8}},
        "config": {"loop": {"num_steps": 12}},
    }
    workdirs.claim(tmp_path / "run", config.LoopConfig(), meta)
    (tmp_path / "run" / "checkpoints" / "4").mkdir(parents=True)
    metrics = '{"step": 3, "loss": 2.0}\n{"step": 4, "loss": 1.5}\n'
    (tmp_path / "run" / workdirs.METRICS).write_text(metrics)
    assert cli.main(["info", "--json", str(tmp_path / "run")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["holds"] == "a training run"
    assert facts["checkpoints"] == [4]
    assert facts["steps wanted"] == 12
    assert facts["newest metrics"] == {"step": 4, "loss": 1.5}
    assert cli.main(["info", str(tmp_path / "run")]) == 0
    assert "ssrlm export" in capsys.readouterr().out


def test_info_on_anything_else_ends_in_one_line(tmp_path, capsys):
    assert cli.main(["info", str(tmp_path)]) == 1
    assert cli.main(["info", str(tmp_path / "nothing")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "holds neither a model (model.json), a corpus (manifest.json)" in lines[0]
    assert "is no directory" in lines[1]


def test_export_without_a_checkpoint_ends_in_one_line(tmp_path, capsys):
    assert cli.main(["export", str(tmp_path), str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["data/[x]/TR0", "1ehz:A:1-76", "[/red]", "x" * 5000])
def test_info_shows_values_as_they_are(model, capsys, name):
    path = model / model_dir.DESCRIPTION_FILE
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {"made": {"train": name}}))
    assert cli.main(["info", "--all", str(model)]) == 0
    assert f"train {name}\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["convert", "fold", "paper", "pretrain", "serve"])
def test_a_command_starts_without_a_home(monkeypatch, capsys, command):
    homeless.be(monkeypatch)
    monkeypatch.delitem(sys.modules, f"ssrlm_jax.cli.{command}", raising=False)
    with pytest.raises(SystemExit, match="^0$"):
        cli.main([command, "--help"])
    assert capsys.readouterr().out


@pytest.fixture
def kept_nowhere():
    name = "jax_compilation_cache_dir"
    before = jax.config.values[name]
    jax.config.update(name, None)
    yield lambda: jax.config.values[name] is None
    jax.config.update(name, before)


@pytest.mark.parametrize(
    "keep",
    [models.keep_compiled, lambda: hardware.keep_compiled("~/.cache/ssrlm-jax")],
    ids=["a command", "a job"],
)
def test_without_a_home_compiled_programs_are_not_kept(
    monkeypatch, tmp_path, kept_nowhere, keep
):
    homeless.be(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(models.CACHE, raising=False)
    keep()
    assert kept_nowhere()
    assert not list(tmp_path.iterdir())  # no folder "~" either


def test_tables_are_aligned():
    rows = [("", "n"), ("[b]", "1"), ("c", "10")]
    assert reports.table(rows, num_left=1) == "      n\n[b]   1\nc    10\n"


def test_names_do_nothing_to_a_terminal(monkeypatch, capsys):
    report = reports.Report("fold", "folded", is_output_shown=True)
    report.say("1ehz:A:1-76 \x1b[2J")
    assert capsys.readouterr().err == "ssrlm fold: 1ehz:A:1-76 \\x1b[2J\n"
    reports.write(">a\x1b[2J\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    reports.write(">Ψ\x1b[2J\n")
    assert capsys.readouterr().out == ">a\x1b[2J\n>Ψ\\x1b[2J\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fold", "--bad"], "ssrlm fold: unrecognized arguments: --bad"),
        (["fold", "--threshold", "x"], "ssrlm fold: argument --threshold: invalid"),
        (["info"], "ssrlm info: the following arguments are required: DIR"),
    ],
)
def test_a_wrong_use_shows_what_the_command_needs(capsys, arguments, told):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(told)
    needed = {"fold": "[FASTA]", "info": "DIR"}[arguments[0]]
    assert second == (
        f"usage: ssrlm {arguments[0]} {needed} [OPTION ...]; see ssrlm "
        f"{arguments[0]} --help"
    )


def test_in_a_notebook_progress_is_lines(tmp_path):
    """A kernel asks for colours as a terminal does, and cannot take lines back."""
    root = pathlib.Path(__file__).parents[1]
    run = "import sys; from ssrlm_jax import cli; sys.exit(cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", run, "fold", "GGGAAACCC"],
        cwd=tmp_path,
        env=os.environ
        | {"JPY_PARENT_PID": "1", "FORCE_COLOR": "1", "PYTHONPATH": os.fspath(root)},
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1].startswith("ssrlm fold: 1 of 1 folded")
    assert "\x1b" not in done.stderr


def test_the_command_says_its_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    said = capsys.readouterr().out
    version = importlib.metadata.version("ssrlm-jax")
    assert said.startswith(f"ssrlm-jax {version}, jax ")
