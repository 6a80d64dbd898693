"""Classifies RNA by embeddings, and scores that on families it never saw.

  python examples/classify_rna.py                  # generated families
  python examples/classify_rna.py my.tsv rinalmo   # yours, by a model of yours

A table has the columns id, sequence, family and label, separated by tabs. RNAs of one
family are relatives: where some are on either side of a split, it is enough to know
the family.
"""

import csv
import pathlib
import sys

import numpy as np
from sklearn import linear_model, model_selection, pipeline, preprocessing

import ssrlm_jax
from ssrlm_jax import config
from ssrlm_jax.prepare.corpus import generated_rna
from ssrlm_jax.rna import elements


def from_table(path):
    """Yields sequences, families and labels."""
    with pathlib.Path(path).open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield row["sequence"], row["family"], row["label"]


def generated():
    """Yields RNAs with or without a junction, a loop of three helices or more."""
    sizes = config.FamiliesConfig(num_families=12, num_members=8)
    for record in generated_rna.generate(sizes, seed=0)["train", "ncrna"]:
        has_junction = "m" in elements.of(record.structure)
        yield record.sequence, record.name.split("/")[0], str(has_junction)


def main(table="", model=""):
    rows = list(from_table(table) if table else generated())
    sequences, families, labels = map(list, zip(*rows, strict=True))
    embeddings = np.stack(ssrlm_jax.load(model or None).embed(sequences))
    classifier = pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=2000)
    )
    split = model_selection.StratifiedGroupKFold(4, shuffle=True, random_state=0)
    for how, groups in {"by RNA": range(len(rows)), "by family": families}.items():
        scores = model_selection.cross_val_score(
            classifier, embeddings, labels, cv=split, groups=list(groups)
        )
        print(f"{len(rows)} RNAs split {how}: accuracy {scores.mean():.2f}")


main(*sys.argv[1:])
