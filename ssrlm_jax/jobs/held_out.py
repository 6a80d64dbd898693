r"""Scores how well hidden nucleotides are named, on held-out rows of a corpus.

  ssrlm held_out --config.model=models/ssm --config.corpus=corpora/mine --out=scores/ssm
  ssrlm held_out --config.chains=0,3 --config.corpus=corpora/mine --out=scores/chains

All are scored on the same rows with the same mask: policy `sm` with a fixed seed, as
in the validation of pre-training, whatever a model was trained on. A Markov chain
guesses by its exact posterior given all visible letters on both sides, which is the
best that such a chain allows. OUT gets scores.json and, for each method, a table of all
records: sums of loss (nats) and of right letters, and how many were hidden, by part.

`partner_rise` tells whether pairs are read: partners of hidden nucleotides are shown as
another letter, and it is by how much the complement of that becomes likelier (mean log
probability, nats). 0: nothing of pairs; composition and conservation do not count.
"""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax import config, files, model_dir, types
from ssrlm_jax.data import rows
from ssrlm_jax.jobs import command
from ssrlm_jax.metrics import markov, partners, statistics
from ssrlm_jax.rna import alphabet

if TYPE_CHECKING:
    from ssrlm_jax.tasks import pretraining_task

Guess = Callable[[types.Batch], np.ndarray]
_SEED = 0  # of the letters that partners are shown as
PARTS = ("", "_ncrna", "_other", "_paired", "_unpaired")


def score(settings: config.HeldOutConfig, flags: argparse.Namespace) -> None:
    """Scores the model, the chains or both, and writes the tables."""
    if not settings.corpus:
        raise ValueError("config.corpus is empty: name a corpus")
    if not (settings.model or settings.chains):
        raise ValueError("nothing to score: name config.model or config.chains")
    files.check_directory(flags.out, is_replaced=False)
    manifest = rows.open_corpus(settings.corpus)
    guesses: dict[str, Guess] = {}
    if settings.model:
        guesses["model"] = _by_model(settings, manifest)
    for order in filter(None, settings.chains.split(",")):
        guesses[f"order{order}"] = _by_chains(settings, manifest, int(order))
    batches = _batches(settings, manifest)

    from ssrlm_jax.tasks import pretraining_task  # JAX: seconds

    told: dict[str, dict[str, list[float | None]]] = {}
    with files.whole_directory(flags.out) as beside:
        for name, guess in guesses.items():
            found: list[pretraining_task.Record] = []
            rises = []
            for batch in batches:
                logits_BLV = guess(batch)
                found += pretraining_task.scores_of_records(logits_BLV, batch)
                changed = partners.with_others(batch, _SEED)
                after_BLV = guess(changed)
                rises.append(partners.rises(logits_BLV, after_BLV, batch, changed))
            told[name] = _write(beside / f"{name}.tsv", found, settings.seed)
            rises_R2 = np.concatenate(rises)
            if len(rises_R2):
                rise = statistics.of_sums(rises_R2, statistics.ratio, settings.seed)
                told[name]["partner_rise"] = _told(name, "partner_rise", rise)
        facts = {"config": dataclasses.asdict(settings), "scores": told}
        files.write_text(beside / "scores.json", json.dumps(facts, indent=1) + "\n")


def _batches(
    settings: config.HeldOutConfig, manifest: rows.Manifest
) -> list[types.Batch]:
    """Returns the held-out rows, masked as in the validation of pre-training."""
    from ssrlm_jax.data import pretraining_batches  # Grain

    asked = config.PretrainConfig(
        data=config.DataConfig(
            corpus=settings.corpus,
            row_length=manifest.row_length,
            rows_per_batch=settings.batch_size,
            validation_rows=settings.rows,
        )
    )
    share = {"process": 0, "num_processes": 1}
    found = pretraining_batches.validation(settings.corpus, manifest, asked, **share)
    if not found:
        raise ValueError(f"{settings.corpus} has no held-out rows: nothing to score")
    return found


def _by_model(settings: config.HeldOutConfig, manifest: rows.Manifest) -> Guess:
    """Returns what gives a model's logits (B, L, vocabulary)."""
    description, params = model_dir.load_encoder(pathlib.Path(settings.model))
    most = description.architecture.max_positions
    if 0 < most < manifest.row_length:
        raise ValueError(
            f"{settings.model} has learned {most} positions, too few for rows of "
            f"{manifest.row_length}"
        )
    import jax

    from ssrlm_jax.tasks import pretraining_task

    encoder = pretraining_task.build_encoder(
        description.architecture, settings.compute, None, manifest.max_segments
    )
    apply = jax.jit(encoder.apply)
    on_device = jax.tree.map(jax.numpy.asarray, params)

    def guess(batch: types.Batch) -> np.ndarray:
        return np.asarray(
            apply({"params": on_device}, batch["token"], batch["segment"])
        )

    return guess


def _by_chains(
    settings: config.HeldOutConfig, manifest: rows.Manifest, order: int
) -> Guess:
    """Returns what gives log probabilities of Markov chains, one for each source."""
    chains = [
        markov.fit(_records(settings.corpus, manifest, source), order)
        for source in rows.SOURCES
    ]

    def guess(batch: types.Batch) -> np.ndarray:
        B, L = batch["token"].shape
        logits_BLV = np.full((B, L, alphabet.SIZE), -1e9, np.float32)
        for row in range(B):
            chain = chains[batch["source"][row]]
            for segment in range(1, int(batch["segment"][row].max()) + 1):
                place_P = np.flatnonzero(batch["segment"][row] == segment)[1:-1]
                letter_P = _letters(batch["token"][row][place_P])
                padded_P = np.pad(letter_P, (0, order), constant_values=-1)
                chance_PX = markov.posterior(chain, padded_P[None])[0, : len(place_P)]
                span = slice(alphabet.A, alphabet.U + 1)
                logits_BLV[row, place_P, span] = np.log(np.maximum(chance_PX, 1e-30))
        return logits_BLV

    return guess


def _records(corpus: str, manifest: rows.Manifest, source: str) -> Iterator[np.ndarray]:
    """Yields the letters of every training record of a source; -1 for N."""
    for path in rows.shard_paths(corpus, manifest, "train", source):
        for row in rows.read_rows(path):
            for segment in range(1, int(row.segment_L.max()) + 1):
                yield _letters(row.token_L[row.segment_L == segment][1:-1])


def _letters(token: np.ndarray) -> np.ndarray:
    """Returns 0..3 for A C G U, -1 for all else."""
    return np.where(alphabet.is_nucleotide(token), token.astype(int) - alphabet.A, -1)


def _write(
    path: pathlib.Path, found: Sequence["pretraining_task.Record"], seed: int
) -> dict[str, list[float | None]]:
    """Writes a table of records; prints and returns scores with intervals."""
    header = ["id", "length"]
    for part in PARTS:
        header += [f"hidden{part}", f"sum_loss{part}", f"sum_accuracy{part}"]
    lines = ["\t".join(header)]
    for number, record in enumerate(found, 1):
        cells = [str(number), str(record.length)]
        for part in PARTS:
            (loss, hidden), (right, _) = (
                record.sums[f"{name}{part}"] for name in ("loss", "accuracy")
            )
            cells += [f"{hidden:.0f}", f"{loss:.6f}", f"{right:.0f}"]
        lines.append("\t".join(cells))
    files.write_text(path, "\n".join(lines) + "\n")
    scores: dict[str, list[float | None]] = {}
    for name in found[0].sums:
        sums_N2 = np.array([record.sums[name] for record in found])
        if sums_N2[:, 1].any():
            interval = statistics.of_sums(sums_N2, statistics.ratio, seed)
            scores[name] = _told(path.stem, name, interval)
    return scores


def _told(method: str, name: str, interval: statistics.Interval) -> list[float | None]:
    """Prints a score, and returns it for JSON."""
    print(
        f"{method:8} {name:18} {interval.value:.4f} "
        f"({interval.low:.4f}-{interval.high:.4f})"
    )
    return [round(value, 6) for value in interval]


COMMAND = command.Command(
    function=score,
    about=__doc__,
    kind=config.HeldOutConfig,
    default="held_out",
    flags={
        "--out": {
            "required": True,
            "type": pathlib.Path,
            "metavar": "OUT",
            "help": "new directory for scores",
        },
    },
)
