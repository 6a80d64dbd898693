"""The flags of decoding, which several commands have: from probabilities to pairs."""

import argparse

from ssrlm_jax import config


def add(parser: argparse.ArgumentParser, threshold: str) -> None:
    """Adds the flags to a command; `threshold` is the help of --threshold."""
    default = config.DecodingConfig()
    parser.add_argument("--method", choices=config.DECODERS, default=default.method)
    parser.add_argument("--threshold", type=float, metavar="X", help=threshold)
    parser.add_argument(
        "--max-pairs-per-base",
        type=int,
        default=default.max_pairs_per_base,
        metavar="N",
        help="2 and more: base triples, which only json and prob hold",
    )
    parser.add_argument(
        "--no-sharp-loops",
        action="store_true",
        help="no pairs of nucleotides less than 4 apart",
    )
    parser.add_argument(
        "--canonical-only", action="store_true", help="A-U, G-C and G-U pairs only"
    )


def settings(parsed: argparse.Namespace) -> config.DecodingConfig:
    """Returns what the flags say; a threshold that is not given is 0.

    Raises:
      ValueError: a number is out of its range.
    """
    if parsed.threshold is not None and not 0 < parsed.threshold < 1:
        raise ValueError(f"--threshold={parsed.threshold} does not lie within 0..1")
    if parsed.max_pairs_per_base < 1:
        raise ValueError(f"--max-pairs-per-base={parsed.max_pairs_per_base} is < 1")
    return config.DecodingConfig(
        method=parsed.method,
        threshold=parsed.threshold or 0.0,
        max_pairs_per_base=parsed.max_pairs_per_base,
        allow_sharp_loops=not parsed.no_sharp_loops,
        is_canonical_only=parsed.canonical_only,
    )
