"""Predictions of a few RNAs, without a model: what pages show."""

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.rna import formats, probabilities, strands, structures

RULE = config.DecodingConfig()
THRESHOLD = 0.3
MARKUP = "<script>alert(1)</script>&amp;"
# Names, letters and dot-bracket; every pair has the probability that follows.
KNOT = ("knot", "GGGAACCCAACCCAAGGG", "(((..[[[..)))..]]]")
RNAS = (
    ("hairpin", "GGGGAAAACCCC", "((((....))))"),
    KNOT,
    (MARKUP, "GGGGAAAAUUUU", "((((....))))"),
)


def listed(length, pairs, chances):
    """Returns probabilities of pairs from 0."""
    i, j = np.array(pairs, np.int32).reshape(-1, 2).T
    return probabilities.PairProbabilities(i, j, np.array(chances, np.float32))


def prediction(name, letters, dots):
    """Returns record, probabilities and what is told; pairs are 0.9, 0.8 ... sure."""
    joined, breaks = strands.split(letters)
    structure = structures.from_dot_bracket(strands.joined(dots))
    chances = [round(0.9 - 0.1 * n, 1) for n in range(len(structure.pairs))]
    record = formats.Record(name, joined, structure, breaks=breaks)
    about = {"model": "none", "threshold": THRESHOLD, "expected_f1": 0.75}
    return record, listed(len(joined), structure.pairs, chances), about
