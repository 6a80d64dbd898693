"""The flags of decoding, which several commands have: from probabilities to pairs."""

import argparse
import dataclasses
import pathlib

from ssrlm_jax import config
from ssrlm_jax.infer import decodings


def add(parser: argparse.ArgumentParser, threshold: str, rule: str = "greedy") -> None:
    """Adds the flags to a command.

    Args:
      parser: of the command.
      threshold: the help of --threshold.
      rule: what is done where no rule is asked for, for help.
    """
    parser.add_argument(
        "--method",
        choices=config.DECODERS,
        help=f"from probabilities to pairs (default: {rule})",
    )
    parser.add_argument("--threshold", type=float, metavar="X", help=threshold)
    parser.add_argument(
        "--max-pairs-per-base",
        type=int,
        metavar="N",
        help="1 (default); 2 and more: base triples, which only json and prob hold",
    )
    parser.add_argument(
        "--no-sharp-loops",
        action="store_true",
        help="no pairs of nucleotides less than 4 apart",
    )
    parser.add_argument(
        "--canonical-only", action="store_true", help="A-U, G-C and G-U pairs only"
    )


def settings(
    parsed: argparse.Namespace, model: pathlib.Path | None = None
) -> config.DecodingConfig:
    """Returns what the flags say; a threshold that is neither given nor known is 0.

    Args:
      parsed: has the flags.
      model: whose own rule is taken where the flags ask for none; None: the default.

    Raises:
      ValueError: a number is out of its range, or the model's rules are damaged.
    """
    if parsed.threshold is not None and not 0 < parsed.threshold < 1:
        raise ValueError(f"--threshold={parsed.threshold} does not lie within 0..1")
    most = parsed.max_pairs_per_base
    if most is not None and most < 1:
        raise ValueError(f"--max-pairs-per-base={most} is < 1")
    is_asked = parsed.method or parsed.no_sharp_loops or parsed.canonical_only or most
    if model is not None and not is_asked:
        rule = decodings.load(model).own
        return dataclasses.replace(rule, threshold=parsed.threshold or rule.threshold)
    default = config.DecodingConfig()
    return config.DecodingConfig(
        method=parsed.method or default.method,
        threshold=parsed.threshold or 0.0,
        max_pairs_per_base=most or default.max_pairs_per_base,
        allow_sharp_loops=not parsed.no_sharp_loops,
        is_canonical_only=parsed.canonical_only,
    )
