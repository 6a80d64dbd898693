"""Damaged files of other programs: readers give records, or a line on what is wrong.

Each run damages the files of `pair_files` in ways drawn from its seed. A reader may
give records, notes, and one ValueError that begins with the file; all else is a bug.
"""

import pathlib
import random
from collections.abc import Callable

import damaged_files
import numpy as np
import pair_files
import pytest

from ssrlm_jax.infer import scored_files
from ssrlm_jax.rna import formats, probability_formats, structure_formats

SAMPLES = {
    **{name: (one[0], one[1]) for name, one in pair_files.SAME.items()},
    **pair_files.PROBABILITIES,
    "Stockholm": ("a.sto", pair_files.SAME["Stockholm in several structures"][2]),
    "table": ("a.tsv", pair_files.TRUTH),
    "BPSEQ": ("a.bpseq", pair_files.bpseq("#Name: hp")),
    "CT": ("a.ct", pair_files.ct("22 hp") + pair_files.ct("22 hp")),
    "st": (
        "a.st",
        f"#Name: hp\n#Length: 22\n{pair_files.SEQUENCE}\n{pair_files.DOTS}\n"
        "SSSSHHHSSSSXXSSSHHHSSS\n" + "N" * 22 + '\nS1 1..4 "GGGG" 8..11 "CCCC"\n',
    ),
    "dot plot": ("a_dp.ps", (pair_files.PAIRS / "hp_dp.ps").read_text()),
}


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Returns a file with one to three of the damages of `damaged_files`."""
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(list(damaged_files.DAMAGES.values()))(rng, data)
    return data


def read_structures(path: pathlib.Path) -> None:
    for one in structure_formats.each(path):
        if isinstance(one, formats.Note):
            assert one.text.startswith(str(path))
            assert "\n" not in one.text
        elif one.structure is not None:
            assert one.structure.length == len(one.sequence)
            assert all(0 < start < len(one.sequence) for start in one.breaks)


def read_probabilities(path: pathlib.Path) -> None:
    for one in probability_formats.each(path) or ():
        i, j, probability = one.listed
        assert ((i >= 0) & (i < j)).all()
        assert not one.length or (j < one.length).all()
        assert ((probability >= 0) & (probability <= 1)).all()
        assert len(np.unique(np.stack([i, j]), axis=1).T) == len(i)


def read_scored(path: pathlib.Path) -> None:
    scored_files.read_predictions(path)


READERS: dict[str, Callable[[pathlib.Path], None]] = {
    "structures": read_structures,
    "probabilities": read_probabilities,
    "scored": read_scored,
}


def _told(reader: Callable[[pathlib.Path], None], path: pathlib.Path) -> str:
    """Returns why a file is refused; "" where it is not."""
    try:
        reader(path)
    except ValueError as error:
        return str(error)
    return ""


def run(folder: pathlib.Path, seed: int, num_files: int) -> None:
    """Damages and reads so many files; raises what no reader may do."""
    rng = random.Random(seed)
    names = sorted(SAMPLES)
    for count in range(num_files):
        name = rng.choice(names)
        file, content = SAMPLES[name]
        data = content if isinstance(content, bytes) else content.encode()
        path = folder / file
        path.write_bytes(damaged(rng, data))
        for what, reader in READERS.items():
            try:
                told = _told(reader, path)
            except Exception as error:
                raise AssertionError((seed, count, name, what)) from error
            is_line = told.startswith(str(path)) and "\n" not in told
            assert is_line or not told, (seed, count, name, what, told)


@pytest.mark.parametrize("seed", range(2))
def test_damaged_files_are_read_or_refused_in_a_line(seed, tmp_path):
    run(tmp_path, seed, num_files=200)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 10))
def test_thousands_of_damaged_files_are_read_or_refused_in_a_line(seed, tmp_path):
    run(tmp_path, seed, num_files=2_000)
