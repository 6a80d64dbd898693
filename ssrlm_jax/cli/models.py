"""Which model a command uses."""

import argparse
import os
import pathlib

VARIABLE = "SSRLM_MODEL"


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Adds -m to a command."""
    parser.add_argument(
        "-m",
        "--model",
        type=pathlib.Path,
        metavar="MODEL",
        help=f"model directory (default: the environment variable {VARIABLE})",
    )


def chosen(parsed: argparse.Namespace) -> pathlib.Path:
    """Returns the model directory that is named by -m or the environment.

    Raises:
      ValueError: neither names one.
    """
    if parsed.model is not None:
        return parsed.model
    if os.environ.get(VARIABLE):
        return pathlib.Path(os.environ[VARIABLE])
    raise ValueError(
        f"no model is named: give -m MODEL or set {VARIABLE}; training makes one "
        f"(launch/finetune.py, launch/tertiary.py), or `ssrlm export WORKDIR MODEL`"
    )
