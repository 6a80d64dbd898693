r"""Fits contacts to the attention maps of a pre-trained model, and scores them.

  ssrlm fit_contacts --config.model=models/8m --config.table=pdb2023.tsv
  ssrlm fit_contacts --config.model=models/8m --config.train=pdb_TR1.tsv.gz \
      --config.validation=pdb_VL1.tsv.gz --config.test=pdb_TS1.tsv.gz

The result, contacts.json inside the model directory, is what `ssrlm contacts` uses:
weights and threshold of the first draw, the RNAs of each draw, and their scores.
contacts.tsv beside it has the scores of each RNA that was tested.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import logging
import pathlib

import numpy as np

from ssrlm_jax import config, files, model_dir
from ssrlm_jax.infer import scored_files
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import formats

_log = logging.getLogger("ssrlm_jax")


def contacts(settings: config.ContactsConfig, flags: argparse.Namespace) -> None:
    """Draws, fits and scores, and writes the result into the model directory."""
    if not settings.model:
        raise ValueError("config.model is empty: name a model directory")
    records = _read(settings)
    description, params = model_dir.load_encoder(pathlib.Path(settings.model))

    from ssrlm_jax.infer import contact_predictor  # JAX: seconds
    from ssrlm_jax.tasks import contact_regression
    from ssrlm_jax.train import loop

    path = pathlib.Path(settings.model) / contact_predictor.FILE
    if path.exists() and not flags.force:
        raise ValueError(f"{path} exists; --force replaces it")
    files.check_place(path)
    maps = contact_predictor.Maps(description, params)
    draws = contact_regression.fit_draws(
        maps,
        [
            contact_regression.draw(records, settings, number)
            for number in range(settings.draws)
        ],
        settings,
    )
    scores = [one["scores"] for one in draws]
    files.write_text(path.with_suffix(".tsv"), _table([d.pop("tested") for d in draws]))
    for number, found in enumerate(scores, 1):
        given = number, settings.draws, found["all P@true"], found["f1"]
        _log.info("draw %d of %d: P@true %.3f, F1 %.3f", *given)
    shape = description.architecture.num_layers, description.architecture.num_heads
    result = {
        "weights": np.reshape(draws[0]["weights"], shape).tolist(),
        **{name: draws[0][name] for name in ("intercept", "threshold")},
        "min_separation": settings.min_separation,
        "mean": contact_regression.mean(scores),
        "spread": contact_regression.spread(scores),
        "config": dataclasses.asdict(settings),
        "versions": loop.versions()
        | {"scikit-learn": importlib.metadata.version("scikit-learn")},
        "draws": draws,
    }
    files.write_text(path, json.dumps(result, indent=1) + "\n")
    for name, value in result["mean"].items():
        print(f"{name:14} {value:.3f} +- {result['spread'][name]:.3f}")
    print(f"means over test RNAs, then mean and deviation over {len(draws)} draws")
    print(f"wrote {path}; next: ssrlm contacts my.fa -m {settings.model}")


def _table(draws: list[list[dict[str, str | float]]]) -> str:
    """Returns the scores of each RNA in each draw, a line each."""
    names = list(dict.fromkeys(name for rows in draws for row in rows for name in row))
    lines = ["\t".join(["draw", *names])]
    for number, rows in enumerate(draws, 1):
        for row in rows:
            cells = (row.get(name, "") for name in names)
            told = [f"{c:.6f}" if isinstance(c, float) else str(c) for c in cells]
            lines.append("\t".join([str(number), *told]))
    return "\n".join(lines) + "\n"


def _read(settings: config.ContactsConfig) -> dict[str, list[formats.Record]]:
    """Returns the records of the tables that are named."""
    names = ["table"] if settings.table else ["train", "validation", "test"]
    found = {}
    for name in names:
        if not getattr(settings, name):
            raise ValueError(
                f"config.{name} is empty: name a file of known structures in "
                "config.table, or in config.train, validation and test"
            )
        found[name] = scored_files.read_truth(
            getattr(settings, name), settings.max_length
        )
    return found


COMMAND = command.Command(
    function=contacts,
    about=__doc__,
    kind=config.ContactsConfig,
    default="contacts",
    flags={"--force": {"action": "store_true", "help": "replace contacts.json"}},
)
