"""What reactivities say of pairs, as a model has it: a curve in its directory.

`rna.likelihood` fits and applies it, `benchmarks/evidence.py --fit --write` writes it.
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ssrlm_jax import config, files
from ssrlm_jax.external import evidence

FILE = "reactivities.json"  # inside the model directory
NAMES = ("knots", "ratios")  # of config.EvidenceConfig


def save(
    directory: pathlib.Path,
    knots: Sequence[float],
    ratios: Sequence[float],
    about: Mapping[str, Any],
) -> pathlib.Path:
    """Writes a curve, and what it was fitted to; returns the file."""
    path = directory / FILE
    facts = {**about, "knots": list(knots), "ratios": list(ratios)}
    files.write_text(path, json.dumps(facts, indent=1) + "\n")
    return path


def load(directory: pathlib.Path) -> config.EvidenceConfig:
    """Returns settings with the curve of a model; without one where it has none.

    Raises:
      ValueError: the file is damaged.
    """
    path = directory / FILE
    if not path.is_file():
        return config.EvidenceConfig()
    try:
        facts = json.loads(path.read_text())
        knots, ratios = (tuple(map(float, facts[name])) for name in NAMES)
        return config.EvidenceConfig(knots=knots, ratios=ratios)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not a curve of reactivities ({error}); remove it"
        ) from error


def completed(
    given: Iterable[evidence.Evidence | None], own: config.EvidenceConfig
) -> Iterator[evidence.Evidence | None]:
    """Yields evidence with a model's curve, where it has none of its own."""
    for one in given:
        if one is not None and not one.settings.knots:
            settings = dataclasses.replace(
                one.settings, knots=own.knots, ratios=own.ratios
            )
            one = dataclasses.replace(one, settings=settings)
        yield one
