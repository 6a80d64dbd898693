"""What a sweep will cost, job by job and in all: `--dry_run`."""

from collections.abc import Callable, Mapping

from ssrlm_jax.sweeps import budget, cost, job_graph, job_states
from ssrlm_jax.train import hardware, plan

CARDS = ("A100", "H100", "H200")
_GIB = 2**30
_HOUR = 3_600.0


def text(
    made: job_graph.Graph,
    needs: Mapping[str, cost.Need],
    looks: Mapping[str, job_states.Look],
    estimates: Mapping[str, budget.Estimate],
    parallel: int,
) -> str:
    """Returns a table of all jobs, their sums, and what is left.

    Args:
      made: the jobs.
      needs: of each.
      looks: how far they are.
      estimates: of each, on the device at hand.
      parallel: how many run at a time.
    """
    seconds = {n: budget.seconds(j, estimates[n], 1.0) for n, j in made.jobs.items()}
    heads = ["job", "state", "steps", "tokens", "FLOPs", "GiB", "hours here", *CARDS]
    rows = [heads]
    left = [n for n, look in looks.items() if look.state != job_states.DONE_STATE]
    for name, job in made.jobs.items():
        steps = str(job.resolved.get("loop.num_steps", ""))
        if job.command == "finetune":
            steps = f"{job.resolved['epochs']} epochs"
        if job.command not in ("finetune", "pretrain"):
            steps = ""
        told = [looks[name].state, steps, *_numbers([name], needs, seconds)]
        rows.append([name, *told])
    for title, names in (("all", list(made.jobs)), ("left", left)):
        told = [f"{len(names)} jobs", "", *_numbers(names, needs, seconds)]
        rows.append([title, *told])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    there = set(left)

    def of_left(job: job_graph.Job) -> float:
        return seconds[job.name] if job.name in there else 0.0

    ends = budget.total(made, of_left, parallel)
    at_a_time = f", {parallel} jobs at a time" if parallel > 1 else ""
    measured = dict.fromkeys(
        f"{made.jobs[name].step}: {one.how}"
        for name, one in estimates.items()
        if one.each
    )
    return "\n".join(
        [
            *lines,
            f"here all that is left takes {ends / _HOUR:.2f} hours{at_a_time}; on one "
            f"card at an MFU of {plan.MFU:.0%} of its peak; 0: not counted, as files "
            "are yet to be made",
            *(f"measured: {line}" for line in measured),
        ]
    )


def _numbers(
    names: list[str], needs: Mapping[str, cost.Need], seconds: Mapping[str, float]
) -> list[str]:
    """Returns tokens, FLOPs, GiB and hours of some jobs together."""
    chosen = [needs[name] for name in names]
    add: Callable[[list[float]], float] = sum
    flops = add([one.flops for one in chosen])
    hours = [flops / (_peak(card) * plan.MFU) / _HOUR for card in CARDS]
    return [
        f"{add([one.tokens for one in chosen]):.2e}",
        f"{flops:.2e}",
        f"{add([one.bytes for one in chosen]) / _GIB:.2f}",
        f"{add([seconds[name] for name in names]) / _HOUR:.2f}",
        *(f"{hour:.2f}" for hour in hours),
    ]


def _peak(card: str) -> float:
    found = hardware.peak(card)
    assert found is not None, card
    return found
