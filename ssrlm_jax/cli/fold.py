"""`ssrlm fold`: base pairs of one's own RNA.

Dot-bracket on standard output, or files in a directory; one order out as in.
"""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ssrlm_jax import config
from ssrlm_jax.cli import aligned, alternatives, evidence_files, models, reports
from ssrlm_jax.external import programs
from ssrlm_jax.infer import decoding_rules, inputs, results
from ssrlm_jax.rna import alphabet, formats, probabilities, strands

if TYPE_CHECKING:
    from ssrlm_jax.infer import prediction, predictors

_MOST_RELATIVES = 3  # that are told of
_Folded = Iterator[
    tuple[formats.Record, "prediction.Prediction", dict[str, object]]
]  # a record with its structure, all that was predicted, and what is told beside it
_Write = Callable[
    [formats.Record, probabilities.PairProbabilities, results.About], None
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
    parser.add_argument(
        "--report",
        action="store_true",
        help="write report.html, too: pictures that a browser shows, without a network",
    )
    for name, description in decoding_rules.flags(
        "least probability of a pair (default: the one chosen for these flags by "
        "`ssrlm thresholds`, else the model's own)",
        "the model's own rule, else greedy",
    ).items():
        parser.add_argument(name, **description)
    parser.add_argument("--force", action="store_true", help="replace earlier results")
    aligned.add(parser)
    evidence_files.add(parser)
    alternatives.add(parser)
    parser.set_defaults(run=run)


def add_input(parser: argparse.ArgumentParser) -> None:
    """Adds where RNA comes from, and how long it may be, to a command."""
    defaults = config.LettersConfig()
    parser.add_argument(
        "source",
        nargs="?",
        metavar="FASTA",
        help="file (plain, gz, bz2, xz or zip), '-' for standard input, or a sequence",
    )
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="report longer records, unfolded"
    )
    for name, what in (
        ("warn", "warn of a record with a larger"),
        ("max", "report records with a larger"),
    ):
        default = getattr(defaults, f"{name}_unknown")
        parser.add_argument(
            f"--{name}-unknown",
            type=float,
            metavar="SHARE",
            default=default,
            help=f"{what} share of letters that are not A C G U T (default: {default})",
        )
    parser.add_argument(
        "--remove-gaps",
        action="store_true",
        help=f"of aligned sequences: {' '.join(alphabet.GAPS)}",
    )


def opened(parsed: argparse.Namespace) -> Iterator[inputs.Read]:
    """Returns the records of the input, of which the first is read.

    Raises:
      ValueError: a bad --max-length or share; as `inputs.records`.
    """
    if parsed.max_length is not None and parsed.max_length < 1:
        raise ValueError(f"--max-length={parsed.max_length} is < 1")
    letters = config.LettersConfig(
        warn_unknown=parsed.warn_unknown,
        max_unknown=parsed.max_unknown,
        remove_gaps=parsed.remove_gaps,
    )
    records = inputs.records(parsed.source, parsed.max_length, letters)
    return itertools.chain([next(records)], records)


def usable(
    records: Iterable[inputs.Read],
    report: reports.Report,
    trained_length: int | None,
    max_length: int | None = None,
    max_joined_length: int | None = 0,
) -> Iterator[formats.Record]:
    """Yields the records that can be used and reports the others.

    Where the input cannot be read on, that is a problem and the end.

    Args:
      records: of an input.
      report: gets problems, and a warning for each record that is too long.
      trained_length: of the model's training, in nucleotides; None: unknown.
      max_length: of what the model can compute; None: any.
      max_joined_length: of two strands; 0: what is done is done to one strand.
    """
    try:
        for record in records:
            if isinstance(record, inputs.Problem):
                report.problem(str(record))
                continue
            if isinstance(record, inputs.Note):
                report.say(str(record))
                continue
            length = len(record.sequence)
            if record.breaks and max_joined_length == 0:
                report.problem(
                    f"{record.place}: {record.name}: two strands, joined by "
                    f"{strands.MARK!r}; one is accepted here"
                )
                continue
            most = max_joined_length if record.breaks else max_length
            if most is not None and length > most:
                report.problem(
                    f"{record.place}: {record.name}: {length:,} nucleotides, the model "
                    f"takes up to {most:,}{' in two strands' * bool(record.breaks)}"
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


def run(
    parsed: argparse.Namespace,
    load: "Callable[..., predictors.Predictor] | None" = None,
) -> int:
    """Runs `ssrlm fold` and returns its exit status.

    Args:
      parsed: the flags.
      load: as `loading.load`, which is taken where it is None.
    """
    names = results.named_formats(parsed.format)
    directory = models.chosen(parsed)
    decoding = decoding_rules.settings(parsed, directory)
    with contextlib.ExitStack() as stack:
        write, folder = _writer(parsed, names)
        if parsed.report:
            facts = {"model": directory.resolve().name}
            write = stack.enter_context(_on_page(parsed.out, decoding, facts, write))
        known, asked = evidence_files.Files(parsed), alternatives.Asked(parsed)
        is_alignment = aligned.is_asked(parsed)
        records = iter(()) if is_alignment else opened(parsed)
        from ssrlm_jax.infer import loading  # JAX: seconds

        models.keep_compiled()
        load = load or loading.load
        predictor = load(directory, decoding, dtype=parsed.dtype)
        about = {
            "model": directory.resolve().name,
            "threshold": decoding.threshold or predictor.threshold,
            "dtype": predictor.precision.encoder,
        }
        report = stack.enter_context(
            reports.Report("fold", "folded", is_output_shown=parsed.out is None)
        )
        stack.enter_context(folder)  # whole before the report says so
        for note in filter(None, (predictor.threshold_note, predictor.energy_note)):
            report.say(f"warning: {note}")
        models.say_dtype(predictor, report)
        if is_alignment:
            aligned.fold(parsed, predictor, write, report, about)
            return report.status
        good = usable(
            records,
            report,
            predictor.trained_length,
            predictor.max_fold_length,
            predictor.max_joined_length,
        )
        folded = _folded(predictor, good, report)
        if not (known.is_empty and asked.is_empty):
            folded = _one_by_one(predictor, good, report, known, asked)
        for record, predicted, told in folded:
            told |= about | {"expected_f1": round(predicted.expected_f1, 4)}
            told |= _described(predictor.relatives(record.sequence))
            try:
                write(record, predicted.probabilities, told)
            except ValueError as error:
                report.problem(f"{record.place}: {record.name}: {error}")
            else:
                report.advance()
        for unused in known.unused():
            report.say(f"warning: {unused}")
    return report.status


def _writer(
    parsed: argparse.Namespace, names: tuple[str, ...]
) -> tuple[_Write, contextlib.AbstractContextManager[object]]:
    """Returns what writes a result, into files or on standard output, in a context."""
    if parsed.out is not None:
        folder = results.Structures(
            parsed.out, names, with_plots=parsed.plot, is_replaced=parsed.force
        )
        return folder.add, folder
    for name in ("plot", "report"):
        if getattr(parsed, name):
            raise ValueError(f"--{name} needs a directory: give -o DIR")
    if len(names) > 1 or names[0] not in results.ON_STREAM:
        raise ValueError(
            f"--format {','.join(names)} needs a directory: give -o DIR; standard "
            f"output takes one of {', '.join(results.ON_STREAM)}"
        )
    shown = _print_json if names[0] == "json" else _print_dot_bracket
    return shown, contextlib.nullcontext()


@contextlib.contextmanager
def _on_page(
    directory: pathlib.Path,
    decoding: config.DecodingConfig,
    facts: dict[str, str],
    write: _Write,
) -> Iterator[_Write]:
    """Yields what writes a result and shows it on a page, which is written at the end.

    A structure that a format of files cannot hold is on the page all the same.
    """
    from ssrlm_jax.pages import fold_report  # few ask for it

    with fold_report.FoldReport(directory, decoding, facts) as page:

        def both(
            record: formats.Record,
            listed: probabilities.PairProbabilities,
            about: results.About,
        ) -> None:
            try:
                write(record, listed, about)
            finally:
                page.add(record, listed, about)

        yield both


def _described(relatives: "Sequence[prediction.Relative]") -> dict[str, object]:
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
    about: results.About,
) -> None:
    text = results.as_dot_bracket(record, listed, about)
    reports.write(text + alternatives.lines(about))


def _print_json(
    record: formats.Record,
    listed: probabilities.PairProbabilities,
    about: results.About,
) -> None:
    reports.write(results.as_json(record, listed, about))


def _folded(
    predictor: "predictors.Predictor",
    records: Iterable[formats.Record],
    report: reports.Report,
) -> _Folded:
    """Yields records with their structure, and their predictions.

    Where memory is full, the longest record that waits is reported, the rest goes on.
    Where a program fails, those that wait are folded one by one, to report which.
    """
    unread, waiting = iter(records), collections.deque[formats.Record]()

    def sequences() -> Iterator[str]:
        for record in unread:
            waiting.append(record)
            yield strands.marked(record.sequence, record.breaks)

    while True:
        try:
            for predicted in predictor.predict(sequences()):
                structure = predicted.structure
                record = dataclasses.replace(waiting.popleft(), structure=structure)
                yield record, predicted, {}
        except programs.ProgramError:
            if not waiting:
                raise
            held = list(waiting)
            waiting.clear()
            yield from _one_by_one(predictor, held, report)
        except (MemoryError, RuntimeError) as error:
            if not reports.is_full(error) or not waiting:
                raise
            longest = max(waiting, key=lambda record: len(record.sequence))
            report.problem(_why(longest, error))
            again = [record for record in waiting if record is not longest]
            waiting.clear()
            unread = itertools.chain(again, unread)
        else:
            return


def _one_by_one(
    predictor: "predictors.Predictor",
    records: Iterable[formats.Record],
    report: reports.Report,
    known: evidence_files.Files | None = None,
    asked: alternatives.Asked | None = None,
) -> _Folded:
    """Yields as `_folded`, with what is known or asked; reports what is not folded."""
    for record in records:
        text = strands.marked(record.sequence, record.breaks)
        try:
            one = known.of(record, report) if known is not None else None
            (predicted,) = predictor.predict([text], [one])
            told = dict(evidence_files.described(one))
            told |= asked.of(record, predicted, one) if asked is not None else {}
        except (programs.ProgramError, MemoryError, RuntimeError, ValueError) as error:
            is_told = isinstance(error, programs.ProgramError) or reports.is_full(error)
            if not is_told and (known is None or not isinstance(error, ValueError)):
                raise
            report.problem(_why(record, error))
        else:
            record = dataclasses.replace(record, structure=predicted.structure)
            yield record, predicted, told


def _why(record: formats.Record, error: Exception) -> str:
    """Says why a record was not folded."""
    reason = str(error)
    if reports.is_full(error):
        reason = f"{len(record.sequence):,} nucleotides need more memory than there is"
    return f"{record.place}: {record.name}: {reason}"
