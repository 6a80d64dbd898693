"""Twelve RNAs that everybody knows, beside their known structures and ViennaRNA's.

  python benchmarks/twelve.py [--model=NAME] [--out=docs/models/twelve.png]

Exact F1 of each by the model's own rule, of ViennaRNA's least free energy in the same
run, and the F1 that the model expects. A picture has the known structure, the model's
and ViennaRNA's of each; trna.png beside it has the first. Known structures:
tests/fixtures/twelve.tsv, which names where each is from. Some have relatives in
training: docs/models.md.
"""

import argparse
import pathlib
import statistics
import sys

import numpy as np
import report

from ssrlm_jax import load
from ssrlm_jax.external import vienna
from ssrlm_jax.infer import canvas, layout
from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import record_tables, structures

ROOT = pathlib.Path(__file__).parents[1]
TWELVE = ROOT / "tests" / "fixtures" / "twelve.tsv"
PER_ROW = 2  # RNAs


def main() -> None:
    """Folds, scores and draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model")
    parser.add_argument(
        "--out", type=pathlib.Path, default=ROOT / "docs" / "models" / "twelve.png"
    )
    given = parser.parse_args()
    records = list(record_tables.read_table(TWELVE))
    letters = [record.sequence for record in records]
    predictor = load(given.model)
    predicted = predictor.fold(letters)
    folded = vienna.Vienna().fold(letters)
    rows, sketches = [], []
    for record, ours, theirs in zip(records, predicted, folded, strict=True):
        known = record.structure
        assert known is not None, "the table has structures"
        f1_ours, f1_theirs = _f1(ours.structure, known), _f1(theirs.structure, known)
        expected = ours.expected_f1
        rows.append((record.name, len(record.sequence), f1_ours, f1_theirs, expected))
        sketches.append(
            [
                layout.Sketch(f"{record.name}: known", known),
                layout.Sketch(f"this model, F1 {f1_ours:.2f}", ours.structure, known),
                layout.Sketch(f"ViennaRNA, {f1_theirs:.2f}", theirs.structure, known),
            ]
        )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    grid = [
        [one for row in sketches[n : n + PER_ROW] for one in row]
        for n in range(0, len(sketches), PER_ROW)
    ]
    canvas.save(layout.gallery(grid), given.out, given.out.suffix[1:])
    first = given.out.with_name("trna.png")
    canvas.save(layout.gallery(sketches[:1]), first, "png")
    header = ("RNA", "nt", "F1", "ViennaRNA", "expected F1")
    means = [statistics.mean(column) for column in list(zip(*rows, strict=True))[2:]]
    shown = [(name, nt, *(f"{x:.2f}" for x in scores)) for name, nt, *scores in rows]
    shown.append(("mean", "", *(f"{x:.3f}" for x in means)))
    print(report.table(header, shown), file=sys.stderr)
    report.save(
        "twelve",
        {
            "machine": report.machine("ssrlm-jax", "jax", "ViennaRNA"),
            "f1": {name: round(f1, 4) for name, _, f1, _, _ in rows},
            "vienna": {name: round(f1, 4) for name, _, _, f1, _ in rows},
        },
    )


def _f1(found: structures.Structure, known: structures.Structure) -> float:
    return float(pair_scores.f1(np.array([pair_scores.count(found, known)]))[0])


if __name__ == "__main__":
    main()
