import json
import os
import pathlib
import signal
import time

import pytest

from ssrlm_jax.prepare import executor


def _double(number: int) -> executor.Counts:
    return {"twice": 2 * number, "process": os.getpid()}


def _fail_at_three(number: int) -> executor.Counts:
    if number == 3:
        raise ValueError("input 3 is bad")
    return {"number": number}


def _fail_beside_a_long_task(number: int) -> executor.Counts:
    if number == 0:
        raise ValueError("input 0 is bad")
    time.sleep(60)
    return {}


def _die(number: int) -> executor.Counts:
    os.kill(os.getpid(), signal.SIGKILL)
    return {"number": number}


def _tasks(tmp_path: pathlib.Path, count: int) -> list[tuple[pathlib.Path, int]]:
    return [(tmp_path / f"{number}.json", number) for number in range(count)]


@pytest.mark.parametrize("num_workers", [1, 2])
def test_results_come_in_the_order_of_tasks(tmp_path, num_workers):
    reports = []
    results = executor.run(
        _double,
        _tasks(tmp_path, 5),
        num_workers=num_workers,
        report=lambda done, total: reports.append((done, total)),
    )
    assert [result["twice"] for result in results] == [0, 2, 4, 6, 8]
    assert reports == [(number, 5) for number in range(6)]
    assert (os.getpid() in {r["process"] for r in results}) == (num_workers == 1)


def test_tasks_that_are_done_are_not_run_again(tmp_path):
    (tmp_path / "1.json").write_text(json.dumps({"twice": "done before"}))
    results = executor.run(_double, _tasks(tmp_path, 3), num_workers=1)
    assert [result["twice"] for result in results] == [0, "done before", 4]


def test_what_was_done_before_a_failure_stays_done(tmp_path):
    with pytest.raises(ValueError, match="input 3 is bad"):
        executor.run(_fail_at_three, _tasks(tmp_path, 6), num_workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0.json", "1.json", "2.json",
    ]  # fmt: skip


def test_a_failure_does_not_wait_for_other_tasks(tmp_path):
    begun = time.monotonic()
    with pytest.raises(ValueError, match="input 0 is bad"):
        executor.run(_fail_beside_a_long_task, _tasks(tmp_path, 2), num_workers=2)
    assert time.monotonic() - begun < 50  # the other task sleeps for 60 seconds


def test_a_killed_worker_is_an_error_of_one_line(tmp_path):
    with pytest.raises(OSError, match="a worker process was killed") as caught:
        executor.run(_die, _tasks(tmp_path, 2), num_workers=2)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
