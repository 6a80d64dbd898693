import json

import numpy as np
import pytest

from ssrlm_jax.data import rows
from ssrlm_jax.prepare.corpus import dedupe, standardise


def _part(tmp_path, name, source, keys, held=()):
    """A part with keys of (high, low, family, has_structure)."""
    full = [
        (high, low, record, family, 10, has_structure, True)
        for record, (high, low, family, has_structure) in enumerate(keys)
    ]
    path = tmp_path / f"{name}.keys"
    array = np.array(full, standardise.KEY)
    with open(path, "wb") as file:
        np.save(file, array[np.argsort(array["high"], kind="stable")])
    return dedupe.Part(path=str(path), source=source, is_validation=tuple(held))


def _run(tmp_path, *parts, num_buckets=1, share=0.0):
    """What is kept, as {(part, record): split}, and the counts."""
    kept, dropped = {}, []
    for bucket in range(num_buckets):
        task = dedupe.Task(
            parts=parts,
            bucket=bucket,
            num_buckets=num_buckets,
            out=str(tmp_path / f"{bucket}.kept"),
            validation_share=share,
            seed=0,
        )
        dropped.append(json.loads(json.dumps(dedupe.dedupe(task)["dropped"])))
        for part, record, split in np.load(task.out).tolist():
            assert (part, record) not in kept
            kept[part, record] = rows.SPLITS[split]
    return kept, dropped


def test_the_first_of_equal_records_is_kept(tmp_path):
    first = _part(tmp_path, "a", "ncrna", [(5, 1, -1, False), (5, 2, -1, False)])
    second = _part(tmp_path, "b", "other", [(5, 2, -1, False), (4, 2, -1, False)])
    kept, (dropped,) = _run(tmp_path, first, second)
    assert set(kept) == {(0, 0), (0, 1), (1, 1)}
    assert dropped == {"other": {dedupe.EQUAL: 1}}


def test_a_record_with_a_structure_wins(tmp_path):
    first = _part(tmp_path, "a", "other", [(5, 1, -1, False)])
    second = _part(tmp_path, "b", "ncrna", [(5, 1, -1, True), (5, 1, -1, True)])
    kept, (dropped,) = _run(tmp_path, first, second)
    assert set(kept) == {(1, 0)}
    assert dropped == {"other": {dedupe.EQUAL: 1}, "ncrna": {dedupe.EQUAL: 1}}


def test_equal_to_one_left_out_none_is_kept(tmp_path):
    first = _part(
        tmp_path, "a", "ncrna", [(5, 1, -1, True), (5, 1, -1, True), (6, 1, -1, True)]
    )
    gone = _part(
        tmp_path, "b", standardise.LEFT_OUT, [(5, 1, -1, True), (9, 9, -1, True)]
    )
    kept, (dropped,) = _run(tmp_path, first, gone)
    assert (1, 0) not in kept
    assert set(kept) - {(1, 1)} == {(0, 2)}
    assert dropped == {"ncrna": {dedupe.LEFT_OUT: 2}}


@pytest.mark.parametrize("num_buckets", [1, 3, 64])
def test_the_number_of_buckets_changes_nothing(tmp_path, num_buckets):
    rng = np.random.default_rng(0)
    high = rng.integers(0, 2**64, 300, np.uint64)
    high[:3] = [0, 2**63, 2**64 - 1]
    keys = [(int(h), 0, -1, False) for h in high]
    first = _part(tmp_path, "a", "ncrna", keys)
    second = _part(tmp_path, "b", "ncrna", keys)
    kept, _ = _run(tmp_path, first, second, num_buckets=num_buckets, share=0.3)
    alone, _ = _run(tmp_path, first, second, share=0.3)
    assert kept == alone
    assert set(kept) == {(0, record) for record in range(300)}


def test_a_held_out_family_takes_equal_records_along(tmp_path):
    """Record 0 has no family, but its equal is of one that is held out."""
    first = _part(tmp_path, "a", "other", [(5, 1, -1, True), (6, 1, 0, True)], [False])
    second = _part(
        tmp_path, "b", "ncrna", [(5, 1, 1, True), (7, 1, 0, True)], [False, True]
    )
    kept, _ = _run(tmp_path, first, second)
    assert kept == {(0, 0): "validation", (0, 1): "train", (1, 1): "train"}


def test_a_known_family_is_not_split_by_chance(tmp_path):
    part = _part(tmp_path, "a", "ncrna", [(5, 1, 0, True), (6, 1, -1, True)], [False])
    kept, _ = _run(tmp_path, part, share=1.0)
    assert kept == {(0, 0): "train", (0, 1): "validation"}


def test_an_empty_bucket_is_fine(tmp_path):
    kept, (dropped,) = _run(tmp_path, _part(tmp_path, "a", "ncrna", []))
    assert kept == dropped == {}


def test_a_share_is_drawn_by_seed():
    high = np.random.default_rng(0).integers(0, 2**64, 20_000, np.uint64)
    drawn = dedupe.is_drawn(high, 0.02, seed=0)
    assert 300 < drawn.sum() < 500  # 400, standard deviation 20
    np.testing.assert_array_equal(drawn[::-1], dedupe.is_drawn(high[::-1], 0.02, 0))
    assert (drawn & dedupe.is_drawn(high, 0.02, seed=1)).sum() < 30
    assert not dedupe.is_drawn(high, 0.0, 0).any()
    assert dedupe.is_drawn(high, 1.0, 0).all()


def test_families_are_held_out_up_to_the_share():
    counts = {"huge": 900, **{f"f{n}": 1 + n % 3 for n in range(50)}}
    chosen = dedupe.hold_out(counts, 0.02, seed=0)
    room = int(0.02 * sum(counts.values()))
    assert room - 1 <= sum(counts[name] for name in chosen) <= room
    assert "huge" not in chosen
    shuffled = dict(reversed(counts.items()))
    assert dedupe.hold_out(shuffled, 0.02, seed=0) == chosen
    assert dedupe.hold_out(counts, 0.02, seed=1) != chosen
    assert dedupe.hold_out({}, 0.5, seed=0) == set()
