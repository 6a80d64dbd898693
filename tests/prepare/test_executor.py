import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from ssrlm_jax import config
from ssrlm_jax.prepare import executor

ONE = config.ExecutorConfig(num_workers=1)
TWO = config.ExecutorConfig(num_workers=2)
DATATROVE = config.ExecutorConfig(kind="datatrove", num_workers=2)


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


def _die_once(mark: str) -> executor.Counts:
    """Kills its process at the first call."""
    if not pathlib.Path(mark).exists():
        pathlib.Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"is_done": True}


def _tasks(tmp_path: pathlib.Path, count: int, key: str = "k") -> list[executor.Task]:
    return [executor.Task(tmp_path / f"{n}.json", key, n) for n in range(count)]


@pytest.fixture
def datatrove():
    pytest.importorskip("datatrove", reason="datatrove is the extra [cluster]")


@pytest.mark.parametrize("settings", [ONE, TWO], ids=["one", "two"])
def test_results_come_in_the_order_of_tasks(tmp_path, settings):
    reports = []
    results = executor.run(
        _double,
        _tasks(tmp_path, 5),
        settings=settings,
        report=lambda done, total: reports.append((done, total)),
    )
    assert [one.counts["twice"] for one in results] == [0, 2, 4, 6, 8]
    assert reports == [(number, 5) for number in range(6)]
    processes = {one.counts["process"] for one in results}
    assert (os.getpid() in processes) == (settings is ONE)
    assert all(one.peak_bytes > 2**20 for one in results)


def test_tasks_that_are_done_are_not_run_again(tmp_path):
    executor.run(_double, _tasks(tmp_path, 1), settings=ONE)
    done = json.loads((tmp_path / "0.json").read_text())
    (tmp_path / "0.json").write_text(json.dumps(done | {"counts": {"twice": "before"}}))
    results = executor.run(_double, _tasks(tmp_path, 2), settings=ONE)
    assert [one.counts["twice"] for one in results] == ["before", 2]


def test_a_task_with_another_key_runs_again(tmp_path):
    executor.run(_double, _tasks(tmp_path, 2, "old"), settings=ONE)
    with pytest.raises(ValueError, match="input 3 is bad"):
        executor.run(_fail_at_three, _tasks(tmp_path, 4, "new"), settings=ONE)
    found = [executor.read(task) for task in _tasks(tmp_path, 4, "new")]
    assert [one and one.counts for one in found[:3]] == [
        {"number": 0}, {"number": 1}, {"number": 2},
    ]  # fmt: skip
    assert found[3] is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "k"}'])
def test_a_damaged_file_is_not_done(tmp_path, content):
    (tmp_path / "0.json").write_text(content)
    (done,) = executor.run(_double, _tasks(tmp_path, 1), settings=ONE)
    assert done.counts["twice"] == 0


def test_keys_tell_values_apart():
    values = [(), (1,), ("1",), ([1, 2],), ([12],), ({"a": 1},), ({"b": 1},)]
    assert len({executor.key_of(*value) for value in values}) == len(values)
    assert executor.key_of({"a": 1, "b": 2}) == executor.key_of({"b": 2, "a": 1})


def test_a_failure_gives_up_other_tasks(tmp_path):
    with pytest.raises(ValueError, match="input 0 is bad"):
        executor.run(_fail_beside_a_long_task, _tasks(tmp_path, 2), settings=TWO)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_is_an_error_of_one_line_and_the_next_run_goes_on(tmp_path):
    tasks = [
        executor.Task(tmp_path / f"{n}.json", "k", str(tmp_path / f"mark{n > 2}"))
        for n in range(6)
    ]
    (tmp_path / "markFalse").touch()
    with pytest.raises(OSError, match="a worker process was killed") as caught:
        executor.run(_die_once, tasks, settings=TWO)
    assert "\n" not in str(caught.value)
    results = executor.run(_die_once, tasks, settings=TWO)
    assert [one.counts for one in results] == [{"is_done": True}] * 6


def _say_who_and_wait(mark: str) -> executor.Counts:
    pathlib.Path(mark).write_text(str(os.getpid()))
    time.sleep(60)
    return {}


def _is_alive(process: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2]
    except FileNotFoundError:
        return False
    return state.split()[0] != "Z"


@pytest.mark.skipif(not pathlib.Path("/proc").is_dir(), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(tmp_path, number):
    code = f"""
import pathlib, test_executor
from ssrlm_jax.prepare import executor
if __name__ == "__main__":
    tasks = [
        executor.Task(pathlib.Path(f"{tmp_path}/{{n}}.json"), "k", f"{tmp_path}/w{{n}}")
        for n in range(2)
    ]
    executor.run(test_executor._say_who_and_wait, tasks, settings=test_executor.TWO)
"""
    (tmp_path / "main.py").write_text(code)
    roots = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[2])]
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "main.py")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots)},
    )
    marks = [tmp_path / "w0", tmp_path / "w1"]
    while not all(mark.exists() and mark.read_text() for mark in marks):
        assert parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(number)
    parent.wait()
    workers = [int(mark.read_text()) for mark in marks]
    end = time.monotonic() + 10.0
    while any(map(_is_alive, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(_is_alive, workers))


@pytest.mark.usefixtures("datatrove")
def test_datatrove_runs_the_same_tasks(tmp_path):
    executor.run(_double, _tasks(tmp_path, 1), settings=ONE)
    reports = []
    results = executor.run(
        _double,
        _tasks(tmp_path, 5),
        settings=DATATROVE,
        report=lambda done, total: reports.append((done, total)),
    )
    assert [one.counts["twice"] for one in results] == [0, 2, 4, 6, 8]
    assert reports[0] == (1, 5)
    assert reports[-1] == (5, 5)
    assert os.getpid() not in {one.counts["process"] for one in results[1:]}


@pytest.mark.usefixtures("datatrove")
def test_a_failure_under_datatrove_is_the_same_error(tmp_path):
    with pytest.raises(ValueError, match="^input 3 is bad$"):
        executor.run(_fail_at_three, _tasks(tmp_path, 4), settings=DATATROVE)
    done = [executor.read(task) for task in _tasks(tmp_path, 4)]
    assert done[3] is None


def _stand_in(folder: pathlib.Path, name: str, *lines: str) -> None:
    path = folder / name
    path.write_text("\n".join(["#!/bin/bash", *lines]) + "\n")
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Stand-ins for SLURM: a job is in the queue once, and runs if `runs` exists."""
    folder = tmp_path / "bin"
    folder.mkdir()
    bins = f"{folder}:{pathlib.Path(sys.executable).parent}"
    monkeypatch.setenv("PATH", f"{bins}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_NODELIST", "localhost")
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parent))
    monkeypatch.setattr(executor, "_QUEUE_SECONDS", 0.0)
    monkeypatch.setattr(executor, "_POLL_SECONDS", 0.05)
    _stand_in(
        folder, "sbatch",
        "script=${@: -1}",
        "last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' $script)",
        f"cat $script >> {tmp_path}/submitted",
        f"if [ -e {tmp_path}/runs ] && [ -n \"$last\" ]; then",
        "  for n in $(seq 0 $last); do SLURM_ARRAY_TASK_ID=$n bash $script >&2; done",
        "fi",
        "echo Submitted batch job 17",
    )  # fmt: skip
    options = "while [[ $1 == -* ]]; do [ $1 = -n ] && shift; shift; done"
    _stand_in(folder, "scontrol", "echo localhost")
    _stand_in(folder, "srun", options, 'exec "$@"')
    _stand_in(
        folder, "squeue", f"echo \"$@\" >> {tmp_path}/asked",
        f"[ -e {tmp_path}/seen ] || echo 17 R; touch {tmp_path}/seen",
    )  # fmt: skip
    return tmp_path


SLURM = config.ExecutorConfig(
    kind="slurm", partition="cpu", memory_gb=3, time="1:00:00", setup="export MARK=on"
)


@pytest.mark.usefixtures("datatrove")
def test_slurm_runs_the_tasks_of_a_submitted_job(slurm):
    (slurm / "runs").touch()
    done = slurm / "done"
    done.mkdir()
    results = executor.run(_double, _tasks(done, 3), settings=SLURM)
    assert [one.counts["twice"] for one in results] == [0, 2, 4]
    script = (slurm / "submitted").read_text()
    for line in ("--partition=cpu", "--mem-per-cpu=3G", "--time=1:00:00", "MARK=on"):
        assert line in script


@pytest.mark.usefixtures("datatrove")
def test_a_job_that_leaves_the_queue_without_a_result_is_an_error(slurm):
    done = slurm / "done"
    done.mkdir()
    with pytest.raises(OSError, match="2 of 2 tasks did not end"):
        executor.run(_double, _tasks(done, 2), settings=SLURM)
    assert "--jobs 17" in (slurm / "asked").read_text()


@pytest.mark.usefixtures("datatrove")
def test_a_machine_without_slurm_is_an_error_of_one_line(tmp_path):
    with pytest.raises(OSError, match="FileNotFoundError.*sbatch") as caught:
        executor.run(_double, _tasks(tmp_path, 2), settings=SLURM)
    assert "\n" not in str(caught.value)


def test_datatrove_that_is_missing_says_how_to_get_it(tmp_path):
    code = (
        "import sys; sys.modules['datatrove'] = None\n"
        "import pathlib\n"
        "from ssrlm_jax import config\n"
        "from ssrlm_jax.prepare import executor\n"
        f"task = executor.Task(pathlib.Path({str(tmp_path / 'a')!r}), 'k', 1)\n"
        "settings = config.ExecutorConfig(kind='datatrove')\n"
        "executor.run(print, [task], settings=settings)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "pip install 'ssrlm-jax[cluster]'" in done.stderr
