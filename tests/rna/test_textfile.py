import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import threading
import zipfile

import pytest

from ssrlm_jax.rna import packings, textfile


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


def _zip(data, **inside):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("my.fa", data)
        for name, one in inside.items():
            archive.writestr(name, one)
    return file.getvalue()


def _hidden_beside(data):
    return _zip(data, **{"__MACOSX/._my.fa": b"x", ".DS_Store": b"y", "folder/": b""})


_PACK = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": _zip,
    "zip of a Mac": _hidden_beside,
    "gz in zip": lambda data: _zip(gzip.compress(data, mtime=0)),
}
_ENCODE = {
    "UTF-8": str.encode,
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16-BE": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16-LE without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16-BE without a mark": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
}
_TEXT = ">a Ψ\nGGG\n\nCC"
_LINES = [(1, ">a Ψ".encode()), (2, b"GGG"), (3, b""), (4, b"CC")]


def _piped(folder, data, size=1):
    """Returns a pipe into which data is written, a few bytes at first."""
    os.mkfifo(folder / "pipe")

    def write():
        with open(folder / "pipe", "wb", buffering=0) as file:
            file.write(data[:size])
            file.write(data[size:])

    threading.Thread(target=write, daemon=True).start()
    return folder / "pipe"


@pytest.mark.parametrize("pack", _PACK.values(), ids=_PACK)
@pytest.mark.parametrize("encode", _ENCODE.values(), ids=_ENCODE)
def test_packing_and_encoding_are_told_by_content(tmp_path, pack, encode):
    path = tmp_path / "any.name"
    path.write_bytes(pack(encode(_TEXT)))
    assert list(textfile.lines(path)) == _LINES
    assert textfile.open_bytes(path).read() == _TEXT.encode()


@pytest.mark.parametrize("pack", _PACK.values(), ids=_PACK)
def test_a_pipe_is_read_as_a_file_is(tmp_path, pack):
    pipe = _piped(tmp_path, pack(_TEXT.encode("utf-16")))
    assert list(textfile.parts(pipe)) == _LINES


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_all_systems_are_lines(tmp_path, end):
    for encode in (str.encode, _ENCODE["UTF-16"]):
        (tmp_path / "x").write_bytes(encode(_TEXT.replace("\n", end)))
        assert list(textfile.lines(tmp_path / "x")) == _LINES


def test_ends_of_lines_may_be_mixed(tmp_path):
    (tmp_path / "x").write_bytes(b">a\rGG\nCC\r\nA")
    expected = [(1, b">a"), (2, b"GG"), (3, b"CC"), (4, b"A")]
    assert list(textfile.lines(tmp_path / "x")) == expected


def test_bytes_of_another_encoding_stay_as_they_are(tmp_path):
    for end in (b"\n", b"\r"):
        (tmp_path / "x").write_bytes(b">Bla\xe9" + end + b"GG")
        assert list(textfile.lines(tmp_path / "x")) == [(1, b">Bla\xe9"), (2, b"GG")]


def test_what_is_kept_of_a_pipe_is_read_again(tmp_path):
    kept = textfile.again(_piped(tmp_path, gzip.compress(_TEXT.encode(), mtime=0)))
    assert list(textfile.lines(kept)) == list(textfile.lines(kept)) == _LINES
    assert f"{kept}" == os.fspath(kept) == str(tmp_path / "pipe")
    assert textfile.again(kept) is kept
    held = kept._held
    del kept
    assert not os.path.exists(held)


def test_a_file_is_not_kept(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    assert textfile.again(tmp_path / "x") == tmp_path / "x"


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_file_that_is_cut_off_is_named_with_the_line(tmp_path, kind):
    lines = b"".join(b"%d\n" % number for number in range(9_000))
    data = _PACK[kind](lines)
    (tmp_path / "x").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=f"x:[0-9]+: the {kind} file ends too early"):
        list(textfile.lines(tmp_path / "x"))


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip"])
def test_a_damaged_file_is_named(tmp_path, kind):
    data = bytearray(_PACK[kind](_TEXT.encode() * 99))
    middle = data.index(b"my.fa") + 8 if kind == "zip" else len(data) // 2
    data[middle] ^= 0xFF
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ValueError, match=rf"x(:[0-9]+)?: .*{kind}"):
        list(textfile.lines(tmp_path / "x"))


def test_half_a_letter_of_utf16_is_named(tmp_path):
    (tmp_path / "x").write_bytes("ab\nc".encode("utf-16")[:-1])
    with pytest.raises(ValueError, match="x:[12]: damaged utf-16"):
        list(textfile.lines(tmp_path / "x"))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (_zip(b"a", **{"b.fa": b"b"}), r"x: a zip archive of 2 files (my.fa, b.fa, "),
        (b"PK\x05\x06" + bytes(18), "x: a zip archive of 0 files"),
        (b"\x28\xb5\x2f\xfd" + bytes(9), "x: is packed by zstd; unpack it"),
        (b"%PDF-1.5\n", "x: is a PDF document; plain text"),
        (b"{\\rtf1\\ansi", "x: is rich text; save it as plain text"),
        (b"<!DOCTYPE html>", "x: is a page of the web"),
        (bytes(257) + b"ustar\0", "x: is a tar archive"),
        (gzip.compress(bytes(257) + b"ustar  ", mtime=0), "x: is a tar archive"),
    ],
)
def test_what_is_not_text_is_named(tmp_path, data, what):
    (tmp_path / "x").write_bytes(data)
    for read in (textfile.lines, textfile.parts):
        with pytest.raises(ValueError, match=re.escape(what)):
            list(read(tmp_path / "x"))


def test_names_are_those_of_what_is_unpacked():
    assert textfile.name_of("a.b/x.fa.gz") == "x.fa"
    assert textfile.name_of("x.sto.BZ2") == "x.sto"
    assert textfile.name_of("x.dbn") == "x.dbn"


def test_hidden_files_are_told():
    hidden = [".DS_Store", "a/._x.fa", "Thumbs.db", "x.fa", "a.b/x"]
    assert [packings.is_hidden(one) for one in hidden] == [True] * 3 + [False] * 2


def test_lines_are_kept_with_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_PART_BYTES", 4)
    (tmp_path / "x").write_bytes(b"\n\nabcdefghij\n\nk")
    kept = textfile.kept(textfile.parts(tmp_path / "x"), "shown")
    assert list(textfile.lines(kept)) == [
        (1, b""), (2, b""), (3, b"abcdefghij"), (4, b""), (5, b"k"),
    ]  # fmt: skip
    assert str(kept) == "shown"
