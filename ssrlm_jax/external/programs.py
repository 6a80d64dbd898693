"""Finds and runs programs of others.

A program is looked for where a setting says, then where an environment variable
says, then on PATH. Whatever goes wrong becomes one line that names the program.
"""

import contextlib
import hashlib
import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import threading
from collections.abc import Collection, Sequence
from typing import NamedTuple


class Program(NamedTuple):
    """What is known of a program.

    Attributes:
      name: as it is called on PATH.
      variable: the environment variable that holds its path.
      source: how to get it, for messages.
    """

    name: str
    variable: str
    source: str


class DataFile(NamedTuple):
    """What is known of a file a program needs; attributes as of `Program`."""

    name: str
    variable: str
    source: str


class ProgramError(ValueError):
    """A program is missing, failed, or answered what was not expected; one line."""


class Answer(NamedTuple):
    """What a program wrote, and its exit status."""

    stdout: str
    stderr: str
    status: int


def find(program: Program, path: str = "") -> str:
    """Returns the absolute path of a program.

    Args:
      program: what is looked for.
      path: a setting that names it; "" looks in the variable, then on PATH. What a
        setting or a variable names is never replaced by something else.

    Raises:
      ProgramError: it is not there, or may not be run.
    """
    wanted, origin = path, "the setting"
    if not wanted:
        wanted, origin = os.environ.get(program.variable, ""), program.variable
    found = shutil.which(wanted or program.name)
    if found:
        return os.path.abspath(found)
    if wanted:
        raise ProgramError(
            f"{program.name}: {wanted!r}, named by {origin}, is no program that can "
            "be run"
        )
    raise ProgramError(
        f"{program.name}: not found on PATH, and {program.variable} is not set; "
        f"{program.source}"
    )


def find_file(file: DataFile, path: str = "") -> str:
    """Returns the absolute path of a file that a program needs.

    Args:
      file: what is looked for.
      path: a setting that names it; "" looks in the variable.

    Raises:
      ProgramError: neither names it, or it is no file.
    """
    wanted, origin = path, "the setting"
    if not wanted:
        wanted, origin = os.environ.get(file.variable, ""), file.variable
    if not wanted:
        raise ProgramError(
            f"{file.name}: neither a setting nor {file.variable} names this file; "
            f"it is at {file.source}"
        )
    if not os.path.isfile(wanted):
        raise ProgramError(f"{file.name}: {wanted!r}, named by {origin}, is no file")
    return os.path.abspath(wanted)


def run(
    command: Sequence[str],
    *,
    text: str = "",
    folder: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    accepted: Collection[int] = (0,),
) -> Answer:
    """Runs a program to its end.

    Args:
      command: the path of the program and its arguments.
      text: what it reads from standard input.
      folder: where it runs; None: here.
      timeout: seconds until it and the processes it started are stopped; None: never.
      accepted: exit statuses that are no error.

    Raises:
      ProgramError: it cannot be started, another exit status, a signal, or the
        timeout; with the last line it wrote.
    """
    name = os.path.basename(command[0])
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            encoding="utf-8",
            errors="replace",
            process_group=0,  # so that what it starts can be stopped too
        )
    except OSError as error:
        raise ProgramError(f"{name}: cannot be started ({error.strerror})") from error
    with process:
        try:
            stdout, stderr = process.communicate(text, timeout)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ProgramError(
                    f"{name}: stopped, it took longer than {timeout:g} s"
                ) from error
            raise
    answer = Answer(stdout, stderr, process.returncode)
    if answer.status not in accepted:
        raise ProgramError(f"{name}: {failure(answer)}")
    return answer


def failure(answer: Answer) -> str:
    """Says how a program ended and the last line it wrote, of errors if any."""
    if answer.status < 0:
        ended = f"stopped by {signal.Signals(-answer.status).name}"
    else:
        ended = f"exit status {answer.status}"
    lines = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
    return f"{ended}: {lines[-1].strip()}" if lines else f"{ended}, without a word"


def digest(path: str | os.PathLike[str]) -> str:
    """Returns the first 16 digits of a file's SHA-256: which build, which parameters.

    Raises:
      ProgramError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise ProgramError(f"{path}: cannot be read ({error.strerror})") from error


def end_with_parent() -> None:
    """Has this process, and programs that it runs, end when its parent is killed.

    For processes that `multiprocessing` starts.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "multiprocessing started this process"

    def wait() -> None:
        parent.join()
        end_children()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def end_children() -> None:
    """Kills the programs that this process runs, where the system lists them."""
    for listed in pathlib.Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            for child in map(int, listed.read_text().split()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child, signal.SIGKILL)  # `run` gives each a group
