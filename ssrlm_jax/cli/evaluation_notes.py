"""What `ssrlm evaluate` says beside its scores."""

import sys
from collections.abc import Iterable, Mapping, Sequence

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
