import os

import pytest

from ssrlm_jax.prepare.corpus import raw_files


@pytest.fixture
def folder(tmp_path):
    for name in ("b.fa", "a.fa", "c.tsv"):
        (tmp_path / name).write_text("id\tsequence\n" if "tsv" in name else ">x\nA\n")
    (tmp_path / ".hidden").write_text("no FASTA")
    return tmp_path


def _names(found):
    return [path.rsplit("/", 1)[-1] for path in found]


def test_files_folders_and_patterns_are_found_in_a_fixed_order(folder):
    assert _names(raw_files.files([f"{folder}"], "--x")) == ["a.fa", "b.fa", "c.tsv"]
    assert _names(raw_files.files([f"{folder}/*.fa"], "--x")) == ["a.fa", "b.fa"]
    several = [f"{folder}/c.tsv,{folder}/b.fa", f"{folder}/*.fa"]
    assert _names(raw_files.files(several, "--x")) == ["c.tsv", "b.fa", "a.fa"]
    assert raw_files.files([], "--x") == []


@pytest.mark.parametrize("name", ["none.fa", "*.none"])
def test_a_name_that_stands_for_nothing_is_refused(folder, name):
    with pytest.raises(ValueError, match=r"^--ncrna=.*: there is no such file"):
        raw_files.files([f"{folder}/{name}"], "--ncrna")


def test_an_unknown_format_is_refused_before_any_work(folder):
    (folder / "d.txt").write_text("hello\n")
    with pytest.raises(ValueError, match=r"d.txt:1: expected FASTA"):
        raw_files.files([str(folder)], "--other")


def test_families_are_read_by_name(tmp_path):
    path = tmp_path / "table"
    path.write_text("# origin\na\tRF1\nb c\tRF2\tmore\n\n")
    assert raw_files.families(str(path)) == {"a": "RF1", "b c": "RF2"}
    assert raw_files.families("") == {}


def test_a_line_without_a_family_is_named(tmp_path):
    path = tmp_path / "table"
    path.write_text("a\tRF1\nb\n")
    with pytest.raises(ValueError, match="table:2: a name, a tab and a family"):
        raw_files.families(str(path))


def test_hidden_files_and_pipes_are_not_read(tmp_path):
    (tmp_path / "a.fa").write_text(">a\nACGU\n")
    for name in (".DS_Store", "._a.fa", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"\0\1")
    assert raw_files.files([str(tmp_path)], "--ncrna") == [str(tmp_path / "a.fa")]


def test_folders_in_a_folder_are_named(tmp_path, caplog):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.fa").write_text(">a\nACGU\n")
    assert raw_files.files([str(tmp_path)], "--x") == [str(tmp_path / "a.fa")]
    assert "folders in it are not read: inner" in caplog.text
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        ValueError, match="--ncrna=.*pipe: a pipe, which cannot be read"
    ):
        raw_files.files([str(tmp_path / "pipe")], "--ncrna")
