import pytest

import ssrlm_jax


def test_sequences_come_by_name(tmp_path):
    file = tmp_path / "my.fa"
    file.write_text(">a one\nggg\naaat\n>b\nACGU\n>a\nCCC\n>a\nCCCC\n")
    assert ssrlm_jax.read(file) == {
        "a": "GGGAAAU",
        "b": "ACGU",
        "a-2": "CCC",
        "a-3": "CCCC",
    }


def test_a_record_that_cannot_be_used_is_an_error_with_its_line(tmp_path):
    file = tmp_path / "my.fa"
    file.write_text(">a\nACGU\n>b\n>c\nACG\n")
    with pytest.raises(ValueError, match=r"my\.fa:3: record 2 \(b\)"):
        ssrlm_jax.read(file)


def test_what_is_read_as_something_else_is_warned_of(tmp_path):
    file = tmp_path / "my.fa"
    file.write_text(">a\nGGGGGGGGGPP&CCCCC\n")
    with pytest.warns(UserWarning, match="2 letters of modified nucleotides"):
        assert ssrlm_jax.read(file) == {"a": "GGGGGGGGGUU&CCCCC"}
