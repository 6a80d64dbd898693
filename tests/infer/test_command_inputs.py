import contextlib
import gzip
import os
import subprocess
import sys
import threading
import zipfile

import pytest

from ssrlm_jax import config
from ssrlm_jax.infer import inputs
from ssrlm_jax.rna import formats


def _read(tmp_path, text, **settings):
    path = tmp_path / "my.fa"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(inputs.records(str(path), **settings))


@pytest.fixture
def standard_input(monkeypatch, tmp_path):
    """Puts bytes where standard input is."""
    with contextlib.ExitStack() as opened:

        def put(data):
            (tmp_path / "input").write_bytes(data)
            file = opened.enter_context(open(tmp_path / "input"))
            monkeypatch.setattr(sys, "stdin", file)

        yield put


def test_letters_are_upper_case_with_u_and_codes_as_given(tmp_path):
    (record,) = _read(tmp_path, ">a some words\nacgtacgt\nUNrY\n")
    assert record == formats.Record(
        "a", "ACGUACGUUNRY", place=f"{tmp_path / 'my.fa'}:1", structure=None
    )


def test_one_bad_record_does_not_stop_the_others(tmp_path):
    found = _read(tmp_path, ">a\nGGG\n>b\n\n>c\nGG-G\n>d\nGGGGG\n>e\nCCC", max_length=4)
    assert [record.name for record in found] == ["a", "b", "c", "d", "e"]
    assert [isinstance(record, inputs.Problem) for record in found] == [
        *(False, True, True, True, False)
    ]
    path = tmp_path / "my.fa"
    shown = [str(record) for record in found[1:4]]
    assert shown[0] == f"{path}:3: record 2 (b): a header without a sequence"
    assert shown[1].startswith(f"{path}:5: record 3 (c): position 3: '-' is a gap")
    assert shown[2] == f"{path}:7: record 4 (d): 5 letters, at most 4 are accepted"


def test_a_position_counts_letters_of_all_lines(tmp_path):
    (problem,) = _read(tmp_path, ">a\nGGG\nCC-C\n")
    assert "position 6: '-'" in problem.reason


def test_the_longest_that_is_accepted_is_accepted(tmp_path):
    (record,) = _read(tmp_path, ">a\nGG\nGG\n", max_length=4)
    assert record.sequence == "GGGG"


def test_of_a_record_that_is_too_long_little_is_held():
    held = inputs._Held(1, "a", "x")
    for _ in range(8):
        held.add(b"G" * 1000, 2500)
    assert sum(map(len, held.pieces)) == 2000
    reader = inputs._Reader(2500, config.LettersConfig())
    (problem,) = reader._finish(held)
    assert problem.reason == "8,000 letters, at most 2,500 are accepted"


def test_a_header_at_the_end_is_a_problem(tmp_path):
    record, problem = _read(tmp_path, ">a\nGGG\n>b\n")
    assert (record.name, problem.name, problem.number) == ("a", "b", 2)


def test_a_header_without_a_name_gets_its_number(tmp_path):
    assert [r.name for r in _read(tmp_path, ">a\nG\n> \nC\n")] == ["a", "record2"]


def test_a_long_header_is_one_header(tmp_path):
    header = ">a " + "word " * 300_000  # longer than a part of a line
    (record,) = _read(tmp_path, f"{header}\nGGG\n")
    assert (record.name, record.sequence) == ("a", "GGG")


def test_names_may_come_twice(tmp_path):
    assert [r.name for r in _read(tmp_path, ">a\nG\n>a\nC\n")] == ["a", "a"]


def test_files_of_windows_are_read(tmp_path):
    (record,) = _read(tmp_path, b"\xef\xbb\xbf>a\r\nGGG\r\nCC\r\n")
    assert (record.name, record.sequence) == ("a", "GGGCC")


def test_text_above_the_first_header_is_one_problem(tmp_path):
    problem, record = _read(tmp_path, "hello\tworld\nx\tGGG\n>a\nG\n")
    assert str(problem) == (
        f"{tmp_path / 'my.fa'}:1: not FASTA; a header '>name' is expected, "
        r"found 'hello\tworld'"
    )
    assert record.name == "a"


@pytest.mark.parametrize(
    "text",
    ["GGGGAAAACCCC\n", "gggg aaaa cccc", "5'-GGGGAAAACCCC-3'\n\n"]
    + ["\n 1 ggggaaaa\n 9 cccc\n"],
)
def test_one_sequence_needs_no_header(tmp_path, text):
    (record,) = _read(tmp_path, text)
    assert (record.name, record.sequence) == ("sequence", "GGGGAAAACCCC")


@pytest.mark.parametrize("text", ["GGGG\nCCCC\n", "1 GGGG\n9 CCCC\n", "1\n", "LOCUS\n"])
def test_what_may_be_several_sequences_or_none_needs_headers(tmp_path, text):
    (problem,) = _read(tmp_path, text)
    assert "my.fa:1: not FASTA; a header '>name' is expected" in str(problem)


def test_what_a_fold_wrote_is_read_again(tmp_path):
    text = ">a\nGGGAAACCC\n(((...)))\n>b\nAAAAA\n.....\n"
    first, second, note = _read(tmp_path, text)
    assert (first.sequence, second.sequence) == ("GGGAAACCC", "AAAAA")
    assert "2 " in note.text


@pytest.mark.parametrize("text", ["GGGG AAAA CCCC", "5'-GGGGAAAACCCC-3'"])
def test_an_argument_may_be_written_as_people_do(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = next(r for r in inputs.records(text) if isinstance(r, formats.Record))
    assert record.sequence == "GGGGAAAACCCC"


def test_a_document_of_word_is_told_as_that(tmp_path):
    with zipfile.ZipFile(tmp_path / "my.docx", "w") as file:
        file.writestr("[Content_Types].xml", "<x/>")
        file.writestr("word/document.xml", "<x/>")
    with pytest.raises(ValueError, match="a document of Word .*; save it as plain te"):
        list(inputs.records(str(tmp_path / "my.docx")))


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_an_error(tmp_path, text):
    with pytest.raises(ValueError, match=r"my\.fa: the file is empty"):
        _read(tmp_path, text)


def test_gz_is_told_by_content(tmp_path):
    (record,) = _read(tmp_path, gzip.compress(b">a\nGGG\n", mtime=0))
    assert record.sequence == "GGG"


def test_what_comes_before_damage_is_given(tmp_path):
    lines = "".join(f">r{n}\n{'GACU' * 50}\n" for n in range(3000))
    data = gzip.compress(lines.encode(), compresslevel=0, mtime=0)
    (tmp_path / "my.fa").write_bytes(data[: len(data) // 2])
    found = []
    with pytest.raises(ValueError, match="the gz file ends too early"):
        found.extend(inputs.records(str(tmp_path / "my.fa")))
    assert len(found) > 1000
    assert {record.sequence for record in found} == {"GACU" * 50}


@pytest.mark.parametrize("source", [None, "-"])
@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_standard_input_is_read(standard_input, source, squeeze):
    standard_input(squeeze(b">a\nGGG\n>b\n"))
    record, problem = inputs.records(source)
    assert (record.sequence, record.place) == ("GGG", "standard input:1")
    assert str(problem).startswith("standard input:3: record 2 (b)")


def test_damaged_standard_input_is_one_error(standard_input):
    standard_input(gzip.compress(b">a\nGGG\n" * 99, mtime=0)[:-12])
    with pytest.raises(ValueError, match="standard input:[0-9]+: the gz file ends too"):
        list(inputs.records("-"))


def test_empty_standard_input_is_an_error(standard_input):
    standard_input(b"")
    with pytest.raises(ValueError, match="standard input: the file is empty"):
        list(inputs.records(None))


def test_records_come_while_a_pipe_is_open():
    code = (
        "from ssrlm_jax.infer import inputs\n"
        "for r in inputs.records('-'): print(r.name, flush=True)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdin.write(b">a\nGGG\n>b\nCCC\n")
    child.stdin.flush()
    first = child.stdout.readline()
    assert child.poll() is None
    rest, _ = child.communicate()
    assert (first, rest) == (b"a\n", b"b\n")


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_a_named_pipe_is_read_once(tmp_path, squeeze):
    os.mkfifo(tmp_path / "pipe")
    data = squeeze(b">a\nGGG\n")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    (record,) = inputs.records(str(tmp_path / "pipe"))
    writer.join()
    assert record.sequence == "GGG"


def test_a_sequence_is_an_argument():
    (record,) = inputs.records("gggaaaTcc")
    assert record == formats.Record("sequence", "GGGAAAUCC", place="argument")


def test_a_sequence_may_be_longer_than_a_path():
    (record,) = inputs.records("GACU" * 3000)
    assert len(record.sequence) == 12_000


def test_a_file_comes_before_a_sequence(tmp_path, monkeypatch):
    (tmp_path / "GGG").write_text(">a\nCCC\n")
    monkeypatch.chdir(tmp_path)
    (record,) = inputs.records("GGG")
    assert record.sequence == "CCC"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("no.fa", "is no file that exists"),
        ("", "is no file that exists"),
        (".", "is a directory"),
    ],
)
def test_what_is_neither_is_an_error(tmp_path, monkeypatch, name, found):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"{found}, nor a sequence of letters"):
        list(inputs.records(name))


def test_nothing_on_a_terminal_is_an_error(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(ValueError, match="nothing to read: give a FASTA file"):
        list(inputs.records(None))


PROTEIN = "MKTAYHAKSRWGGSSAATTKKGGVVSHK"  # 17 of 28 letters are not A C G T


def test_a_protein_is_warned_of_and_one_of_other_letters_refused(tmp_path):
    note, record = _read(tmp_path, f">p\n{PROTEIN}\n")
    assert str(note) == (
        f"warning: {tmp_path / 'my.fa'}:1: p: 17 of 28 letters are not A C G U T: is "
        "it RNA?"
    )
    assert record.sequence == "MKUAYHAKSRWGGSSAAUUKKGGVVSHK"
    (problem,) = _read(tmp_path, ">p\nMKLVFFEDNNRW\n")
    assert problem.reason == (
        "12 of 12 letters are not A C G U T: is it RNA? (--max-unknown 0.7)"
    )


@pytest.mark.parametrize(
    ("warn", "most", "kinds"),
    [(16 / 28, 17 / 28, 2), (17 / 28, 17 / 28, 1), (0, 16 / 28, 0)],
)
def test_what_share_of_other_letters_is_too_much_is_a_setting(
    tmp_path, warn, most, kinds
):
    letters = config.LettersConfig(warn_unknown=warn, max_unknown=most)
    found = _read(tmp_path, f">p\n{PROTEIN}\n", letters=letters)
    kind_of = {2: [inputs.Note, formats.Record], 1: [formats.Record]}
    assert [type(one) for one in found] == kind_of.get(kinds, [inputs.Problem])


def test_what_is_read_as_something_else_is_counted_at_the_end(tmp_path):
    text = ">a\nGGGGGGGGGGGGIP\n>b\nGGGGGGGGGGGGGG@\n>c\nGGGGGGGGGGGG0@\n"
    *records, modified, unknown = _read(tmp_path, text)
    path = tmp_path / "my.fa"
    assert [record.sequence[12:] for record in records] == ["NU", "GGN", "NN"]
    assert str(modified) == (
        f"{path}: 2 letters of modified nucleotides were read as their parent "
        "(inosine as N)"
    )
    told = "3 letters that are not of RNA were read as N, the first in"
    assert str(unknown) == f"{path}: {told} {path}:3: b"


def test_gaps_are_removed_where_that_is_asked_for(tmp_path):
    text = ">a\nGG--.~_CC\n>b\n---\n"
    first, second = _read(tmp_path, text)
    assert first.reason.endswith(
        "is a gap, as of an alignment; remove gaps (--remove-gaps)"
    )
    record, problem = _read(
        tmp_path, text, letters=config.LettersConfig(remove_gaps=True)
    )
    assert (record.sequence, problem.reason) == ("GGCC", "a sequence of gaps only")


def test_structures_below_sequences_are_left_out_and_counted(tmp_path):
    record, note = _read(tmp_path, ">a\nGGGAAACCC\n(((...))) (-1.20)\n")
    assert record.sequence == "GGGAAACCC"
    assert str(note) == f"{tmp_path / 'my.fa'}: 1 lines of structures left out"


@pytest.mark.parametrize("mark", "&+")
def test_two_strands_are_one_record(tmp_path, mark):
    (record,) = _read(tmp_path, f">a\nGGGG\n{mark}cccct\n")
    assert (record.sequence, record.breaks) == ("GGGGCCCCU", (4,))


@pytest.mark.parametrize(
    ("letters", "reason"),
    [("A&C&G", "3 strands; up to 2 are accepted"), ("A&", "a strand without letters")],
)
def test_what_are_not_two_strands_is_a_problem(tmp_path, letters, reason):
    (problem,) = _read(tmp_path, f">a\n{letters}\n")
    assert problem.reason.startswith(reason)


def test_a_word_that_may_be_a_file_is_said_to_be_taken_for_a_sequence():
    note, record = inputs.records("data")
    assert str(note) == (
        "there is no file 'data': these 4 letters are taken for a sequence"
    )
    assert record.sequence == "DAUA"
    assert [str(one) for one in inputs.records("gatta")][0].startswith("there is no fi")
    (record,) = inputs.records("GGGGAAAACCCC&GGGG")
    assert record.breaks == (12,)


def test_a_word_that_is_no_sequence_says_both():
    (problem,) = inputs.records("sequences")
    assert problem.reason.startswith("7 of 9 letters are not A C G U T")
    assert problem.reason.endswith("nor is 'sequences' a file")


_OTHERS = {
    "a table": "name,seq,note\na,GGGG,x\nb,GG-G,y\nc,ccct,z\n",
    "lines of JSON": "".join(
        f'{{"name": "{name}", "sequence": "{letters}"}}\n'
        for name, letters in (("a", "GGGG"), ("b", "GG&"), ("c", "ccct"))
    ),
    "Stockholm": "# STOCKHOLM 1.0\na GG-GG\nb -----\nc ccc-t\n//\n",
}


@pytest.mark.parametrize("text", _OTHERS.values(), ids=_OTHERS)
def test_other_formats_are_told_by_content(tmp_path, text):
    found = _read(tmp_path, text)
    records = [one for one in found if isinstance(one, formats.Record)]
    assert [(one.name, one.sequence) for one in records] == [
        ("a", "GGGG"),
        ("c", "CCCU"),
    ]
    (problem,) = (one for one in found if isinstance(one, inputs.Problem))
    assert str(problem).startswith(str(tmp_path / "my.fa"))


def test_other_formats_come_through_a_pipe_too(standard_input, tmp_path):
    standard_input(gzip.compress(b"\n\nid\tsequence\na\tGGGG\nb\t\n", mtime=0))
    record, problem = inputs.records("-")
    assert record.place == "standard input:4"
    assert str(problem).startswith("standard input:5: ")
