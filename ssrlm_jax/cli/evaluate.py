"""`ssrlm evaluate`: scores of any program's files against known structures."""

import argparse
import json
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ssrlm_jax import files
from ssrlm_jax.cli import decodings, reports

_MOST_LISTED = 20  # of each problem, on the terminal; the JSON has all
_COLUMNS = ("precision", "recall", "f1")


def add(commands: Any) -> None:
    """Adds `evaluate` to the subparsers of `ssrlm`."""
    evaluate = commands.add_parser(
        "evaluate", help="score predicted base pairs against known structures"
    )
    evaluate.add_argument(
        "--predictions",
        type=pathlib.Path,
        required=True,
        metavar="DIR",
        help="files of a program: dot-bracket, CT, BPSEQ, .st or .prob (`ssrlm fold`)",
    )
    evaluate.add_argument(
        "--truth", required=True, metavar="FILE", help="known structures"
    )
    decodings.add(evaluate, "probability above which a pair of a .prob file is one")
    evaluate.add_argument(
        "--json", type=pathlib.Path, metavar="FILE", help="write all scores"
    )
    evaluate.add_argument("--force", action="store_true", help="replace FILE")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(parsed: argparse.Namespace) -> int:
    from ssrlm_jax.infer import evaluation, results  # biotite: half a second
    from ssrlm_jax.metrics import report

    if parsed.json:
        results.check_file(parsed.json, is_replaced=parsed.force)
    decoding = decodings.settings(parsed)
    truth = evaluation.read_truth(parsed.truth)
    given, unread = evaluation.read_predictions(parsed.predictions)
    matched = evaluation.match(truth, given, unread)
    scored = evaluation.score(truth, matched, decoding)
    are_there = [one for one, found in zip(scored, matched.found, strict=True) if found]
    facts = {
        "truth": parsed.truth,
        "predictions": str(parsed.predictions),
        "scores": report.report(scored),
        "scores without missing": report.report(are_there),
        "problems": matched.problems(),
    }
    if parsed.json:
        parsed.json.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(parsed.json, json.dumps(facts, indent=1) + "\n")
    show({parsed.predictions.name or str(parsed.predictions): facts["scores"]})
    if matched.missing:
        show({"without missing": facts["scores without missing"]})
    for kind, names in matched.problems().items():
        print(f"{kind}: {len(names)}", file=sys.stderr)
        for name in names[:_MOST_LISTED]:
            print(reports.printable(f"  {name}"), file=sys.stderr)
        if len(names) > _MOST_LISTED:
            print(f"  ... and {len(names) - _MOST_LISTED} more", file=sys.stderr)
    return 1 if matched.problems() else 0


def show(scores_of: Mapping[str, Mapping[str, Any]]) -> None:
    """Prints scores as a table: mean over RNAs and pooled, with 95 % intervals."""
    titles = ("", "", "RNAs", *_COLUMNS, "F1, pooled", "F1, slack", "AUPRC")
    rows: list[Sequence[str]] = [titles]
    for name, found in scores_of.items():
        groups = {"all": found, **found["parts"]}
        for kind in ("length", "identity"):
            groups |= found.get(kind, {})
        for group, scores in groups.items():
            strict = scores.get("strict", scores)
            slack = scores.get("slack")
            precise = scores.get("average_precision")
            row = [
                name if group == "all" else "",
                group,
                f"{scores['rnas']:,}",
                *(text(strict[column]["mean"]) for column in _COLUMNS),
                text(strict["f1"]["pooled"]),
                text(slack["f1"]["mean"]) if slack else "",
                text(precise["mean"]) if precise else "",
            ]
            rows.append(row)
    reports.write(
        f"{reports.table(rows, num_left=2)}mean over RNAs (95 % bootstrap interval), "
        "exact pairs; slack: one step in i or j; AUPRC: average precision\n"
    )


def text(interval: Sequence[float | None]) -> str:
    """Returns a value and its interval, "-" where it is not defined."""
    value, low, high = interval
    if value is None:
        return "-"
    return f"{value:.3f} ({low or 0:.3f}-{high or 0:.3f})"
