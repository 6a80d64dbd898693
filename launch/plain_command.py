"""Runs a command without settings: says errors in one line."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator


def parser(about: str | None) -> argparse.ArgumentParser:
    """Returns a parser that shows `about` as it is written."""
    return argparse.ArgumentParser(
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def run(
    job: Callable[[argparse.Namespace], None], flags: argparse.ArgumentParser
) -> None:
    """Parses the command line, calls `job` and exits."""
    parsed = flags.parse_args()
    with one_line(flags.prog):
        job(parsed)


@contextlib.contextmanager
def one_line(program: str) -> Iterator[None]:
    """Ends the command in a line: with 1 after an error, with 130 after ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError, ArithmeticError, MemoryError, ImportError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(1)
