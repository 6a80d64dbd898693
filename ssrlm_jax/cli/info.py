"""`ssrlm info`: what a directory holds, on one screen; --all: with every setting.

Models, corpora and training runs are directories that say themselves what they are.
"""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Mapping

from ssrlm_jax import model_dir, types
from ssrlm_jax.cli import reports
from ssrlm_jax.data import rows
from ssrlm_jax.infer import catalogue, decoding_rules
from ssrlm_jax.train import workdirs

_MODEL, _CORPUS, _RUN = "a model", "a corpus", "a training run"


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm info`."""
    parser.add_argument(
        "directory", type=pathlib.Path, metavar="DIR", help="or a name of ssrlm models"
    )
    parser.add_argument("--all", action="store_true", help="with every setting")
    parser.add_argument("--json", action="store_true", help="all as JSON, for programs")
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
    if not parsed.all:
        facts = _SUMMARIES[facts["holds"]](directory, str(parsed.directory), facts)
    rows = [(name, _readable(value)) for name, value in facts.items()]
    reports.write(reports.table(rows, num_left=2))


def describe(directory: pathlib.Path) -> types.Json:
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


def _describe_model(directory: pathlib.Path) -> types.Json:
    description = model_dir.describe(directory)
    counted = model_dir.num_parameters(directory)
    parts = {f"of the {name}": number for name, number in counted.items()}
    return {
        "holds": _MODEL,
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
            decoding_rules.flags_of(rule): threshold
            for rule, threshold in decoding_rules.load(directory).thresholds.items()
        },
        "scores": dict(description.scores),
        "made": dict(description.made),
    }


def _describe_corpus(directory: pathlib.Path) -> types.Json:
    manifest = rows.open_corpus(directory)
    facts: types.Json = {
        "holds": _CORPUS,
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


def _describe_workdir(directory: pathlib.Path) -> types.Json:
    meta = workdirs.read_meta(directory)
    metrics = workdirs.read_metrics(directory)
    newest = {name: value for line in metrics for name, value in line.items()}
    return {
        "holds": _RUN,
        "checkpoints": workdirs.steps(directory),
        "steps wanted": meta["config"]["loop"]["num_steps"],
        "newest metrics": newest,
        "architecture": meta["architecture"]["encoder"],
        "config": meta["config"],
    }


def _sum_up_model(directory: pathlib.Path, name: str, facts: types.Json) -> types.Json:
    """Returns what one wants to know of a model; "" is left out."""
    description = model_dir.describe(directory)
    sizes, head, made = description.architecture, description.head, description.made
    others = len(facts["thresholds of rules"])
    told = {
        "holds": _MODEL,
        "predicts": _predicts(description),
        "parameters": facts["parameters"],
        "encoder": f"{sizes.num_layers} layers of width {sizes.width}, "
        f"{sizes.num_heads} heads",
        "head": f"{head.kind}, {head.num_blocks} blocks" if head else "",
        "letters": facts["letters"],
        "trained": _trained(description),
        "trained on": made.get("data") or _files(made.get("config", {})),
        "left out": made.get("left_out", ""),
        "data until": made.get("data_until", ""),
        "longest in training": f"{description.trained_length:,} nt"
        if description.trained_length
        else "",
        "scores": {n: v for n, v in description.scores.items() if n != "threshold"},
        "threshold": description.threshold or "",
        "other rules": f"thresholds of {others} rules of decoding" if others else "",
        "known structures": _known_structures(directory),
        "licence": made.get("licence", ""),
        "citation": made.get("citation", ""),
        "next": _next(description, name),
        "all settings": f"ssrlm info {name} --all",
    }
    return {what: value for what, value in told.items() if value not in ("", {})}


def _predicts(description: model_dir.Description) -> str:
    if description.folding is not None:
        return "atoms"
    if description.head is None:
        return "letters that are hidden"
    energies = ", ".join(description.head.energies)
    return "base pairs" + (f", from the letters and {energies}" if energies else "")


def _trained(description: model_dir.Description) -> str:
    """Returns for how long, when and with which version, as far as it is known."""
    made = description.made
    step, version = made.get("step"), made.get("versions", {}).get("ssrlm-jax")
    parts = (
        f"to step {step:,}" if step else "",
        made.get("date", ""),
        f"by ssrlm-jax {version}" if version else "",
    )
    return ", ".join(filter(None, parts))


def _files(settings: types.Json) -> str:
    """Returns what the settings of a run name as its data."""
    data = settings.get("data", {})
    if data.get("is_generated"):
        return "generated families"
    names = ("corpus", "train", "table", "structures")
    return ", ".join(data[name] for name in names if data.get(name))


def _known_structures(directory: pathlib.Path) -> str:
    """Returns how many known structures come with a model, whose head reads them."""
    from ssrlm_jax.external import relatives  # few models have them

    path = directory / relatives.FILE
    return f"{len(relatives.read(path).names):,} RNAs" if path.is_file() else ""


def _next(description: model_dir.Description, name: str) -> str:
    if description.folding is not None:
        return f"ssrlm fold3d my.fa -m {name}"
    if description.head is not None:
        return f"ssrlm fold my.fa -m {name}"
    return f"ssrlm embed my.fa -m {name}; ssrlm finetune --config.model={name} ..."


def _sum_up_corpus(directory: pathlib.Path, name: str, facts: types.Json) -> types.Json:
    del directory
    length = facts["tokens of a row"]
    rest = {
        "next": f"ssrlm pretrain --config=8m --config.data.corpus={name} "
        f"--config.data.row_length={length}",
        "how it was made": f"ssrlm info {name} --all",
    }
    return {what: value for what, value in facts.items() if what != "how"} | rest


def _sum_up_run(directory: pathlib.Path, name: str, facts: types.Json) -> types.Json:
    steps, model = facts["checkpoints"], directory / "model"
    rest: types.Json = {"trained on": _files(facts["config"])}
    if (model / model_dir.DESCRIPTION_FILE).is_file():
        rest["next"] = f"ssrlm info {model}"
    elif steps:
        rest["next"] = f"ssrlm export {name} MODEL, or the command that began it"
    rest["all settings"] = f"ssrlm info {name} --all"
    return {what: value for what, value in facts.items() if what != "config"} | rest


_SUMMARIES = {_MODEL: _sum_up_model, _CORPUS: _sum_up_corpus, _RUN: _sum_up_run}


def _readable(value: object) -> str:
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
