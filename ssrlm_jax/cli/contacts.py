"""`ssrlm contacts`: contacts of one's own RNA, read off attention maps."""

import argparse
import pathlib
import re

from ssrlm_jax import files
from ssrlm_jax.cli import fold, models, reports
from ssrlm_jax.infer import results

_POOR = 0.1  # precision


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm contacts`."""
    fold.add_input(parser)
    models.add_argument(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="directory of .prob files (default: lines 'name i j probability')",
    )
    parser.add_argument(
        "--top",
        metavar="K",
        help="list the K most probable pairs of each RNA: a number, or L, L/2, L/5 "
        "and so on of its length (default: pairs of probability 0.01 and more)",
    )
    parser.add_argument("--force", action="store_true", help="replace earlier results")
    parser.set_defaults(run=_contacts)


def _contacts(parsed: argparse.Namespace) -> int:
    directory = models.chosen(parsed)
    _num_pairs(parsed.top, 1)  # a wrong one stops before the model is loaded
    records = fold.opened(parsed)
    if parsed.out is not None:
        files.check_directory(parsed.out, is_replaced=parsed.force)
    from ssrlm_jax.infer import contact_predictor  # JAX: seconds

    models.keep_compiled()
    predictor = contact_predictor.load(directory)
    with reports.Report(
        "contacts", "predicted", is_output_shown=parsed.out is None
    ) as report:
        if predictor.precision is not None and predictor.precision < _POOR:
            report.say(
                f"warning: {predictor.precision:.1%} of such contacts were right on "
                "test RNA, which is about chance; `ssrlm fold` has a better way"
            )
        good = fold.usable(
            records, report, predictor.trained_length, predictor.max_length
        )
        if parsed.out is not None:
            with results.Structures(
                parsed.out, ("prob",), with_plots=False, is_replaced=parsed.force
            ) as folder:
                for record in good:
                    num_pairs = _num_pairs(parsed.top, len(record.sequence))
                    folder.add(*predictor.fold(record, num_pairs), {})
                    report.advance()
            return report.status
        for record in good:
            num_pairs = _num_pairs(parsed.top, len(record.sequence))
            listed = predictor.predict(record.sequence, num_pairs)
            rows = zip(*listed, strict=True)
            lines = (f"{record.name}\t{i + 1}\t{j + 1}\t{p:.4f}\n" for i, j, p in rows)
            reports.write("".join(lines))
            report.advance()
    return report.status


def _num_pairs(top: str | None, length: int) -> int | None:
    """Returns how many pairs of an RNA are listed by --top; at least one."""
    if top is None:
        return None
    match = re.fullmatch(r"(?P<number>[1-9]\d*)|L(/(?P<divisor>[1-9]\d*))?", top)
    if match is None:
        raise ValueError(f"--top={top} is neither a number nor L, L/2, L/5 and so on")
    if match["number"]:
        return int(match["number"])
    return max(1, length // int(match["divisor"] or 1))
