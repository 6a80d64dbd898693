"""Two processes with four devices each: the code path of many machines."""

import pathlib
import time

import jax
import numpy as np
import processes
import pytest
import toy

from ssrlm_jax import config
from ssrlm_jax.train import checkpoint, loop, sharding, workdirs

SCRIPT = pathlib.Path(__file__).with_name("run_toy.py")
MIXED = {"data": 2, "fsdp": 2, "tensor": 2}
LOOP = {"log_every": 4, "evaluate_every": 0}


def _run_here(path, mesh, num_steps):
    loop.run(
        toy.Mlp(),
        toy.batches,
        toy.optimizer(),
        settings=config.LoopConfig(num_steps=num_steps, **LOOP),
        mesh=mesh,
        seed=0,
        workdir=path,
        meta=toy.META,
    )


def _start_two(path, num_steps, save_every=100, mesh=MIXED, **settings):
    settings |= {"workdir": str(path), "mesh": mesh, "compiled": ""}
    settings |= {"loop": LOOP | {"num_steps": num_steps, "save_every": save_every}}
    return processes.start_together(SCRIPT, settings)


def test_two_processes_one_and_two_again_take_the_steps_of_one_device(tmp_path):
    """The signal goes to one process of the two; both stop after the same step."""
    mixed = tmp_path / "mixed"
    first, second = _start_two(mixed, 40, wait=0.1)
    while not workdirs.read_metrics(mixed):
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.05)
    second.terminate()
    processes.finish(first, second)
    (stopped,) = workdirs.steps(mixed)
    assert 4 < stopped < 24

    _run_here(mixed, sharding.make_mesh(config.MeshConfig(**MIXED)), 24)
    processes.finish(*_start_two(mixed, 28))

    one = tmp_path / "one"
    _run_here(one, sharding.make_mesh(config.MeshConfig(), jax.devices()[:1]), 28)
    found, expected = toy.curve(mixed), toy.curve(one)
    assert [line["step"] for line in found] == [4, 8, 12, 16, 20, 24, 28]
    for name in ("loss", "rows", "gradient_norm", "tokens"):
        np.testing.assert_allclose(
            [line[name] for line in found],
            [line[name] for line in expected],
            rtol=1e-5,
        )
    for leaf, exact in zip(
        jax.tree.leaves(checkpoint.restore_parameters(mixed)[0]),
        jax.tree.leaves(checkpoint.restore_parameters(one)[0]),
        strict=True,
    ):
        np.testing.assert_allclose(leaf, exact, atol=2e-4)


def test_what_two_processes_read_together_costs_once(tmp_path):
    """Along the tensor axis both read the same rows."""
    processes.finish(*_start_two(tmp_path / "two", 4, mesh={"data": 1, "tensor": 8}))
    _run_here(tmp_path / "one", sharding.make_mesh(config.MeshConfig()), 4)
    (found,), (expected,) = toy.curve(tmp_path / "two"), toy.curve(tmp_path / "one")
    assert found["tokens"] == expected["tokens"]
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)


@pytest.mark.long
def test_damage_that_one_process_meets_is_known_to_both(tmp_path):
    """The newest checkpoint lacks a file that only one of the two has to read."""
    processes.finish(*_start_two(tmp_path, 6, inner=16_384, save_every=4))
    folder = tmp_path / "checkpoints" / "6" / "state" / "ocdbt.process_1"
    max(folder.rglob("*"), key=lambda path: path.stat().st_size).unlink()

    texts = processes.finish(*_start_two(tmp_path, 8, inner=16_384))
    assert all("checkpoint 6 is damaged" in text for text in texts)
    assert workdirs.steps(tmp_path) == [4, 8]
