"""The command `ssrlm`: what one does with a model, a workdir or a corpus; all jobs.

Each module of this package that is a command adds its flags to a parser, and runs with
what was parsed; it returns an exit status or None. Bad input ends as one line on
standard error and exit status 1, never as a traceback.
"""

import functools
import os
import pathlib
import sys
from collections.abc import Sequence

from ssrlm_jax.cli import endings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; see `endings.guarded`.

    Args:
      arguments: None: those of the process, which is there for the command.
    """
    run = functools.partial(_run, sys.argv[1:] if arguments is None else arguments)
    return endings.guarded(run, is_process=arguments is None)


def launch(name: str) -> int:
    """Runs a job with the arguments of the process, as its file in launch/.

    Args:
      name: of the job; messages begin with the name of the file.
    """
    program = pathlib.Path(sys.argv[0]).name
    run = functools.partial(_run, [name, *sys.argv[1:]], program)
    return endings.guarded(run, program=program)


def _run(arguments: Sequence[str], program: str | None = None) -> int:
    if "JPY_PARENT_PID" in os.environ:  # a cell shows lines, and cannot take them back
        os.environ.setdefault("TTY_COMPATIBLE", "0")  # as Rich reads it
    from ssrlm_jax.cli import commands  # Rich: a tenth of a second

    return commands.run(arguments, program)
