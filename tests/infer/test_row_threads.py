"""Rows computed by several threads: what comes out, in which order, and how it ends."""

import threading

import numpy as np
import pytest
import small_models

from ssrlm_jax import config
from ssrlm_jax.external import cores
from ssrlm_jax.infer import predictors, row_model, row_threads, sequence_rows

LIMITS = sequence_rows.Limits(row=0, at_once=1_024, longest=None)
LENGTHS = [10, 20, 30, 40]


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(cores, "count", lambda: 2)


def rows(lengths):
    numbered = [(number, "A" * length) for number, length in enumerate(lengths, 1)]
    return list(sequence_rows.make(numbered, LIMITS))


def length_of(row):
    return len(row.sequences[0])


def test_rows_are_computed_at_the_same_time_and_told_in_order(two_cores):
    meeting = threading.Barrier(2, timeout=60)  # none passes alone

    def compute(row):
        meeting.wait()
        return length_of(row)

    assert row_threads.computed(rows(LENGTHS), compute, 2**20) == LENGTHS


def test_what_takes_too_much_memory_together_is_computed_alone(two_cores):
    own, seen = threading.get_ident(), {}

    def compute(row):
        seen[length_of(row)] = threading.get_ident()
        return length_of(row)

    longest = max(row.longest for row in rows([10, 20]))
    found = row_threads.computed(rows(LENGTHS), compute, 2 * longest**2)
    assert found == LENGTHS
    assert [seen[length] == own for length in LENGTHS] == [False, False, True, True]


@pytest.mark.parametrize("why", ["one core", "one of several", "one row"])
def test_without_a_gain_there_are_no_threads(monkeypatch, why):
    monkeypatch.setattr(cores, "count", lambda: 1 if why == "one core" else 2)
    monkeypatch.setattr(cores, "are_own", lambda: why != "one of several")
    lengths = LENGTHS[:1] if why == "one row" else LENGTHS
    own = threading.get_ident()
    found = row_threads.computed(
        rows(lengths), lambda row: threading.get_ident() == own, 2**20
    )
    assert found == [True] * len(lengths)


def test_after_an_error_no_row_is_begun(two_cores):
    begun, before = [], threading.active_count()

    def compute(row):
        begun.append(length_of(row))
        raise ValueError(f"{length_of(row)} nucleotides")

    with pytest.raises(ValueError, match=r"(60|70|80) nucleotides"):
        row_threads.computed(rows(range(10, 90, 10)), compute, 2**20)
    assert len(begun) < 8
    assert threading.active_count() == before


@pytest.mark.parametrize("error", [MemoryError, RuntimeError])
def test_where_memory_is_full_rows_are_computed_one_by_one(two_cores, error):
    own = threading.get_ident()

    def compute(row):
        if threading.get_ident() != own:
            raise error("RESOURCE_EXHAUSTED: Out of memory")
        return length_of(row)

    assert row_threads.computed(rows(LENGTHS), compute, 2**20) == LENGTHS


def test_threads_change_no_bit(monkeypatch):
    made = small_models.made(
        config.EncoderConfig(
            num_layers=2, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
        ),
        config.HeadConfig(channels=8),
    )
    monkeypatch.setattr(sequence_rows, "ROW", 64)
    monkeypatch.setattr(row_model, "WINDOWS", (64,))
    sequences = [("ACGGUUCA" * 20)[: 7 * n + 5] for n in range(20)]

    def told(num_cores):
        monkeypatch.setattr(cores, "count", lambda: num_cores)
        model = predictors.Predictor(*made)
        pairs = [listed for _, listed in model.pair_probabilities(sequences)]
        return pairs, model.embed(sequences)

    (alone, states), (together, same) = told(1), told(3)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.probability, other.probability)
        np.testing.assert_array_equal(one.i, other.i)
    np.testing.assert_array_equal(states, same)
