import bz2
import gzip
import lzma

import numpy as np
import pytest

from ssrlm_jax.prepare.corpus import record_batches, standardise
from ssrlm_jax.rna import alphabet

# What people have: made for this, the letters are random.
A = "CCGUAAUGCCUUUCCCUAACAGAGUUUUUCGAACUCGUGUUGUCGAGCGACGGAAUUAGA"
B = "UCAGUUAAAUGGCAGAAAACUGGCAGGGCUUUUAGUCGUGGGAUGAUCAGUGGGUAAAGG"
ROW, CONSENSUS = A[:20], "((((....)))).<..>..."
STOCKHOLM = "# STOCKHOLM 1.0\n#=GF AC RF99999\n\n"


def _read(path, content, is_in_blocks=False, **settings):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {
        name: alphabet.decode(batch.nth(index)[0])
        for batch in record_batches.read(
            str(path), path.parent, is_in_blocks, **settings
        )
        for index, name in enumerate(batch.names)
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f";comment\n>a\n{A[:30]}\n\n{A[30:]}\n", {"a": A}),
        (f"\ufeff>a\n{A}\n", {"a": A}),
        (f">a\n{A}*\n>b\n{B}\n", {"a": A, "b": B}),
        (f">a\n1 {A[:30]} 30\n31 {A[30:]} 60\n", {"a": A}),
        (f">a\n  1 {A[:10].lower()} {A[10:20].lower()}\n//\n", {"a": A[:20]}),
        (f">a\n{A}I\n>b\n{B}PΨ\n", {"a": f"{A}N", "b": f"{B}UU"}),
        (f">a strain \xc2\xde 7\n{A}\n".encode("latin-1"), {"a": A}),
        (f">a\r{A}\r>b\r{B}\r", {"a": A, "b": B}),
        (f">a\r\n{A}\r\n".encode("utf-16"), {"a": A}),
        (gzip.compress(f">a\n{A}\n".encode(), mtime=0), {"a": A}),
        (bz2.compress(f">a\n{A}\n".encode()), {"a": A}),
        (lzma.compress(f">a\n{A}\n".encode()), {"a": A}),
        (f"{STOCKHOLM}one {ROW}\n#=GC SS_cons {CONSENSUS}\n//\n", {"one": ROW}),
        (f"{STOCKHOLM}one {ROW[:9]}~{ROW[9:]}\n//\n", {"one": ROW}),
        (
            f"{STOCKHOLM}one {A[:9]}\ntwo {B[:9]}\n\none {A[9:]}\ntwo {B[9:]}\n//\n",
            {"one": A, "two": B},
        ),
    ],
)
def test_files_as_people_have_them_are_read(tmp_path, content, expected):
    assert _read(tmp_path / "x", content) == expected


def test_an_odd_file_is_not_read_in_blocks(tmp_path):
    for text in (f">a\n{A}*\n", f">a\n1 {A}\n", f">a\n{A}I\n", f">a\n;G\n{A}\n"):
        with pytest.raises(record_batches.OddFastaError):
            _read(tmp_path / "x", text, is_in_blocks=True)
    text = f">a\n{A}\n>b\n{B}R\n"
    for content in (text, gzip.compress(text.encode(), mtime=0), text.encode("utf-16")):
        found = _read(tmp_path / "x", content, is_in_blocks=True)
        assert found == {"a": A, "b": f"{B}N"}


BAD = (
    f">a\n{A}\n>empty\n>gap\n{A}-\n>b\n{B}\n>two\n{A}&{B}\n>dots\n{A}\n(((...)))\n"
    f">c\n{A}\n>end\n"
)


def test_a_bad_record_stops_with_its_line(tmp_path):
    with pytest.raises(ValueError, match="x:3: a header without a sequence"):
        _read(tmp_path / "x", BAD)


def test_bad_records_are_told_and_the_others_read(tmp_path):
    told = []
    found = _read(tmp_path / "x", BAD, on_bad=told.append)
    assert found == {"a": A, "b": B, "c": A}
    reasons = [line.removeprefix(f"{tmp_path / 'x'}:") for line in told]
    assert reasons == [
        "3: a header without a sequence",
        "5: position 61: '-' is a gap, as of an alignment; remove gaps "
        "(remove_gaps=True)",
        "9: position 61: '&' joins two strands; one strand is expected",
        "12: a line of a structure, where a sequence is expected",
        "15: a header without a sequence",
    ]


def test_gaps_are_removed_where_that_is_asked_for(tmp_path):
    told = []
    text = f">a\n{A[:9]}--..{A[9:]}\n>b\n---\n"
    found = _read(tmp_path / "x", text, remove_gaps=True, on_bad=told.append)
    assert found == {"a": A}
    assert told == [f"{tmp_path / 'x'}:3: a sequence of gaps only"]


def test_a_long_record_that_is_bad_is_left_out_once(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_SPOOL", 50)
    told = []
    lines = "\n".join([A, B, A, f"{B}-", A, B, f"{A}-", B])
    found = _read(tmp_path / "x", f">a\n{lines}\n>b\n{A}{B}\n", on_bad=told.append)
    assert found == {"b": A + B}
    (line,) = told
    assert line.startswith(f"{tmp_path / 'x'}:5: position 61: '-' is a gap")


def _counts(tmp_path, text, **changes):
    (tmp_path / "x").write_text(text)
    settings = {"part_nucleotides": 1000, "longest": 100, "shortest_tail": 2}
    task = standardise.Task(
        path=str(tmp_path / "x"),
        source="ncrna",
        out=str(tmp_path / "part"),
        **(settings | changes),
    )
    return standardise.standardise(task)


def test_bad_records_are_counted(tmp_path):
    counts = _counts(tmp_path, BAD, on_bad="skip")
    assert (counts["num_in"], counts["num_out"]) == (8, 3)
    assert counts["dropped"] == {standardise.BAD: 5}
    assert len(counts["bad"]) == 5
    many = _counts(tmp_path, f">a\n{A}\n" + ">x\n-\n" * 99, on_bad="skip")
    assert many["dropped"] == {standardise.BAD: 99}
    assert len(many["bad"]) == 5


def test_letters_that_are_read_as_others_are_counted_by_kind(tmp_path):
    counts = _counts(tmp_path, f">a\n{A}IP@\n>b\n{B}RYN\n")
    assert counts["changed"] == {
        "letters read as N": 2,
        standardise.MODIFIED: 2,
        standardise.FOREIGN: 1,
    }
    assert counts["bad"] == []


def test_a_file_of_proteins_is_refused(tmp_path):
    text = ">p\nMKLVFFEDRRWMKLVFFEDRRWAGAG\n"  # 22 of 26
    with pytest.raises(ValueError, match="x: 22 of 26 letters are not A C G U T or N"):
        _counts(tmp_path, text, max_file_unknown=0.7)
    assert _counts(tmp_path, text, max_file_unknown=22 / 26)["num_out"] == 1
    assert _counts(tmp_path, f">a\n{'N' * 99}A\n", max_file_unknown=0.7)["num_out"] == 1


def test_a_structure_keeps_its_places(tmp_path):
    told = f"{STOCKHOLM}one {ROW}\n#=GC SS_cons {CONSENSUS}\n//\n"
    (tmp_path / "x").write_text(told)
    (batch,) = record_batches.read(str(tmp_path / "x"), tmp_path)
    partner_L = batch.nth(0)[1]
    np.testing.assert_array_equal(partner_L[[0, 3, 13]], [11, 8, 16])


def test_a_file_without_records_is_a_bad_one(tmp_path):
    with pytest.raises(ValueError, match="x: no records"):
        _counts(tmp_path, "# STOCKHOLM 1.0\n//\n")
    counts = _counts(tmp_path, "# STOCKHOLM 1.0\n//\n", on_bad="skip")
    assert (counts["num_in"], counts["num_out"]) == (1, 0)
    assert counts["bad"] == [f"{tmp_path / 'x'}: no records"]


def test_what_else_is_not_used_is_noted(tmp_path):
    text = "# STOCKHOLM 1.0\none ACGU\n#=GC RF xxxx\n//\n"
    counts = _counts(tmp_path, text)
    assert counts["num_out"] == 1
    assert counts["notes"] == [f"{tmp_path / 'x'}: annotations not used: #=GC RF"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_file_that_is_damaged_behind_its_first_lines_is_told(tmp_path, pack):
    rng = np.random.default_rng(0)
    letters = rng.choice(list("ACGU"), (4_000, 200))
    text = "".join(f">r{n}\n{''.join(row)}\n" for n, row in enumerate(letters))
    data = bytearray(pack(text.encode()))
    data[-100:-80] = bytes(20)
    with pytest.raises(ValueError, match=r"x($|:1: damaged bz2)"):  # read again
        _read(tmp_path / "x", bytes(data), is_in_blocks=True)
    with pytest.raises(ValueError, match=r"x:[0-9]+: "):
        _read(tmp_path / "x", bytes(data))
