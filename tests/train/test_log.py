import json
import math
import sys
import types

import pytest

from ssrlm_jax import config
from ssrlm_jax.train import log, workdirs


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tensorboard": True}, r"loop\.tensorboard=True needs tensorboardX"),
        ({"wandb_project": "rna"}, r"loop\.wandb_project='rna' needs wandb"),
    ],
)
def test_a_missing_package_names_setting_and_cure(monkeypatch, settings, message):
    monkeypatch.setattr(log.importlib.util, "find_spec", lambda _: None)
    log.check(config.LoopConfig())
    with pytest.raises(ValueError, match=message + r".*ssrlm-jax\[log\]"):
        log.check(config.LoopConfig(**settings))


def _open(path, *, is_primary=True, **settings):
    loop = config.LoopConfig(num_steps=2000, **settings)
    return log.Log(path, loop, first=0, is_primary=is_primary)


def test_lines_go_to_the_file_and_to_people(tmp_path, capsys):
    with _open(tmp_path) as journal:
        journal.write(1000, {"loss": 0.1}, "loss 0.1000")
        (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line) == {"step": 1000, "loss": 0.1}
    assert capsys.readouterr().err == "step 1,000/2,000  loss 0.1000\n"


def test_numbers_that_are_not_finite_leave_the_file_json(tmp_path):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    scalars = {"loss": math.nan, "rate": math.inf, "tokens": 5.0}
    for step in (1, 2):
        with log.Log(tmp_path, config.LoopConfig(), first=1, is_primary=True) as one:
            one.write(step, scalars, "")
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=refuse) for line in lines] == [
        {"step": step, "loss": None, "rate": None, "tokens": 5.0} for step in (1, 2)
    ]
    assert all(math.isnan(line["loss"]) for line in workdirs.read_metrics(tmp_path))


def test_only_one_process_writes(tmp_path, capsys):
    with _open(tmp_path, is_primary=False) as journal:
        journal.write(1, {"loss": 0.1}, "loss 0.1000")
    assert not (tmp_path / "metrics.jsonl").exists()
    assert capsys.readouterr().err == ""


class _Recorder:
    """Stands for TensorBoard's writer and for a W&B run."""

    def __init__(self):
        self.calls = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append("closed")

    def add_scalar(self, *call):
        self.calls.append(call)

    def log(self, scalars, step):
        self.calls.append((scalars, step))

    def finish(self):
        self.calls.append("closed")


def test_tensorboard_gets_every_scalar(tmp_path, monkeypatch):
    writer = _Recorder()
    fake = types.SimpleNamespace(SummaryWriter=lambda folder: writer)
    monkeypatch.setitem(sys.modules, "tensorboardX", fake)
    with _open(tmp_path, tensorboard=True) as journal:
        journal.write(5, {"loss": 0.1, "mfu": 0.5}, "")
    assert writer.calls == [("loss", 0.1, 5), ("mfu", 0.5, 5), "closed"]


def test_all_sessions_of_a_workdir_are_one_run_of_wandb(tmp_path, monkeypatch):
    run, ids = _Recorder(), []

    def init(**settings):
        ids.append((settings["project"], settings["id"]))
        return run

    fake = types.SimpleNamespace(
        init=init, util=types.SimpleNamespace(generate_id=lambda: f"id{len(ids)}")
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for step in (5, 10):
        with _open(tmp_path, wandb_project="rna") as journal:
            journal.write(step, {"loss": 0.1}, "")
    assert ids == [("rna", "id0"), ("rna", "id0")]
    assert run.calls == [({"loss": 0.1}, 5), "closed", ({"loss": 0.1}, 10), "closed"]


def test_a_resumed_log_keeps_what_came_before(tmp_path):
    with _open(tmp_path) as journal:
        for step in (1, 2, 3):
            journal.write(step, {"loss": 1.0 / step}, "")
    with log.Log(tmp_path, config.LoopConfig(), first=2, is_primary=True) as journal:
        journal.write(3, {"loss": 9.0}, "")
    found = [(line["step"], line["loss"]) for line in workdirs.read_metrics(tmp_path)]
    assert found == [(1, 1.0), (2, 0.5), (3, 9.0)]
