r"""Chooses thresholds of a fine-tuned model for every rule of decoding.

  ssrlm thresholds --config.model=runs/bprna/model \
      --config.validation=bprna_VL0.tsv.gz

Each rule is tried with and without sharp loops, with and without pairs other than
canonical ones, with one partner for a nucleotide. The thresholds with the best mean F1
of exact pairs go to decodings.json in the model directory, where `ssrlm fold` and
`ssrlm evaluate` find that of the rule they are asked for; the best rule becomes the
model's own. Also said and kept: how far probabilities are from the share of pairs that
are true (expected calibration error), and how the F1 that they promise goes with the F1
that is reached. Never choose on a test set.
"""

import argparse
import dataclasses
import pathlib

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.infer import decoding_rules, scored_files
from ssrlm_jax.jobs import command
from ssrlm_jax.metrics import calibration, threshold_choice


def choose(settings: config.DecodingsConfig, flags: argparse.Namespace) -> None:
    """Folds the validation RNA once, tries each rule, and writes the result."""
    for name in ("model", "validation"):
        if not getattr(settings, name):
            raise ValueError(f"config.{name} is empty: see --help for a full command")
    records = scored_files.read_truth(settings.validation, settings.max_length)

    from ssrlm_jax.infer import loading  # JAX: seconds

    directory = pathlib.Path(settings.model)
    path = directory / decoding_rules.FILE
    if path.exists() and not flags.force:
        raise ValueError(f"{path} exists; --force replaces it")
    predictor = loading.load(directory)
    scored_files.check_lengths(records, predictor.max_fold_length)
    scored_files.check_strands(records, "a model")
    listed = predictor.pair_probabilities(record.sequence for record in records)
    known = [
        threshold_choice.Known(sequence, record.structure, found)
        for record, (sequence, found) in zip(records, listed, strict=True)
        if record.structure is not None  # read_truth sees to it
    ]
    chosen = []
    print("method    sharp  other  threshold  precision  recall     F1")
    for rule, choice in decoding_rules.choose(known, settings.methods.split(",")):
        chosen.append((rule, choice))
        print(
            f"{rule.method:9} {_word(rule.allow_sharp_loops)}  "
            f"{_word(not rule.is_canonical_only)}  {choice.threshold:9.2f}  "
            f"{choice.precision:9.3f}  {choice.recall:6.3f}  {choice.f1:5.3f}",
            flush=True,
        )
    best, _ = max(chosen, key=lambda one: one[1].f1)
    reliability = calibration.reliability(known)
    agreement = decoding_rules.agreement(known, best)
    about = {
        "config": dataclasses.asdict(settings),
        "rnas": len(known),
        "calibration": {
            name: _listed(value) for name, value in reliability._asdict().items()
        },
        "expected_f1": {name: _listed(value) for name, value in agreement.items()},
    }
    decoding_rules.save(directory, chosen, about)
    flags_of_best = decoding_rules.flags_of(best)
    print(
        f"sharp: loops below 3 nt; other: pairs other than A-U, G-C, G-U\nwrote {path}"
    )
    print(
        f"calibration: error {reliability.error:.3f}; mean F1 {agreement['f1']:.3f}, "
        f"expected {agreement['expected_f1']:.3f}, correlation over RNAs "
        f"{agreement['correlation']:.3f}"
    )
    print(f"best here: ssrlm fold my.fa -m {settings.model} {flags_of_best}")


def _listed(values: float | np.ndarray) -> object:
    """Returns numbers for JSON, which has no nan."""
    found = np.round(np.asarray(values, np.float64), 4)
    return np.where(np.isnan(found), np.array(None), found).tolist()


def _word(is_allowed: bool) -> str:
    return "  yes" if is_allowed else "   no"


COMMAND = command.Command(
    function=choose,
    about=__doc__,
    kind=config.DecodingsConfig,
    default="decoding",
    flags={"--force": {"action": "store_true", "help": "replace decodings.json"}},
)
