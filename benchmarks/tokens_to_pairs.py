r"""How many tokens an encoder needs until it reads a nucleotide off its partner.

  python benchmarks/tokens_to_pairs.py --out=docs/pretraining/tokens_to_pairs \
      generated=runs/generated rfam=runs/rfam

Scores the checkpoints that pre-training runs have kept on the held-out rows of their
corpora (`ssrlm held_out`), and draws by the tokens seen the losses on paired and
unpaired nucleotides, and `partner_rise`: by how much the complement of what a partner
is shown as becomes likelier. The losses alone would mislead: of families in which
loops are better conserved than stems, unpaired nucleotides stay the easier ones.
Writes OUT.json and OUT.png; docs/pretraining.md has the commands of the runs, which
have to evaluate and to save at the same steps, and to keep what they save.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

import report

from ssrlm_jax.sweeps import curves as sweep_curves
from ssrlm_jax.train import workdirs

TICKS = (0.2, 0.5, 1, 2, 5, 10)  # million tokens
READ = 0.1  # nats of `partner_rise`, from which on pairs are said to be read
_SSRLM = "import sys; from ssrlm_jax import cli; sys.exit(cli.main(sys.argv[1:]))"


class Point(NamedTuple):
    """Scores of a checkpoint, each with the ends of its interval."""

    step: int
    tokens: float
    loss_paired: tuple[float, float, float]
    loss_unpaired: tuple[float, float, float]
    partner_rise: tuple[float, float, float]


def score(run: pathlib.Path) -> list[Point]:
    """Returns step, tokens and scores, with intervals, of each checkpoint kept."""
    tokens = {point["step"]: point["tokens"] for point in sweep_curves.of(run)}
    corpus = workdirs.read_meta(run)["config"]["data"]["corpus"]
    points: list[Point] = []
    for step in sorted(tokens):
        if not (run / "checkpoints" / str(step)).is_dir():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            model, out = f"{scratch}/model", pathlib.Path(scratch, "scores")
            _ssrlm("export", str(run), model, "--step", str(step))
            asked = (f"--config.model={model}", f"--config.corpus={corpus}")
            _ssrlm("held_out", *asked, f"--out={out}")
            found = json.loads((out / "scores.json").read_text())["scores"]["model"]
        scores = (tuple(found[name]) for name in Point._fields[2:])
        points.append(Point(int(step), tokens[step], *scores))
        print(f"{run}: {points[-1]}", flush=True)
    return points


def _ssrlm(*words: str) -> None:
    command = [sys.executable, "-c", _SSRLM, *words]
    subprocess.run(command, check=True, capture_output=True)


def tokens_until_read(points: list[Point]) -> float | None:
    """Returns the tokens from which on pairs are read; None: they never are."""
    found = None
    for point in points:
        if point.partner_rise[0] < READ:
            found = None
        elif found is None:
            found = point.tokens
    return found


def draw(curves: dict[str, list[Point]], path: pathlib.Path) -> None:
    """Draws losses and rises of each run by tokens seen."""
    import matplotlib.pyplot as plt
    import matplotlib.ticker
    import numpy as np

    figure, (of_loss, of_rise) = plt.subplots(1, 2, figsize=(8.4, 3.4))
    for number, (name, points) in enumerate(curves.items()):
        tokens = [point.tokens / 1e6 for point in points]
        color = f"C{number}"
        paired = [point.loss_paired[0] for point in points]
        unpaired = [point.loss_unpaired[0] for point in points]
        of_loss.plot(tokens, paired, "-", color=color, label=f"{name}, paired")
        of_loss.plot(tokens, unpaired, "--", color=color, label=f"{name}, unpaired")
        rise_P3 = np.array([point.partner_rise for point in points])
        of_rise.plot(tokens, rise_P3[:, 0], "-o", ms=3, color=color, label=name)
        of_rise.fill_between(tokens, *rise_P3[:, 1:].T, color=color, alpha=0.2, lw=0)
    of_loss.set_ylabel("held-out loss, nats")
    of_rise.set_ylabel("rise of the partner's complement, nats")
    of_rise.axhline(READ, color="0.6", lw=0.8, ls=":")
    for axes, place in ((of_loss, "lower left"), (of_rise, "upper left")):
        axes.set_xlabel("tokens seen, millions")
        axes.set_xscale("log")
        axes.set_xticks(TICKS, labels=[f"{tick:g}" for tick in TICKS])
        axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc=place)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Scores the runs, writes numbers and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="NAME=WORKDIR")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parsed = parser.parse_args()
    curves = {}
    for text in parsed.runs:
        name, _, run = text.partition("=")
        curves[name] = score(pathlib.Path(run))
        if not curves[name]:
            raise SystemExit(f"{run} has no checkpoint of a step that was evaluated")
    result: dict[str, report.Result] = {
        name: {
            "tokens_until_pairs": tokens_until_read(points),
            "curve": [point._asdict() for point in points],
        }
        for name, points in curves.items()
    }
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    parsed.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    draw(curves, parsed.out.with_suffix(".png"))
    for name, one in result.items():
        print(f"{name}: pairs are read from {one['tokens_until_pairs']} tokens on")


if __name__ == "__main__":
    main()
