"""The one process that holds the model: it is told jobs, one at a time.

It reads IDs on standard input and answers each with a line when the job has ended.
Where it ends itself it is started anew, and its job waits again. It ends when its
input does: none outlives a server by more than the job it is in.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Sequence

from ssrlm_jax.serving import job_store

READY = "ready"
_POLL_S = 0.5
_PAUSE_S = 1.0  # before a process that ended is started again


class ModelProcess:
    """Folds the jobs of a store, in a thread."""

    def __init__(self, command: Sequence[str], store: job_store.JobStore) -> None:
        """Makes it; `start` starts it.

        Args:
          command: that runs the process.
          store: of the jobs.
        """
        self._command, self._store = list(command), store
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._process: subprocess.Popen[str] | None = None
        self._job: job_store.Job | None = None
        self._lock = threading.Lock()
        self.is_ready = False

    def start(self) -> None:
        """Starts the process; jobs run as soon as the model is there."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the process; a job that runs waits again at the next start."""
        self._stopped.set()
        with self._lock:
            if self._process is not None:
                self._process.kill()
        self._thread.join()

    def cancel(self, job: job_store.Job) -> None:
        """Cancels a job; where it runs, the process is started anew."""
        if self._store.cancel(job):
            with self._lock:
                if self._process is not None and self._job is job:
                    self._process.kill()

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                if self._stopped.is_set():
                    return
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            try:
                self._feed(self._process)
            finally:
                self.is_ready = False
                self._process.kill()
                with contextlib.suppress(OSError), self._process:
                    pass  # closes the pipes, of which one may be broken, and waits
            if not self._stopped.is_set():
                time.sleep(_PAUSE_S)

    def _feed(self, process: "subprocess.Popen[str]") -> None:
        """Hands over jobs until the process ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != READY:
            return
        self.is_ready = True
        while not self._stopped.is_set() and process.poll() is None:
            job = self._store.next(_POLL_S)
            if job is None:
                continue
            with self._lock:
                self._job = job
            try:
                process.stdin.write(f"{job.id}\n")
                process.stdin.flush()
                answer = process.stdout.readline().strip()
            except OSError:
                answer = ""
            with self._lock:
                self._job = None
            if answer != job.id:
                if not self._stopped.is_set():
                    self._store.interrupted(job)
                return
            self._store.finish(job)
