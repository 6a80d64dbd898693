"""SSR-LM to transformers' Llama and back: the same numbers, and an exact round trip."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from flax import traverse_util
from safetensors.numpy import load_file, save_file

from ssrlm_jax import config, model_dir
from ssrlm_jax.convert import families, llama
from ssrlm_jax.models import attention, attention_maps, encoders, heads
from ssrlm_jax.rna import alphabet, batches

MADE = {"licence": "CC0-1.0", "citation": "who trained it"}


def _model(folder, **sizes):
    architecture = config.EncoderConfig(
        **{"num_layers": 3, "width": 32, "num_heads": 4, "num_kv_heads": 2}
        | {"ffn_width": 48, "rope_base": 5_000.0, "norm_epsilon": 1e-4}
        | sizes
    )
    encoder = encoders.Encoder(
        **dataclasses.asdict(architecture), attend=attention.plain
    )
    tokens = batches.pad(["GACU"], 4)
    params = jax.jit(encoder.init)(
        jax.random.key(0), tokens.token_BL, tokens.segment_BL
    )
    description = model_dir.Description(
        architecture=architecture, letters=alphabet.LETTERS, made=MADE, scores={}
    )
    model_dir.save(folder, description, params["params"])
    return encoder, params


@pytest.mark.parametrize("is_head_tied", [True, False])
def test_round_trip_is_exact(is_head_tied, tmp_path):
    _model(tmp_path / "ours", is_head_tied=is_head_tied)
    number, left_out = llama.write(tmp_path / "ours", tmp_path / "torch")
    assert not left_out
    assert number == len(load_file(tmp_path / "torch" / "model.safetensors"))
    done = families.convert("ssrlm", tmp_path / "torch", tmp_path / "back")
    first, params = model_dir.load(tmp_path / "ours")
    second, again = model_dir.load(tmp_path / "back")
    assert first.architecture == second.architecture
    assert model_dir.origin(first) == MADE
    assert model_dir.origin(second) == MADE
    assert done.num_tensors == number
    found, expected = map(traverse_util.flatten_dict, (again, params))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


PUBLISHED = {"num_layers": 6, "width": 288, "num_heads": 6, "num_kv_heads": 6}


@pytest.mark.parametrize("sizes", [{}, PUBLISHED | {"ffn_width": 1152}])
def test_transformers_reads_it_and_computes_the_same(sizes, tmp_path):
    torch = pytest.importorskip("torch", reason="computes the reference")
    transformers = pytest.importorskip("transformers", reason="computes the reference")
    encoder, params = _model(tmp_path / "ours", **sizes)
    llama.write(tmp_path / "ours", tmp_path / "torch")
    model = transformers.LlamaForCausalLM.from_pretrained(
        tmp_path / "torch", attn_implementation="eager"
    ).eval()
    # U, T, lower case and N; the second row is padded, which no position may see.
    token_BL, segment_BL, _ = batches.pad(["GGNAUaccc", "ACGTuu"], 9)
    mask_B11M = torch.zeros(2, 1, 1, 11)
    mask_B11M[torch.tensor(segment_BL == 0)[:, None, None]] = -1e9
    is_there = segment_BL > 0
    with torch.no_grad():
        theirs = model(
            torch.tensor(token_BL.astype(np.int64)),
            attention_mask=mask_B11M.expand(2, 1, 11, 11),
            output_hidden_states=True,
            output_attentions=True,
        )
    layers = list(
        attention_maps.each_layer(encoder, params["params"], token_BL, segment_BL)
    )
    for layer, maps in zip(layers, theirs.attentions, strict=True):
        for row, is_one in enumerate(is_there):
            n = is_one.sum()
            found, expected = layer.maps_BHLM[row], maps[row].numpy()
            np.testing.assert_allclose(found[:, :n, :n], expected[:, :n, :n], atol=1e-5)
    # Theirs of the last layer is after the norm.
    for layer, state in zip(layers[:-1], theirs.hidden_states[1:-1], strict=True):
        _assert_close(layer.x_BLD, state, is_there)
    hidden_BLD = encoder.apply(params, token_BL, segment_BL, method="hidden")
    _assert_close(hidden_BLD, theirs.hidden_states[-1], is_there)
    found_BLV = encoder.apply(params, token_BL, segment_BL)
    _assert_close(found_BLV, theirs.logits, is_there)


def _assert_close(found, expected, is_there):
    found = np.asarray(found)[is_there]
    np.testing.assert_allclose(found, expected.numpy()[is_there], atol=2e-5)


def test_a_head_is_told_to_be_left_out(tmp_path):
    _model(tmp_path / "encoder")
    description, params = model_dir.load(tmp_path / "encoder")
    head = config.HeadConfig(channels=4)
    network = heads.build(head, "float32")
    params = {
        "encoder": params,
        "pair_head": heads.fresh(network, 32, jax.random.key(1)),
    }
    description = dataclasses.replace(description, head=head, threshold=0.5)
    model_dir.save(tmp_path / "ours", description, params)
    _, left_out = llama.write(tmp_path / "ours", tmp_path / "torch")
    assert left_out == ["its head for pairs"]


def _state(folder, change=None, **settings):
    _model(folder / "ours")
    llama.write(folder / "ours", folder / "torch")
    path = folder / "torch" / "config.json"
    found = json.loads(path.read_text()) | settings
    path.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))
    if change:
        weights = folder / "torch" / "model.safetensors"
        save_file(change(load_file(weights)), weights)
    return folder / "torch"


def test_letters_of_another_order(tmp_path):
    _, expected = model_dir.load(_model(tmp_path / "a") and tmp_path / "a")
    order = ["A", "C", "G", "T", "N", "<mask>", "<eos>", "<cls>", "<pad>", "<unk>"]

    def reordered(state):
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            rows = np.zeros((10, 32), np.float32)
            for place, letter in enumerate(order[:9]):
                rows[place] = state[name][
                    alphabet.LETTERS.index("U" if letter == "T" else letter)
                ]
            state[name] = rows
        return state

    folder = _state(tmp_path, reordered, letters=None)
    with pytest.raises(ValueError, match="letters of its 10 tokens are not known"):
        families.convert("ssrlm", folder, tmp_path / "out")
    with pytest.raises(ValueError, match="10 different letters are needed"):
        families.convert("ssrlm", folder, tmp_path / "out", letters=order[:9])
    families.convert("ssrlm", folder, tmp_path / "out", letters=order)
    _, found = model_dir.load(tmp_path / "out")
    np.testing.assert_array_equal(found["embedding"], expected["embedding"])
    np.testing.assert_array_equal(found["head"], expected["head"])


def test_letters_that_contradict_the_config_are_refused(tmp_path):
    folder = _state(tmp_path, letters=list(alphabet.LETTERS))
    with pytest.raises(ValueError, match="leave out --letters, which name others"):
        families.convert(
            "ssrlm", folder, tmp_path / "out", letters=alphabet.LETTERS[::-1]
        )


def test_letters_that_lack_one_of_ours(tmp_path):
    folder = _state(tmp_path, letters=[*alphabet.LETTERS[:-1], "X"])
    with pytest.raises(ValueError, match="'N' is not among the letters"):
        families.convert("ssrlm", folder, tmp_path / "out")


def test_heads_are_asked_for(tmp_path):
    folder = _state(tmp_path, num_attention_heads=None)
    with pytest.raises(ValueError, match="no tensor says how many heads"):
        families.convert("ssrlm", folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_act": "gelu"}, "hidden_act='gelu' found"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2}}, "rope_scaling="),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope_scaling="),
        ({"rms_norm_eps": "x"}, "rms_norm_eps='x' is no number"),
        ({"letters": ["", *alphabet.LETTERS[1:]]}, "9 different letters are needed"),
    ],
)
def test_settings_that_would_change_the_result_are_refused(settings, message, tmp_path):
    folder = _state(tmp_path, **settings)
    with pytest.raises(ValueError, match=message):
        families.convert("ssrlm", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_architectures_are_not_written(tmp_path):
    _model(tmp_path / "ours", norm="layer", biases="all")
    with pytest.raises(ValueError, match="no Llama block has norm=layer, biases=all"):
        llama.write(tmp_path / "ours", tmp_path / "torch")
    _model(tmp_path / "b")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "x").touch()
    with pytest.raises(ValueError, match="is not empty"):
        llama.write(tmp_path / "b", tmp_path / "torch")
