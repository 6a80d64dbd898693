"""Fine-tuning as its users start it: processes of launch/finetune.py."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ssrlm_jax import cli, model_dir
from ssrlm_jax.external import relatives
from ssrlm_jax.infer import seen_sequences
from ssrlm_jax.rna import (
    formats,
    record_tables,
    structure_formats,
    structures,
    trained_sequences,
)
from ssrlm_jax.train import workdirs

ROOT = pathlib.Path(__file__).parents[2]
SETTINGS = {"data.ratio": 2.0, "loop.log_every": 1, "loop.compilation_cache": ""}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Returns a table of hairpins of two families."""
    rng = np.random.default_rng(0)
    records = []
    for number in range(12):
        stem = "".join(rng.choice(list("ACGU"), 4 + 2 * (number % 3)))
        back = stem[::-1].translate(str.maketrans("ACGU", "UGCA"))
        dots = "(" * len(stem) + "...." + ")" * len(stem)
        records.append(
            formats.Record(
                f"r{number}",
                f"{stem}GAAA{back}",
                structures.from_dot_bracket(dots),
                family="xyz"[number % 3],
            )
        )
    path = tmp_path_factory.mktemp("tables") / "hairpins.tsv"
    record_tables.write_table(path, records)
    return path


def start(path, *flags, file="tiny.py", **settings):
    overrides = [
        f"--config.{name}={value}" for name, value in (SETTINGS | settings).items()
    ]
    return subprocess.Popen(
        [
            *(sys.executable, "launch/finetune.py"),
            *(f"--config=configs/secondary/{file}", f"--workdir={path}"),
            *(*overrides, *flags),
        ],
        cwd=ROOT,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process, code=0):
    text = process.communicate(timeout=240)[0]
    assert process.returncode == code, text
    return text


def _files(table):
    return {"data.train": table, "data.validation": table}


def _losses(path):
    return [line["loss"] for line in workdirs.read_metrics(path) if "loss" in line]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, table):
    """An uninterrupted run, and what it said."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    return path, finish(start(path, **_files(table), **{"data.until": "2021-05"}))


def test_a_run_ends_with_the_best_model_and_its_threshold(whole, capsys):
    path, text = whole
    assert "12 RNAs in 6 batches of 2 shapes, 16 to 32 nt; padding" in text
    assert "INFO:" not in text  # lines for people, not for a log
    assert len(_losses(path)) == 12
    scores = [
        (line["validation/f1"], -line["step"], line["validation/threshold"])
        for line in workdirs.read_metrics(path)
        if "validation/f1" in line
    ]
    best, step, threshold = max(scores)
    description = model_dir.describe(path / "model")
    assert description.threshold == threshold
    assert description.made["step"] == -step
    assert description.made["data_until"] == "2021-05"
    assert description.scores["f1"] == best
    assert description.trained_length == 64
    trained = structure_formats.read(path / "training.tsv")
    assert seen_sequences.hashes(path / "model") == {
        trained_sequences.digest(record.sequence) for record in trained
    }
    assert f"next: ssrlm fold my.fa -m {path / 'model'}" in text
    assert cli.main(["fold", "GGGGAAACCCC", "-m", str(path / "model")]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "GGGGAAACCCC"
    assert cli.main(["info", str(path / "model")]) == 0
    assert "rinalmo, 2 blocks" in capsys.readouterr().out


def test_thresholds_of_other_rules_are_chosen_and_used(whole, table, tmp_path, capsys):
    model = tmp_path / "model"
    shutil.copytree(whole[0] / "model", model)
    command = [
        *(sys.executable, "launch/decoding.py", f"--config.model={model}"),
        *(f"--config.validation={table}", "--config.methods=greedy,nested"),
    ]
    how = {"cwd": ROOT, "capture_output": True, "text": True}
    done = subprocess.run(command, **how)
    assert done.returncode == 0, done.stderr
    rules = [line.split() for line in done.stdout.splitlines()[1:9]]
    assert [rule[:3] for rule in rules] == [
        [method, sharp, other]
        for method in ("greedy", "nested")
        for sharp in ("yes", "no")
        for other in ("yes", "no")
    ]
    # Greedy without restrictions is what fine-tuning chose on the same RNA.
    assert float(rules[0][3]) == model_dir.describe(model).threshold
    best = max(rules, key=lambda rule: float(rule[6]))
    flags = ["--method", best[0]]
    flags += ["--no-sharp-loops"] * (best[1] == "no")
    flags += ["--canonical-only"] * (best[2] == "no")
    assert done.stdout.splitlines()[-1].endswith(f"-m {model} {' '.join(flags)}")
    flags = ["--method", "nested", "--format", "json"]
    assert cli.main(["fold", "GGGGAAACCCC", "-m", str(model), *flags]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["threshold"] == float(rules[4][3])
    again = subprocess.run(command, **how)
    assert again.returncode == 1
    assert "decodings.json exists; --force replaces it" in again.stderr


@pytest.mark.long
def test_a_head_that_reads_energies_is_trained_and_folds(tmp_path, table, capsys):
    pytest.importorskip("RNA", reason="ViennaRNA is not installed")
    settings = _files(table) | {
        "head.energy": "vienna,andronescu,relatives",
        "energies": tmp_path / "kept",
        "epochs": 1,
    }
    text = finish(start(tmp_path / "run", **settings))
    assert "energies: 12 of 12 RNAs" in text
    model = tmp_path / "run" / "model"
    made = model_dir.describe(model).made["energies"]
    assert [one.get("parameters") for one in made] == [None, "andronescu2007", None]
    assert cli.main(["fold", "GGGGAAACCCC", "-m", str(model)]) == 0
    assert "trained with the energies" not in capsys.readouterr().err
    # From this model on: nothing is computed again, and the heads have to agree.
    settings |= {"model": model, "encoder_rate": 0}
    text = finish(start(tmp_path / "next", **settings))
    assert "energies: " not in text
    text = finish(start(tmp_path / "other", **settings | {"head.energy": "none"}), 1)
    assert "set config.head as it is there" in text


def test_known_structures_go_along_with_a_model_that_reads_them(
    tmp_path, table, capsys
):
    pytest.importorskip("pyopal", reason="PyOpal is not installed")
    records = list(record_tables.read_table(table))
    record_tables.write_table(tmp_path / "train.tsv", records[:6])
    record_tables.write_table(tmp_path / "validation.tsv", records[6:9])
    settings = {
        "data.train": tmp_path / "train.tsv",
        "data.validation": tmp_path / "validation.tsv",
        "relatives": table,
        "data.leave_out": tmp_path / "test.tsv",
        "head.energy": "relatives",
        "energies": "",
        "epochs": 1,
    }
    record_tables.write_table(tmp_path / "test.tsv", records[9:11])
    text = finish(start(tmp_path / "run", **settings))
    assert "relatives are looked for in 7 known structures" in text
    model = tmp_path / "run" / "model"
    memory = relatives.read(model / relatives.FILE)
    assert list(memory.names) == [f"r{n}" for n in (0, 1, 2, 3, 4, 5, 11)]
    assert cli.main(["fold", records[0].sequence, "-m", str(model)]) == 0
    assert "trained with the energies" not in capsys.readouterr().err
    # From this model on: what it knows stays, but for what validates now.
    settings |= {
        "model": model,
        "relatives": "",
        "data.validation": settings["data.train"],
    }
    settings["data.train"] = tmp_path / "test.tsv"
    settings["data.leave_out"] = tmp_path / "validation.tsv"
    text = finish(start(tmp_path / "next", "--dry_run", **settings))
    assert f"relatives: 1 known structures come from {model}" in text
    assert "relatives are looked for in 3 known structures" in text
    (model / relatives.FILE).unlink()
    assert cli.main(["fold", records[0].sequence, "-m", str(model)]) == 1
    assert f"{model / relatives.FILE}: cannot be read" in capsys.readouterr().err


def test_a_terminated_run_goes_on_bit_for_bit(tmp_path, whole, table):
    process = start(tmp_path, **_files(table))
    while not workdirs.read_metrics(tmp_path):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    finish(process)
    assert not (tmp_path / "model").exists()
    assert "going on from" in finish(start(tmp_path, **_files(table)))
    assert _losses(tmp_path) == _losses(whole[0])
    weights = "model/weights.safetensors"
    assert (tmp_path / weights).read_bytes() == (whole[0] / weights).read_bytes()


def test_a_checkpoint_that_was_not_evaluated_has_no_threshold(tmp_path, whole):
    run, model = tmp_path / "run", tmp_path / "model"
    shutil.copytree(whole[0], run)
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if "validation/" not in line]
    (run / "metrics.jsonl").write_text("".join(kept))
    assert cli.main(["export", str(run), str(model)]) == 0
    assert model_dir.describe(model).threshold is None


def test_a_fine_tuned_model_is_tuned_on_with_a_frozen_encoder(tmp_path, whole, table):
    model = whole[0] / "model"
    settings = _files(table) | {"model": model, "encoder_rate": 0.0, "epochs": 1}
    finish(start(tmp_path, **settings))
    (_, before), (_, after) = model_dir.load(model), model_dir.load(tmp_path / "model")
    np.testing.assert_array_equal(
        before["encoder"]["embedding"], after["encoder"]["embedding"]
    )
    first = "first"
    moved = after["pair_head"][first]["kernel"] - before["pair_head"][first]["kernel"]
    assert np.abs(moved).max() > 0


@pytest.mark.long
def test_a_held_out_family_is_written_for_the_test(tmp_path, table):
    settings = {"data.table": table, "data.held_out": "y", "epochs": 1}
    finish(start(tmp_path, **settings))
    names = [record.name for record in record_tables.read_table(tmp_path / "test.tsv")]
    assert names == ["r1", "r4", "r7", "r10"]
    trained = [
        record.name for record in record_tables.read_table(tmp_path / "training.tsv")
    ]
    assert len(trained) == 7  # and one validates
    assert not set(trained) & set(names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": ""}, "config.model is empty: name the directory"),
        ({"model": "nowhere"}, "there is no model 'nowhere'"),
        ({"head.kind": "resnet"}, "head.kind='resnet' is not one of"),
        ({"warmup_epochs": 2}, r"warmup_epochs=2 does not lie in 0..epochs-1=1"),
        ({"data.train": "nothing.tsv"}, "nothing.tsv"),
    ],
)
def test_bad_settings_end_in_one_line(tmp_path, table, settings, message):
    text = finish(start(tmp_path / "run", **(_files(table) | settings)), code=1)
    assert message in text
    assert len(text.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_too_few_positions_are_told_before_training(tmp_path, table):
    settings = {"encoder.positions": "learned", "encoder.max_positions": 20}
    settings |= _files(table) | {"encoder.norm": "layer"}
    text = finish(start(tmp_path / "run", **settings), code=1)
    assert "has learned 20 positions, too few for 32 nt" in text
    assert not (tmp_path / "run").exists()


def test_a_dry_run_says_what_it_needs(tmp_path, table):
    text = finish(start(tmp_path / "run", "--dry_run", **_files(table)))
    assert "memory per device: " in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["bprna", "archiveii", "pdb", "pdb_families", "tiny"])
def test_every_config_is_whole(name):
    import importlib.util

    from ssrlm_jax import config

    path = ROOT / "configs" / "secondary" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"config_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = config.frozen(config.FinetuneConfig, module.get_config())
    if name != "tiny":  # the paper, appendix A.1.3
        assert (found.epochs, found.warmup_epochs, found.data.batch_size) == (
            100,
            10,
            2,
        )
        assert (found.optimizer.learning_rate, found.optimizer.weight_decay) == (
            1e-4,
            0.01,
        )
    with pytest.raises(ValueError, match="variant 'x=1'"):
        module.get_config("x=1")
    first = {"archiveii": "family=5s,", "pdb_families": "fold=0,"}.get(name, "")
    head = module.get_config(f"{first}head=rnafm").head
    assert head.kind == "rnafm"
    assert head.num_blocks == (3 if name == "tiny" else 32)
