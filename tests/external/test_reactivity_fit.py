import dataclasses

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.external import evidence, reactivity_fit, vienna
from ssrlm_jax.rna import structures

RNA = pytest.importorskip("RNA")
SEQUENCE = (
    "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"
)
DOTS = "(((((((..((((........))))((((((.......))))))....(((((.......))))))))))))...."
IS_PAIRED = structures.partners(structures.from_dot_bracket(DOTS))[0] >= 0
RIGHT = np.where(IS_PAIRED, 0.05, 1.0).astype(np.float32)


def _weighed(value_L, **flags):
    settings = config.EvidenceConfig(**flags)
    known = evidence.Evidence(reactivity_L=value_L, settings=settings)
    return reactivity_fit.weighed(SEQUENCE, known)


def test_values_that_fit_count_in_full():
    assert _weighed(RIGHT).share == 1


def test_values_in_random_orders_count_little_in_the_mean():
    rng = np.random.default_rng(0)
    found = [_weighed(rng.permutation(RIGHT)).share for _ in range(20)]
    assert np.mean(found) < 0.5


def test_what_is_not_looked_at_counts_in_full():
    assert _weighed(RIGHT, orders=0).share is None
    assert _weighed(RIGHT, longest_weighed=20).share is None
    assert _weighed(np.full(len(SEQUENCE), 2.0)).share is None  # one order only
    assert reactivity_fit.weighed(SEQUENCE, evidence.Evidence()).share is None
    done = dataclasses.replace(_weighed(RIGHT), share=0.25)
    assert reactivity_fit.weighed(SEQUENCE, done) is done


def test_the_same_values_are_weighed_alike():
    rng = np.random.default_rng(1)
    value_L = rng.permutation(RIGHT)
    assert _weighed(value_L).share == _weighed(value_L).share


def test_reactivities_that_do_not_count_leave_the_energies_as_they_are():
    none = evidence.Evidence(reactivity_L=RIGHT, share=0.0)
    half = evidence.Evidence(reactivity_L=RIGHT, share=0.5)
    compound = RNA.fold_compound(SEQUENCE)
    values = [-1.0, *RIGHT.astype(float).tolist()]
    compound.sc_add_SHAPE_deigan(values, 0.9, -0.3)
    compound.mfe()
    plain, weighed = (
        vienna.Vienna(evidence=one).ensemble(SEQUENCE) for one in (none, half)
    )
    assert plain == pytest.approx(vienna.Vienna().ensemble(SEQUENCE), abs=1e-4)
    assert weighed == pytest.approx(compound.pf()[1], abs=1e-3)
