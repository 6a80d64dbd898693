"""One job as a process: started where it stopped, or anew, and what became of it."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from ssrlm_jax import files
from ssrlm_jax.sweeps import child, job_graph, job_states, kinds

# The command of a job; `child` first, which needs no JAX.
_CODE = (
    "from ssrlm_jax.sweeps import child; child.begin(); "
    "import sys; from ssrlm_jax import cli; sys.exit(cli.main())"
)
_MOST_SECONDS, _POLL_SECONDS = 60.0, 0.05
_STOPPED = (128 + signal.SIGINT, -signal.SIGINT, -signal.SIGTERM)  # when asked to


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slot:
    """A share of a machine.

    Attributes:
      cores: their numbers; (): all.
      gpu: number of a device; "": what the process sees.
      device: for people.
    """

    cores: tuple[int, ...] = ()
    gpu: str = ""
    device: str = ""

    def environment(self) -> dict[str, str]:
        """Returns the variables that keep a process to its share."""
        found = {child.CORES: ",".join(map(str, self.cores))}
        return found | ({"CUDA_VISIBLE_DEVICES": self.gpu} if self.gpu else {})


class Running:
    """The process of a job."""

    def __init__(self, out: pathlib.Path, job: job_graph.Job, slot: Slot) -> None:
        """Starts it.

        Args:
          out: directory of the sweep, absolute.
          job: its parents are done.
          slot: of the machine.

        Raises:
          OSError: there is no room, or another process does the job.
        """
        self.job, self.slot, self._out = job, slot, out
        self._folder = job_graph.directory(out, job.name)
        self._is_asked = False
        _wait_for_others(self._folder)
        _make_room(out, job)
        arguments = job.arguments(out)
        told = {"command": job.line(out), "key": job.key, "of": job.decided_by}
        files.write_text(
            self._folder / job_states.JOB, json.dumps(told, indent=1) + "\n"
        )
        job_states.begin(self._folder)
        with (self._folder / job_states.LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ
                | self._place()
                | slot.environment()
                | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C is for the sweep, which tells it
            )

    def _place(self) -> Mapping[str, str]:
        lock = str(self._folder / job_states.LOCK)
        return {child.PARENT: str(os.getpid()), child.LOCK: lock}

    def has_ended(self) -> bool:
        """Says whether the process is over."""
        return self._process.poll() is not None

    def wait(self) -> None:
        """Waits until the process is over; a handler of a signal may, too."""
        # Popen.wait holds a lock, which a handler would wait for without end.
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)

    def stop(self) -> None:
        """Asks the process to save and end."""
        if not (self._is_asked or self.has_ended()):
            self._process.send_signal(signal.SIGTERM)
        self._is_asked = True

    def finish(self) -> bool:
        """Writes what became of the job; returns whether it is done."""
        status = self._process.wait()
        seconds = job_states.spent(self._folder, is_over=False)
        result = self._folder / kinds.KINDS[self.job.command].result
        if status == 0 and result.exists():
            done = {"key": self.job.key, "seconds": round(seconds, 2)}
            done |= {"device": self.slot.device}
            files.write_text(self._folder / job_states.DONE, json.dumps(done) + "\n")
            (self._folder / job_states.QUEUED).unlink(missing_ok=True)
            return True
        # A run that was asked to stop has saved and ended well, without a model.
        if status == 0 or (self._is_asked and status in _STOPPED):
            return False
        job_states.fail(
            self._out, self.job, status, job_states.last_lines(self._folder)
        )
        return False


def _wait_for_others(folder: pathlib.Path) -> None:
    """Waits for a process whose sweep was killed: it takes a moment to end.

    Raises:
      OSError: another process does the job.
    """
    begun = time.monotonic()
    while job_states.is_running(folder):
        if time.monotonic() - begun > _MOST_SECONDS:
            raise OSError(f"another process does this job ({folder}); stop it")
        time.sleep(_POLL_SECONDS)


def _make_room(out: pathlib.Path, job: job_graph.Job) -> None:
    """Makes the directory of a job, and removes what would be in its way."""
    kind = kinds.KINDS[job.command]
    folder = job_graph.directory(out, job.name)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (job_states.FAILED, job_states.DONE):
        (folder / name).unlink(missing_ok=True)
    own = folder / kinds.place_of(kind)
    if not kind.goes_on:
        shutil.rmtree(own, ignore_errors=True)
    if not kind.output.startswith("--"):
        source = job.source(kind.output, out)
        if source is None:
            raise ValueError(f"{job.name}: config.{kind.output} is not set")
        shutil.copytree(source, own, copy_function=_link)


def _link(source: str, target: str) -> None:
    """Links a file; copies it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
