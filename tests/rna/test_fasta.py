import pytest

from ssrlm_jax.rna import fasta, textfile


def test_a_line_longer_than_a_part_comes_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_PART_BYTES", 4)
    path = tmp_path / "x.fa"
    path.write_text(">a long header\nACGUACGUA\nC\n>b\nGG\n")
    parts = list(fasta.parts(textfile.parts(path), path))
    assert [part.line for part in parts if part.name] == [1, 4]
    assert max(len(part.letters) for part in parts) <= 4
    assert b"".join(p.letters for p in parts) == b"ACGUACGUACGG"


def test_what_is_wrong_is_told_where_the_others_are_wanted():
    given = [b"AC", b"GU", b">", b">a", b"AC", b">b"]
    lines = (line for line in enumerate(given, start=1))
    assert list(fasta.parts(lines, "x", is_lenient=True)) == [
        (1, None, b"", "not FASTA; a header '>name' is expected, found 'AC'"),
        (3, "record1", b"", ""),
        (3, None, b"", "a header without a sequence"),
        (4, "a", b"", ""),
        (5, None, b"AC", ""),
        (6, "b", b"", ""),
        (6, None, b"", "a header without a sequence"),
    ]


def test_blocks_hold_whole_records(tmp_path, monkeypatch):
    monkeypatch.setattr(fasta, "_BLOCK_BYTES", 8)
    path = tmp_path / "x.fa"
    path.write_text(">a\nAC\n>b\nG\n>c\nU\n")
    assert list(fasta.blocks(path)) == [b">a\nAC\n", b">b\nG\n", b">c\nU\n"]


def _letters(tmp_path, text):
    path = tmp_path / "x.fa"
    path.write_text(text)
    letters = {}
    for part in fasta.parts(textfile.parts(path), path):
        if part.name is not None:
            name = part.name
        letters[name] = letters.get(name, b"") + part.letters
    return letters


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("; a comment\n>a\nGG\n", b"GG"),
        ("# a comment\n\n>a\n; another\nGG\n", b"GG"),
        (">a\n1 GG CC 4\n5 AA\n", b"GGCCAA"),
        (">a\nGG*\n\n", b"GG"),
        (">a\nGG*\nCC**\n", b"GG*CC"),
        (">a\nG;G\n#C\n", b"G;G#C"),
        (">a\nGG\n#the end\nCC\n", b"GGCC"),
    ],
)
def test_what_is_no_letter_of_a_sequence_goes(tmp_path, text, letters):
    assert _letters(tmp_path, text) == {"a": letters}


def test_a_comment_longer_than_a_part_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(textfile, "_PART_BYTES", 4)
    assert _letters(tmp_path, ";a long comment\n>a\nGGGG;CC\n") == {"a": b"GGGG;CC"}


def test_a_header_of_a_stop_alone_has_no_sequence(tmp_path):
    with pytest.raises(ValueError, match="x.fa:1: a header without a sequence"):
        _letters(tmp_path, ">a\n*\n")


@pytest.mark.parametrize("line", ["((..))", "(((...))) (-1.20)", "((AA..))..aa"])
def test_a_line_of_a_structure_is_no_sequence(tmp_path, line):
    with pytest.raises(ValueError, match="x.fa:3: a line of a structure"):
        _letters(tmp_path, f">a\nGGAACC\n{line}\n")
