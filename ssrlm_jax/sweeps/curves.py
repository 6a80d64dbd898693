"""Validation scores of a training run by step, and by tokens seen where they count."""

import math
import pathlib

from ssrlm_jax.train import workdirs

_PREFIX = "validation/"


def of(run: pathlib.Path) -> list[dict[str, float]]:
    """Returns the validation scores of a run, with "step" and "tokens"; [] for none.

    Args:
      run: its workdir.
    """
    points: list[dict[str, float]] = []
    tokens = math.nan
    for line in workdirs.read_metrics(run):
        tokens = line.get("tokens", tokens)
        scores = {
            name.removeprefix(_PREFIX): value
            for name, value in line.items()
            if name.startswith(_PREFIX)
        }
        if scores:
            points.append({"step": line["step"], "tokens": tokens} | scores)
    return points
