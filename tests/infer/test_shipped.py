"""The model that ships: what it says of RNAs that all know does not get worse."""

import pathlib

import numpy as np
import pytest

import ssrlm_jax
from ssrlm_jax.external import vienna
from ssrlm_jax.metrics import pair_scores
from ssrlm_jax.rna import formats, record_tables

TWELVE = pathlib.Path(__file__).parents[1] / "fixtures" / "twelve.tsv"
# By `python benchmarks/twelve.py`, exact pairs; benchmarks/results/twelve.json.
LEAST_MEAN_F1 = 0.74  # 0.767 when it was shipped


@pytest.fixture(scope="module")
def predictor():
    return ssrlm_jax.load()


@pytest.fixture(scope="module")
def known():
    return list(record_tables.read_table(TWELVE))


def test_the_default_folds_the_twelve_as_well_as_when_it_was_shipped(predictor, known):
    found = predictor.fold([record.sequence for record in known])
    counts = [
        pair_scores.count(one.structure, record.structure)
        for one, record in zip(found, known, strict=True)
    ]
    assert pair_scores.f1(np.array(counts)).mean() > LEAST_MEAN_F1


def test_trna_is_a_cloverleaf(predictor, known):
    (found,) = predictor.fold([known[0].sequence])
    missed = set(map(tuple, known[0].structure.pairs.tolist())) - set(
        map(tuple, found.structure.pairs.tolist())
    )
    assert not missed
    assert len(found.structure.pairs) <= len(known[0].structure.pairs) + 1


def test_energies_and_relatives_are_read(predictor, known):
    names = {name["program"] for name in predictor.description.made["energies"]}
    assert names == {vienna.Vienna().describe()["program"], "relatives"}
    sources = ("vienna", "andronescu", "langdon", "relatives")
    assert predictor.description.head.energies == sources
    assert predictor.energy_note == "" or "ViennaRNA" in predictor.energy_note
    (nearest, *_) = predictor.relatives(known[0].sequence)  # there are many tRNAs
    assert nearest.confidence > 0.8
    assert not predictor.relatives("ACGU" * 10)
    cut = known[0].sequence[:40] + "&" + known[0].sequence[40:]
    assert predictor.relatives(cut)[0] == nearest  # '&' is no nucleotide


def test_the_fasta_of_the_readme_is_the_twelve(known):
    fasta = pathlib.Path(__file__).parents[2] / "docs" / "models" / "twelve.fa"
    letters = [record.sequence for record in formats.read_fasta(fasta)]
    assert letters == [record.sequence for record in known]
