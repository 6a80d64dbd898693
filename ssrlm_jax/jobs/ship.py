r"""Puts a trained model into the package, with its card, as float16.

  ssrlm ship --model=runs/long/model --name=energies --card=card.json

CARD holds what a person should know and the weights do not say: licence, citation,
data, left_out, cost, command. Thresholds of `ssrlm thresholds` go along, known
structures of relatives, the curve of reactivities (`benchmarks/evidence.py --fit`), and
what `ssrlm fit_contacts` has fitted.
"""

import argparse
import dataclasses
import json
import pathlib

from ssrlm_jax import files, model_dir
from ssrlm_jax.external import relatives
from ssrlm_jax.infer import catalogue, decoding_rules, reactivity_curve
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import trained_sequences

_OF_CONTACTS = ("weights", "intercept", "threshold", "min_separation", "mean", "spread")
CARD = ("licence", "citation", "data_until", "data", "left_out", "cost", "command")


def ship(parsed: argparse.Namespace) -> None:
    """Reads a model and its card, and writes both into the package."""
    from ssrlm_jax.infer import contact_predictor  # JAX: seconds

    card = json.loads(parsed.card.read_text())
    if sorted(card) != sorted(CARD):
        raise ValueError(f"{parsed.card}: {', '.join(CARD)} are expected")
    description, params = model_dir.load(parsed.model)
    made = json.loads(json.dumps(description.made)) | card
    settings = made["config"]
    for group, name in (
        *((settings["data"], n) for n in ("train", "validation", "leave_out")),
        *((settings, n) for n in ("model", "energies", "relatives")),
    ):
        group[name] = _names(group[name])
    description = dataclasses.replace(description, made=made)
    out = catalogue.SHIPPED / parsed.name
    beside = (
        *(relatives.FILE, reactivity_curve.FILE),
        trained_sequences.FILE,
    )
    others = [parsed.model / name for name in beside]
    model_dir.save(
        out,
        description,
        params,
        is_replaced=True,
        dtype="float16",
        others=[path for path in others if path.exists()],
    )
    _write_rules(parsed.model / decoding_rules.FILE, out / decoding_rules.FILE)
    fitted = parsed.model / contact_predictor.FILE
    if fitted.exists():
        found = json.loads(fitted.read_text())
        told = {name: value for name, value in found.items() if name in _OF_CONTACTS}
        files.write_text(
            out / contact_predictor.FILE, json.dumps(told, indent=1) + "\n"
        )
    size = sum(path.stat().st_size for path in catalogue.SHIPPED.rglob("*"))
    print(f"wrote {out}; all shipped models: {size / 1e6:.1f} MB")


def _names(paths: str) -> str:
    """Returns the names of files: they tell more than where they lay."""
    return ",".join(pathlib.Path(one).name for one in paths.split(","))


def _write_rules(rules: pathlib.Path, out: pathlib.Path) -> None:
    """Writes how the model's probabilities are decoded, if that was chosen."""
    if not rules.exists():
        return
    facts = json.loads(rules.read_text())
    for name in ("model", "validation"):
        facts["config"][name] = _names(facts["config"][name])
    files.write_text(out, json.dumps(facts, indent=1) + "\n")


COMMAND = command.Command(
    function=ship,
    about=__doc__,
    flags={
        "--model": {"required": True, "type": pathlib.Path},
        "--card": {"required": True, "type": pathlib.Path},
        "--name": {"required": True},
    },
)
