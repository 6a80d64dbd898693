"""The command `ssrlm`: what one does with a model, a workdir or a corpus.

Each module of this package adds commands, functions of parsed arguments that return
an exit status or None. Bad input ends as one line on standard error and exit status
1, never as a traceback.
"""

import argparse
import sys
from collections.abc import Sequence

from ssrlm_jax.cli import (
    contacts,
    convert,
    directories,
    embed,
    evaluate,
    fold,
    fold3d,
    reports,
)

COMMANDS = (
    directories.add,
    fold.add,
    fold3d.add,
    embed.add,
    evaluate.add,
    contacts.add,
    convert.add,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="ssrlm", description="A structure-aware RNA language model."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.run(parsed) or 0
    except (ValueError, OSError) as error:
        print(f"ssrlm {parsed.command}: {error}", file=sys.stderr)
    except (MemoryError, RuntimeError) as error:
        if not reports.is_full(error):
            raise
        first = str(error).strip().splitlines() or ["memory is full"]
        print(
            f"ssrlm {parsed.command}: {first[0]}; what is written is whole, leave out "
            "longer RNA (fold: --max-length N)",
            file=sys.stderr,
        )
    return 1
