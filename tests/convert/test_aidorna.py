"""AIDO.RNA against its blocks written out in PyTorch, and against Llama's blocks."""

import dataclasses
import json
from typing import NamedTuple

import jax
import numpy as np
import pytest

from ssrlm_jax import model_dir
from ssrlm_jax.convert import families
from ssrlm_jax.models import attention, attention_maps, encoders
from ssrlm_jax.rna import batches

torch = pytest.importorskip("torch", reason="PyTorch computes the reference")
F = torch.nn.functional


class Sizes(NamedTuple):
    width: int
    heads: int
    inner: int
    layers: int
    has_bias: bool
    scale: float = 0.3  # of random matrices


SMALL = Sizes(32, 4, 64, 2, has_bias=False)
ALL = {
    "small": SMALL,
    "small, biased": SMALL._replace(has_bias=True),
    # As published; smaller numbers, as wider sums grow.
    "1M-MARS": Sizes(128, 8, 320, 6, has_bias=False, scale=0.1),
    "25M-MARS": Sizes(512, 16, 1344, 8, has_bias=True, scale=0.05),
    "650M, two layers": Sizes(1280, 20, 3392, 2, has_bias=True, scale=0.03),
    "1.6B, two layers": Sizes(2048, 32, 5440, 2, has_bias=True, scale=0.02),
    "1.6B": Sizes(2048, 32, 5440, 32, has_bias=True, scale=0.02),
}
NAMES = [
    pytest.param(name, marks=[pytest.mark.long] if name == "1.6B" else [])
    for name in ALL
]
ROUNDING = 2e-5  # of the largest value
SEQUENCES = ["GGGAAACCCUNAUGG", "ACGTuu"]
# [PAD] [MASK] [CLS] [SEP] [UNK] A G C T U N: the order of the published vocabulary
LETTERS = {"A": 5, "G": 6, "C": 7, "T": 8, "N": 10}
OURS = [0, 2, 3, 1, 5, 7, 6, 8, 10]  # our letters in their ids; U is T


def _state(sizes):
    """Returns random tensors in the layout of 1M-MARS, or of 25M-MARS and 1.6B."""
    WIDTH, _, INNER, LAYERS, has_bias, usual = sizes
    generator = torch.Generator().manual_seed(0)
    state = {}

    def put(name, *shape, center=0.0, scale=usual):
        state[name] = center + scale * torch.randn(*shape, generator=generator)

    def linear(name, out, width, is_biased=has_bias):
        put(f"{name}.weight", out, width)
        if is_biased:
            put(f"{name}.bias", out)

    def norm(name):
        put(f"{name}.weight", WIDTH, center=1.0)
        if has_bias:
            put(f"{name}.bias", WIDTH)

    put("bert.embeddings.word_embeddings.weight", 16, WIDTH, scale=1.0)
    for layer in range(LAYERS):
        start = f"bert.encoder.layer.{layer}."
        norm(f"{start}attention.ln")
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            linear(f"{start}attention.{part}", WIDTH, WIDTH)
        norm(f"{start}ln")
        linear(f"{start}mlp.up_proj", INNER, WIDTH)
        linear(f"{start}mlp.gate_proj", INNER, WIDTH)
        linear(f"{start}mlp.down_proj", WIDTH, INNER)
    norm("bert.encoder.ln")
    linear("cls.predictions.transform.dense", WIDTH, WIDTH, is_biased=True)
    norm("cls.predictions.transform.LayerNorm")
    put("cls.predictions.bias", 16)
    state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"].clone()
    embedding = state["bert.embeddings.word_embeddings.weight"]
    state["cls.predictions.decoder.weight"] = embedding.clone()
    return state


def _reference(sizes, state, token_L):
    """Returns states and maps of each layer, hidden states and logits, written out."""
    WIDTH, HEADS, _, LAYERS, _, _ = sizes

    def linear(x, name):
        return F.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(x, name):
        scale, bias = state[f"{name}.weight"], state.get(f"{name}.bias")
        if bias is None:
            return scale * x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return F.layer_norm(x, (WIDTH,), scale, bias, 1e-5)

    size = WIDTH // HEADS
    speed = 10_000.0 ** (-torch.arange(size // 2) / (size // 2))
    angle = torch.arange(len(token_L))[:, None] * speed

    def rotated(x):  # halves
        first, second = x.chunk(2, dim=-1)
        cos, sin = angle.cos(), angle.sin()
        return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)

    def split(x):
        return x.reshape(len(token_L), HEADS, size).transpose(0, 1)

    x = state["bert.embeddings.word_embeddings.weight"][token_L]
    states, maps = [], []
    for layer in range(LAYERS):
        start = f"bert.encoder.layer.{layer}."
        y = norm(x, f"{start}attention.ln")
        q, k, v = (
            split(linear(y, f"{start}attention.self.{n}"))
            for n in ("query", "key", "value")
        )
        weight = (rotated(q) @ rotated(k).transpose(1, 2) / size**0.5).softmax(-1)
        maps.append(weight)
        mixed = (weight @ v).transpose(0, 1).reshape(len(token_L), WIDTH)
        x = x + linear(mixed, f"{start}attention.output.dense")
        y = norm(x, f"{start}ln")
        inner = F.silu(linear(y, f"{start}mlp.gate_proj"))
        inner = inner * linear(y, f"{start}mlp.up_proj")
        x = x + linear(inner, f"{start}mlp.down_proj")
        states.append(x)
    x = norm(x, "bert.encoder.ln")
    y = F.gelu(linear(x, "cls.predictions.transform.dense"))
    y = norm(y, "cls.predictions.transform.LayerNorm")
    return states, maps, x, linear(y, "cls.predictions.decoder")


def _save(sizes, state, tmp_path):
    """Writes a model as its users download it."""
    (tmp_path / "theirs").mkdir()
    torch.save(state, tmp_path / "theirs" / "pytorch_model.bin")
    settings = {"num_attention_heads": sizes.heads, "max_position_embeddings": 512}
    (tmp_path / "theirs" / "config.json").write_text(json.dumps(settings))


def _converted(tmp_path):
    """Returns what was made of the model in tmp_path/theirs."""
    done = families.convert("aidorna", tmp_path / "theirs", tmp_path / "ours")
    description, params = model_dir.load(tmp_path / "ours")
    fields = dataclasses.asdict(description.architecture)
    encoder = encoders.Encoder(**fields, attend=attention.plain)
    return done, encoder, jax.device_put(params)


def _tokens(sequence):
    letters = [LETTERS[letter.upper().replace("U", "T")] for letter in sequence]
    return torch.tensor([2, *letters, 3])


def _assert_close(found, expected):
    expected = expected.numpy()
    atol = ROUNDING * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_layers_maps_hidden_states_and_logits(name, tmp_path):
    sizes = ALL[name]
    state = _state(sizes)
    _save(sizes, state, tmp_path)
    with torch.no_grad():
        theirs = [_reference(sizes, state, _tokens(sequence)) for sequence in SEQUENCES]
    del state  # 1.6B: memory need not hold theirs and ours
    done, encoder, params = _converted(tmp_path)
    assert done.description.trained_length == 510
    assert len(done.notes) == 2  # copies: the decoder's matrix and bias
    token_BL, segment_BL, _ = batches.pad(SEQUENCES, 18)
    weights = {"params": params}
    hidden_BLD = encoder.apply(weights, token_BL, segment_BL, method="hidden")
    logits_BLV = encoder.apply(weights, token_BL, segment_BL)
    layers = list(attention_maps.each_layer(encoder, params, token_BL, segment_BL))
    for row, (states, maps, hidden_LD, logits_LV) in enumerate(theirs):
        n = len(SEQUENCES[row]) + 2
        for layer, state_LD, map_HLM in zip(layers, states, maps, strict=True):
            _assert_close(layer.x_BLD[row, :n], state_LD)
            _assert_close(layer.maps_BHLM[row, :, :n, :n], map_HLM)
        _assert_close(hidden_BLD[row, :n], hidden_LD)
        _assert_close(logits_BLV[row, :n], logits_LV[:, OURS])


def test_the_smallest_is_a_llama(tmp_path):
    transformers = pytest.importorskip("transformers", reason="computes the reference")
    state = _state(SMALL)
    _save(SMALL, state, tmp_path)
    _, encoder, params = _converted(tmp_path)
    sizes = transformers.LlamaConfig(
        vocab_size=16,
        hidden_size=SMALL.width,
        intermediate_size=SMALL.inner,
        num_hidden_layers=SMALL.layers,
        num_attention_heads=SMALL.heads,
        rms_norm_eps=1e-5,
        attn_implementation="eager",
        use_cache=False,
    )
    names = {
        "bert.embeddings.word_embeddings": "embed_tokens",
        "bert.encoder.ln": "norm",
        "bert.encoder.layer": "layers",
        "attention.ln": "input_layernorm",
        ".ln": ".post_attention_layernorm",
        "attention.self.query": "self_attn.q_proj",
        "attention.self.key": "self_attn.k_proj",
        "attention.self.value": "self_attn.v_proj",
        "attention.output.dense": "self_attn.o_proj",
    }
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("bert."):
            for old, new in names.items():
                name = name.replace(old, new)
            renamed[name] = tensor
    llama = transformers.LlamaModel(sizes).eval()
    llama.load_state_dict(renamed)
    token_L = _tokens(SEQUENCES[0])
    with torch.no_grad():
        expected = llama(
            token_L[None], attention_mask=torch.zeros(1, 1, len(token_L), len(token_L))
        ).last_hidden_state
    token_BL, segment_BL, _ = batches.pad(SEQUENCES[:1], len(SEQUENCES[0]))
    found = encoder.apply({"params": params}, token_BL, segment_BL, method="hidden")
    _assert_close(found, expected)


@pytest.mark.parametrize(
    ("setting", "found"),
    [("rotary_percent", 0.5), ("hidden_act", "gelu"), ("num_hidden_layers", 3)],
)
def test_settings_that_are_not_computed_here_are_refused(setting, found, tmp_path):
    _save(SMALL, _state(SMALL), tmp_path)
    path = tmp_path / "theirs" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {setting: found}))
    with pytest.raises(ValueError, match=f"{setting}={found!r}"):
        _converted(tmp_path)
    assert not (tmp_path / "ours").exists()


def test_heads_are_known_by_width_or_from_the_config(tmp_path):
    torch.save(_state(SMALL), tmp_path / "aido.bin")
    with pytest.raises(ValueError, match="width 32 has is not known; put its"):
        families.convert("aidorna", tmp_path / "aido.bin", tmp_path / "out")
    torch.save(_state(ALL["1M-MARS"]), tmp_path / "1m.bin")
    done = families.convert("aidorna", tmp_path / "1m.bin", tmp_path / "out")
    assert done.description.architecture.num_heads == 8
