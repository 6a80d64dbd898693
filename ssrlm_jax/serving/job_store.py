"""Jobs on disk: a folder for each, which is there whole before it is accepted.

`FOLDER/ID/` holds `request.json`, the input, `out/` as `ssrlm fold -o out` writes it,
and, once the job has ended, `ended.json`. What has not ended when a server starts
waits again, so neither a restart nor `kill -9` loses an accepted job. IDs begin with
the time: their order is that of the queue.
"""

import collections
import dataclasses
import json
import pathlib
import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from typing import Any

from ssrlm_jax import config, files
from ssrlm_jax.infer import results

REQUEST, ENDED, OUT, LOG = "request.json", "ended.json", "out", "log.txt"
QUEUED, RUNNING, DONE, FAILED, CANCELLED = STATES = (
    "queued",
    "running",
    "done",
    "failed",
    "cancelled",
)
_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}")
_MOST_TRIES = 2  # of a job in which the model process ends
_DAY = 86_400.0


class QueueFullError(Exception):
    """More jobs wait than may."""


@dataclasses.dataclass(slots=True)
class Job:
    """What is known of a job in memory.

    Attributes:
      id: also the name of its folder.
      num_records: that can be folded.
      state: of STATES.
      problems: one line each; of records that have no result.
      ended: seconds since 1970, 0.0 before.
      num_tries: how often the model process began it.
    """

    id: str
    num_records: int
    state: str = QUEUED
    problems: list[str] = dataclasses.field(default_factory=list)
    ended: float = 0.0
    num_tries: int = 0

    @property
    def created(self) -> float:
        """Seconds since 1970."""
        return int(self.id[:16], 16) / 1e9


class JobStore:
    """All jobs of a folder; may be used by several threads of one process."""

    def __init__(self, folder: pathlib.Path, limits: config.ServeConfig) -> None:
        """Reads the jobs that are there; those that have not ended wait again."""
        self._folder = folder
        self._limits = limits
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: collections.deque[str] = collections.deque()
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            if _ID.fullmatch(path.name) and (path / REQUEST).is_file():
                self._read(path)

    def _read(self, path: pathlib.Path) -> None:
        request = json.loads((path / REQUEST).read_text())
        job = Job(path.name, request["num_records"], problems=request["problems"])
        if (path / ENDED).is_file():
            self._end(job, json.loads((path / ENDED).read_text()))
        else:
            self._waiting.append(job.id)
        self._jobs[job.id] = job

    def folder(self, job: Job) -> pathlib.Path:
        """Returns where a job lies."""
        return self._folder / job.id

    def add(
        self,
        texts: Mapping[str, str],
        flags: Mapping[str, Any],
        num_records: int,
        problems: list[str],
    ) -> Job:
        """Accepts a job; it is on disk when this returns.

        Args:
          texts: input by name of file.
          flags: of `ssrlm fold`.
          num_records: that can be folded.
          problems: of the others.

        Raises:
          QueueFullError: as many wait as may.
          OSError: it cannot be written.
        """
        with self._changed:
            if len(self._waiting) >= self._limits.max_queue:
                raise QueueFullError(
                    f"{len(self._waiting):,} jobs wait already; try again in a minute"
                )
            number = f"{time.time_ns():016x}-{secrets.token_hex(8)}"
            job = Job(number, num_records, problems=list(problems))
            request = {
                "flags": dict(flags),
                "num_records": num_records,
                "problems": problems,
            }
            with files.whole_directory(self.folder(job)) as part:
                for name, text in texts.items():
                    (part / name).write_text(text, encoding="utf-8")
                (part / REQUEST).write_text(json.dumps(request))
            self._jobs[job.id] = job
            self._waiting.append(job.id)
            self._changed.notify_all()
        self.expire()
        return job

    def get(self, number: str) -> Job:
        """Returns a job.

        Raises:
          KeyError: there is none of this ID.
        """
        return self._jobs[number]

    def seen(self, job: Job) -> Job:
        """Returns a job as it stands at one moment: others change it meanwhile."""
        with self._changed:
            return dataclasses.replace(job)

    def newest(self, most: int) -> list[Job]:
        """Returns jobs, the newest first."""
        with self._changed:
            return sorted(self._jobs.values(), key=lambda job: job.id)[: -most - 1 : -1]

    def place(self, job: Job) -> int:
        """Returns how many jobs are before one that waits."""
        with self._changed:
            return self._waiting.index(job.id) if job.id in self._waiting else 0

    def num_done(self, job: Job) -> int:
        """Returns how many records have results."""
        path = self.folder(job) / OUT / results.JSON_FILE
        for one in (path, files.beside(path)):
            if one.is_file():
                return one.read_bytes().count(b"\n")
        return 0

    def next(self, timeout_s: float) -> Job | None:
        """Takes the job that waits longest, which then runs; None: none came."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            if not self._waiting:
                return None
            job = self._jobs[self._waiting.popleft()]
            job.state, job.num_tries = RUNNING, job.num_tries + 1
            return job

    def finish(self, job: Job) -> None:
        """Takes over how a job has ended, which the model process has written."""
        with self._changed:
            if job.state == RUNNING:
                self._end(job, json.loads((self.folder(job) / ENDED).read_text()))

    def interrupted(self, job: Job) -> None:
        """Has a job wait again, or fail, in which the model process has ended."""
        with self._changed:
            if job.state != RUNNING:
                return
            if job.num_tries < _MOST_TRIES:
                job.state = QUEUED
                self._waiting.appendleft(job.id)
            else:
                told = ["the model process ended twice in this job"]
                self._write_end(job, FAILED, told)

    def cancel(self, job: Job) -> bool:
        """Cancels a job that waits or runs; returns whether it ran."""
        with self._changed:
            if job.state not in (QUEUED, RUNNING):
                return False
            was_running = job.state == RUNNING
            if not was_running:
                self._waiting.remove(job.id)
            self._write_end(job, CANCELLED, [])
        return was_running

    def remove(self, job: Job) -> None:
        """Removes a job that has ended, and its files."""
        with self._changed:
            self._jobs.pop(job.id, None)
        shutil.rmtree(self.folder(job), ignore_errors=True)

    def expire(self) -> None:
        """Removes jobs that have ended long ago, and the oldest of too many."""
        with self._changed:
            ended = [job for job in self._jobs.values() if job.ended]
        ended.sort(key=lambda job: -job.ended)
        latest = time.time() - self._limits.keep_days * _DAY
        for number, job in enumerate(ended):
            if number >= self._limits.keep_jobs or job.ended < latest:
                self.remove(job)

    def _write_end(self, job: Job, state: str, problems: list[str]) -> None:
        write_end(self.folder(job), state, problems)
        self._end(job, json.loads((self.folder(job) / ENDED).read_text()))

    def _end(self, job: Job, told: Mapping[str, Any]) -> None:
        job.state, job.ended = told["state"], told["ended"]
        job.problems = told["problems"] or job.problems


def write_end(folder: pathlib.Path, state: str, problems: list[str]) -> None:
    """Writes how a job has ended."""
    told = {"state": state, "problems": problems, "ended": time.time()}
    files.write_text(folder / ENDED, json.dumps(told))
