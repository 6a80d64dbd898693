"""The command `ssrlm`: what one does with a model, a workdir or a corpus.

Each module of this package adds commands, functions of parsed arguments that return
an exit status or None. Bad input ends as one line on standard error and exit status
1, never as a traceback.
"""

import functools
from collections.abc import Sequence

from ssrlm_jax.cli import endings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; see `endings.guarded`.

    Args:
      arguments: None: those of the process, which is there for the command.
    """
    run = functools.partial(_run, arguments)
    return endings.guarded(run, is_process=arguments is None)


def _run(arguments: Sequence[str] | None) -> int:
    from ssrlm_jax.cli import commands  # NumPy and JAX: a second

    return commands.run(arguments)
