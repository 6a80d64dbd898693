"""What `ssrlm evaluate` says beside its scores."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ssrlm_jax.cli import reports
from ssrlm_jax.metrics import score_report

_MOST_LISTED = 20  # of each problem, on the terminal; the JSON has all


def joined(method: str, names: Sequence[str]) -> list[str]:
    """Returns a line on RNA of several strands, if there is any."""
    if not names:
        return []
    return [
        f"{method}: {len(names)} RNAs of several strands are scored joined, positions "
        f"counted without the break: {_shown(names)}"
    ]


def differences(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns a line on each of `score_report.differences`."""
    lines = []
    for one in found:
        value, low, high = one["f1"]
        if value is None:
            continue
        told = "" if low > 0 or high < 0 else ": the interval holds 0, no difference"
        lines.append(
            f"F1 of {one['first']} less that of {one['second']}, RNA by RNA: "
            f"{value:+.3f} ({low:+.3f} to {high:+.3f}){told}"
        )
    return lines


def of_training(seen: int | None, num_rnas: int, *, has_near: bool) -> str:
    """Returns a line on what of the scored RNA trained a model.

    Args:
      seen: RNAs that did; None: the model does not say.
      num_rnas: all of them.
      has_near: scores by identity to what trained stand in the table.
    """
    if seen is None:
        return "model: it does not say what trained it; it may have seen these RNAs"
    if seen:
        return (
            f"model: it was trained on {seen:,} of {num_rnas:,} RNAs; what it has seen "
            "is no score of what it has not"
        )
    told = (
        f"model: none of the {num_rnas:,} RNAs is in its list of what trained it with "
        "structures, by equal sequences"
    )
    if has_near:
        return told
    return f"{told}; relatives may have: --config.train=FILES has scores by identity"


def why_empty(method: str, scored: Sequence[score_report.Scored]) -> list[str]:
    """Returns a line on AUPRC where there is none."""
    lacking = [one.name for one in scored if one.ranked is None]
    if len(lacking) == len(scored):
        why = "there are no probabilities of pairs"
    elif lacking:
        why = f"{len(lacking)} of {len(scored)} RNAs have none: {_shown(lacking)}"
    elif not any(one.ranked and one.ranked.num_known for one in scored):
        why = "no known structure has a pair"
    else:
        return []
    return [f"{method}: no AUPRC, {why}"]


def say(notes: Iterable[str], problems: Mapping[str, Sequence[str]]) -> None:
    """Says what is to be told, and the first problems of each kind."""
    for note in notes:
        print(reports.printable(note), file=sys.stderr)
    for kind, names in problems.items():
        print(f"{kind}: {len(names)}", file=sys.stderr)
        for name in names[:_MOST_LISTED]:
            print(reports.printable(f"  {name}"), file=sys.stderr)
        if len(names) > _MOST_LISTED:
            print(f"  ... and {len(names) - _MOST_LISTED} more", file=sys.stderr)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
