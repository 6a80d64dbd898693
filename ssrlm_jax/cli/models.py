"""Which model a command uses, and in which precision; `ssrlm models` lists them."""

import argparse
import json
import os
import pathlib
from typing import TYPE_CHECKING

from ssrlm_jax import files, model_dir
from ssrlm_jax.cli import reports
from ssrlm_jax.infer import catalogue, decoding_rules, precision

if TYPE_CHECKING:
    from ssrlm_jax.infer import predictors

CACHE = "SSRLM_CACHE"  # names the folder of what is kept between processes
_COLUMNS = ("name", "parameters", "size", "predicts", "validation", "licence", "where")
_SCORES = ("f1", "lddt", "loss")  # of validation; the first one that a model has


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm models`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.set_defaults(run=_models)


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Adds -m to a command."""
    parser.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        help=f"directory, or a name of `ssrlm models` (default: the environment "
        f"variable {catalogue.MODEL}, else {catalogue.DEFAULT})",
    )


def add_dtype(parser: argparse.ArgumentParser) -> None:
    """Adds --dtype to a command that runs an encoder and a head."""
    parser.add_argument(
        "--dtype",
        choices=precision.ACCEPTED,
        default=precision.AUTO,
        help="of products; bfloat16 takes half the memory for weights, is faster on "
        "GPUs and on CPUs with AMX; results are rounded. auto: bfloat16 for encoders "
        f"of width {precision.LEAST_WIDTH} and more on CPUs with AMX, else float32 "
        "(default: auto)",
    )


def say_dtype(predictor: "predictors.Predictor", report: reports.Report) -> None:
    """Says in which numbers a model computes, where it was not asked to."""
    if predictor.precision.note:
        report.say(f"note: {predictor.precision.note}")


def chosen(parsed: argparse.Namespace) -> pathlib.Path:
    """Returns the model directory that is named by -m, the environment or nothing.

    Raises:
      ValueError: there is no such model.
    """
    return catalogue.find(parsed.model)


def keep_compiled() -> None:
    """Keeps programs that JAX compiles, for the next process; call it before the first.

    Below SSRLM_CACHE, else ~/.cache/ssrlm-jax; a cache that JAX was told of stays.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is None:
        try:
            folder = files.expanded(os.environ.get(CACHE) or "~/.cache/ssrlm-jax")
            path = folder / "compiled"
            path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError):  # there may be no home
            return  # compiled anew each time
        jax.config.update("jax_compilation_cache_dir", str(path))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _models(parsed: argparse.Namespace) -> None:
    facts = [_facts(entry) for entry in catalogue.entries()]
    if parsed.json:
        reports.write(json.dumps(facts, indent=1) + "\n")
        return
    rows = [_COLUMNS, *(tuple(str(one[name]) for name in _COLUMNS) for one in facts)]
    reports.write(reports.table(rows, num_left=len(_COLUMNS)))
    reports.write(f"default: {catalogue.find().name}\n")


def _facts(entry: catalogue.Entry) -> dict[str, str]:
    """Returns what a person wants to know of a model before taking it.

    Of a damaged one, what is wrong with it.
    """
    where = "the package" if entry.is_shipped else str(entry.directory)
    try:
        return {"name": entry.name} | _known(entry) | {"where": where}
    except (ValueError, OSError) as error:
        nothing = dict.fromkeys(_COLUMNS, "-")
        return nothing | {"name": entry.name, "where": f"damaged: {error}"}


def _known(entry: catalogue.Entry) -> dict[str, str]:
    description = catalogue.description(entry)
    size = (entry.directory / model_dir.WEIGHTS_FILE).stat().st_size
    predicts = {
        "pairs": description.head is not None,
        "atoms": description.folding is not None,
    }
    return {
        "parameters": f"{sum(model_dir.num_parameters(entry.directory).values()):,}",
        "size": f"{size / 1e6:.1f} MB",
        "predicts": " ".join(n for n, is_so in predicts.items() if is_so) or "letters",
        "validation": _validation(entry, description),
        "licence": description.made.get("licence", "not said"),
    }


def _validation(entry: catalogue.Entry, description: model_dir.Description) -> str:
    """Returns the score on validation RNA, by the model's own rule, and of which."""
    scores = dict(description.scores)
    file = description.made.get("config", {}).get("data", {}).get("validation", "")
    rules = decoding_rules.load(entry.directory)
    if rules.f1 is not None:
        scores["f1"], file = rules.f1, rules.validation
    found = next((f"{n} {scores[n]:.3f}" for n in _SCORES if n in scores), "")
    of = pathlib.Path(str(file)).name.partition(".")[0]
    return " on ".join(filter(None, (found, of))) or "-"
