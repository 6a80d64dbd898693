import pathlib
import subprocess
import sys

import numpy as np

import ssrlm_jax

ROOT = pathlib.Path(__file__).parents[2]


def test_embeddings_are_letters_and_nothing_else(tmp_path):
    command = [sys.executable, "launch/letters.py", tmp_path / "letters"]
    subprocess.run(command, cwd=ROOT, check=True)
    model = ssrlm_jax.load(tmp_path / "letters")
    first, second = model.embed(["GGAC", "CAGUN"], pool="none")
    np.testing.assert_allclose(first @ first.T, first @ first.T > 0.5, atol=1e-3)
    np.testing.assert_array_equal(first[3], second[0])
    assert np.linalg.matrix_rank(second) == 5
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 1
    assert "exists and is not empty" in again.stderr
