"""Draws how the model that ships was trained, and what its probabilities are worth.

    python benchmarks/shipped_curves.py --out=docs/models/curve.png \
        .work/runs/short .work/runs/long .work/runs/last

Workdirs of fine-tuning in their order; the last one's model has been through `ssrlm
thresholds`. Their metrics are copied beside OUT, as NAME_curve.jsonl.
"""

import argparse
import json
import pathlib
import shutil

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ssrlm_jax.infer import decoding_rules
from ssrlm_jax.train import workdirs


def draw_losses(axes: Axes, runs: list[pathlib.Path]) -> None:
    """Draws losses of training and validation, one run after the other."""
    before = 0
    for number, run in enumerate(runs):
        lines = workdirs.read_metrics(run)
        for name, style in (("loss", "-"), ("validation/loss", "o-")):
            found = [line for line in lines if name in line]
            steps = [before + line["step"] for line in found]
            values = [line[name] for line in found]
            thin = 1.0 if name == "loss" else 2.0
            kind = "training" if name == "loss" else "validation"
            axes.plot(
                steps,
                values,
                style,
                color=f"C{number}",
                linewidth=thin,
                markersize=5,
                label=f"{run.name}: {kind}",
            )
        before += lines[-1]["step"]
    axes.set_ylim(0.004, 0.016)
    axes.set_xlabel("updates")
    axes.set_ylabel("loss, nats a pair")
    axes.legend(frameon=False, fontsize=8)


def draw_reliability(axes: Axes, path: pathlib.Path) -> None:
    """Draws the share of true pairs by the probability of a pair."""
    found = json.loads(path.read_text())["calibration"]
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    axes.plot(found["probability_N"], found["share_N"], "o-")
    axes.set_xlabel("probability of a pair")
    axes.set_ylabel("share of true pairs")
    axes.set_title(
        f"validation, expected calibration error {found['error']:.3f}", fontsize=9
    )


def main() -> None:
    """Reads the runs, draws and copies."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=pathlib.Path, metavar="WORKDIR")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parsed = parser.parse_args()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    draw_losses(left, parsed.runs)
    draw_reliability(right, parsed.runs[-1] / "model" / decoding_rules.FILE)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(parsed.out, dpi=110)
    for run in parsed.runs:
        copy = parsed.out.with_name(f"{run.name}_curve.jsonl")
        shutil.copyfile(run / workdirs.METRICS, copy)


if __name__ == "__main__":
    main()
