"""Rules of decoding: which a command is asked for, and what each has for a threshold.

`rna.decode` decodes, `config.DecodingConfig` has the settings. Fine-tuning chooses one
threshold, for the greedy rule without restrictions. Another rule needs another one:
`ssrlm thresholds` chooses them, on validation RNA, and keeps them in the model
directory, where `infer.loading.load` reads them.
"""

import argparse
import dataclasses
import itertools
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssrlm_jax import config, files
from ssrlm_jax.infer import pair_confidence
from ssrlm_jax.rna import decode

if TYPE_CHECKING:
    from ssrlm_jax.metrics import threshold_choice

FILE = "decodings.json"  # inside the model directory


class Rules(NamedTuple):
    """How a model's probabilities are decoded.

    Attributes:
      thresholds: by `DecodingConfig.rule`.
      own: what is done where no rule is asked for.
      line: intercept and slope from the F1 that probabilities promise to the F1 that
        was reached on validation RNA.
      f1: of `own` on validation RNA; None: it is not known.
      validation: file of that RNA; "": it is not known.
    """

    thresholds: Mapping[config.DecodingConfig, float]
    own: config.DecodingConfig
    line: tuple[float, float] = (0.0, 1.0)
    f1: float | None = None
    validation: str = ""


NO_RULES = Rules({}, config.DecodingConfig())


def choose(
    known: "Sequence[threshold_choice.Known]", methods: Sequence[str]
) -> "Iterator[tuple[config.DecodingConfig, threshold_choice.Choice]]":
    """Yields rules with their threshold, and their scores on validation RNA.

    Args:
      known: RNAs that did not train.
      methods: of `rna.decode.METHODS`; each with one partner for a nucleotide, with
        and without sharp loops, and pairs other than canonical ones.

    Raises:
      ValueError: there are no RNAs.
    """
    from ssrlm_jax.metrics import threshold_choice  # folding needs none

    for method in methods:
        for allow_sharp_loops, is_canonical_only in itertools.product(
            (True, False), (False, True)
        ):
            flags = {
                "allow_sharp_loops": allow_sharp_loops,
                "is_canonical_only": is_canonical_only,
            }
            choice = threshold_choice.choose_for(known, method=method, **flags)
            rule = config.DecodingConfig(
                method=method, threshold=choice.threshold, **flags
            )
            yield rule, choice


def agreement(
    known: "Sequence[threshold_choice.Known]", rule: config.DecodingConfig
) -> dict[str, float]:
    """Returns how the F1 that probabilities promise goes with the F1 that is reached.

    Args:
      known: RNAs that did not train.
      rule: of decoding, with its threshold.

    Returns:
      Means over RNAs of `f1` and `expected_f1`, their `correlation` (Pearson), and
      `intercept` and `slope` of the line from the second to the first.
    """
    from ssrlm_jax.metrics import pair_scores, statistics

    counts, expected = [], []
    for sequence, structure, listed in known:
        found = decode.decode(listed, sequence, **dataclasses.asdict(rule))
        counts.append(pair_scores.count(found, structure))
        expected.append(pair_confidence.expected_f1(found, listed))
    f1_N, expected_N = pair_scores.f1(np.array(counts)), np.array(expected)
    sums = statistics.moments(f1_N, expected_N)
    shared, own = np.cov(f1_N, expected_N, bias=True)[:, 1]
    slope = shared / own if own else 1.0  # least squares
    return {
        "f1": float(f1_N.mean()),
        "expected_f1": float(expected_N.mean()),
        "correlation": float(statistics.pearson_of_sums(sums[None])[0]),
        "intercept": float(f1_N.mean() - slope * expected_N.mean()),
        "slope": float(slope),
    }


def save(
    directory: pathlib.Path,
    chosen: "Sequence[tuple[config.DecodingConfig, threshold_choice.Choice]]",
    about: Mapping[str, object],
) -> pathlib.Path:
    """Writes what was chosen, and how, into a model directory; returns the file.

    The rule with the best F1 becomes what the model decodes by where none is asked for.
    """
    rows = [dataclasses.asdict(rule) | choice._asdict() for rule, choice in chosen]
    best = max(range(len(rows)), key=lambda number: rows[number]["f1"])
    path = directory / FILE
    facts = {**about, "best": best, "decodings": rows}
    files.write_text(path, json.dumps(facts, indent=1) + "\n")
    return path


def load(directory: pathlib.Path) -> Rules:
    """Returns the rules of a model; none where it has no such file.

    Raises:
      ValueError: the file is damaged.
    """
    path = directory / FILE
    if not path.is_file():
        return NO_RULES
    try:
        facts = json.loads(path.read_text())
        names = [field.name for field in dataclasses.fields(config.DecodingConfig)]
        found = [
            config.DecodingConfig(**{name: row[name] for name in names})
            for row in facts["decodings"]
        ]
        own = found[facts["best"]] if "best" in facts else config.DecodingConfig()
        fitted = {"intercept": 0.0, "slope": 1.0} | facts.get("expected_f1", {})
        line = float(fitted["intercept"]), float(fitted["slope"])
        f1 = float(facts["decodings"][facts["best"]]["f1"]) if "best" in facts else None
        validation = str(facts.get("config", {}).get("validation", ""))
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: not thresholds of decoding: {error}; remove it, or make it anew: "
            "`ssrlm thresholds --force`"
        ) from error
    return Rules({one.rule: one.threshold for one in found}, own, line, f1, validation)


def without_choice(
    asked: config.DecodingConfig, own: config.DecodingConfig, threshold: float
) -> str:
    """Says that a threshold was chosen for another rule than is asked for.

    Args:
      asked: settings without a threshold, of a rule for which none was chosen.
      own: of the rule that the model's threshold goes with.
      threshold: the model's.
    """
    advice = "`ssrlm thresholds` chooses one"
    if asked.max_pairs_per_base > 1:
        advice = "give one; `ssrlm thresholds` chooses for one partner each"
    return (
        f"no threshold was chosen for {flags_of(asked.rule)}; {threshold:g} is that of "
        f"{flags_of(own)}: {advice}"
    )


def flags_of(rule: config.DecodingConfig) -> str:
    """Returns what `ssrlm fold` is told for a rule; its threshold is left out."""
    flags = {
        f"--method {rule.method}": True,
        f"--max-pairs-per-base {rule.max_pairs_per_base}": rule.max_pairs_per_base > 1,
        "--no-sharp-loops": not rule.allow_sharp_loops,
        "--canonical-only": rule.is_canonical_only,
    }
    return " ".join(flag for flag, is_set in flags.items() if is_set)


def flags(threshold: str, rule: str = "greedy") -> dict[str, dict[str, Any]]:
    """Returns the flags by name, as `argparse` describes them.

    Args:
      threshold: the help of --threshold.
      rule: what is done where no rule is asked for, for help.
    """
    return {
        "--method": {
            "choices": config.DECODERS,
            "help": f"from probabilities to pairs (default: {rule})",
        },
        "--threshold": {"type": float, "metavar": "X", "help": threshold},
        "--max-pairs-per-base": {
            "type": int,
            "metavar": "N",
            "help": "1 (default); 2 and more: base triples, which only json and prob "
            "hold",
        },
        "--no-sharp-loops": {
            "action": "store_true",
            "help": "no pairs of nucleotides less than 4 apart",
        },
        "--canonical-only": {
            "action": "store_true",
            "help": "A-U, G-C and G-U pairs only",
        },
    }


def asked(parsed: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings of `config.DecodingConfig` that the flags ask for.

    Raises:
      ValueError: a number is out of its range.
    """
    if parsed.threshold is not None and not 0 < parsed.threshold < 1:
        raise ValueError(f"--threshold={parsed.threshold} is not above 0 and below 1")
    most = parsed.max_pairs_per_base
    if most is not None and most < 1:
        raise ValueError(f"--max-pairs-per-base={most} is < 1")
    given = {
        "method": parsed.method,
        "threshold": parsed.threshold,
        "max_pairs_per_base": most,
        "allow_sharp_loops": False if parsed.no_sharp_loops else None,
        "is_canonical_only": True if parsed.canonical_only else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def settings(parsed: argparse.Namespace, model: pathlib.Path) -> config.DecodingConfig:
    """Returns what the flags say; where they ask for no rule, the model's own.

    A threshold that is neither given nor known is 0.

    Raises:
      ValueError: a number is out of its range, or the model's rules are damaged.
    """
    given = asked(parsed)
    if given.keys() <= {"threshold"}:
        return dataclasses.replace(load(model).own, **given)
    return config.DecodingConfig(**given)
