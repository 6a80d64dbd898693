r"""How many tokens an encoder needs until it reads a nucleotide off its partner.

  python benchmarks/tokens_to_pairs.py --out=docs/pretraining/tokens_to_pairs \
      generated=runs/generated rfam=runs/rfam

Draws the held-out losses of pre-training runs on paired and on unpaired nucleotides by
the tokens they have seen, and prints where the first falls below the second for good,
by more than composition can do: paired nucleotides of natural RNA are easier by up to
0.08 nats before anything of pairs is learned. Writes OUT.json and OUT.png;
docs/pretraining.md has the commands of the runs.
"""

import argparse
import json
import pathlib

import report

from ssrlm_jax.sweeps import curves as sweep_curves

LEAD = 0.1  # nats
PARTS = {"loss_paired": "-", "loss_unpaired": "--"}


def crossing(points: list[dict[str, float]]) -> float | None:
    """Returns the tokens from which on paired loss leads; None: it never does."""
    found = None
    for point in points:
        if point["loss_paired"] > point["loss_unpaired"] - LEAD:
            found = None
        elif found is None:
            found = point["tokens"]
    return found


def draw(curves: dict[str, list[dict[str, float]]], path: pathlib.Path) -> None:
    """Draws both losses of each run by tokens seen."""
    import matplotlib.pyplot as plt
    import matplotlib.ticker

    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    for number, (name, points) in enumerate(curves.items()):
        tokens = [point["tokens"] / 1e6 for point in points]
        for part, line in PARTS.items():
            values = [point[part] for point in points]
            label = f"{name}, {part.removeprefix('loss_')}"
            axes.plot(tokens, values, line, color=f"C{number}", label=label)
    axes.set_xlabel("tokens seen, millions")
    axes.set_ylabel("held-out loss, nats")
    axes.set_xscale("log")
    axes.set_xticks([0.2, 0.5, 1, 2, 5], labels=["0.2", "0.5", "1", "2", "5"])
    axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Reads the runs, writes numbers and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="NAME=WORKDIR")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parsed = parser.parse_args()
    curves = {}
    for text in parsed.runs:
        name, _, run = text.partition("=")
        curves[name] = sweep_curves.of(pathlib.Path(run))
        if not curves[name]:
            raise SystemExit(f"{run} holds no validation scores")
    result: dict[str, report.Result] = {
        name: {"tokens_until_pairs": crossing(points), "curve": points}
        for name, points in curves.items()
    }
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    parsed.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    draw(curves, parsed.out.with_suffix(".png"))
    for name, one in result.items():
        last = one["curve"][-1]
        since = one["tokens_until_pairs"]
        told = (
            f"pairs are read from {since:,.0f} tokens on" if since else "no pairs yet"
        )
        print(
            f"{name}: {told}; paired {last['loss_paired']:.3f}, unpaired "
            f"{last['loss_unpaired']:.3f} after {last['tokens']:,.0f}"
        )


if __name__ == "__main__":
    main()
