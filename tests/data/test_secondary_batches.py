import dataclasses
import itertools

import numpy as np
import pytest
import test_labelled_records

from ssrlm_jax import config
from ssrlm_jax.data import secondary_batches
from ssrlm_jax.rna import alphabet, formats, probabilities, structures

SETTINGS = config.LabelledConfig(max_length=100, batch_size=2)


_record = test_labelled_records.record


def _records(num=41, seed=0):
    lengths = np.random.default_rng(seed).integers(1, 101, num)
    return [_record(int(length), f"r{n}") for n, length in enumerate(lengths)]


def _names(batch):
    """Returns the lengths of the RNAs of a batch."""
    return batch["length"].tolist()


def test_a_batch_by_hand():
    record = formats.Record("a", "gCAN", structures.from_dot_bracket("(..)"))
    batch = secondary_batches.make([record, None], 5)
    assert batch["token"][0].tolist() == [
        alphabet.CLS,
        alphabet.G,
        alphabet.C,
        alphabet.A,
        alphabet.N,
        alphabet.EOS,
        alphabet.PAD,
    ]
    assert batch["segment"][0].tolist() == [1] * 6 + [0]
    assert not batch["token"][1].any()
    assert not batch["segment"][1].any()
    assert batch["length"].tolist() == [4, 0]
    assert np.argwhere(batch["pair"]).tolist() == [[0, 0, 3], [0, 3, 0]]


def test_energies_of_a_batch_by_hand():
    listed = probabilities.PairProbabilities(
        np.array([0]), np.array([3]), np.array([0.5], np.float32)
    )
    empty = probabilities.PairProbabilities(*(np.empty(0, int) for _ in range(3)))
    asked = []

    def energies(letters):
        asked.extend(letters)
        return [(listed, empty) if one else (empty, empty) for one in letters]

    record = formats.Record("a", "gCAN", structures.from_dot_bracket("(..)"))
    energy_BLMS = secondary_batches.make([record, None], 5, energies)["energy"]
    assert asked == ["gCAN", ""]
    assert (energy_BLMS.shape, energy_BLMS.dtype) == ((2, 5, 5, 2), np.float16)
    assert np.argwhere(energy_BLMS).tolist() == [[0, 0, 3, 0], [0, 3, 0, 0]]
    assert energy_BLMS.max() == 0.5


@pytest.mark.parametrize("start", [0, 7, 50])
def test_threads_change_nothing(start):
    one = secondary_batches.into_buckets(
        _records(), dataclasses.replace(SETTINGS, num_threads=1)
    )
    four = dataclasses.replace(
        one, settings=dataclasses.replace(SETTINGS, num_threads=4)
    )
    streams = one.batches(7, 0, 1, start), four.batches(7, 0, 1, start)
    for found, expected in itertools.islice(zip(*streams, strict=True), 40):
        np.testing.assert_array_equal(found["token"], expected["token"])


def test_every_record_comes_once_an_epoch_in_another_order():
    buckets = secondary_batches.into_buckets(_records(), SETTINGS)
    num = buckets.batches_per_epoch
    stream = buckets.batches(7, 0, 1, 0)
    epochs = [
        [length for batch in itertools.islice(stream, num) for length in _names(batch)]
        for _ in range(2)
    ]
    expected = sorted(len(record.sequence) for record in buckets.records)
    for epoch in epochs:
        assert sorted(length for length in epoch if length) == expected
    assert epochs[0] != epochs[1]


def test_batches_go_on_from_any_number():
    buckets = secondary_batches.into_buckets(_records(), SETTINGS)
    whole = list(itertools.islice(buckets.batches(7, 0, 1, 0), 60))
    for start in (1, buckets.batches_per_epoch, 45):
        rest = itertools.islice(buckets.batches(7, 0, 1, start), 60 - start)
        for one, other in zip(rest, whole[start:], strict=True):
            for name in one:
                np.testing.assert_array_equal(one[name], other[name])


def test_two_processes_read_the_halves_of_each_batch():
    buckets = secondary_batches.into_buckets(_records(), SETTINGS)
    parts = [itertools.islice(buckets.batches(7, n, 2, 0), 30) for n in (0, 1)]
    whole = itertools.islice(buckets.batches(7, 0, 1, 0), 30)
    for batch, first, second in zip(whole, *parts, strict=True):
        both = np.concatenate([first["token"], second["token"]])
        np.testing.assert_array_equal(batch["token"], both)


def test_validation_gives_every_record_once_with_its_place():
    records = _records()
    buckets = secondary_batches.into_buckets(records, SETTINGS)
    seen = []
    for places, batch in buckets.ordered():
        assert len(batch["token"]) == SETTINGS.batch_size
        seen += places
        for row, place in enumerate(places):
            assert batch["length"][row] == len(records[place].sequence)
    assert sorted(seen) == list(range(len(records)))


def test_padding_is_small_and_shapes_are_few_at_the_lengths_of_real_sets():
    # bpRNA TR0: median 105, nine tenths below 234, the longest 498.
    lengths = np.random.default_rng(0).lognormal(np.log(108), 0.5, 3_000)
    records = [_record(int(n), f"r{k}") for k, n in enumerate(lengths) if 30 < n < 500]
    buckets = secondary_batches.into_buckets(records, config.LabelledConfig())
    assert buckets.padding < 0.07
    assert len(buckets.lengths) <= 30


def test_a_letter_that_is_not_of_rna_names_the_record():
    record = formats.Record("a", "AC-U", structures.from_dot_bracket("...."))
    with pytest.raises(ValueError, match="a: position 3: '-' is a gap"):
        secondary_batches.into_buckets([record], SETTINGS)
