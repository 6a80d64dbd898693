"""Folding in a process of its own: a crash or a hang costs one RNA, nothing else."""

import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

from ssrlm_jax.external import folded, folding_programs, programs

_STARTING_SECONDS = 600.0  # until a model is loaded
_GRACE_SECONDS = 5.0  # beyond the limit, for a program that ends itself


class FailedError(ValueError):
    """A method failed on what it was given; one line."""


class NotStartedError(ValueError):
    """A method cannot fold anything here; one line."""


class Answer(NamedTuple):
    """What a method said of sequences.

    Attributes:
      found: of each.
      seconds: that all took.
      memory: MiB, the peak of the process and of the programs that it ran.
    """

    found: list[folded.Folded]
    seconds: float
    memory: float


class Fence:
    """A process that folds; a new one is started where it has died."""

    def __init__(self, folder: folding_programs.Folder, time_limit: float) -> None:
        """Prepares; the process starts when it is needed.

        Args:
          folder: what folds, in that process.
          time_limit: seconds for one sequence.
        """
        self._folder, self._limit = folder, time_limit
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: multiprocessing.connection.Connection | None = None
        self._is_interrupted = False

    def __enter__(self) -> "Fence":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fold(self, sequences: Sequence[str]) -> Answer:
        """Folds sequences together.

        Raises:
          FailedError: the method says so, died, or took too long.
          NotStartedError: it cannot even begin.
        """
        if self._pipe is None:
            self._start()
        assert self._pipe is not None
        limit = self._limit * len(sequences) + _GRACE_SECONDS
        self._pipe.send(list(sequences))
        return self._wait(limit, f"it took longer than {self._limit:g} s")

    def interrupt(self) -> None:
        """Ends the process from another thread; who waits for it gets an error."""
        self._is_interrupted = True
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._folder), daemon=True
        )
        process.start()
        self._process = process  # only what runs can be ended from another thread
        if self._is_interrupted:
            process.kill()
        theirs.close()
        try:
            limit = _STARTING_SECONDS
            self._wait(limit, f"it did not start in {limit:g} s")
        except FailedError as error:
            self.stop()
            raise NotStartedError(str(error)) from error

    def _wait(self, limit: float, complaint: str) -> Answer:
        """Returns the next answer of the process."""
        assert self._pipe is not None
        assert self._process is not None
        try:
            if not self._pipe.poll(limit):
                self.stop()
                raise FailedError(f"stopped, {complaint}")
            said = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join()
            status = self._process.exitcode
            self.stop()
            raise FailedError(_ended(status)) from error
        if isinstance(said, str):
            raise FailedError(said)
        assert isinstance(said, Answer)
        return said


def _ended(status: int | None) -> str:
    answer = programs.Answer("", "", 0 if status is None else status)
    return f"its process ended, {programs.failure(answer)}"


def _serve(
    pipe: multiprocessing.connection.Connection, folder: folding_programs.Folder
) -> None:
    """Folds what comes, until the pipe is closed."""
    programs.end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks ends this process
    # Threads of several programs that take all cores each wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        try:
            has_probabilities = _gives_probabilities(folder)
        except (ValueError, OSError, ImportError) as error:
            pipe.send(str(error).splitlines()[0])
            return
        pipe.send(Answer([], 0.0, _peak()))
        while True:
            sequences = pipe.recv()
            start = time.perf_counter()
            try:
                found = folder.fold(sequences, with_probabilities=has_probabilities)
            except (ValueError, ArithmeticError, MemoryError, OSError) as error:
                pipe.send((str(error).splitlines() or [type(error).__name__])[0])
                continue
            pipe.send(Answer(found, time.perf_counter() - start, _peak()))
    except (EOFError, ConnectionError):
        return  # nobody asks any more


def _gives_probabilities(folder: folding_programs.Folder) -> bool:
    """Says whether a folder gives probabilities; errors where it cannot fold at all."""
    try:
        folder.fold([], with_probabilities=True)
    except programs.ProgramError:
        raise
    except ValueError:
        folder.fold([])  # fails where it is not probabilities that are missing
        return False
    return True


def _peak() -> float:
    """Returns the peak memory, MiB."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in whose) / 1024
