"""`ssrlm embed`: what a model's layers make of one's own RNA, as an npz file."""

import argparse
import itertools
import pathlib

from ssrlm_jax.cli import fold, models, reports
from ssrlm_jax.infer import results

POOLS = ("mean", "cls", "none")
_AT_ONCE = 64  # records that are held


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm embed`."""
    fold.add_input(parser)
    models.add_argument(parser)
    models.add_dtype(parser)
    parser.add_argument(
        "-o", "--out", type=pathlib.Path, metavar="NPZ", required=True, help="new file"
    )
    parser.add_argument(
        "--layer",
        type=int,
        default=-1,
        metavar="N",
        help="0: before the first layer; N: after the Nth; -1: after the last norm "
        "(default)",
    )
    parser.add_argument(
        "--pool",
        choices=POOLS,
        default=POOLS[0],
        help="mean over nucleotides, <cls>, or none: an array for each record "
        "(default: mean)",
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier file")
    parser.set_defaults(run=_embed)


def _embed(parsed: argparse.Namespace) -> int:
    directory = models.chosen(parsed)
    if pathlib.Path(parsed.out).suffix in (".csv", ".tsv", ".txt", ".json"):
        raise ValueError(f"--out={parsed.out}: an npz file is written; call it so")
    file = results.Embeddings(parsed.out, is_replaced=parsed.force)
    records = fold.opened(parsed)
    from ssrlm_jax import model_dir  # Flax and JAX: seconds
    from ssrlm_jax.infer import loading

    num_layers = model_dir.describe(directory).architecture.num_layers
    if not -1 <= parsed.layer <= num_layers:
        raise ValueError(
            f"--layer={parsed.layer} is not one of -1..{num_layers} (0: before the "
            f"first layer, {num_layers}: after the last, -1: after the last norm)"
        )
    models.keep_compiled()
    predictor = loading.load(directory, dtype=parsed.dtype)
    with (
        reports.Report("embed", "embedded", is_output_shown=False) as report,
        file,  # whole before the report says so
    ):
        models.say_dtype(predictor, report)
        good = fold.usable(
            records, report, predictor.trained_length, predictor.max_length
        )
        while chunk := list(itertools.islice(good, _AT_ONCE)):
            sequences = [record.sequence for record in chunk]
            found = predictor.embed(sequences, parsed.layer, parsed.pool)
            for record, embedding in zip(chunk, found, strict=True):
                file.add(record.name, embedding)
            report.advance(len(chunk))
    return report.status
