"""`ssrlm fold`: base pairs of one's own RNA.

Dot-bracket on standard output, or files in a directory; one order out as in.
"""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ssrlm_jax.cli import decodings, models, reports
from ssrlm_jax.infer import inputs, results
from ssrlm_jax.rna import formats, probabilities

if TYPE_CHECKING:
    from ssrlm_jax.infer import prediction
    from ssrlm_jax.infer import predictor as predictors

_MOST_RELATIVES = 3  # that are told of
_Write = Callable[
    [formats.Record, probabilities.PairProbabilities, Mapping[str, Any]], None
]


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm fold`."""
    add_input(parser)
    models.add_argument(parser)
    models.add_dtype(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="directory of results (default: dot-bracket on standard output)",
    )
    parser.add_argument(
        "--format",
        default="dbn",
        help=f"one or more of {','.join(results.FORMATS)} (default: dbn)",
    )
    parser.add_argument("--plot", action="store_true", help="draw pictures, too")
    for name, description in decodings.flags(
        "least probability of a pair (default: the one chosen for these flags by "
        "`ssrlm thresholds`, else the model's own)",
        "the model's own rule, else greedy",
    ).items():
        parser.add_argument(name, **description)
    parser.add_argument("--force", action="store_true", help="replace earlier results")
    parser.set_defaults(run=_fold)


def add_input(parser: argparse.ArgumentParser) -> None:
    """Adds where RNA comes from, and how long it may be, to a command."""
    parser.add_argument(
        "source",
        nargs="?",
        metavar="FASTA",
        help="file (plain or gz), '-' for standard input, or a sequence",
    )
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="report longer records, unfolded"
    )


def opened(parsed: argparse.Namespace) -> Iterator[formats.Record | inputs.Problem]:
    """Returns the records of the input, of which the first is read.

    Raises:
      ValueError: a bad --max-length; as `inputs.records`.
    """
    if parsed.max_length is not None and parsed.max_length < 1:
        raise ValueError(f"--max-length={parsed.max_length} is < 1")
    records = inputs.records(parsed.source, parsed.max_length)
    return itertools.chain([next(records)], records)


def usable(
    records: Iterable[formats.Record | inputs.Problem],
    report: reports.Report,
    trained_length: int | None,
    max_length: int | None = None,
) -> Iterator[formats.Record]:
    """Yields the records that can be used and reports the others.

    Where the input cannot be read on, that is a problem and the end.

    Args:
      records: of an input.
      report: gets problems, and a warning for each record that is too long.
      trained_length: of the model's training, in nucleotides; None: unknown.
      max_length: of what the model can compute; None: any.
    """
    try:
        for record in records:
            if isinstance(record, inputs.Problem):
                report.problem(str(record))
                continue
            length = len(record.sequence)
            if max_length is not None and length > max_length:
                report.problem(
                    f"{record.place}: {record.name}: {length:,} nucleotides, the model "
                    f"takes up to {max_length:,}"
                )
                continue
            if trained_length is not None and length > trained_length:
                report.say(
                    f"warning: {record.place}: {record.name} has {length:,} "
                    f"nucleotides; the model was trained on up to {trained_length:,}"
                )
            yield record
    except ValueError as error:
        report.problem(str(error))


def _fold(parsed: argparse.Namespace) -> int:
    names = results.named_formats(parsed.format)
    directory = models.chosen(parsed)
    decoding = decodings.settings(parsed, directory)
    with contextlib.ExitStack() as stack:
        write, folder = _writer(parsed, names)
        records = opened(parsed)
        from ssrlm_jax.infer import predictor as predictors  # JAX: seconds

        models.keep_compiled()
        predictor = predictors.load(directory, decoding, dtype=parsed.dtype)
        about = {
            "model": directory.resolve().name,
            "threshold": decoding.threshold or predictor.threshold,
        }
        report = stack.enter_context(
            reports.Report("fold", "folded", is_output_shown=parsed.out is None)
        )
        stack.enter_context(folder)  # whole before the report says so
        for note in filter(None, (predictor.threshold_note, predictor.energy_note)):
            report.say(f"warning: {note}")
        good = usable(
            records, report, predictor.trained_length, predictor.max_fold_length
        )
        for record, predicted in _folded(predictor, good, report):
            told = about | {"expected_f1": round(predicted.expected_f1, 4)}
            told |= _described(predictor.relatives(record.sequence))
            try:
                write(record, predicted.probabilities, told)
            except ValueError as error:
                report.problem(f"{record.place}: {record.name}: {error}")
            else:
                report.advance()
    return report.status


def _writer(
    parsed: argparse.Namespace, names: tuple[str, ...]
) -> tuple[_Write, contextlib.AbstractContextManager[Any]]:
    """Returns what writes a result, into files or on standard output, in a context."""
    if parsed.out is not None:
        folder = results.Structures(
            parsed.out, names, with_plots=parsed.plot, is_replaced=parsed.force
        )
        return folder.add, folder
    if parsed.plot:
        raise ValueError("--plot needs a directory: give -o DIR")
    if len(names) > 1 or names[0] not in results.ON_STREAM:
        raise ValueError(
            f"--format {','.join(names)} needs a directory: give -o DIR; standard "
            f"output takes one of {', '.join(results.ON_STREAM)}"
        )
    shown = _print_json if names[0] == "json" else _print_dot_bracket
    return shown, contextlib.nullcontext()


def _described(relatives: "Sequence[predictors.Relative]") -> dict[str, Any]:
    """Returns what is told of relatives; nothing where there are none."""
    shown = [
        one._asdict()
        | {name: round(getattr(one, name), 3) for name in one._fields if name != "name"}
        for one in relatives[:_MOST_RELATIVES]
    ]
    return {"relatives": shown} if shown else {}


def _print_dot_bracket(
    record: formats.Record,
    listed: probabilities.PairProbabilities,
    about: Mapping[str, Any],
) -> None:
    reports.write(results.as_dot_bracket(record, listed, about))


def _print_json(
    record: formats.Record,
    listed: probabilities.PairProbabilities,
    about: Mapping[str, Any],
) -> None:
    reports.write(results.as_json(record, listed, about))


def _folded(
    predictor: "predictors.Predictor",
    records: Iterable[formats.Record],
    report: reports.Report,
) -> "Iterator[tuple[formats.Record, prediction.Prediction]]":
    """Yields records with their structure, and their predictions.

    Where memory is full, the longest record that waits is reported, the rest goes on.
    """
    unread, waiting = iter(records), collections.deque[formats.Record]()

    def sequences() -> Iterator[str]:
        for record in unread:
            waiting.append(record)
            yield record.sequence

    while True:
        try:
            for predicted in predictor.predict(sequences()):
                structure = predicted.structure
                record = dataclasses.replace(waiting.popleft(), structure=structure)
                yield record, predicted
        except (MemoryError, RuntimeError) as error:
            if not reports.is_full(error) or not waiting:
                raise
            longest = max(waiting, key=lambda record: len(record.sequence))
            report.problem(
                f"{longest.place}: {longest.name}: {len(longest.sequence):,} "
                "nucleotides need more memory than there is"
            )
            again = [record for record in waiting if record is not longest]
            waiting.clear()
            unread = itertools.chain(again, unread)
        else:
            return
