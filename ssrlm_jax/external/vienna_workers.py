"""ViennaRNA in several processes at once, for long RNA and for many.

Its binding keeps Python's lock while it folds, and holds one set of parameters for all
of a process, so that threads gain nothing. A worker is a plain program that reads tasks
and answers them: it imports no script of the user's, ends when its input does, once the
task at hand is done, and is kept for the next RNA. What it says is what this process
would say, bit for bit: where the library is set otherwise here, or no worker can be
started, none is asked.
"""

import atexit
import contextlib
import functools
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ssrlm_jax.external import cores, programs, vienna

# Work is counted in ensembles of RNA of so many nucleotides, a second and a half each.
UNIT = 700
LEAST, LEAST_MORE = 2.0, 0.05  # of work: workers have to start; they are there already
_POWER = 2.2  # of the length that ViennaRNA's time grows with, 100 to 700 nt
_FEWEST = 3  # workers, of as many tasks: sets of parameters, which share fewer cores
_MOST = 16  # each holds some 60 MB, more for long RNA
_INSIDE = "SSRLM_VIENNA_WORKER"  # in the environment of a worker

Task = Callable[[], Any]  # can be pickled, and what it returns, too

_log = logging.getLogger("ssrlm_jax")
_MAKING = threading.Lock()  # one crew, whatever thread is first


def are_useful(lengths: Sequence[int]) -> bool:
    """Says whether tasks are done sooner by workers.

    They are not in a process that is itself one of several.

    Args:
      lengths: nucleotides of each RNA.
    """
    is_one_of_several = _INSIDE in os.environ or not cores.are_own()
    if len(lengths) < 2 or cores.count() < 2 or is_one_of_several:
        return False
    return work(lengths) >= (LEAST_MORE if _crew.cache_info().currsize else LEAST)


def work(lengths: Iterable[int]) -> float:
    """Returns how much is to be done for RNA of these lengths, in ensembles of UNIT."""
    return sum((length / UNIT) ** _POWER for length in lengths)


def run(tasks: Sequence[Task]) -> list[Any]:
    """Does tasks at the same time; returns what each returns.

    Raises:
      ProgramError: a worker ended, for want of memory, say; or as a task.
      ValueError: as a task.
    """
    with _MAKING:
        crew = _crew(vienna.state(), os.getpid())
    if crew is None:
        return [task() for task in tasks]
    return crew.run(tasks)


class _EndedError(programs.ProgramError):
    """A process ended while it folded."""


class _Worker:
    """A process that does one task at a time."""

    def __init__(self) -> None:
        paths = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],  # -P: nothing of where it starts
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths, _INSIDE: "1"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked, self._answers = self._process.stdin, self._process.stdout

    def answer(self, task: Task | None) -> Any:
        """Returns what a task returns, or how the library is set.

        Raises:
          _EndedError: the process ended.
          ValueError: as the task.
        """
        packed = pickle.dumps(task)
        try:
            self._asked.write(packed)
            self._asked.flush()
            found, error = pickle.load(self._answers)
        except (OSError, EOFError, pickle.UnpicklingError) as ended:
            raise _EndedError(
                "ViennaRNA: a process ended while it folded; there may be too little "
                "memory"
            ) from ended
        if error is not None:
            raise error
        return found

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        with contextlib.suppress(OSError), self._process:
            pass  # closes the pipes, of which one may be broken, and waits


class _Crew:
    """Workers that are started as they are needed."""

    def __init__(self) -> None:
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        with self._lock:
            try:
                found, errors = self._run(tasks)
            except BaseException:  # tasks are under way
                self.end()
                raise
            for error in errors:
                if isinstance(error, _EndedError):
                    self.end()
                    raise error
            if errors:
                raise errors[0]
            return found

    def is_set_as(self, state: str) -> bool:
        """Says whether the library of a worker is set in this way."""
        with self._lock:
            if not self._workers:
                self._workers.append(_Worker())
            return self._workers[0].answer(None) == state

    def end(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _run(self, tasks: Sequence[Task]) -> tuple[list[Any], list[Exception]]:
        """Returns what tasks return, or else errors; no task is under way then."""
        number = min(len(tasks), _MOST, max(cores.count(), _FEWEST))
        with contextlib.suppress(OSError):  # fewer do, there is one
            while len(self._workers) < number:
                self._workers.append(_Worker())
        left: queue.SimpleQueue[int] = queue.SimpleQueue()
        for place in range(len(tasks)):
            left.put(place)
        found: dict[int, Any] = {}
        errors: list[Exception] = []

        def work(worker: _Worker) -> None:
            with contextlib.suppress(queue.Empty):
                while not errors:
                    place = left.get_nowait()
                    try:
                        found[place] = worker.answer(tasks[place])
                    except Exception as error:
                        errors.append(error)

        threads = [
            threading.Thread(target=work, args=(worker,), daemon=True)
            for worker in self._workers[:number]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [found[place] for place in sorted(found)], errors


@functools.cache
def _crew(state: str, process: int) -> _Crew | None:
    """Returns the workers of a process; None: their library is set otherwise."""
    del process  # one that was forked has workers of its own
    crew = _Crew()
    atexit.register(crew.end)
    try:
        if crew.is_set_as(state):
            return crew
    except (OSError, programs.ProgramError) as error:
        _log.warning("RNA is folded by one process: no other can be started: %s", error)
    crew.end()
    return None


def _work() -> None:
    """Answers tasks until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints goes elsewhere
    while True:
        try:
            task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: tuple[object, Exception | None]
        try:
            answer = (vienna.state() if task is None else task(), None)
        except Exception as error:  # the other process raises it
            answer = (None, error)
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except BrokenPipeError:  # whoever asked is gone
            os._exit(0)


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
    _work()
