import dataclasses
import errno
import json
import pathlib

import numpy as np
import pytest
import safetensors.numpy

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


def test_float16_takes_half_the_room_and_comes_back_as_float32(tmp_path):
    params = {"x": np.array([1.0, 1 / 3, 0.0], np.float32), "y": np.zeros((2, 0))}
    for dtype in model_dir.DTYPES:
        model_dir.save(tmp_path / dtype, DESCRIPTION, params, dtype=dtype)
    sizes = [
        sum(a.nbytes for a in safetensors.numpy.load_file(path).values())
        for path in (tmp_path / n / model_dir.WEIGHTS_FILE for n in model_dir.DTYPES)
    ]
    assert sizes == [12, 6]
    _, found = model_dir.load(tmp_path / "float16")
    assert found["x"].dtype == np.float32
    np.testing.assert_array_equal(found["x"], np.float32(np.float16(params["x"])))
    assert found["y"].shape == (2, 0)
    with pytest.raises(ValueError, match="x has numbers too large for float16"):
        model_dir.save(
            tmp_path / "large", DESCRIPTION, {"x": np.array([1e5])}, dtype="float16"
        )
    assert not (tmp_path / "large").exists()


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
    (tmp_path / "here").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"no model directory.*ssrlm export"):
        model_dir.describe(tmp_path / "here")
    with pytest.raises(ValueError, match=r"file is a file; a directory is expected"):
        model_dir.describe(tmp_path / "file")
    with pytest.raises(ValueError, match=r"x does not exist; `ssrlm export WORKDIR "):
        model_dir.load(tmp_path / "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2 found, 1 expected"),
        ({"letters": ["A"]}, r"letters \('A',\) found"),
        ({"architecture": {"wide": 3}}, "there is no setting wide"),
        ({"colour": "red"}, "colour"),
        ({"made": None}, "made=null is not an object"),
        ({"made": []}, r"made=\[\] is not an object"),
        ({"made": {"decoding": {"foo": 1}}}, r"no setting made\.decoding\.foo"),
        ({"made": {"decoding": 3}}, r"made\.decoding=3 is no object"),
        ({"scores": None}, "scores=null is not an object"),
        ({"trained_length": "x"}, 'trained_length="x" is not a whole number or null'),
        ({"threshold": True}, "threshold=true is not a number or null"),
        ({"threshold": 7}, "threshold=7 does not lie in 0..1"),
        ({"architecture": None}, "architecture=null is not an object"),
        ({"architecture": {"num_layers": "2"}}, "num_layers='2' is not of type int"),
        ({"letters": 3}, "letters=3 is not a list"),
        ({"head": [1]}, r"head=\[1\] is not an object or null"),
    ],
)
def test_a_description_of_another_kind_is_refused(tmp_path, change, message):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    path = tmp_path / "model" / model_dir.DESCRIPTION_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        model_dir.describe(tmp_path / "model")


@pytest.mark.parametrize("text", ["null", "3", "[]", '"model"'])
def test_a_description_that_is_no_object_is_refused(tmp_path, text):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    (tmp_path / "model" / model_dir.DESCRIPTION_FILE).write_text(text)
    with pytest.raises(ValueError, match=r"model\.json: .*an object expected, found"):
        model_dir.describe(tmp_path / "model")


@pytest.mark.parametrize("name", ["format", "architecture", "letters", "made"])
def test_what_a_description_lacks_is_named(tmp_path, name):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    path = tmp_path / "model" / model_dir.DESCRIPTION_FILE
    fields = json.loads(path.read_text())
    del fields[name]
    path.write_text(json.dumps(fields))
    with pytest.raises(ValueError, match=rf"model\.json: not a model .*'{name}'"):
        model_dir.describe(tmp_path / "model")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"embedding": np.ones(2, np.int32)},
            "embedding is int32, float32 or float16 ",
        ),
        (
            {"x": np.ones(2, np.float32), "x/y": np.ones(2, np.float32)},
            "x is an array, and a group with x/y",
        ),
    ],
)
def test_weights_of_another_kind_are_refused(tmp_path, arrays, message):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    path = tmp_path / "model" / model_dir.WEIGHTS_FILE
    safetensors.numpy.save_file(arrays, path)
    with pytest.raises(ValueError, match=rf"weights\.safetensors: {message}"):
        model_dir.load(tmp_path / "model")


@pytest.mark.parametrize("part", ["encoder", "pair_head"])
def test_a_part_that_the_weights_lack_is_named(tmp_path, part):
    description = dataclasses.replace(DESCRIPTION, head=config.HeadConfig())
    params = {"encoder": PARAMS, "pair_head": {"x": np.ones(2, np.float32)}}
    del params[part]
    model_dir.save(tmp_path / "model", description, params)
    with pytest.raises(ValueError, match=rf"{part}/\.\.\. expected, as model\.json"):
        model_dir.load(tmp_path / "model")


def test_weights_that_cannot_be_opened_say_why(tmp_path, monkeypatch):
    def refused(path, *rest, **settings):
        if path.name == model_dir.WEIGHTS_FILE:
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(path, *rest, **settings)

    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    whole = pathlib.Path.open
    monkeypatch.setattr(pathlib.Path, "open", refused)
    with pytest.raises(ValueError, match=r"as weights: Permission denied$"):
        model_dir.num_parameters(tmp_path / "model")


def test_a_workdir_is_no_model_and_names_its_own(tmp_path):
    model_dir.save(tmp_path / "run" / "model", DESCRIPTION, PARAMS)
    with pytest.raises(ValueError, match=r"its model is .*run/model: name that"):
        model_dir.describe(tmp_path / "run")
    with pytest.raises(ValueError, match=r"`ssrlm export WORKDIR MODEL` makes one"):
        model_dir.describe(tmp_path)


def test_weights_that_are_cut_off_are_refused(tmp_path):
    model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    path = tmp_path / "model" / model_dir.WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="cannot be read as weights"):
        model_dir.load(tmp_path / "model")


def test_a_full_disk_names_the_model_and_leaves_nothing(tmp_path, monkeypatch):
    def no_space(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_dir, "write_arrays", no_space)
    message = rf"{tmp_path / 'model'} cannot be written \(No space left .*make room"
    with pytest.raises(OSError, match=message):
        model_dir.save(tmp_path / "model", DESCRIPTION, PARAMS)
    assert list(tmp_path.iterdir()) == []


def test_whoever_trains_on_tells_the_later_date_and_none_of_what_is_not_known():
    made = {"licence": "MIT", "data_until": "2020", "step": 3}
    described = dataclasses.replace(DESCRIPTION, made=made)
    assert model_dir.origin(described) == {"licence": "MIT", "data_until": "2020"}
    told = model_dir.origin(described, trained_until="")
    assert told == {"licence": "MIT"}
    for other, latest in (
        ("2019-05-31", "2020"),
        ("2020-05", "2020"),  # the model's may be of December
        ("2021", "2021"),
    ):
        told = model_dir.origin(described, trained_until=other)
        assert told == {"licence": "MIT", "data_until": latest}
    assert model_dir.origin(None, trained_until="2021") == {"data_until": "2021"}
    assert model_dir.origin(None, trained_until="") == {}


def test_a_date_that_tells_nothing_of_the_whole_is_not_kept_and_that_is_told(caplog):
    assert "data_until" not in model_dir.origin(DESCRIPTION, trained_until="2021")
    assert "tells no date of its data, so none is kept of the whole" in caplog.text
