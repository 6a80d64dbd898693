"""Files of older versions of MultiMolecule give what today's give.

Names, letters and settings are those of the versions themselves. With models that
0.0.9 and 0.1.0 made and ran, the converted ones agreed to 8e-5 of the largest logit,
where their epsilon differs, and to 1e-5 elsewhere.
"""

import json
import re

import numpy as np
import pytest
import safetensors.numpy
from flax import traverse_util
from multimolecule_models import make, save

from ssrlm_jax import model_dir
from ssrlm_jax.convert import families

TODAY = "ACGUNRYSWKMBDHVIX|.*-?"
OLD = "ACGUNRYSWKMBDHV.X*-I"  # up to 0.1.0
NUM_SPECIAL = 6
TO_0_0_9 = {
    r"^model\.pairwise_bias_proj\.dense1\.": "model.pairwise_bias_proj.0.",
    r"^model\.pairwise_bias_proj\.dense2\.": "model.pairwise_bias_proj.2.",
    r"^ss_head\.convnet\.(layers|blocks)\.": "ss_head.convnet.",
    r"^ss_head\.convnet\.projection\.": "ss_head.convnet.8.",
}


def _older(folder, family, version):
    """Rewrites a saved model as a version before 0.2 saves it."""
    path = folder / "model.safetensors"
    tensors = {}
    for name, tensor in safetensors.numpy.load_file(path).items():
        if version != "0.1.0":
            for pattern, old in TO_0_0_9.items():
                name = re.sub(pattern, old, name)
        if version == "0.0.8":
            name = re.sub(r"^model\.", f"{family}.", name)
        if tensor.shape[:1] == (NUM_SPECIAL + len(TODAY),):
            rows = [NUM_SPECIAL + TODAY.index(letter) for letter in OLD]
            tensor = tensor[[*range(NUM_SPECIAL), *rows]]
        tensors[name] = tensor
    safetensors.numpy.save_file(tensors, path)
    _set(folder, vocab_size=26, layer_norm_eps=1e-12)


def _set(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def _converted(family, folder, out):
    done = families.convert(family, folder, out)
    description, params = model_dir.load(out)
    return done, description, traverse_util.flatten_dict(params, sep="/")


@pytest.mark.parametrize("version", ["0.0.8", "0.0.9", "0.1.0"])
@pytest.mark.parametrize("kind", ["ForMaskedLM", "ForSecondaryStructurePrediction"])
@pytest.mark.parametrize("family", ["rinalmo", "rnafm", "ernierna"])
def test_older_files_give_the_same_model(family, kind, version, tmp_path):
    save(make(family, kind), tmp_path / "theirs")
    _, description, expected = _converted(family, tmp_path / "theirs", tmp_path / "a")
    _older(tmp_path / "theirs", family, version)
    done, found_description, found = _converted(
        family, tmp_path / "theirs", tmp_path / "b"
    )
    assert found_description.architecture == description.architecture
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert any("layer_norm_eps=1e-12 of older versions" in note for note in done.notes)


def test_the_epsilon_of_a_model_of_ones_own_is_kept(tmp_path):
    save(make("rinalmo"), tmp_path / "theirs")
    _set(tmp_path / "theirs", layer_norm_eps=1e-3)
    done, description, _ = _converted("rinalmo", tmp_path / "theirs", tmp_path / "out")
    assert description.architecture.norm_epsilon == 1e-3
    assert not done.notes


def test_a_setting_that_is_null_is_not_there(tmp_path):
    save(make("rinalmo"), tmp_path / "theirs")
    _set(tmp_path / "theirs", hidden_act=None, layer_norm_eps=None)
    _, description, _ = _converted("rinalmo", tmp_path / "theirs", tmp_path / "out")
    assert description.architecture.norm_epsilon == 1e-5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act='relu' found, 'gelu' is expected"),
        ({"position_embedding_type": "absolute"}, "'absolute' found, 'rotary' is"),
        (
            {"num_hidden_layers": 9},
            "tensors of 3 layers found, and num_hidden_layers=9",
        ),
    ],
)
def test_settings_that_are_not_computed_here_are_refused(settings, message, tmp_path):
    save(make("rinalmo"), tmp_path / "theirs")
    _set(tmp_path / "theirs", **settings)
    with pytest.raises(ValueError, match=message):
        families.convert("rinalmo", tmp_path / "theirs", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_number_of_letters_is_refused(tmp_path):
    save(make("rnafm"), tmp_path / "theirs")
    path = tmp_path / "theirs" / "model.safetensors"
    tensors = safetensors.numpy.load_file(path)
    name = "model.embeddings.word_embeddings.weight"
    tensors[name] = np.zeros((73, tensors[name].shape[1]), np.float32)
    safetensors.numpy.save_file(tensors, path)
    with pytest.raises(ValueError, match="embeddings of 73 letters found"):
        families.convert("rnafm", tmp_path / "theirs", tmp_path / "out")
