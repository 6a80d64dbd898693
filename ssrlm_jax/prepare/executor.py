"""Runs a stage: one function over many tasks, on this machine or on a cluster.

A task is done when its file says so with the task's key, which names all that
decides the result. That file is written last, so an interrupted stage goes on with
the tasks that are left, and a changed setting or input reruns just what depends on
it. Tasks do not know of each other and results come in their order, so the number
and kind of workers change nothing but the time.
"""

import concurrent.futures
import concurrent.futures.process
import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import multiprocessing
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Generic, TypeVar

from ssrlm_jax import config, files, types

if TYPE_CHECKING:
    import datatrove.executor.base as executors

Payload = TypeVar("Payload")
Counts = types.Json
Report = Callable[[int, int], None]

_POLL_SECONDS = 0.5
_ENDING_SECONDS = 60.0  # for datatrove to end by itself when all is done
_QUEUE_SECONDS = 30.0  # between two looks at SLURM's queue


@dataclasses.dataclass(frozen=True)
class Task(Generic[Payload]):
    """One call of a stage's function.

    Attributes:
      done: file that says that it is done.
      key: names all that decides the result; of `key_of`.
      payload: what the function is called with.
    """

    done: pathlib.Path
    key: str
    payload: Payload


@dataclasses.dataclass(frozen=True)
class Done:
    """What one call returned, and what it cost.

    Attributes:
      counts: what the function returned.
      seconds: of one core, this process and those it started.
      peak_bytes: of memory, of the process since it began.
    """

    key: str
    counts: Counts
    seconds: float
    peak_bytes: int


def key_of(*parts: object) -> str:
    """Returns a short name of values that can be JSON; other values, another name."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def run(
    function: Callable[[Payload], Counts],
    tasks: Sequence[Task[Payload]],
    *,
    settings: config.ExecutorConfig,
    report: Report = lambda done, total: None,
) -> list[Done]:
    """Calls `function` with every task that is not done.

    Args:
      function: at the top level of a module; what it returns can be JSON.
      tasks: their `done` files lie in one directory that exists.
      settings: where, and on how many workers.
      report: called with the number of done tasks and of all.

    Returns:
      What the calls returned, in the order of `tasks`.

    Raises:
      ValueError, OSError: as `function`, at once: other tasks are given up.
      OSError: a worker was killed.
      ImportError: `settings.kind` needs the extra [cluster].
    """
    left = [task for task in tasks if read(task) is None]
    report(len(tasks) - len(left), len(tasks))
    if left:
        EXECUTORS[settings.kind](
            function,
            left,
            settings,
            lambda num_left: report(len(tasks) - num_left, len(tasks)),
        )
    return [_must_be_done(task) for task in tasks]


def check(settings: config.ExecutorConfig) -> None:
    """Checks that the packages are there that run the tasks.

    Raises:
      ImportError: one is missing; the message says how to get it.
    """
    ways = {"datatrove": "pip install 'ssrlm-jax[cluster]'", "ray": "pip install ray"}
    needed = {"local": (), "ray": ("datatrove", "ray")}.get(
        settings.kind, ("datatrove",)
    )
    for package in needed:
        if importlib.util.find_spec(package) is None:
            raise ImportError(
                f"executor.kind={settings.kind!r} needs {package}: {ways[package]}"
            )


def read(task: Task[Payload]) -> Done | None:
    """Returns what a task returned; None if it has to run."""
    try:
        found = Done(**json.loads(task.done.read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return found if found.key == task.key else None


def perform(function: Callable[[Payload], Counts], task: Task[Payload]) -> None:
    """Calls `function` and writes that it is done."""
    started = _core_seconds()
    counts = function(task.payload)
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    unit = 1 if sys.platform == "darwin" else 1024
    done = Done(task.key, counts, round(_core_seconds() - started, 3), peak * unit)
    files.write_text(task.done, json.dumps(dataclasses.asdict(done)))


def _core_seconds() -> float:
    return sum(os.times()[:4])


def _must_be_done(task: Task[Payload]) -> Done:
    done = read(task)
    if done is None:
        raise OSError(f"{task.done} was not written; run the same command to go on")
    return done


def _num_workers(settings: config.ExecutorConfig, num_tasks: int) -> int:
    return min(settings.num_workers or os.cpu_count() or 1, num_tasks)


def _local(
    function: Callable[[Payload], Counts],
    tasks: Sequence[Task[Payload]],
    settings: config.ExecutorConfig,
    report: Callable[[int], None],
) -> None:
    """Runs tasks in processes of this machine; one worker is this process."""
    num_workers = _num_workers(settings, len(tasks))
    if num_workers == 1:
        for number, task in enumerate(tasks, 1):
            perform(function, task)
            report(len(tasks) - number)
        return
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = concurrent.futures.ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=_end_with, initargs=(os.getpid(),)
    )
    try:
        waiting = [pool.submit(perform, function, task) for task in tasks]
        for number, future in enumerate(concurrent.futures.as_completed(waiting), 1):
            future.result()
            report(len(tasks) - number)
    except concurrent.futures.process.BrokenProcessPool as error:
        raise OSError(
            "a worker process was killed, perhaps for want of memory; lower "
            "executor.num_workers or shard_nucleotides, or run the same command again "
            "to go on"
        ) from error
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with(parent: int) -> None:
    """Lets a worker end when the process that started it ends, in whatever way.

    A worker that works hears nothing of that; one that waits for work would wait for
    ever, as the others hold its queue open.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclasses.dataclass(frozen=True, repr=False)
class _Step(Generic[Payload]):
    """A stage as a step of a datatrove pipeline: rank n does task n.

    What fails is written beside the task's file, as it happens on another machine.
    """

    function: Callable[[Payload], Counts]
    tasks: Sequence[Task[Payload]]

    def __repr__(self) -> str:
        return f"{self.function.__name__}, {len(self.tasks)} tasks"

    def __call__(
        self, data: Iterable[object] | None, rank: int, world_size: int
    ) -> None:
        task = self.tasks[rank]
        failed = _failed(task)
        failed.unlink(missing_ok=True)
        try:
            perform(self.function, task)
        except Exception as error:
            kind = "ValueError" if isinstance(error, ValueError) else "OSError"
            failed.write_text(f"{kind}\n{error}")
            raise


def _failed(task: Task[Payload]) -> pathlib.Path:
    return task.done.with_name(task.done.name + ".failed")


def _datatrove(
    function: Callable[[Payload], Counts],
    tasks: Sequence[Task[Payload]],
    settings: config.ExecutorConfig,
    report: Callable[[int], None],
) -> None:
    """Runs tasks by datatrove and watches their files.

    Datatrove works in a process of its own: it forks, which a process with threads,
    as JAX has them, must not.
    """
    check(settings)
    for task in tasks:
        _failed(task).unlink(missing_ok=True)
    logs = tasks[0].done.parent / "datatrove"
    shutil.rmtree(logs, ignore_errors=True)  # its own marks know no keys
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    step = _Step(function, tasks)
    process = context.Process(target=_launch, args=(step, settings, str(logs), theirs))
    process.start()
    theirs.close()
    try:
        _watch(tasks, settings, report, process, ours, logs)
        process.join(_ENDING_SECONDS)
    finally:
        process.terminate()
        process.join()


def _watch(
    tasks: Sequence[Task[Payload]],
    settings: config.ExecutorConfig,
    report: Callable[[int], None],
    process: multiprocessing.process.BaseProcess,
    line: Connection,
    logs: pathlib.Path,
) -> None:
    """Returns when all tasks are done.

    Raises:
      ValueError, OSError: one failed, or nothing runs any more and some are left.
    """
    asked = time.monotonic()
    said: tuple[str, object] = ("", None)
    while True:
        is_over = not process.is_alive()
        if is_over and line.poll():
            with contextlib.suppress(EOFError):
                said = line.recv()
        if is_over and said[1] is not None:  # SLURM has the job now
            is_over = time.monotonic() - asked > _QUEUE_SECONDS
            if is_over:
                asked, is_over = time.monotonic(), not _is_queued(said[1])
        left = [task for task in tasks if read(task) is None]
        report(len(left))
        _raise_failure(left)
        if not left:
            return
        if is_over:
            why = f" ({said[0]})" if said[0] else ""
            raise OSError(
                f"{len(left)} of {len(tasks)} tasks did not end{why}; {logs} has their "
                "logs; the same command goes on from here"
            )
        time.sleep(_POLL_SECONDS)


def _launch(
    step: _Step[Payload], settings: config.ExecutorConfig, logs: str, line: Connection
) -> None:
    """Runs or submits a step; sends why that failed, or "", and the job's number."""
    try:
        executor = _pipeline(step, settings, logs)
        executor.run()
        line.send(("", getattr(executor, "job_id", None)))
    except Exception as error:
        line.send((f"{type(error).__name__}: {error}".splitlines()[0], None))


def _pipeline(
    step: _Step[Payload], settings: config.ExecutorConfig, logs: str
) -> "executors.PipelineExecutor":
    """Returns datatrove's executor of one step."""
    import datatrove.executor as executors

    num_tasks = len(step.tasks)
    common = {"pipeline": [step], "tasks": num_tasks, "logging_dir": logs}
    if settings.kind == "datatrove":
        return executors.LocalPipelineExecutor(
            workers=_num_workers(settings, num_tasks), **common
        )
    common |= {
        "workers": settings.num_workers or -1,
        "mem_per_cpu_gb": settings.memory_gb,
    }
    if settings.kind == "ray":
        return executors.RayPipelineExecutor(**common)
    return executors.SlurmPipelineExecutor(
        time=settings.time,
        partition=settings.partition,
        qos="",
        env_command=settings.setup or None,
        job_name="ssrlm-corpus",
        **common,
    )


def _is_queued(job_id: object) -> bool:
    """Tells whether SLURM still holds a job."""
    with contextlib.suppress(OSError):
        asked = subprocess.run(
            ["squeue", "--noheader", "--jobs", str(job_id)],
            capture_output=True,
            text=True,
            check=False,
        )
        return bool(asked.stdout.strip())
    return False


def _raise_failure(tasks: Sequence[Task[Payload]]) -> None:
    """Raises what the first failed task has left."""
    for task in tasks:
        if _failed(task).is_file():
            kind, _, text = _failed(task).read_text().partition("\n")
            raise ValueError(text) if kind == "ValueError" else OSError(text)


EXECUTORS: dict[str, Callable[..., None]] = {
    "local": _local,
    "datatrove": _datatrove,
    "slurm": _datatrove,
    "ray": _datatrove,
}
