"""One process: what the loop does and when. Processes that die: test_kill.py."""

import itertools
import math
import signal

import jax
import numpy as np
import pytest
import toy

from ssrlm_jax import config
from ssrlm_jax.train import checkpoint, log, loop, sharding, workdirs


def _run(path, *, task=None, batches=toy.batches, mesh=None, meta=toy.META, **settings):
    settings = {"log_every": 4, "evaluate_every": 0, "save_every": 6} | settings
    return loop.run(
        task or toy.Mlp(),
        batches,
        toy.optimizer(),
        settings=config.LoopConfig(**settings),
        mesh=mesh or sharding.make_mesh(config.MeshConfig(), jax.devices()[:1]),
        seed=0,
        workdir=path,
        meta=meta,
    ).state


def _assert_same(first, second):
    assert jax.tree.structure(first) == jax.tree.structure(second)
    jax.tree.map(np.testing.assert_array_equal, first, second)


def test_the_task_is_learned(tmp_path):
    _run(tmp_path, num_steps=30, log_every=5)
    losses = [line["loss"] for line in workdirs.read_metrics(tmp_path)]
    assert losses[-1] < 0.5 * losses[0]


def test_one_step_by_hand(tmp_path):
    batch = next(toy.batches(0))
    learned, frozen = toy.Mlp().init(jax.random.key(0), {})
    counted = {name: array[batch["is_counted"]] for name, array in batch.items()}

    def mean(learned):
        sums, _ = toy.Mlp().loss(learned, frozen, counted, jax.random.key(0))
        return sums["loss"][0] / len(counted["x"])

    loss, gradient = jax.value_and_grad(mean)(learned)
    norm = math.sqrt(sum(float((g**2).sum()) for g in jax.tree.leaves(gradient)))

    state = _run(tmp_path, num_steps=1, log_every=1)

    (line,) = toy.curve(tmp_path)
    assert line["loss"] == pytest.approx(float(loss), rel=1e-6)
    assert line["gradient_norm"] == pytest.approx(norm, rel=1e-5)
    assert line["learning_rate"] == pytest.approx(1e-2 / 4)  # 1 of 3 + 1 warm-up steps
    # Adam's first step has size 1 in every entry; plus decay, on the matrix only.
    sign = jax.tree.map(np.sign, gradient)
    for name, decay in {"up": 0.01, "norm": 0.0}.items():
        expected = learned[name] - 1e-2 / 4 * (sign[name] + decay * learned[name])
        np.testing.assert_allclose(state.learned[name], expected, atol=1e-6)
    _assert_same(state.frozen, frozen)


def _ending_after(number):
    """Returns batches whose source breaks after some."""

    def batches(start):
        for index, batch in enumerate(toy.batches(start), start):
            if index == number:
                raise OSError("the disk is gone")
            yield batch

    return batches


def test_resumed_run_equals_uninterrupted_run(tmp_path):
    settings = {"num_steps": 14, "evaluate_every": 5, "ema_decay": 0.9}
    whole = _run(tmp_path / "whole", **settings)
    with pytest.raises(OSError, match="the disk is gone"):
        _run(tmp_path / "parts", **settings, batches=_ending_after(9))
    parts = _run(tmp_path / "parts", **settings)

    _assert_same(whole, parts)
    assert toy.curve(tmp_path / "whole") == toy.curve(tmp_path / "parts")
    steps = [line["step"] for line in toy.curve(tmp_path / "parts")]
    assert steps == [4, 5, 8, 10, 12, 14, 14]


def _poisoned(*numbers):
    """Returns batches of which some hold a nan."""

    def batches(start):
        for index, batch in enumerate(toy.batches(start), start):
            batch["x"][0] += np.nan if index in numbers else 0.0
            batch["is_counted"][0] = True
            yield batch

    return batches


def test_update_that_is_not_finite_is_skipped_and_counted(tmp_path):
    before = _run(tmp_path / "before", num_steps=2, batches=_poisoned(2))
    skipped = _run(tmp_path / "after", num_steps=3, log_every=3, batches=_poisoned(2))

    _assert_same(before.learned, skipped.learned)
    _assert_same(before.opt_state, skipped.opt_state)
    assert int(skipped.step) == 3
    (line,) = toy.curve(tmp_path / "after")
    assert line["skipped"] == pytest.approx(1 / 3)
    assert np.isfinite(line["loss"])


def test_too_many_skipped_updates_stop_the_run(tmp_path):
    settings = {"num_steps": 20, "save_every": 4, "max_skipped": 3}
    with pytest.raises(
        FloatingPointError,
        match="loss is nan at step 9; the last good checkpoint is 8",
    ):
        _run(tmp_path, batches=_poisoned(2, 6, 7, 8), **settings)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops_after_a_step(tmp_path, number):
    def batches(start):
        for index, batch in enumerate(toy.batches(start), start):
            if index == 4:
                signal.raise_signal(number)
                signal.raise_signal(signal.SIGTERM)  # a second one changes nothing
            yield batch

    before = signal.getsignal(number)
    state = _run(tmp_path, num_steps=20, batches=batches, save_every=20)

    # Known when the report of update 5 is read, while update 6 is on its way.
    assert int(state.step) == 6
    assert workdirs.steps(tmp_path) == [6]
    assert signal.getsignal(number) == before


def test_a_second_interrupt_stops_at_once(tmp_path):
    def batches(start):
        for batch in toy.batches(start):
            signal.raise_signal(signal.SIGINT)
            yield batch

    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, num_steps=20, batches=batches)


class _Scored(toy.Mlp):
    """Gives the next of some scores at each evaluation."""

    def __init__(self, *scores):
        super().__init__()
        self.scores = list(scores)

    def evaluate(self, learned, frozen):
        return {"f1": self.scores.pop(0)}


def test_a_score_that_is_nan_is_never_the_best(tmp_path):
    settings = {"evaluate_every": 2, "save_every": 2, "keep_latest": 1}
    task = _Scored(math.nan, 0.3, math.nan, 0.2)
    _run(tmp_path, task=task, num_steps=8, keep_best="f1", **settings)
    assert workdirs.steps(tmp_path) == [4, 8]
    _, meta = checkpoint.restore_parameters(tmp_path)
    assert meta["best"] == {"step": 4, "score": 0.3}


def test_a_changed_setting_is_told_and_recorded_once_training_goes_on(tmp_path, capsys):
    def go_on(rate, num_steps):
        meta = toy.META | {"config": {"optimizer": {"learning_rate": rate}}}
        _run(tmp_path, num_steps=num_steps, meta=meta)
        return workdirs.read_meta(tmp_path)

    first = go_on(0.1, 6)
    assert go_on(0.2, 6) == first  # nothing is trained
    assert go_on(0.2, 8)["changes"][0]["after_step"] == 6
    assert "optimizer.learning_rate 0.1 → 0.2" in capsys.readouterr().err


def test_a_finished_run_whose_meta_is_lost_has_it_again(tmp_path):
    _run(tmp_path, num_steps=6)
    expected = workdirs.read_meta(tmp_path)
    (tmp_path / workdirs.META).unlink()
    _run(tmp_path, num_steps=6)
    assert workdirs.read_meta(tmp_path) == expected


def test_a_model_without_layers_is_refused_before_it_is_trained(tmp_path):
    with pytest.raises(ValueError, match=r"learned/down is empty .* cannot be trained"):
        _run(tmp_path, task=toy.Mlp(inner=0), num_steps=1)


def test_batches_that_end_too_soon_are_an_error(tmp_path):
    def batches(start):
        yield from itertools.islice(toy.batches(start), 3)

    with pytest.raises(ValueError, match="batches ended before step 4"):
        _run(tmp_path, num_steps=5, batches=batches)


def test_steps_and_saves_move_nothing_to_devices_unasked(tmp_path):
    def batches(start):
        yield from itertools.islice(toy.batches(start), 4)
        jax.config.update("jax_transfer_guard", "disallow")  # all is compiled now
        yield from toy.batches(4)

    try:
        state = _run(tmp_path, num_steps=8, save_every=2, batches=batches)
    finally:
        jax.config.update("jax_transfer_guard", "allow")
    assert int(state.step) == 8


def test_the_profiler_writes_its_window(tmp_path):
    _run(tmp_path, num_steps=3, profile_start=2, profile_steps=1)
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


def test_too_little_memory_names_the_settings(tmp_path):
    def batches(start):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        yield

    with pytest.raises(MemoryError, match=r"raise loop\.micro_batches=1, or set"):
        _run(tmp_path, num_steps=1, batches=batches)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7, "7 s"), (306, "5 min 06 s"), (14_700, "4 h 05 min"), (273_600, "3 d 4 h")],
)
def test_time_left_is_readable(seconds, text):
    assert log.duration(seconds) == text
