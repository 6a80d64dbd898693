import gc
import pathlib
import shutil
import threading

import jax
import numpy as np
import pytest
import toy

from ssrlm_jax import config
from ssrlm_jax.train import checkpoint, sharding, updates, workdirs

# Orbax leaves reads of damaged files that it never awaits.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*_read_array_index_and_device_put:pytest.PytestUnraisableExceptionWarning",
    "ignore:coroutine '.*_read_array_index_and_device_put':RuntimeWarning",
)

LOOP = config.LoopConfig(keep_latest=2, keep_every=6)
MESHES = {
    8: config.MeshConfig(data=2, fsdp=2, tensor=2),
    4: config.MeshConfig(data=1, fsdp=2, tensor=2),
    1: config.MeshConfig(),
}


@pytest.fixture(autouse=True)
def _what_a_test_leaves_is_its_own():
    yield
    gc.collect()


def _build(num_devices, inner=toy.INNER, **settings):
    mesh = sharding.make_mesh(MESHES[num_devices], jax.devices()[:num_devices])
    return updates.build(
        toy.Mlp(inner),
        toy.optimizer(),
        settings=config.LoopConfig(**settings),
        mesh=mesh,
        seed=0,
    )


def _save(path, *, steps=(4, 8), inner=toy.INNER, num_devices=8, **settings):
    """Saves a fresh state under some steps and returns it."""
    state = _build(num_devices, inner, **settings).fresh()
    with checkpoint.Checkpoints(path, LOOP) as saved:
        for step in steps:
            saved.save(step, state, {"step": step, "open": {"loss": [0.1, 3.0]}})
    return state


def _restore(path, **settings):
    with checkpoint.Checkpoints(path, LOOP) as saved:
        return saved.restore_newest(_build(**settings).abstract)


def _assert_same(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory):
    """A workdir with the checkpoints 4 and 8, large enough for data files."""
    path = tmp_path_factory.mktemp("two")
    state = _save(path, inner=16_384)
    return path, jax.device_get(state)


@pytest.fixture
def workdir_of_two(two_checkpoints, tmp_path):
    path, state = two_checkpoints
    shutil.copytree(path, tmp_path / "run")
    return tmp_path / "run", state


def test_state_and_meta_come_back_on_fewer_devices_and_on_more(tmp_path):
    state = jax.device_get(_save(tmp_path, ema_decay=0.5))
    for num_devices in (8, 4, 1):
        restored, meta = _restore(tmp_path, num_devices=num_devices, ema_decay=0.5)
        _assert_same(restored, state)
        assert restored.learned["up"].sharding.device_set == set(
            jax.devices()[:num_devices]
        )
        assert (meta["step"], meta["open"]) == (8, {"loss": [0.1, 3.0]})
    shutil.rmtree(tmp_path / "checkpoints")
    _save(tmp_path, num_devices=1, ema_decay=0.5)
    restored, _ = _restore(tmp_path, num_devices=8, ema_decay=0.5)
    _assert_same(restored, state)


def test_the_newest_are_kept_and_every_so_many_steps_one_for_good(tmp_path):
    _save(tmp_path, steps=(2, 6, 8, 12, 14, 16), num_devices=1)
    assert workdirs.steps(tmp_path) == [6, 12, 14, 16]


def test_an_empty_workdir_has_no_checkpoint(tmp_path):
    assert _restore(tmp_path, num_devices=1) is None


def _data_file(folder):
    return max(folder.rglob("*"), key=lambda path: path.stat().st_size)


def _named(name):
    return lambda folder: folder / name


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# Orbax leaves its other reads pending when one fails; they end in a closed loop.
unfinished_reads = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@unfinished_reads
@pytest.mark.parametrize(
    ("find", "damage"),
    [
        (_data_file, _cut),
        (_data_file, pathlib.Path.unlink),
        (_named("state/manifest.ocdbt"), pathlib.Path.unlink),
        (_named("state/_METADATA"), _cut),
        (_named("meta/metadata"), _cut),
        (_named("state"), shutil.rmtree),
    ],
)
def test_a_damaged_newest_checkpoint_is_reported_and_the_one_before_used(
    workdir_of_two, caplog, find, damage
):
    path, state = workdir_of_two
    damage(find(path / "checkpoints" / "8"))

    with pytest.raises(ValueError, match=r"checkpoint 8 is damaged .*\[4, 8\]"):
        checkpoint.restore_parameters(path)
    restored, meta = _restore(path, num_devices=8, inner=16_384)

    assert "checkpoint 8 is damaged" in caplog.text
    assert meta["step"] == 4
    _assert_same(restored, state)
    assert workdirs.steps(path) == [4]
    assert (path / "damaged_checkpoints" / "8").is_dir()


@unfinished_reads
def test_a_run_does_not_start_over_when_all_checkpoints_are_damaged(workdir_of_two):
    path, _ = workdir_of_two
    for step in (4, 8):
        _cut(_data_file(path / "checkpoints" / str(step)))
    with pytest.raises(ValueError, match=r"all checkpoints are damaged \(8, 4\)"):
        _restore(path, num_devices=8, inner=16_384)
    assert workdirs.steps(path) == [4, 8]


def test_a_checkpoint_of_another_model_is_not_called_damaged(tmp_path):
    _save(tmp_path, num_devices=1)
    with pytest.raises(ValueError, match=r"another model: .* only this run \['ema/"):
        _restore(tmp_path, num_devices=1, ema_decay=0.5)
    assert workdirs.steps(tmp_path) == [4, 8]


@pytest.mark.parametrize("ema_decay", [0.0, 0.5])
def test_parameters_alone_come_back_without_task_or_optimizer(tmp_path, ema_decay):
    state = _save(tmp_path, ema_decay=ema_decay)
    found, meta = checkpoint.restore_parameters(tmp_path)
    assert all(type(leaf) is np.ndarray for leaf in jax.tree.leaves(found))
    _assert_same(found, jax.device_get(state.best | state.frozen))
    assert meta["step"] == 8
    assert checkpoint.restore_parameters(tmp_path, 4)[1]["step"] == 4


def test_a_missing_checkpoint_is_an_error_that_lists_those_there_are(tmp_path):
    with pytest.raises(ValueError, match="has no checkpoints: give the --workdir of"):
        checkpoint.restore_parameters(tmp_path)
    _save(tmp_path, num_devices=1)
    with pytest.raises(ValueError, match=r"no checkpoint 5; there are \[4, 8\]"):
        checkpoint.restore_parameters(tmp_path, 5)


def test_a_save_that_fails_leaves_no_thread_that_keeps_the_process(tmp_path):
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="zero size"):
        _save(tmp_path, inner=0, num_devices=1)
    left = set(threading.enumerate()) - before
    # Workers of pools are plain threads; they end with the process.
    assert [one for one in left if type(one) is not threading.Thread] == []
