"""Runs the jobs of a sweep on this machine, one after another or several at a time."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from types import FrameType

from ssrlm_jax.sweeps import job_graph, job_states, perform

_POLL_SECONDS = 0.1
Report = Callable[[], None]


def slots(parallel: int) -> list[perform.Slot]:
    """Returns equal shares of this machine: cores, and a GPU each where there are.

    Raises:
      ValueError: there are fewer cores, or GPUs, than shares.
    """
    cores = _cores()
    if parallel > len(cores):
        raise ValueError(
            f"--parallel={parallel}: this machine has {len(cores)} cores; give as many"
        )
    names = gpus()
    if names and parallel > len(names):
        raise ValueError(
            f"--parallel={parallel}: this machine has {len(names)} GPUs; give as many"
        )
    share = len(cores) // parallel
    found = []
    for number in range(parallel):
        own = tuple(cores[number * share : (number + 1) * share])
        device = f"{share} of {len(cores)} cores" if parallel > 1 else f"{share} cores"
        gpu = ""
        if names:
            gpu = list(names)[number] if parallel > 1 else ""
            device = f"{1 if gpu else len(names)} x {next(iter(names.values()))}"
        found.append(
            perform.Slot(cores=own if parallel > 1 else (), gpu=gpu, device=device)
        )
    return found


def num_cores() -> int:
    """Returns how many cores this process may use."""
    return len(_cores())


def _cores() -> list[int]:
    if not hasattr(os, "sched_getaffinity"):  # macOS, where cores are not shared out
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0))


def gpus() -> dict[str, str]:
    """Returns the names of NVIDIA GPUs that processes may use, by number."""
    try:
        told = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    named = dict(re.findall(r"^GPU (\d+): (.*?)(?: \(UUID.*)?$", told, re.MULTILINE))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return named
    return {n: named.get(n, "GPU") for n in visible.split(",") if n}


def run(
    out: pathlib.Path,
    made: job_graph.Graph,
    parallel: int,
    report: Report = lambda: None,
) -> None:
    """Runs all jobs that are not done; what failed before is tried again.

    A job that fails keeps those from running that read of it, and no others. SIGTERM
    and Ctrl-C let running jobs save, and end.

    Args:
      out: directory of the sweep, absolute.
      made: its jobs.
      parallel: how many at a time.
      report: called while it waits.

    Raises:
      KeyboardInterrupt: it was asked to stop.
    """
    free = slots(parallel)
    looked = {name: job_states.look_at(out, job) for name, job in made.jobs.items()}
    done = {name for name, one in looked.items() if one.state == job_states.DONE_STATE}
    left = [name for name in made.jobs if name not in done]
    for name in left:
        (job_graph.directory(out, name) / job_states.FAILED).unlink(missing_ok=True)
    failed: set[str] = set()
    running: list[perform.Running] = []
    with _Asked() as asked:
        while (left or running) and not (asked.is_asked and not running):
            for one in [one for one in running if one.has_ended()]:
                running.remove(one)
                free.append(one.slot)
                (done if one.finish() else failed).add(one.job.name)
            left = [n for n in left if not failed & set(made.jobs[n].parents)]
            failed |= _start(out, made, left, done, free, running, asked.is_asked)
            if asked.is_asked:
                for one in running:
                    one.stop()
            failed |= _blocked(made, failed)
            report()
            time.sleep(_POLL_SECONDS)
    report()
    if asked.is_asked:
        raise KeyboardInterrupt


def _start(
    out: pathlib.Path,
    made: job_graph.Graph,
    left: list[str],
    done: set[str],
    free: list[perform.Slot],
    running: list[perform.Running],
    is_asked: bool,
) -> set[str]:
    """Starts jobs whose parents are done, as long as there are slots.

    Returns:
      Those that could not be started.
    """
    failed: set[str] = set()
    for name in list(left):
        if not free or is_asked:
            break
        if set(made.jobs[name].parents) <= done:
            left.remove(name)
            try:
                running.append(perform.Running(out, made.jobs[name], free[0]))
            except (OSError, shutil.Error) as error:
                job_states.fail(out, made.jobs[name], 1, [str(error)])
                failed.add(name)
            else:
                free.pop(0)
    return failed


def _blocked(made: job_graph.Graph, failed: set[str]) -> set[str]:
    """Returns the jobs that read of a failed one."""
    return {name for name, job in made.jobs.items() if failed & set(job.parents)}


class _Asked:
    """Notes SIGTERM and Ctrl-C, while it is a context."""

    def __init__(self) -> None:
        self.is_asked = False
        self._before: dict[int, signal.Handlers | Callable[..., object] | int | None]
        self._before = {}

    def __enter__(self) -> "_Asked":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = True
