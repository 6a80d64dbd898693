"""Runs the jobs of a sweep through submitit: on SLURM, or its executor of a machine.

On SLURM the jobs of a step are one array, which starts as those end that it reads of:
each task after the task of the same place where that can be, else after all. A job that
is preempted, or that runs out of time, saves and is queued again. Jobs stay in the
queue when the command that submitted them ends; the same command finds them there.
"""

import importlib
import importlib.util
import json
import logging
import os
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from ssrlm_jax import config, files
from ssrlm_jax.sweeps import job_graph, job_states, local_executor, perform

if TYPE_CHECKING:
    import submitit

_log = logging.getLogger("ssrlm_jax")
_LOG = "SUBMITIT_LOG_LEVEL"  # of the environment
_POLL_SECONDS = 1.0
_STATE_SECONDS = 30.0  # between two looks at SLURM's records
_UNKNOWN_SECONDS = 120.0  # that SLURM may take to record a job
_ALIVE = (
    *("PENDING", "RUNNING", "REQUEUED", "COMPLETING", "PREEMPTED", "SUSPENDED"),
    *("CONFIGURING", "REQUEUE_HOLD", "RESIZING", "STAGE_OUT", "READY"),
)
Report = Callable[[], None]


class Parameters(TypedDict, total=False):
    """What an array asks SLURM for, in submitit's words."""

    job_name: str
    partition: str
    time: int  # minutes
    cpus_per_task: int
    gpus_per_node: int
    mem: str
    signal_delay_s: int
    array_parallelism: int
    setup: list[str]
    dependency: str
    additional_parameters: dict[str, str]


class Task:
    """One job of a sweep, as a node of a cluster does it."""

    def __init__(self) -> None:
        self._running: perform.Running | None = None

    def __call__(
        self, out: pathlib.Path, job: job_graph.Job, made: job_graph.Graph
    ) -> str:
        """Does a job.

        Raises:
          ValueError: it failed, was stopped, or reads of one that is not done.
        """
        for parent in job.parents:
            look = job_states.look_at(out, made.jobs[parent])
            if look.state != job_states.DONE_STATE:
                raise ValueError(f"{job.name} reads of {parent}, which is {look.state}")
        names = list(local_executor.gpus().values())
        device = (
            f"{len(names)} x {names[0]}"
            if names
            else f"{local_executor.num_cores()} cores"
        )
        self._running = perform.Running(out, job, perform.Slot(device=device))
        self._running.wait()
        if not self._running.finish():
            failure = job_states.look_at(out, job).failure
            raise ValueError(failure.reason if failure else f"{job.name} was stopped")
        return job.name

    def checkpoint(
        self, out: pathlib.Path, job: job_graph.Job, made: job_graph.Graph
    ) -> "submitit.helpers.DelayedSubmission":
        """Lets the job save, and returns what goes on with it; submitit calls it."""
        import submitit

        if self._running is not None:
            self._running.stop()
            self._running.wait()
        return submitit.helpers.DelayedSubmission(Task(), out, job, made)


def load() -> None:
    """Imports submitit, which on its own would take over the log of this process."""
    before = os.environ.get(_LOG)
    os.environ[_LOG] = "NOCONFIG"
    try:
        importlib.import_module("submitit")
    finally:
        del os.environ[_LOG]
        if before is not None:
            os.environ[_LOG] = before


def check(settings: config.SweepExecutorConfig) -> None:
    """Checks that submitit is there, and SLURM where it is asked for.

    Raises:
      ImportError: submitit is missing; the message says how to get it.
      ValueError: this machine has no SLURM.
    """
    if importlib.util.find_spec("submitit") is None:
        raise ImportError(
            f"executor.kind={settings.kind!r} needs submitit: pip install "
            "'ssrlm-jax[cluster]'"
        )
    load()
    import submitit

    if settings.kind == "slurm" and submitit.SlurmExecutor.affinity() <= 0:
        raise ValueError(
            "executor.kind='slurm': there is no srun on this machine; submit from a "
            "login node, or print what would be submitted with --print_script"
        )


def script(
    out: pathlib.Path, made: job_graph.Graph, settings: config.SweepExecutorConfig
) -> str:
    """Returns the scripts that are submitted for the jobs that are not done."""
    load()
    from submitit.slurm import slurm

    texts = []
    array_of: dict[str, str] = {}
    for number, jobs in enumerate(_arrays(out, made), 1):
        parameters = _parameters(jobs, settings, array_of)
        array_of |= dict.fromkeys((job.name for job in jobs), f"ID_OF_ARRAY_{number}")
        text = slurm._make_sbatch_string(  # the one place where submitit writes it
            command=f"python -u -m submitit.core._submit {_folder(out)}",
            folder=_folder(out),
            map_count=len(jobs) if len(jobs) > 1 else None,
            **parameters,
        )
        names = "".join(f"# {number}: {job.name}\n" for number, job in enumerate(jobs))
        texts.append(f"{text}{names}")
    return "\n".join(texts)


def run(
    out: pathlib.Path,
    made: job_graph.Graph,
    settings: config.SweepExecutorConfig,
    report: Report = lambda: None,
) -> None:
    """Submits what is neither done nor queued, and watches until all has ended.

    Args:
      out: directory of the sweep, absolute, and seen by all nodes.
      made: its jobs.
      settings: where they run.
      report: called while it waits.

    Raises:
      ImportError, ValueError: as `check`.
    """
    check(settings)
    if settings.kind == "slurm":
        _watch(out, made, _submit(out, made, settings), report)
        return
    for jobs in _arrays(out, made):
        count = max(1, settings.parallel)
        for first in range(0, len(jobs), count):
            chunk = [
                job
                for job in jobs[first : first + count]
                if all(_is_done(out, made.jobs[parent]) for parent in job.parents)
            ]
            submitted = _submit_here(out, made, settings, chunk)
            _watch(out, made, submitted, report)
            for one in submitted.values():
                one.wait()


def _submit_here(
    out: pathlib.Path,
    made: job_graph.Graph,
    settings: config.SweepExecutorConfig,
    jobs: Sequence[job_graph.Job],
) -> dict[str, "submitit.Job[str]"]:
    """Starts jobs on this machine."""
    import submitit

    executor = submitit.LocalExecutor(
        folder=_folder(out), max_num_timeout=settings.max_timeouts
    )
    executor.update_parameters(
        timeout_min=settings.minutes,
        signal_delay_s=settings.warning_seconds,
        gpus_per_node=len(local_executor.gpus()),
        setup=[settings.setup] if settings.setup else [],
    )
    found: dict[str, submitit.Job[str]] = {}
    for job in jobs:
        _forget(out, job)
        found[job.name] = executor.submit(Task(), out, job, made)
    return found


def _submit(
    out: pathlib.Path, made: job_graph.Graph, settings: config.SweepExecutorConfig
) -> dict[str, "submitit.Job[str]"]:
    """Submits an array for each step; returns the jobs, those queued before too."""
    import submitit

    found: dict[str, submitit.Job[str]] = {}
    for name, job in made.jobs.items():
        if (number := _queued(out, job)) and not _is_done(out, job):
            found[name] = submitit.SlurmJob(folder=_folder(out), job_id=number)
    array_of = {name: job.job_id for name, job in found.items()}
    for members in _arrays(out, made):
        jobs = [job for job in members if job.name not in found]
        if not jobs:
            continue
        for job in jobs:
            _forget(out, job)
        executor = submitit.SlurmExecutor(
            folder=_folder(out), max_num_timeout=settings.max_timeouts
        )
        executor.update_parameters(**_parameters(jobs, settings, array_of))
        submitted: list[submitit.Job[str]] = []
        with executor.batch():
            submitted += [executor.submit(Task(), out, job, made) for job in jobs]
        number = submitted[0].job_id.partition("_")[0]
        for job, one in zip(jobs, submitted, strict=True):
            folder = job_graph.directory(out, job.name)
            folder.mkdir(parents=True, exist_ok=True)
            told = {"job": one.job_id, "since": time.time()}
            files.write_text(folder / job_states.QUEUED, json.dumps(told) + "\n")
            found[job.name] = one
            array_of[job.name] = number
        _log.info("submitted %d jobs of %s: %s", len(jobs), jobs[0].step, number)
    return found


def _parameters(
    jobs: Sequence[job_graph.Job],
    settings: config.SweepExecutorConfig,
    array_of: Mapping[str, str],
) -> Parameters:
    """Returns what an array asks SLURM for.

    Args:
      jobs: of the array.
      settings: where they run.
      array_of: numbers of the arrays that were submitted before, by name of the job.
    """
    found: Parameters = {
        "job_name": f"ssrlm-{jobs[0].step}",
        "partition": settings.partition,
        "time": settings.minutes,
        "cpus_per_task": settings.cores,
        "mem": f"{settings.memory_gb}GB",
        "signal_delay_s": settings.warning_seconds,
        "array_parallelism": settings.parallel or max(1, len(jobs)),
    }
    if settings.gpus:
        found["gpus_per_node"] = settings.gpus
    if settings.setup:
        found["setup"] = [settings.setup]
    parents = (parent for job in jobs for parent in job.parents)
    before = dict.fromkeys(array_of[name] for name in parents if name in array_of)
    conditions = [
        f"{_condition(jobs, [n for n in array_of if array_of[n] == array])}:{array}"
        for array in before
    ]
    if conditions:
        found["dependency"] = ",".join(conditions)
        found["additional_parameters"] = {"kill-on-invalid-dep": "yes"}
    return found


def _condition(jobs: Sequence[job_graph.Job], before: Sequence[str]) -> str:
    """Returns how an array waits for another: task by task where these belong."""
    is_paired = len(jobs) == len(before) > 1 and all(
        parent in job.parents for job, parent in zip(jobs, before, strict=True)
    )
    return "aftercorr" if is_paired else "afterany"


def _watch(
    out: pathlib.Path,
    made: job_graph.Graph,
    submitted: Mapping[str, "submitit.Job[str]"],
    report: Report,
) -> None:
    """Returns when all that was submitted has ended."""
    left = dict(submitted)
    asked = time.monotonic()
    while left:
        now = time.monotonic()
        is_due = now - asked >= _STATE_SECONDS
        for name, one in list(left.items()):
            job = made.jobs[name]
            look = job_states.look_at(out, job).state
            if look in (job_states.DONE_STATE, job_states.FAILED_STATE):
                del left[name]
            elif is_due and look != job_states.RUNNING and one.done(force_check=True):
                _note_end(out, job, one)
                del left[name]
        asked = now if is_due else asked
        report()
        if left:
            time.sleep(_POLL_SECONDS)


def _note_end(out: pathlib.Path, job: job_graph.Job, one: "submitit.Job[str]") -> None:
    """Writes why a job has left the queue without a result."""
    if _is_done(out, job):
        return
    folder = job_graph.directory(out, job.name)
    (folder / job_states.QUEUED).unlink(missing_ok=True)
    if job_states.look_at(out, job).state == job_states.FAILED_STATE:
        return
    told = one.stderr() or ""
    lines = [line for line in told.splitlines() if line.strip()][
        -job_states.LAST_LINES :
    ]
    is_waiting = any("reads of" in line for line in lines)
    if is_waiting or one.state.startswith("CANCELLED"):
        return  # of what failed before it
    lines.append(f"job {one.job_id} left the queue without a result ({one.state})")
    job_states.fail(out, job, 1, lines)


def _queued(out: pathlib.Path, job: job_graph.Job) -> str:
    """Returns the number of a job that SLURM still holds; "": it holds none."""
    import submitit

    told = job_states.read(job_graph.directory(out, job.name) / job_states.QUEUED)
    if not told:
        return ""
    number = str(told["job"])
    word = submitit.SlurmJob(folder=_folder(out), job_id=number).state.split(" ")[0]
    is_new = time.time() - job_states.number(told["since"]) < _UNKNOWN_SECONDS
    return number if word in _ALIVE or (word == "UNKNOWN" and is_new) else ""


def _arrays(out: pathlib.Path, made: job_graph.Graph) -> list[list[job_graph.Job]]:
    """Returns the jobs that are not done: those of a step that wait for as many."""
    depth: dict[str, int] = {}
    grouped: dict[tuple[int, str], list[job_graph.Job]] = {}
    for name, job in made.jobs.items():
        depth[name] = 1 + max((depth[parent] for parent in job.parents), default=0)
        if not _is_done(out, job):
            grouped.setdefault((depth[name], job.step), []).append(job)
    return [grouped[key] for key in sorted(grouped, key=lambda key: key[0])]


def _is_done(out: pathlib.Path, job: job_graph.Job) -> bool:
    return job_states.cost_of(job_graph.directory(out, job.name), job) is not None


def _forget(out: pathlib.Path, job: job_graph.Job) -> None:
    """Removes how a job failed before."""
    (job_graph.directory(out, job.name) / job_states.FAILED).unlink(missing_ok=True)


def _folder(out: pathlib.Path) -> pathlib.Path:
    return out / "submitit"
