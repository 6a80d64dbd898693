import pathlib

import numpy as np
import pytest

from ssrlm_jax.prepare.pdb import structure_chains

FILE = pathlib.Path(__file__).parents[2] / "fixtures" / "1Q96.pdb"


def _read(folder, data):
    (folder / "x.pdb").write_bytes(data)
    task = structure_chains.Task(
        path=str(folder / "x.pdb"),
        out=str(folder / "x.npz"),
        annotators=("biotite",),
        dssr="",
    )
    return structure_chains.read(task)


def test_a_place_that_is_no_number_is_told_and_leaves_no_file(tmp_path):
    lines = FILE.read_bytes().splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if line.startswith(b"ATOM"))
    line = lines[first]
    lines[first] = line[:30] + b"     nan" + line[38:]
    said = _read(tmp_path, b"".join(lines))
    assert said["error"].startswith(f"{tmp_path / 'x.pdb'}: chain A, G 2: the place of")
    assert "[nan, " in said["error"]
    assert not (tmp_path / "x.npz").exists()


def test_atoms_and_pairs_of_a_file_are_kept(tmp_path):
    said = _read(tmp_path, FILE.read_bytes())
    assert said["error"] == ""
    (chain,) = said["chains"]
    assert len(chain["pairs"]["biotite"]) > 5
    with np.load(tmp_path / "x.npz") as held:
        assert np.isfinite(held["xyz_0"]).all()


def test_folders_are_searched_without_what_is_hidden(tmp_path):
    for name in ("a.pdb", "b.cif.xz", "._a.pdb", "c.txt"):
        (tmp_path / name).write_text("x")
    found = structure_chains.find([str(tmp_path)])
    assert [pathlib.Path(one).name for one in found] == ["a.pdb", "b.cif.xz"]
    with pytest.raises(ValueError, match="there is no such file"):
        structure_chains.find([str(tmp_path / "none")])
