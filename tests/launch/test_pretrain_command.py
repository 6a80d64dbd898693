"""The main job as its users start it: processes of launch/pretrain.py."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from ssrlm_jax import cli, config, locks, model_dir
from ssrlm_jax.prepare.corpus import generated_rna
from ssrlm_jax.train import checkpoint, workdirs

ROOT = pathlib.Path(__file__).parents[2]
TINY = {
    "encoder.num_layers": 2,
    "encoder.width": 16,
    "encoder.num_heads": 4,
    "encoder.num_kv_heads": 4,
    "encoder.ffn_width": 32,
    "data.is_generated": False,
    "data.row_length": 128,
    "data.rows_per_batch": 8,
    "data.validation_rows": 8,
    "data.until": "2021",
    "loop.num_steps": 8,
    "loop.log_every": 1,
    "loop.evaluate_every": 8,
    "loop.save_every": 3,
    "optimizer.warmup_steps": 2,
    "loop.compilation_cache": "",
}
MIXED = {"mesh.data": 2, "mesh.fsdp": 2, "mesh.tensor": 2, "loop.micro_batches": 2}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpora") / "tiny"
    small = config.FamiliesConfig(
        num_families=3,
        num_members=8,
        num_validation_members=2,
        num_coding=8,
        num_validation_coding=2,
    )
    generated_rna.write(path, config.DataConfig(row_length=128, families=small), seed=0)
    return path


def start(path, corpus, *flags, num_devices=1, **settings):
    settings = TINY | {"data.corpus": corpus} | settings
    overrides = [f"--config.{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [
            *(sys.executable, "launch/pretrain.py", "--config=configs/demo.py"),
            *(f"--workdir={path}", *overrides, *flags),
        ],
        cwd=ROOT,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": str(num_devices)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process, code=0):
    text = process.communicate(timeout=240)[0]
    assert process.returncode == code, text
    return text


def losses(path):
    return [line["loss"] for line in workdirs.read_metrics(path) if "loss" in line]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, corpus):
    """An uninterrupted run on one device, and what it said."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    return path, finish(start(path, corpus))


def test_a_run_ends_with_a_model_and_says_what_was_learned(whole):
    path, text = whole
    assert len(losses(path)) == 8
    description, params = model_dir.load(path / "model")
    learned, _ = checkpoint.restore_parameters(path)
    np.testing.assert_array_equal(params["embedding"], learned["embedding"])
    assert description.made["step"] == 8
    assert description.made["data_until"] == "2021"
    assert description.scores["loss"] > 0
    assert "paired nucleotides: " in text
    assert str(path / "checkpoints" / "8") in text
    assert "next: ssrlm info" in text


def test_the_model_of_a_run_is_that_of_its_last_checkpoint(whole, tmp_path):
    assert cli.main(["export", str(whole[0]), str(tmp_path / "model")]) == 0
    for file in (model_dir.DESCRIPTION_FILE, model_dir.WEIGHTS_FILE):
        found, expected = (path / "model" / file for path in (whole[0], tmp_path))
        assert found.read_bytes() == expected.read_bytes()


def test_a_run_that_is_told_another_date_and_a_model_that_trains_on_keep_it(
    whole, tmp_path, corpus
):
    run = tmp_path / "run"
    shutil.copytree(whole[0], run)
    finish(start(run, corpus, **{"data.until": "2022-03"}))
    assert model_dir.describe(run / "model").made["data_until"] == "2022-03"
    more = {"model": run / "model", "data.until": "2021-07", "loop.num_steps": 3}
    finish(start(tmp_path / "more", corpus, **more))
    assert model_dir.describe(tmp_path / "more/model").made["data_until"] == "2022-03"


def test_a_terminated_run_goes_on_bit_for_bit(tmp_path, whole, corpus):
    process = start(tmp_path, corpus)
    while not workdirs.read_metrics(tmp_path):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    finish(process)
    (stopped,) = workdirs.steps(tmp_path)[-1:]
    assert 1 <= stopped < 8
    assert not (tmp_path / "model").exists()

    text = finish(start(tmp_path, corpus))
    assert f"going on from the checkpoint of step {stopped}" in text
    assert losses(tmp_path) == losses(whole[0])
    assert (tmp_path / "model" / "weights.safetensors").read_bytes() == (
        whole[0] / "model" / "weights.safetensors"
    ).read_bytes()


@pytest.mark.long
def test_two_processes_of_four_devices_take_the_steps_of_one(tmp_path, whole, corpus):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    found = [
        start(
            tmp_path,
            corpus,
            num_devices=4,
            **MIXED,
            **{
                "distributed.mode": "explicit",
                "distributed.address": address,
                "distributed.num_processes": 2,
                "distributed.process_id": index,
            },
        )
        for index in range(2)
    ]
    for process in found:
        finish(process)
    np.testing.assert_allclose(losses(tmp_path), losses(whole[0]), rtol=1e-5)
    scores = model_dir.describe(tmp_path / "model").scores
    expected = model_dir.describe(whole[0] / "model").scores
    assert scores.keys() == expected.keys()
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, rel=1e-4), name


def test_a_dry_run_says_the_costs_and_writes_nothing(tmp_path, corpus):
    text = finish(start(tmp_path / "dry", corpus, "--dry_run"))
    for part in ("parameters:", "FLOPs per token", "memory per device", "attention:"):
        assert part in text
    assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder.hight": 3}, "there is no setting encoder.hight"),
        ({"data.corpus": "nowhere"}, "make one with: ssrlm prepare_corpus"),
        ({"data.corpus": ""}, "ssrlm prepare_corpus"),
        ({"data.row_length": 64}, "set data.row_length=128"),
        ({"mesh.data": 3}, "mesh.data=3"),
        ({"data.rows_per_batch": 6, "mesh.data": 4}, "data.rows_per_batch=6 is not"),
        ({"compute.attention": "cudnn_packed"}, "compute.attention"),
    ],
)
def test_a_wrong_setting_ends_in_one_line(tmp_path, corpus, settings, message):
    text = finish(start(tmp_path / "run", corpus, num_devices=4, **settings), code=1)
    assert message in text
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder.ffn_width": 48}, "encoder.ffn_width 32 → 48"),
        ({"seed": 1, "masking.policy": "mlm"}, "masking.policy 'ssm' → 'mlm'; seed"),
    ],
)
def test_a_workdir_of_another_experiment_is_refused(whole, corpus, settings, message):
    before = (whole[0] / "meta.json").read_text()
    text = finish(start(whole[0], corpus, **settings), code=1)
    assert message in text
    assert len(text.strip().splitlines()) == 1
    assert (whole[0] / "meta.json").read_text() == before


def test_a_workdir_that_another_run_holds_is_refused(tmp_path, corpus):
    with locks.alone(tmp_path / "lock", ""):
        text = finish(start(tmp_path, corpus), code=1)
    (line,) = [line for line in text.splitlines() if "attention: " not in line]
    assert f"another process trains in {tmp_path}" in line
    assert not (tmp_path / "checkpoints").exists()
