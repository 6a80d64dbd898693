import dataclasses
import pathlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from ssrlm_jax.data import rows
from ssrlm_jax.rna import alphabet

LENGTH = 16


def _row() -> rows.Row:
    """Two records, AC and GNU with its first and last paired."""
    token_L = np.zeros(LENGTH, np.uint8)
    token_L[:9] = [1, 4, 5, 2, 1, 6, 8, 7, 2]
    partner_L = np.full(LENGTH, -1, np.int16)
    partner_L[[5, 7]] = [7, 5]
    segment_L = np.zeros(LENGTH, np.uint8)
    segment_L[:9] = [1, 1, 1, 1, 2, 2, 2, 2, 2]
    return rows.Row(token_L, partner_L, segment_L, ("first", "second:1-3"))


def _corpus(directory: pathlib.Path) -> rows.Manifest:
    """One shard of three rows and its manifest."""
    with rows.ShardWriter(directory, "train", "ncrna", 0, 1) as writer:
        for _ in range(3):
            writer.write(_row())
    manifest = rows.Manifest(
        row_length=LENGTH,
        max_segments=64,
        shards=(writer.shard,),
        stages=(rows.Stage(name="read", num_in=7, num_out=6, dropped={"empty": 1}),),
        how={"seed": 0},
    )
    rows.write_manifest(directory, manifest)
    return manifest


@hypothesis.given(strategies.data())
@hypothesis.settings(max_examples=50, deadline=None)
def test_a_row_comes_back_as_written(data):
    length = data.draw(strategies.integers(1, 40))
    rng = np.random.default_rng(data.draw(strategies.integers(0, 99)))
    row = rows.Row(
        rng.integers(0, alphabet.SIZE, length).astype(np.uint8),
        rng.integers(-1, length, length).astype(np.int16),
        rng.integers(0, 256, length).astype(np.uint8),
        tuple(data.draw(strategies.lists(strategies.text("aé|:/1", min_size=1)))),
    )
    back = rows.decode_row(rows.encode_row(row))
    for written, read in zip(row[:3], back[:3], strict=True):
        np.testing.assert_array_equal(read, written)
        assert read.dtype == written.dtype
    assert back.ids == row.ids


def test_the_layout_on_disk_is_this():
    row = rows.Row(*(np.array(x) for x in ([1, 8], [-1, 258], [3, 4])), ("a", "b"))
    assert rows.encode_row(row) == b"\2\0\1\0\1\10\3\4\xff\xff\2\1a\nb"


@pytest.mark.parametrize(
    "data", [b"", b"\2\0", b"\2\0\1\0\1\10\3", b"\0\0\1\0", b"\1\0\2\0abcd"]
)
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match="are not a row"):
        rows.decode_row(data)


def test_a_corpus_comes_back_as_written(tmp_path):
    written = _corpus(tmp_path)
    assert rows.open_corpus(tmp_path, row_length=LENGTH, with_hashes=True) == written
    paths = rows.shard_paths(tmp_path, written, "train", "ncrna")
    read = [row for path in paths for row in rows.read_rows(path)]
    assert [row.ids for row in read] == [("first", "second:1-3")] * 3
    np.testing.assert_array_equal(read[2].token_L, _row().token_L)


def test_shards_are_counted():
    with_counts = rows.Shard(
        path="p", split="train", source="other", num_rows=2, num_records=3,
        num_nucleotides=18, num_tokens=24, num_bytes=9, hash="",
    )  # fmt: skip
    more = dataclasses.replace(with_counts, num_rows=1, num_tokens=12)
    manifest = rows.Manifest(row_length=16, max_segments=9, shards=(with_counts, more))
    assert manifest.totals("train", "other")["num_rows"] == 3
    assert manifest.fill("train", "other") == 36 / 48
    assert np.isnan(manifest.fill("validation", "other"))
    assert manifest.select("train", "ncrna") == ()


def test_the_writer_counts_what_it_writes(tmp_path):
    shard = _corpus(tmp_path).shards[0]
    assert shard.path == "train/ncrna-00000-of-00001.arrayrecord"
    assert (shard.num_rows, shard.num_records) == (3, 6)
    assert (shard.num_nucleotides, shard.num_tokens) == (15, 27)
    assert shard.num_bytes == (tmp_path / shard.path).stat().st_size


def _fail_halfway(directory: pathlib.Path) -> None:
    with rows.ShardWriter(directory, "train", "ncrna", 0, 1) as writer:
        writer.write(_row())
        raise OSError("no space")


def test_a_shard_left_in_the_middle_does_not_exist(tmp_path):
    with pytest.raises(OSError, match="no space"):
        _fail_halfway(tmp_path)
    assert list((tmp_path / "train").iterdir()) == []


def test_a_missing_corpus_names_the_command(tmp_path):
    with pytest.raises(
        ValueError, match=r"no corpus in .*ssrlm prepare_corpus"
    ) as caught:
        rows.open_corpus(tmp_path / "none")
    assert "\n" not in str(caught.value)


def test_another_row_length_is_refused(tmp_path):
    _corpus(tmp_path)
    with pytest.raises(ValueError, match=r"rows of 16 tokens, 1024 were asked for"):
        rows.open_corpus(tmp_path, row_length=1024)


def test_a_missing_shard_is_named(tmp_path):
    shard = _corpus(tmp_path).shards[0]
    (tmp_path / shard.path).unlink()
    with pytest.raises(ValueError, match=r"ncrna-00000-of-00001.* is missing"):
        rows.open_corpus(tmp_path)


def test_a_shard_cut_off_is_named(tmp_path):
    path = tmp_path / _corpus(tmp_path).shards[0].path
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"has 1000 bytes, the manifest says"):
        rows.open_corpus(tmp_path)
    with pytest.raises(ValueError, match=r"ncrna-00000.* cannot be read as rows"):
        list(rows.read_rows(path))


def test_a_changed_shard_is_found_by_its_hash(tmp_path):
    path = tmp_path / _corpus(tmp_path).shards[0].path
    data = bytearray(path.read_bytes())
    data[-70000] ^= 1
    path.write_bytes(data)
    rows.open_corpus(tmp_path)
    with pytest.raises(ValueError, match="other hash"):
        rows.open_corpus(tmp_path, with_hashes=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:100], "manifest.json is damaged"),
        (lambda text: "[]", "manifest.json is damaged"),
        (lambda text: text.replace('"shards"', '"shard"'), "is damaged"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format 2 with"),
        (lambda text: text.replace('"<cls>"', '"<bos>"'), "alphabet <pad> <bos>"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, change, message):
    _corpus(tmp_path)
    path = tmp_path / rows.MANIFEST
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=message) as caught:
        rows.read_manifest(tmp_path)
    assert "\n" not in str(caught.value)
