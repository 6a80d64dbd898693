import errno
import pathlib

import full_disk
import homeless
import numpy as np
import pytest

from ssrlm_jax import files
from ssrlm_jax.rna import (
    formats,
    probabilities,
    record_tables,
    structure_formats,
    structures,
)

RNA = formats.Record("a", "GAAC" * 2000, structures.Structure(8000, np.zeros((0, 2))))
NOTHING = probabilities.from_matrix(np.zeros((2, 2)))
WRITERS = {
    "ct": lambda path: structure_formats.write_ct(path, RNA),
    "bpseq": lambda path: structure_formats.write_bpseq(path, RNA),
    "dbn": lambda path: structure_formats.write_dbn(path, RNA),
    "prob": lambda path: probabilities.write(path, "a", RNA.sequence, NOTHING),
    "tsv": lambda path: record_tables.write_table(path, [RNA]),
}


def test_a_file_takes_its_place_at_the_end(tmp_path):
    path = tmp_path / "x"
    path.write_text("before")
    with files.whole(path) as part:
        part.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_stopped_leaves_what_was_there(tmp_path, error):
    def stopped():
        with files.whole(path) as part:
            part.write_text("after")
            raise error

    path = tmp_path / "x"
    path.write_text("before")
    with pytest.raises(error):
        stopped()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path, name):
    with (
        full_disk.after(4096),
        pytest.raises(OSError, match=rf"x\.{name} cannot be written \(File too large"),
    ):
        WRITERS[name](tmp_path / f"x.{name}")
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_home_a_path_below_it_is_refused(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert files.expanded("~/x") == pathlib.Path("/somewhere/x")
    homeless.be(monkeypatch)
    assert files.expanded("/x/~") == pathlib.Path("/x/~")
    with pytest.raises(ValueError, match="^~/x: there is no home directory; set HOME"):
        files.expanded("~/x")


def test_a_broken_pipe_is_not_the_files(tmp_path):
    with pytest.raises(BrokenPipeError), files.whole(tmp_path / "x"):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_place_that_can_be_made_is_fine_and_stays_empty(tmp_path):
    files.check_place(tmp_path)
    files.check_place(tmp_path / "new" / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["/proc/x", "taken/x", "taken/new/x", "n" * 300])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ValueError, match="cannot be written"):
        files.check_place(tmp_path / name)
