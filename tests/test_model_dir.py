import json

import numpy as np
import pytest

from ssrlm_jax import config, model_dir
from ssrlm_jax.rna import alphabet

DESCRIPTION = model_dir.Description(
    architecture=config.EncoderConfig(
        num_layers=2, width=8, num_heads=2, num_kv_heads=2, ffn_width=16
    ),
    letters=alphabet.LETTERS,
    made={"step": 7},
    scores={"loss": 1.25},
)
PARAMS = {
    "embedding": np.arange(6, dtype=np.float32).reshape(2, 3),
    "blocks": {"norm": {"scale": np.ones(4, np.float32)}},
}


def test_what_is_saved_is_loaded(tmp_path):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    description, params = model_dir.load(tmp_path / "model")
    assert description == DESCRIPTION
    np.testing.assert_array_equal(params["embedding"], PARAMS["embedding"])
    np.testing.assert_array_equal(params["blocks"]["norm"]["scale"], np.ones(4))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


def test_a_directory_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for is_replaced in (False, True):
        with pytest.raises(ValueError, match="exists and is not empty"):
            model_dir.save(tmp_path, DESCRIPTION, PARAMS, is_replaced=is_replaced)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_an_earlier_model_gives_way_only_when_asked(tmp_path):
    out = tmp_path / "model"
    model_dir.save(out, DESCRIPTION, PARAMS)
    with pytest.raises(ValueError, match="exists and is not empty"):
        model_dir.save(out, DESCRIPTION, PARAMS)
    doubled = {"embedding": PARAMS["embedding"] * 2}
    model_dir.save(out, DESCRIPTION, doubled, is_replaced=True)
    _, params = model_dir.load(out)
    np.testing.assert_array_equal(params["embedding"], doubled["embedding"])


def test_a_directory_without_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no model directory.*ssrlm export"):
        model_dir.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2 found, 1 expected"),
        ({"letters": ["A"]}, r"letters \('A',\) found"),
        ({"architecture": {"wide": 3}}, "there is no setting wide"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_description_of_another_kind_is_refused(tmp_path, change, message):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    path = tmp_path / "model" / model_dir.DESCRIPTION_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        model_dir.describe(tmp_path / "model")


def test_weights_that_are_cut_off_are_refused(tmp_path):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    path = tmp_path / "model" / model_dir.WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="cannot be read as weights"):
        model_dir.load(tmp_path / "model")
