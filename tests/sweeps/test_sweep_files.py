"""The files of configs/sweeps: each expands, and the shipped recipe is the script's."""

import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest

from ssrlm_jax import cli, config
from ssrlm_jax.data import rows
from ssrlm_jax.jobs import command
from ssrlm_jax.jobs import sweep as job
from ssrlm_jax.sweeps import job_graph

ROOT = pathlib.Path(__file__).parents[2]
FAMILIES = ("demo", "masking_rate", "ssm_rate", "span_length", "protect_partner")
TABLES = (
    *("bprna_TR0", "bprna_VL0", "bprna_TS0", "pdb_TR1", "pdb_VL1", "pdb_TS1"),
    "archiveII",
)


@pytest.fixture
def data(tmp_path):
    """A folder with the names of the real tables, and a corpus."""
    lines = "id\tsequence\tdotbracket\na\tGGGAAACCC\t(((...)))\n"
    for name in (
        *(f"secondary/{table}" for table in TABLES),
        *("rfam/seed_ss", "rfam/benchmark_family_map", "ncrna_contrafold"),
    ):
        path = tmp_path / f"{name}.tsv.gz"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress((lines + name).encode(), mtime=0))
    (tmp_path / "fasta" / "coding").mkdir(parents=True)
    (tmp_path / "fasta" / "coding" / "a.fa").write_text(">a\nACGU\n")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    rows.write_manifest(
        corpus, rows.Manifest(row_length=1024, max_segments=1, shards=())
    )
    return tmp_path


def expand(name, data, **settings):
    overrides = [f"--config.data={data}", f"--config.corpus={data / 'corpus'}"]
    overrides += [f"--config.{name}={value}" for name, value in settings.items()]
    chosen = config.frozen(config.SweepConfig, command.read(name, overrides))
    asked = command.load(name).get_sweep(chosen)
    return asked, job_graph.expand(asked, job.resolve)


@pytest.mark.parametrize("name", FAMILIES)
def test_sweeps_on_families_need_no_data(name, data):
    asked, made = expand(f"sweeps/{name}", data)
    runs = [one for one in made.jobs.values() if one.command == "pretrain"]
    assert len(runs) == len(made.cells)
    assert len([one for one in made.jobs.values() if one.step == "corpus"]) == 1
    assert asked.axes["seed"] == (0, 1, 2)


def test_the_paper_s_table_has_three_sizes_of_three_objectives(data):
    asked, made = expand("sweeps/table3", data)
    runs = [one for one in made.jobs.values() if one.command == "pretrain"]
    widths = sorted(one.resolved["encoder.width"] for one in runs)
    assert widths == [288] * 3 + [1056] * 3 + [1280] * 3
    assert {one.resolved["loop.num_steps"] for one in runs} == {175_000}
    steps = {one.step for one in made.jobs.values()}
    assert {"contacts", "bprna", "bprna_rule", "TS0", "pdb", "pdb_rule", "TS1"} <= steps
    tuned = next(one for one in made.jobs.values() if one.step == "pdb")
    assert tuned.parents[0].startswith("bprna-")
    assert asked.paper[("8m", "ssm", "bpRNA TS0, F1")] == 0.668


def test_the_8m_row_has_a_time(data):
    _, made = expand("sweeps/table3_8m", data)
    assert command.read("sweeps/table3_8m", []).minutes == 30.0
    assert {one.command for one in made.jobs.values()} == {
        "pretrain",
        "fit_contacts",
        "finetune",
        "thresholds",
        "evaluate",
    }


@pytest.mark.parametrize("variant", ["", ":small"])
def test_each_fold_of_families_is_tested_by_what_it_did_not_train(variant, data):
    (data / "pdb2023").mkdir()
    rows = [f"r{n}\tRF{n:05}\tGGGAAACCC\t(((...)))\n" for n in range(10)]
    table = data / "pdb2023" / "folds.tsv"
    table.write_text("id\tfamily\tsequence\tdotbracket\n" + "".join(rows))
    asked, made = expand(f"sweeps/pdb_families{variant}", data)
    tuned = [one for one in made.jobs.values() if one.step == "tune"]
    assert sorted(one.resolved["data.fold"] for one in tuned) == list(range(10))
    for one in tuned:
        assert one.resolved["data.num_folds"] == 10
        assert "relatives" not in one.resolved["head.energy"]
    for values, steps in made.cells:
        scored = made.jobs[steps["families"]]
        assert scored.parents == (steps["tune"],)
        assert made.jobs[steps["tune"]].resolved["data.fold"] == values["fold"]
    assert len(asked.measures) == 2
    with pytest.raises(ValueError, match="pdb_families.py has no variant 'other'"):
        command.load("sweeps/pdb_families").get_config("other")


def test_a_corpus_that_is_not_named_is_told(data):
    with pytest.raises(ValueError, match="config.corpus is empty: name a corpus; make"):
        command.load("sweeps/table3").get_sweep(config.SweepConfig())


RECORDER = """import json, pathlib, sys
with open({log!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
# Stage of the script, step of the sweep, and the command.
STAGES = {
    "energies": {
        "short": [("short", "finetune")],
        "long": [("long", "finetune")],
        "last": [("last", "finetune")],
        "decoding": [("rule", "thresholds"), ("contacts", "fit_contacts")],
    },
    "letters": {
        "letters_corpus": [("corpus", "prepare_corpus")],
        "letters_pre": [("pre", "pretrain")],
        "letters_predicted": [("predicted", "finetune")],
        "letters_short": [("short", "finetune")],
        "letters_long": [("long", "finetune")],
        "letters_decoding": [("rule", "thresholds")],
    },
}
# Where files lie, and on how many devices.
PLACES = ("model", "energies", "relatives", "mesh.data", "data.corpus", "families")


def recorded(data, tmp_path, stage):
    """Returns the commands that a stage of the script gives."""
    log, python = tmp_path / f"{stage}.jsonl", tmp_path / "python"
    (tmp_path / "recorder.py").write_text(RECORDER.format(log=str(log)))
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/recorder.py "$@"\n')
    python.chmod(0o755)
    (tmp_path / "work" / "sets").mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [ROOT / "launch" / "shipped.sh", data, tmp_path / "work", stage],
        env=os.environ | {"PYTHON": str(python)},
        check=True,
    )
    return [json.loads(line) for line in log.read_text().splitlines()]


def settings_of(words, name):
    """Returns all settings of a command, without places."""
    chosen = [w.removeprefix("--config=") for w in words if w.startswith("--config=")]
    overrides = [word for word in words if word.startswith("--config.")]
    default = job.resolve(name, *chosen[:1] or [""], overrides)
    is_place = ("train", "validation", "table", "test", "leave_out")
    return {
        setting: value
        for setting, value in default.items()
        if setting not in PLACES and setting.rpartition(".")[2] not in is_place
    }


@pytest.mark.parametrize("variant", STAGES)
def test_the_shipped_recipe_is_that_of_the_script(variant, data, tmp_path):
    _, made = expand(f"sweeps/shipped:{variant}", data)
    by_step = {one.step: one for one in made.jobs.values()}
    out = pathlib.Path("/out")
    for stage, steps in STAGES[variant].items():
        commands = recorded(data, tmp_path, stage)
        assert len(commands) == len(steps)
        for words, (step, name) in zip(commands, steps, strict=True):
            assert by_step[step].command == name
            expected = settings_of(by_step[step].arguments(out), name)
            assert settings_of(words, name) == expected


def test_what_trains_the_shipped_model_is_what_the_script_keeps(tmp_path, data):
    """Thins a table by the script's awk and by the rules of the sweep."""
    names = [f"{kind}_{n}" for n in range(60) for kind in ("bpRNA_RFAM", "TR1", "RF")]
    lines = ["id\tfamily\tsequence\tdotbracket"]
    lines += [f"{n}\t\t{'G' * (150 + 4 * k % 100)}\t" for k, n in enumerate(names)]
    work = tmp_path / "work" / "sets"
    work.mkdir(parents=True)
    (work / "train.tsv").write_text("\n".join(lines) + "\n")
    recorded_nothing = tmp_path / "none"
    recorded_nothing.write_text("#!/bin/sh\n")
    recorded_nothing.chmod(0o755)
    subprocess.run(
        [ROOT / "launch" / "shipped.sh", data, tmp_path / "work", "sets"],
        env=os.environ | {"PYTHON": str(recorded_nothing)},
        check=True,
    )
    shipped = command.load("sweeps/shipped")
    for name, rules in (("long", shipped.LONG), ("last", shipped.LAST)):
        out = tmp_path / name
        flags = [f"--table={work / 'train.tsv'}", f"--keep={rules}", f"--out={out}"]
        assert cli.main(["subset", *flags]) == 0
        assert (out / "table.tsv").read_text() == (work / f"{name}.tsv").read_text()
