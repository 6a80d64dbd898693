r"""What an alignment adds to single sequences, on Rfam families that did not train.

  python benchmarks/alignments.py --rfam=DIR --train=train.tsv --held_out=held_out.tsv

DIR holds Rfam's seed alignments as tables: families.tsv.gz (accession, SS_cons ...) and
alignments.tsv.gz (accession, seq_name, aligned_sequence). A family did not train where
no training RNA has its accession, or equals, holds or is held by one of its seed
sequences; those that a held-out RNA equals come first, then others by accession.

Of each family the first members in random order (seed 0) are folded, one by one and
together, and columns by RNAalifold. F1 is exact pairs against Rfam's consensus as each
member has it, the mean over members, then over families.
"""

import argparse
import csv
import gzip
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import report

from ssrlm_jax.external import vienna
from ssrlm_jax.infer import alignment_folding, catalogue, loading, predictors
from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import alignments, record_tables, stockholm, structures

FEWEST, MOST, LONGEST = 3, 8, 150  # members of a family, and their nucleotides
METHODS = ("alone", "together", "vienna alone", "RNAalifold")


def main() -> None:
    parsed = _arguments()
    rng = np.random.default_rng(0)
    last = parsed.skip + parsed.families
    chosen = list(_families(parsed, rng))[parsed.skip : last]
    print(f"{len(chosen)} families, {sum(len(one.rows) for one in chosen)} members")
    predictor = loading.load(catalogue.find(parsed.model))
    scores: dict[str, list[float]] = {name: [] for name in METHODS}
    for one in chosen:
        for name, found in _folded(predictor, one).items():
            scores[name].append(_score(found, one))
        print(one.name, *(f"{scores[name][-1]:.3f}" for name in METHODS), flush=True)
    means = {name: float(np.mean(of)) for name, of in scores.items()}
    gain = np.array(scores["together"]) - np.array(scores["alone"])
    draws = rng.integers(0, len(gain), (10_000, len(gain)))
    low, high = np.quantile(gain[draws].mean(1), [0.025, 0.975])
    for name, mean in means.items():
        print(f"{name:13} {mean:.3f}")
    print(f"together - alone {gain.mean():+.3f}, 95 % {low:+.3f} to {high:+.3f}")
    if parsed.out:
        facts = {
            "families": {
                one.name: {name: round(scores[name][n], 4) for name in METHODS}
                for n, one in enumerate(chosen)
            },
            "mean_f1": means,
            "gain": [float(gain.mean()), float(low), float(high)],
        }
        machine = report.machine("ssrlm-jax", "ViennaRNA")
        report.write_file(parsed.out, facts | {"machine": machine})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rfam", type=pathlib.Path, required=True)
    parser.add_argument("--train", type=pathlib.Path, required=True)
    parser.add_argument("--held_out", type=pathlib.Path, required=True)
    parser.add_argument("--families", type=int, default=30)
    parser.add_argument("--skip", type=int, default=0, help="families before them")
    parser.add_argument("--model", "-m")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def _families(
    parsed: argparse.Namespace, rng: np.random.Generator
) -> Iterator[alignments.Alignment]:
    """Yields families that did not train, with their first members."""
    facts = {row["accession"]: row for row in _rows(parsed.rfam / "families.tsv.gz")}
    rows: dict[str, dict[str, str]] = {}
    for row in _rows(parsed.rfam / "alignments.tsv.gz"):
        rows.setdefault(row["accession"], {})[row["seq_name"]] = row["aligned_sequence"]
    trained = list(record_tables.read_table(parsed.train))
    accessions = {record.family for record in trained}
    text = "\n".join(record.sequence for record in trained)
    letters = {record.sequence for record in trained}
    held_out = {record.sequence for record in record_tables.read_table(parsed.held_out)}
    found = []
    for accession in sorted(rows):
        dots = stockholm.UNPAIRED.sub(".", facts[accession]["SS_cons"])
        consensus = structures.from_dot_bracket(dots)
        plain = {name: alignments.plain(row) for name, row in rows[accession].items()}
        sequences = {name: row.replace("-", "") for name, row in plain.items()}
        usable = [n for n in plain if 0 < len(sequences[n]) <= LONGEST]
        if len(consensus.pairs) < 4 or len(usable) < FEWEST:
            continue
        if accession in accessions or any(
            one in text or any(part in one for part in letters if len(part) >= 30)
            for one in sequences.values()
        ):
            continue
        order = [usable[n] for n in rng.permutation(len(usable))[:MOST]]
        rank = not held_out.intersection(sequences.values())
        family = alignments.Alignment(
            accession, tuple(order), tuple(plain[n] for n in order), consensus
        )
        found.append((rank, family))
    print(
        f"{len(found)} families did not train, "
        f"{sum(not rank for rank, _ in found)} of them held out"
    )
    yield from (family for _, family in sorted(found, key=lambda one: one[0]))


def _rows(path: pathlib.Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        yield from csv.DictReader(file, delimiter="\t")


def _folded(
    predictor: predictors.Predictor, given: alignments.Alignment
) -> dict[str, list[structures.Structure]]:
    """Returns the structures of all members by method."""
    found = alignment_folding.fold(predictor, given)
    program = vienna.Vienna()
    columns = structures.from_dot_bracket(program.consensus(given.rows).dot_bracket)
    alone = [one.structure for one in program.fold(given.sequences)]
    return {
        "alone": [one.structure for one in predictor.predict(given.sequences)],
        "together": [one.structure for one in found.members],
        "vienna alone": alone,
        "RNAalifold": [given.projected(columns, n) for n in range(len(given.rows))],
    }


def _score(found: Sequence[structures.Structure], given: alignments.Alignment) -> float:
    assert given.consensus is not None, "families are those with a consensus"
    counts = [
        pair_scores.count(one, given.projected(given.consensus, number))
        for number, one in enumerate(found)
    ]
    return float(pair_scores.f1(np.array(counts)).mean())


if __name__ == "__main__":
    main()
