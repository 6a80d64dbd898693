import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.data import pretraining_batches, rows
from ssrlm_jax.rna import alphabet

LENGTH = 32
NUM_ROWS = {"ncrna": 7, "other": 5}  # of a split; two shards each


def make_row(number):
    """Two hairpins; the letters of the first spell the row's number in base 4."""
    token = np.zeros(LENGTH, np.uint8)
    partner = np.full(LENGTH, -1, np.int16)
    segment = np.zeros(LENGTH, np.uint8)
    for first, name in ((0, 1), (13, 2)):
        token[first], token[first + 12] = alphabet.CLS, alphabet.EOS
        segment[first : first + 13] = name
        for i in range(1, 5):
            partner[[first + i, first + 12 - i]] = first + 12 - i, first + i
    digits = np.array([number // 4**i % 4 for i in range(11)])
    token[1:12] = alphabet.A + digits
    token[14:25] = alphabet.A + digits[::-1]
    return rows.Row(token, partner, segment, (f"{number}a", f"{number}b"))


def number_of(letters):
    return int(sum(4**i * int(t - alphabet.A) for i, t in enumerate(letters[1:12])))


def make_corpus(path, num_rows=NUM_ROWS, splits=rows.SPLITS):
    shards, number = [], 0
    for split in splits:
        for source, count in num_rows.items():
            for index in range(2):
                with rows.ShardWriter(path, split, source, index, 2) as writer:
                    for _ in range(index, count, 2):
                        writer.write(make_row(number))
                        number += 1
                shards.append(writer.shard)
    manifest = rows.Manifest(row_length=LENGTH, max_segments=2, shards=tuple(shards))
    rows.write_manifest(path, manifest)
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def settings(*, masking=None, micro_batches=1, **data):
    data = {"rows_per_batch": 4, "row_length": LENGTH, "validation_rows": 5} | data
    return config.PretrainConfig(
        data=config.DataConfig(**data),
        masking=masking or config.MaskingConfig(),
        loop=config.LoopConfig(micro_batches=micro_batches),
    )


def take(count, corpus, setting=None, *, seed=3, process=0, num_processes=1, start=0):
    stream = pretraining_batches.batches(
        corpus,
        rows.open_corpus(corpus),
        setting or settings(),
        seed=seed,
        process=process,
        num_processes=num_processes,
        start=start,
    )
    return [next(stream) for _ in range(count)]


def assert_equal(batch, other):
    assert batch.keys() == other.keys()
    for key in batch:
        assert batch[key].dtype == other[key].dtype
        np.testing.assert_array_equal(batch[key], other[key], err_msg=key)


def join(shares):
    return {key: np.concatenate([s[key] for s in shares]) for key in shares[0]}


def letters_of(batch):
    """Returns the true letters of a batch."""
    return np.where(batch["target"] > 0, batch["target"], batch["token"])


def numbers_of(batch):
    return [
        number_of(x)
        for x, s in zip(letters_of(batch), batch["segment"], strict=True)
        if s.any()
    ]


def test_batch_holds_rows_as_stored_but_for_what_is_hidden(corpus):
    (batch,) = take(1, corpus)
    shapes = {key: (x.shape, x.dtype) for key, x in batch.items()}
    assert shapes == {
        "token": ((4, LENGTH), np.uint8),
        "target": ((4, LENGTH), np.uint8),
        "segment": ((4, LENGTH), np.uint8),
        "partner": ((4, LENGTH), np.int16),
        "source": ((4,), np.uint8),
    }
    for i, number in enumerate(numbers_of(batch)):
        row = make_row(number)
        np.testing.assert_array_equal(letters_of(batch)[i], row.token_L)
        np.testing.assert_array_equal(batch["segment"][i], row.segment_L)
        np.testing.assert_array_equal(batch["partner"][i], row.partner_L)
    is_hidden = batch["target"] > 0
    np.testing.assert_array_equal(is_hidden, batch["token"] == alphabet.MASK)
    np.testing.assert_array_equal(is_hidden.sum(axis=1), 4)  # 2 of 11, twice


def test_epoch_visits_every_row_once_in_a_new_order_with_new_masks(corpus):
    setting = settings(mix=config.SourceRates(ncrna=1.0, other=0.0), rows_per_batch=7)
    first, second = take(2, corpus, setting)
    assert sorted(numbers_of(first)) == sorted(numbers_of(second)) == list(range(7))
    assert numbers_of(first) != numbers_of(second)
    by_number = [
        dict(zip(numbers_of(b), b["target"], strict=True)) for b in (first, second)
    ]
    assert any((by_number[0][n] != by_number[1][n]).any() for n in range(7))


def test_sources_alternate_and_only_ncrna_is_masked_by_structure(corpus):
    masking = config.MaskingConfig(
        rate=0.5, ssm_rate=config.SourceRates(ncrna=1.0, other=0.0)
    )
    batch = join(take(20, corpus, settings(masking=masking)))
    np.testing.assert_array_equal(batch["source"], [0, 1] * 40)
    np.testing.assert_array_equal(batch["source"] == 0, np.less(numbers_of(batch), 7))
    is_hidden = batch["target"] > 0
    is_partner_hidden = np.take_along_axis(is_hidden, batch["partner"].astype(int), 1)
    both = (is_hidden & is_partner_hidden & (batch["partner"] >= 0)).any(axis=1)
    assert not both[batch["source"] == 0].any()
    assert both[batch["source"] == 1].any()


def test_sources_are_shuffled_apart(tmp_path):
    batch = join(take(4, make_corpus(tmp_path, {"ncrna": 7, "other": 7})))
    numbers = np.array(numbers_of(batch))
    assert (numbers[0:14:2] != numbers[1:14:2] - 7).any()


def test_mix_sets_the_share_of_rows(corpus):
    setting = settings(mix=config.SourceRates(ncrna=3.0, other=1.0))
    for batch in take(5, corpus, setting):
        assert (batch["source"] == 0).sum() == 3


@pytest.mark.parametrize(
    "missing", [{"other": 5}, {"ncrna": 0, "other": 5}], ids=["absent", "empty"]
)
def test_source_without_rows_is_left_out(tmp_path, missing):
    batch, _ = take(2, make_corpus(tmp_path, missing))
    np.testing.assert_array_equal(batch["source"], 1)
    assert set(numbers_of(batch)) <= set(range(5))


def test_no_rows_at_all_is_an_error_naming_the_setting(tmp_path):
    setting = settings(mix=config.SourceRates(ncrna=1.0, other=0.0))
    corpus = make_corpus(tmp_path, {"other": 5})
    with pytest.raises(ValueError, match="no training rows of data.mix's ncrna"):
        take(1, corpus, setting)


def test_damaged_row_names_its_shard(tmp_path):
    corpus = make_corpus(tmp_path, {"other": 5})
    path = corpus / "train" / "other-00001-of-00002.arrayrecord"
    data = bytearray(path.read_bytes())
    data[100 : len(data) // 2] = bytes(len(data) // 2 - 100)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="other-00001-of-00002.arrayrecord: row"):
        take(5, corpus)


@pytest.mark.parametrize("num_processes", [2, 4])
def test_processes_share_the_batches_of_one(corpus, num_processes):
    whole = take(6, corpus)
    shares = [
        take(6, corpus, process=p, num_processes=num_processes)
        for p in range(num_processes)
    ]
    for i, batch in enumerate(whole):
        assert_equal(join([share[i] for share in shares]), batch)


def test_resumed_run_takes_the_batches_that_an_uninterrupted_one_takes(corpus):
    whole = take(40, corpus)  # 16 passes over the smaller source
    for start in (1, 3, 37):
        resumed = take(3, corpus, start=start)
        for batch, expected in zip(resumed, whole[start:], strict=False):
            assert_equal(batch, expected)
    shares = [take(3, corpus, process=p, num_processes=2, start=37) for p in range(2)]
    assert_equal(join([share[2] for share in shares]), whole[39])


def test_start_may_lie_beyond_any_run(corpus):
    start = 10**9
    (later,) = take(1, corpus, start=start + 1)
    assert_equal(later, take(2, corpus, start=start)[1])


def test_seed_decides(corpus):
    assert_equal(take(1, corpus)[0], take(1, corpus)[0])
    other = join(take(2, corpus, seed=4))
    assert (other["target"] != join(take(2, corpus))["target"]).any()


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_change_nothing(corpus, num_workers):
    whole = take(5, corpus)
    setting = settings(num_workers=num_workers)
    resumed = take(4, corpus, setting, start=1)
    for batch, expected in zip(resumed, whole[1:], strict=True):
        assert_equal(batch, expected)


def test_batch_that_processes_do_not_divide_names_the_setting(corpus):
    with pytest.raises(ValueError, match="data.rows_per_batch=4 is not a multiple"):
        take(1, corpus, num_processes=3)


def validate(corpus, setting=None, *, process=0, num_processes=1):
    return pretraining_batches.validation(
        corpus,
        rows.open_corpus(corpus),
        setting or settings(),
        process=process,
        num_processes=num_processes,
    )


def test_validation_is_held_out_and_the_same_for_every_run(corpus):
    shares = validate(corpus)
    assert len(shares) == 3  # 5 + 5 rows in batches of 4
    batch = join(shares)
    np.testing.assert_array_equal(batch["source"], [0] * 5 + [1] * 5 + [0] * 2)
    numbers = numbers_of(batch)
    assert len(set(numbers)) == len(numbers) == 10
    assert set(numbers[:5]) < set(range(12, 19))
    assert set(numbers[5:]) == set(range(19, 24))
    assert numbers[5:] != sorted(numbers[5:])  # drawn from all shards
    for masking in (config.MaskingConfig(policy="mlm"), config.MaskingConfig(rate=0.5)):
        assert_equal(join(validate(corpus, settings(masking=masking))), batch)


def test_validation_ends_with_empty_rows(corpus):
    last = validate(corpus)[-1]
    for key, value in {"token": 0, "target": 0, "segment": 0, "partner": -1}.items():
        assert (last[key][2:] == value).all()
    assert (last["segment"][:2] > 0).any(axis=1).all()


@pytest.mark.parametrize("num_processes", [2, 4])
def test_validation_is_shared_by_processes(corpus, num_processes):
    shares = [
        validate(corpus, process=p, num_processes=num_processes)
        for p in range(num_processes)
    ]
    for parts, expected in zip(
        zip(*shares, strict=True), validate(corpus), strict=True
    ):
        assert_equal(join(parts), expected)


def test_validation_takes_micro_batches(corpus):
    sizes = [len(b["token"]) for b in validate(corpus, settings(micro_batches=2))]
    assert sizes == [2] * 5
    with pytest.raises(ValueError, match="rows_per_batch / loop.micro_batches=2 is"):
        validate(corpus, settings(micro_batches=2), num_processes=4)


def test_corpus_without_held_out_rows_has_no_validation(tmp_path):
    assert validate(make_corpus(tmp_path, splits=("train",))) == []
