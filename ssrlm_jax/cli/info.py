"""`ssrlm info`: what a directory holds.

Models, corpora and training runs are directories that say themselves what they are.
"""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ssrlm_jax import model_dir
from ssrlm_jax.cli import reports
from ssrlm_jax.data import rows
from ssrlm_jax.infer import catalogue, decodings
from ssrlm_jax.train import workdir as workdirs


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm info`."""
    parser.add_argument(
        "directory", type=pathlib.Path, metavar="DIR", help="or a name of ssrlm models"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=_info)


def _info(parsed: argparse.Namespace) -> None:
    directory = parsed.directory
    if not directory.exists():
        names = [entry.name for entry in catalogue.entries()]
        directory = catalogue.find(directory) if str(directory) in names else directory
    facts = describe(directory)
    if parsed.json:
        print(json.dumps(facts, indent=1))
        return
    rows = [(name, _readable(value)) for name, value in facts.items()]
    reports.write(reports.table(rows, num_left=2))


def describe(directory: pathlib.Path) -> dict[str, Any]:
    """Returns what a workdir, corpus or model directory holds, for reading.

    Raises:
      ValueError: it is none of the three, or damaged.
    """
    if (directory / model_dir.DESCRIPTION_FILE).is_file():
        return _describe_model(directory)
    if (directory / rows.MANIFEST).is_file():
        return _describe_corpus(directory)
    if (directory / workdirs.META).is_file():
        return _describe_workdir(directory)
    if not directory.is_dir():
        raise ValueError(f"{directory} is no directory; name a model, corpus or run")
    raise ValueError(
        f"{directory} holds neither a model ({model_dir.DESCRIPTION_FILE}), a corpus "
        f"({rows.MANIFEST}) nor a training run ({workdirs.META})"
    )


def _describe_model(directory: pathlib.Path) -> dict[str, Any]:
    description = model_dir.describe(directory)
    counted = model_dir.num_parameters(directory)
    parts = {f"of the {name}": number for name, number in counted.items()}
    return {
        "holds": "a model",
        "parameters": sum(counted.values()),
        **(parts if description.has_parts else {}),
        "architecture": dataclasses.asdict(description.architecture),
        "letters": " ".join(description.letters),
        "head": dataclasses.asdict(description.head) if description.head else None,
        "folding": dataclasses.asdict(description.folding)
        if description.folding
        else None,
        "threshold": description.threshold,
        "thresholds of rules": {
            decodings.flags_of(rule): threshold
            for rule, threshold in decodings.load(directory).thresholds.items()
        },
        "scores": dict(description.scores),
        "made": dict(description.made),
    }


def _describe_corpus(directory: pathlib.Path) -> dict[str, Any]:
    manifest = rows.open_corpus(directory)
    facts: dict[str, Any] = {
        "holds": "a corpus",
        "tokens of a row": manifest.row_length,
        "most records of a row": manifest.max_segments,
    }
    for split in rows.SPLITS:
        for source in rows.SOURCES:
            if manifest.select(split, source):
                facts[f"{split}, {source}"] = {
                    **manifest.totals(split, source),
                    "fill": round(manifest.fill(split, source), 4),
                }
    for stage in manifest.stages:
        facts[f"stage {stage.name}"] = {
            "in": stage.num_in,
            "out": stage.num_out,
            **{f"dropped: {why}": count for why, count in stage.dropped.items()},
            **{f"changed: {what}": count for what, count in stage.changed.items()},
        }
    facts["how"] = dict(manifest.how)
    return facts


def _describe_workdir(directory: pathlib.Path) -> dict[str, Any]:
    meta = workdirs.read_meta(directory)
    metrics = workdirs.read_metrics(directory)
    newest = {name: value for line in metrics for name, value in line.items()}
    return {
        "holds": "a training run",
        "checkpoints": workdirs.steps(directory),
        "steps wanted": meta["config"]["loop"]["num_steps"],
        "newest metrics": newest,
        "architecture": meta["architecture"]["encoder"],
        "config": meta["config"],
    }


def _readable(value: Any) -> str:
    """Returns a value for people: groups as `name value` pairs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_readable(v)}" for k, v in value.items()) or "-"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_readable, value)) or "none"
    return str(value)
