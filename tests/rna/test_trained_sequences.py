"""Hashes of what trained: equal RNA has equal ones, however it is written."""

import pytest

from ssrlm_jax.rna import trained_sequences


def test_equal_sequences_have_equal_hashes():
    first = trained_sequences.digest("GGGAAACCCU")
    assert first == trained_sequences.digest("gggaaaccct")
    assert first != trained_sequences.digest("GGGAAACCCA")
    # blake2b of "GGGAAACCCU", 8 bytes, by Python's hashlib.
    assert first == "1a8a8bb6bba2e546"


def test_what_is_written_is_read_with_what_was_before(tmp_path):
    path = tmp_path / trained_sequences.FILE
    before = {trained_sequences.digest("AAAA")}
    trained_sequences.write(path, ["CCCC", "cccc", "GGGG"], before)
    wanted = {trained_sequences.digest(one) for one in ("AAAA", "CCCC", "GGGG")}
    assert trained_sequences.read(path) == wanted
    assert trained_sequences.read(tmp_path / "none") == frozenset()


def test_another_file_is_told(tmp_path):
    path = tmp_path / trained_sequences.FILE
    path.write_text("ACGU\n")
    with pytest.raises(ValueError, match="trained_on.txt:1: a hash of 16 digits"):
        trained_sequences.read(path)
    trained_sequences.write(path, ["ACGU"])
    path.write_text(path.read_text() + "zz\n")
    with pytest.raises(ValueError, match="trained_on.txt:3: a hash of 16 digits"):
        trained_sequences.read(path)
