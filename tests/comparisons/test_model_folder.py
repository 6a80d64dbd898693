"""A model as a method: it folds as `ssrlm fold` does, and is known by its files."""

import dataclasses
import pickle

import numpy as np
import pytest
import small_models

from ssrlm_jax.comparisons import model_folder
from ssrlm_jax.infer import loading


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    place = tmp_path_factory.mktemp("models") / "tiny"
    small_models.save(place)
    return place


def test_it_folds_as_the_predictor(directory):
    folder = model_folder.ModelFolder(directory=str(directory))
    folder = pickle.loads(pickle.dumps(folder))
    (one,) = folder.fold(["GGGGAAAACCCC"], with_probabilities=True)
    (wanted,) = loading.load(directory).fold(["GGGGAAAACCCC"])
    np.testing.assert_array_equal(one.structure.pairs, wanted.structure.pairs)
    np.testing.assert_array_equal(one.probabilities.i, wanted.probabilities.i)
    assert folder.fold(["ACGNU"])[0].probabilities is None
    assert folder.fold(["ACGNU"])[0].num_unknown == 1
    assert folder.fold([], with_probabilities=True) == []


def test_other_weights_are_another_version(directory, tmp_path):
    folder = model_folder.ModelFolder(directory=str(directory))
    before = folder.describe()
    assert set(before["files"]) == {"model.json", "weights.safetensors"}
    path = directory / "weights.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert folder.describe() != before
    path.write_bytes(data)
    other = dataclasses.replace(folder, directory=str(tmp_path / "none"))
    with pytest.raises(OSError, match="none"):
        other.describe()
