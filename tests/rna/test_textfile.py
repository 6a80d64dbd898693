import pytest

from ssrlm_jax.rna import textfile


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("length", range(4, 16))
def test_lines_end_alike_wherever_they_are_cut(tmp_path, monkeypatch, end, length):
    monkeypatch.setattr(textfile, "_PART_BYTES", length)
    text = [b"\xef\xbb\xbffirst", b"", b"a longer one", b""]
    (tmp_path / "x").write_bytes(end.join(text))
    joined = {}
    for number, part in textfile.parts(tmp_path / "x"):
        joined[number] = joined.get(number, b"") + part
    assert joined == {1: b"first", 2: b"", 3: b"a longer one"}
    assert dict(textfile.lines(tmp_path / "x")) == joined


def test_a_line_that_would_fill_memory_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_LINE_BYTES", 4)
    (tmp_path / "x").write_bytes(b"abc\nabcd\n")
    with pytest.raises(ValueError, match="x:2: a line of more than 1 GiB"):
        list(textfile.lines(tmp_path / "x"))
