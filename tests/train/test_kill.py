"""Runs that die and are resumed: the same steps, to the bit, as a run that does not."""

import pathlib
import random
import signal
import time

import jax
import numpy as np
import processes
import pytest
import toy

from ssrlm_jax import config
from ssrlm_jax.train import checkpoint, loop, sharding, workdirs

SCRIPT = pathlib.Path(__file__).with_name("run_toy.py")
LOOP = {"num_steps": 20, "log_every": 4, "evaluate_every": 7, "save_every": 3}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    path = tmp_path_factory.mktemp("uninterrupted")
    loop.run(
        toy.Mlp(),
        toy.batches,
        toy.optimizer(),
        settings=config.LoopConfig(**LOOP),
        mesh=sharding.make_mesh(config.MeshConfig(), jax.devices()[:1]),
        seed=0,
        workdir=path,
        meta=toy.META,
    )
    return path


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts a process; all of them share their compiled programs."""
    compiled = str(tmp_path_factory.mktemp("compiled"))

    def start(path, **settings):
        settings = {
            "workdir": str(path),
            "mesh": {},
            "loop": LOOP,
            "compiled": compiled,
        } | settings
        return processes.start(SCRIPT, settings, num_devices=1)

    return start


def _assert_same_run(path, reference):
    assert toy.curve(path) == toy.curve(reference)
    found, meta = checkpoint.restore_parameters(path)
    expected, _ = checkpoint.restore_parameters(reference)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert meta["batches"] == LOOP["num_steps"]


def _wait_for_step(path, step, process):
    while not any(line["step"] >= step for line in workdirs.read_metrics(path)):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def test_killed_in_a_save_and_at_a_batch(start, uninterrupted, tmp_path):
    draw = random.Random(2)
    ends = [
        {"kill_at_rename": draw.randrange(3, 9)},
        {"kill_at_batch": draw.randrange(9, 20)},
    ]
    for end in ends:
        process = start(tmp_path, **end)
        text, _ = process.communicate()
        assert process.returncode == -signal.SIGKILL, text
    (text,) = processes.finish(start(tmp_path))
    assert "going on from the checkpoint of step" in text
    _assert_same_run(tmp_path, uninterrupted)


def test_terminated_twice_it_saves_and_ends_well(start, uninterrupted, tmp_path):
    process = start(tmp_path, wait=0.1)
    _wait_for_step(tmp_path, 4, process)
    process.terminate()
    process.terminate()
    (text,) = processes.finish(process)
    (stopped,) = workdirs.steps(tmp_path)[-1:]
    assert f"stopped at step {stopped}; the same command goes on" in text
    assert 4 < stopped < LOOP["num_steps"]
    processes.finish(start(tmp_path))
    _assert_same_run(tmp_path, uninterrupted)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again_at_random_times(start, uninterrupted, tmp_path, seed):
    draw = random.Random(seed)
    for _ in range(6):
        process = start(tmp_path, wait=0.05)
        time.sleep(draw.uniform(3.0, 12.0))
        process.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM]))
        text, _ = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL, -signal.SIGTERM), text
    processes.finish(start(tmp_path))
    _assert_same_run(tmp_path, uninterrupted)
