"""`ssrlm info` and `ssrlm export`: what a directory holds, a run's model.

Models, corpora and training runs are directories that say themselves what they are.
"""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from ssrlm_jax import config, model_dir
from ssrlm_jax.cli import reports
from ssrlm_jax.data import rows
from ssrlm_jax.external import relatives
from ssrlm_jax.infer import catalogue, decodings
from ssrlm_jax.rna import alphabet
from ssrlm_jax.train import workdir as workdirs


def add(commands: Any) -> None:
    """Adds `info` and `export` to the subparsers of `ssrlm`."""
    info = commands.add_parser(
        "info", help="say what a workdir, corpus or model directory holds"
    )
    info.add_argument(
        "directory", type=pathlib.Path, metavar="DIR", help="or a name of ssrlm models"
    )
    info.add_argument("--json", action="store_true", help="print JSON, for programs")
    info.set_defaults(run=_info)
    export = commands.add_parser(
        "export", help="write a checkpoint of a workdir as a model directory"
    )
    export.add_argument("workdir", type=pathlib.Path, metavar="WORKDIR")
    export.add_argument("out", type=pathlib.Path, metavar="OUT")
    export.add_argument(
        "--step", type=int, help="of the checkpoint (default: best kept, else newest)"
    )
    export.add_argument(
        "--dtype",
        choices=model_dir.DTYPES,
        default="float32",
        help="of the file; float16 takes half the room, and rounds (default: float32)",
    )
    export.set_defaults(run=_export)


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


def _export(parsed: argparse.Namespace) -> None:
    description = export_model(
        parsed.workdir, parsed.out, step=parsed.step, dtype=parsed.dtype
    )
    print(f"wrote {parsed.out} from step {description.made['step']}")


def export_model(
    workdir: pathlib.Path,
    out: pathlib.Path,
    *,
    step: int | None = None,
    is_replaced: bool = False,
    dtype: str = "float32",
) -> model_dir.Description:
    """Writes a checkpoint as a model directory; the running average where kept.

    A checkpoint with a head for pairs brings the threshold that was chosen with it.

    Args:
      workdir: of a training run.
      out: the model directory.
      step: of the checkpoint; None: the best, where the run kept one, or the newest.
      is_replaced: whether an earlier model at `out` gives way.
      dtype: of the file; see `model_dir.save`.

    Raises:
      ValueError: there is no such checkpoint, it is damaged, or `out` is taken.
    """
    from ssrlm_jax.train import checkpoint  # Orbax: seconds that `info` need not wait

    if not is_replaced:
        model_dir.check_free(out)
    params, meta = checkpoint.restore_parameters(workdir, step)
    if step is None and meta["best"]:
        params, meta = checkpoint.restore_parameters(workdir, meta["best"]["step"])
    architecture = meta["architecture"]
    scores = _scores(workdir, meta["batches"])
    head = folding = None
    if "head" in architecture:
        head = config.frozen(config.HeadConfig, architecture["head"])
    if "folding" in architecture:
        folding = config.frozen(config.FoldingConfig, architecture["folding"])
        encoder = pathlib.Path(meta["config"]["model"])
        params = params | {"encoder": model_dir.load_encoder(encoder)[1]}
    description = model_dir.Description(
        architecture=config.frozen(config.EncoderConfig, architecture["encoder"]),
        letters=alphabet.LETTERS,
        made={"step": meta["batches"]}
        | meta.get("origin", {})
        | {name: meta[name] for name in ("config", "versions")},
        scores=scores,
        threshold=scores.get("threshold") if head else None,
        head=head,
        folding=folding,
        trained_length=_trained_length(meta["config"]),
    )
    memory = workdir / relatives.FILE
    model_dir.save(
        out,
        description,
        params,
        is_replaced=is_replaced,
        dtype=dtype,
        others=[memory] if memory.exists() else [],
    )
    return description


def _trained_length(settings: Mapping[str, Any]) -> int:
    """Returns the nucleotides of the longest RNA that the settings of a run let in."""
    data = settings["data"]
    if "crop" in data:
        return min(data["crop"], data["max_length"])
    if "max_length" in data:
        return data["max_length"]
    return data["row_length"] - 2  # <cls> and <eos>


def finish_pretraining(workdir: pathlib.Path) -> None:
    """Exports the model of a finished run and says what was learned, and what next."""
    from ssrlm_jax.tasks import pretrain

    model = workdir / "model"
    description = export_model(workdir, model, is_replaced=True)
    step = description.made["step"]
    print(
        f"learned (step {step:,}, on held-out rows): "
        f"{pretrain.summary(description.scores)}\n"
        f"checkpoint: {workdir / workdirs.CHECKPOINTS / str(step)}\n"
        f"model: {model}\n"
        f"next: ssrlm info {model}\n"
        "      or train on your own RNA: python launch/prepare_corpus.py --help"
    )


def finish_finetuning(workdir: pathlib.Path) -> None:
    """Exports the best model of a finished run and says how good it is."""
    model = workdir / "model"
    description = export_model(workdir, model, is_replaced=True)
    scores = description.scores
    print(
        f"best on validation, at step {description.made['step']:,}: F1 "
        f"{scores['f1']:.3f} (precision {scores['precision']:.3f}, recall "
        f"{scores['recall']:.3f}; exact pairs, mean over RNAs) at a threshold of "
        f"{scores['threshold']:g}\n"
        f"model: {model}\n"
        f"next: ssrlm fold my.fa -m {model}"
    )


def finish_tertiary(workdir: pathlib.Path) -> None:
    """Exports the best model of a finished run and says how good it is."""
    model = workdir / "model"
    description = export_model(workdir, model, is_replaced=True)
    scores = description.scores
    print(
        f"best on validation, at step {description.made['step']:,}: lDDT "
        f"{scores['lddt']:.3f} (all atoms, pooled), {scores['lddt_c1']:.3f} (C1', mean "
        f"over nucleotides), RMSD {scores['rmsd']:.1f} angstrom; means over chains\n"
        f"model: {model}\n"
        f"next: ssrlm fold3d my.fa -m {model}"
    )


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


def _scores(workdir: pathlib.Path, step: int) -> dict[str, float]:
    """Returns the validation scores at `step`, if it was evaluated."""
    return {
        name.removeprefix("validation/"): value
        for line in workdirs.read_metrics(workdir)
        if line["step"] == step
        for name, value in line.items()
        if name.startswith("validation/")
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
