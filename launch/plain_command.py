"""Runs a command without settings: says errors in one line."""

import argparse
import sys
from collections.abc import Callable


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
    try:
        job(parsed)
    except (ValueError, OSError, MemoryError, ImportError) as error:
        print(f"{flags.prog}: {error}", file=sys.stderr)
        sys.exit(1)
