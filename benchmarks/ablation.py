"""Compares finished pre-training runs with each other and with Markov chains.

  python benchmarks/ablation.py --corpus=corpora/real --out=docs/ablation \
      runs/real-mlm runs/real-sm runs/real-ssm

All are scored on the same held-out rows, masked once with `sm`: the runs by their own
validation scores, the chains (orders 0 and 3, fitted on the training rows of each
source) by their exact posterior given all visible letters on both sides, which is
the best guess that such a chain allows. Writes OUT.json and OUT.png.
"""

import argparse
import json
import pathlib

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.data import pretraining_batches, rows
from ssrlm_jax.metrics import markov
from ssrlm_jax.rna import alphabet
from ssrlm_jax.tasks import pretraining_task
from ssrlm_jax.train import workdirs

ORDERS = (0, 3)
PARTS = ("", "_ncrna", "_other", "_paired", "_unpaired")


def main() -> None:
    """Reads the runs, fits the chains, writes numbers and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--corpus", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    flags = parser.parse_args()
    curves, settings = {}, []
    for run in flags.runs:
        run_settings = workdirs.read_meta(run)["config"]
        settings.append(config.frozen(config.PretrainConfig, run_settings))
        curves[settings[-1].masking.policy] = curve_of(run)
    _check_comparable(flags.runs, settings)
    chains = chain_scores(flags.corpus, settings[0])
    result = {
        "steps": {policy: points[-1]["step"] for policy, points in curves.items()},
        "tokens_seen": {
            policy: points[-1]["tokens"] for policy, points in curves.items()
        },
        "final": {policy: points[-1] for policy, points in curves.items()},
        "chains": chains,
        "curves": curves,
    }
    flags.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    draw(curves, chains, flags.out.with_suffix(".png"))
    print(table(result))


def curve_of(run: pathlib.Path) -> list[dict[str, float]]:
    """Returns the validation scores of a run, by step."""
    points, tokens = [], float("nan")
    for line in workdirs.read_metrics(run):
        tokens = line.get("tokens", tokens)
        if "validation/loss" in line:
            scores = {
                name.removeprefix("validation/"): value
                for name, value in line.items()
                if name.startswith("validation/")
            }
            points.append({"step": line["step"], "tokens": tokens} | scores)
    if not points:
        raise SystemExit(f"{run} holds no validation scores")
    return points


def chain_scores(
    corpus: pathlib.Path, settings: config.PretrainConfig
) -> dict[str, dict[str, float]]:
    """Returns loss and accuracy of Markov chains on the validation rows."""
    manifest = rows.open_corpus(corpus)
    batches = pretraining_batches.validation(
        corpus, manifest, settings, process=0, num_processes=1
    )
    found = {}
    for order in ORDERS:
        chains = [
            markov.fit(training_records(corpus, manifest, source), order)
            for source in rows.SOURCES
        ]
        totals: dict[str, np.ndarray] = {}
        for batch in batches:
            for name, pair in pretraining_task.scores(
                guess(chains, batch), batch
            ).items():
                totals[name] = totals.get(name, 0.0) + np.array(pair, np.float64)
        found[f"order {order}"] = {k: float(s / n) for k, (s, n) in totals.items()}
    return found


def training_records(corpus: pathlib.Path, manifest: rows.Manifest, source: str):
    """Yields the letters of every training record of a source; -1 for N."""
    for path in rows.shard_paths(corpus, manifest, "train", source):
        for row in rows.read_rows(path):
            for segment in range(1, int(row.segment_L.max()) + 1):
                token_L = row.token_L[row.segment_L == segment][1:-1]
                yield letters(token_L)


def letters(token: np.ndarray) -> np.ndarray:
    """Returns 0..3 for A C G U, -1 for all else."""
    return np.where(alphabet.is_nucleotide(token), token.astype(int) - alphabet.A, -1)


def guess(chains: list[markov.Chain], batch: dict[str, np.ndarray]) -> np.ndarray:
    """Returns log probabilities (B, L, vocabulary) of every letter of a batch."""
    B, L = batch["token"].shape
    logits_BLV = np.full((B, L, alphabet.SIZE), -1e9, np.float32)
    for row in range(B):
        chain = chains[batch["source"][row]]
        for segment in range(1, int(batch["segment"][row].max()) + 1):
            place_P = np.flatnonzero(batch["segment"][row] == segment)[1:-1]
            letter_P = letters(batch["token"][row][place_P])
            padded_P = np.pad(letter_P, (0, chain.order), constant_values=-1)
            chance_PX = markov.posterior(chain, padded_P[None])[0, : len(place_P)]
            span = slice(alphabet.A, alphabet.U + 1)
            logits_BLV[row, place_P, span] = np.log(np.maximum(chance_PX, 1e-30))
    return logits_BLV


def table(result: dict) -> str:
    """Returns final scores as Markdown."""
    parts = [part.removeprefix("_") or "all" for part in PARTS]
    lines = [
        "| | " + " | ".join(f"loss {part}" for part in parts) + " | "
        "accuracy paired | accuracy unpaired |",
        "|" + "---|" * (len(parts) + 3),
    ]
    for name, scores in (result["chains"] | result["final"]).items():
        values = [scores[f"loss{part}"] for part in PARTS]
        values += [scores["accuracy_paired"], scores["accuracy_unpaired"]]
        lines.append(f"| {name} | " + " | ".join(f"{v:.4f}" for v in values) + " |")
    return "\n".join(lines)


def draw(curves: dict, chains: dict, path: pathlib.Path) -> None:
    """Draws validation loss by tokens seen, paired beside unpaired nucleotides."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for panel, part in zip(panels, ("paired", "unpaired"), strict=True):
        for policy, points in curves.items():
            tokens = [point["tokens"] / 1e6 for point in points]
            losses = [point[f"loss_{part}"] for point in points]
            panel.plot(tokens, losses, marker=".", label=policy)
        for (name, scores), style in zip(chains.items(), (":", "--"), strict=True):
            panel.axhline(
                scores[f"loss_{part}"], color="0.4", ls=style, label=f"Markov, {name}"
            )
        panel.set_title(f"{part} nucleotides")
        panel.set_xlabel("tokens seen, millions")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("validation loss, nats")
    panels[1].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _check_comparable(
    runs: list[pathlib.Path], settings: list[config.PretrainConfig]
) -> None:
    """Stops unless the runs differ in the masking policy alone."""
    first = config.editable(settings[0])
    for run, other in zip(runs, settings, strict=True):
        mine = config.editable(other)
        mine.masking.policy = first.masking.policy
        if mine != first:
            raise SystemExit(f"{run} and {runs[0]} differ in more than masking.policy")


if __name__ == "__main__":
    main()
