"""All commands of `ssrlm`: the parser, and errors as one line."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from ssrlm_jax.cli import (
    contacts,
    convert,
    directories,
    embed,
    evaluate,
    fold,
    fold3d,
    models,
    reports,
)

_WIDE = 1000  # letters of a line
COMMANDS = (
    directories.add,
    fold.add,
    fold3d.add,
    embed.add,
    evaluate.add,
    contacts.add,
    models.add,
    convert.add,
)


class Parser(argparse.ArgumentParser):
    """Says a wrong use in two lines: what is wrong, and what the command needs."""

    def error(self, message: str) -> NoReturn:
        usage = argparse.HelpFormatter(self.prog, width=_WIDE)
        needed = [
            one for one in self._actions if one.required or not one.option_strings
        ]
        usage.add_usage(None, needed, [])
        text = f"{usage.format_help().strip()} [OPTION ...]; see {self.prog} --help"
        self.exit(2, f"{self.prog}: {message}\n{text}\n")


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    parser = Parser(prog="ssrlm", description="A structure-aware RNA language model.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        commands.choices[parsed.command].error(
            f"unrecognized arguments: {' '.join(unknown)}"
        )
    try:
        status = parsed.run(parsed) or 0
        sys.stdout.flush()  # a full disk is an error of the command
        return status
    except BrokenPipeError:
        raise  # no error of the command
    except (ValueError, OSError) as error:
        line = reports.printable(f"ssrlm {parsed.command}: {_reason(error)}")
        print(line, file=sys.stderr)
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


def _reason(error: Exception) -> str:
    """Returns what an error says, without the number that the system gives it."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
