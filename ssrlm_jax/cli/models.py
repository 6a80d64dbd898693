"""Which model a command uses, and in which precision."""

import argparse
import os
import pathlib

from ssrlm_jax import config

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


def add_dtype(parser: argparse.ArgumentParser) -> None:
    """Adds --dtype to a command that runs an encoder and a head."""
    parser.add_argument(
        "--dtype",
        choices=config.DTYPES,
        default="float32",
        help="of products; bfloat16 takes half the memory for weights, is faster on "
        "GPUs and on CPUs with AMX; results are rounded (default: float32)",
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
