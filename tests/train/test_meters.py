import numpy as np
import pytest

from ssrlm_jax.train import meters as meter
from ssrlm_jax.train import updates


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves by hand."""
    now = [100.0]
    monkeypatch.setattr(meter.time, "perf_counter", lambda: now[0])
    return now


def _report(loss, count, *, num_skipped=0, tokens=50.0, norm=2.0):
    return updates.Report(
        sums={"loss": (np.float32(loss), np.float32(count))},
        loss=np.float32(loss / max(count, 1)),
        gradient_norm=np.float32(norm),
        learning_rate=np.float32(0.5),
        num_skipped=np.int32(num_skipped),
        notes_4=np.float32([0.0, tokens, 400.0, 300.0]),
    )


def test_means_weigh_by_counts_and_skipped_updates_have_none(clock):
    meters = meter.Meter(meter.NOTHING, None)
    meters.add(_report(6.0, 2), waited=0.0)
    meters.add(_report(3.0, 4), waited=0.0)
    meters.add(_report(0.0, 0, num_skipped=1), waited=0.0)
    values = meters.read()
    assert values["loss"] == 9.0 / 6.0
    assert values["skipped"] == pytest.approx(1 / 3)
    assert values["learning_rate"] == 0.5
    assert "mfu" not in values
    assert "loss" not in meters.read()


def test_a_skipped_update_has_no_norm(clock):
    meters = meter.Meter(meter.NOTHING, None)
    meters.add(_report(6.0, 2, norm=3.0), waited=0.0)
    meters.add(_report(0.0, 0, num_skipped=1, norm=np.nan), waited=0.0)
    meters.add(_report(6.0, 2, norm=5.0), waited=0.0)
    assert meters.read()["gradient_norm"] == 4.0
    meters.add(_report(0.0, 0, num_skipped=1, norm=np.inf), waited=0.0)
    values = meters.read()
    assert values["skipped"] == 1.0
    assert not {"gradient_norm", "loss"} & set(values)


def test_rates_leave_out_the_first_step_and_pauses(clock):
    meters = meter.Meter(meter.NOTHING, peak_flops=1000.0)
    clock[0] += 60.0  # compilation
    meters.add(_report(1.0, 1), waited=30.0)
    clock[0] += 2.0
    meters.add(_report(1.0, 1), waited=0.5)
    with meters.pause():
        clock[0] += 500.0
    clock[0] += 2.0
    meters.add(_report(1.0, 1), waited=0.5)

    values = meters.read()
    assert values["seconds"] == 4.0
    assert values["tokens"] == 150.0
    assert values["tokens_per_second"] == 100.0 / 4.0
    assert values["input_wait"] == 1.0 / 4.0
    assert values["mfu"] == 800.0 / (1000.0 * 4.0)
    assert values["mfu_exact"] == 600.0 / (1000.0 * 4.0)
    assert meters.seconds_per_step == (500.0 + 4.0) / 2


def test_what_is_kept_goes_on_where_it_was(clock):
    first = meter.Meter(meter.NOTHING, None)
    first.add(_report(6.0, 2), waited=0.0)
    clock[0] += 3.0
    first.add(_report(6.0, 2), waited=0.0)

    second = meter.Meter(first.keep(), None)
    second.add(_report(3.0, 8), waited=0.0)
    values = second.read()
    assert values["loss"] == 15.0 / 12.0
    assert values["tokens"] == 150.0
    assert values["seconds"] == 3.0
