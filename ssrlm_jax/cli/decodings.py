"""The flags of decoding, which several commands have: from probabilities to pairs."""

import argparse
import dataclasses
import pathlib
from typing import Any

from ssrlm_jax import config


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
        raise ValueError(f"--threshold={parsed.threshold} does not lie within 0..1")
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
    from ssrlm_jax.infer import decodings

    given = asked(parsed)
    if given.keys() <= {"threshold"}:
        return dataclasses.replace(decodings.load(model).own, **given)
    return config.DecodingConfig(**given)
