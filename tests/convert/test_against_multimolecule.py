"""Converted models compute what MultiMolecule computes, to float32 rounding.

Measured: hidden states, maps, logits and pair logits agree to 2e-5 of the largest;
RiNALMo's pair logits at full size to 6e-5, as from their own in float64 (5e-5 theirs,
4e-5 ours).
"""

import dataclasses

import jax
import numpy as np
import pytest
from multimolecule_models import letters, make, run, save

from ssrlm_jax import model_dir
from ssrlm_jax.convert import families
from ssrlm_jax.models import attention, attention_maps, encoders, heads
from ssrlm_jax.rna import alphabet, batches

FAMILIES = ("rinalmo", "rnafm", "ernierna")
ROUNDING = 2e-5  # of the largest value
DEEP_ROUNDING = 1e-4  # after 33 layers and a head
SMALL = {family: {} for family in FAMILIES}
# Random deviations of 0.2 let values overflow in 33 wide layers.
PUBLISHED = {
    "rinalmo": {
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_hidden_layers": 33,
    },
    "rnafm": {"hidden_size": 640, "intermediate_size": 5120, "num_hidden_layers": 12},
    "ernierna": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
    },
}
SIZES = pytest.mark.parametrize(
    "sizes",
    [
        pytest.param(SMALL, id="small"),
        pytest.param(
            {family: given | {"noise": 0.01} for family, given in PUBLISHED.items()},
            id="published",
            marks=pytest.mark.long,
        ),
    ],
)
# All letters, U and T, both cases, of three lengths.
SEQUENCES = ["GGGAAACCCUNAUGGCAACGU", "ACGTUacgtun", "GA"]
LENGTH = max(map(len, SEQUENCES))


def _as_ours(sequence):
    return alphabet.decode(alphabet.encode(sequence)[0])


def _converted(family, folder):
    """Returns what was made of the model in folder/theirs."""
    done = families.convert(family, folder / "theirs", folder / "ours")
    description, params = model_dir.load(folder / "ours")
    encoder = encoders.Encoder(
        **dataclasses.asdict(description.architecture), attend=attention.plain
    )
    return done, encoder, jax.device_put(params)


def _assert_close(found, expected, rounding=ROUNDING):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding * scale)


@SIZES
@pytest.mark.parametrize("family", FAMILIES)
def test_encoder_layer_by_layer(family, sizes, tmp_path):
    model = make(family, **sizes[family])
    theirs = run(
        model,
        [_as_ours(sequence) for sequence in SEQUENCES],
        output_hidden_states=True,
        output_attentions=True,
    )
    save(model, tmp_path / "theirs")
    del model  # full sizes: memory need not hold theirs and ours
    _, encoder, params = _converted(family, tmp_path)
    token_BL, segment_BL, _ = batches.pad(SEQUENCES, LENGTH)
    is_BL = segment_BL > 0
    layers = list(attention_maps.each_layer(encoder, params, token_BL, segment_BL))

    assert len(layers) == len(theirs.attentions) == encoder.num_layers
    is_BLM = is_BL[:, :, None] & is_BL[:, None]
    for layer, maps, state in zip(
        layers, theirs.attentions, theirs.hidden_states[1:], strict=True
    ):
        found_BLMH = np.moveaxis(layer.maps_BHLM, 1, -1)
        _assert_close(found_BLMH[is_BLM], np.moveaxis(maps.numpy(), 1, -1)[is_BLM])
        if layer is not layers[-1]:  # theirs is after the last norm
            _assert_close(layer.x_BLD[is_BL], state.numpy()[is_BL])
    hidden_BLD = encoder.apply(
        {"params": params}, token_BL, segment_BL, method="hidden"
    )
    _assert_close(hidden_BLD[is_BL], theirs.hidden_states[-1].numpy()[is_BL])
    logits_BLV = encoder.apply({"params": params}, token_BL, segment_BL)
    expected_BLV = theirs.logits.numpy()[..., letters(alphabet.LETTERS)]
    _assert_close(logits_BLV[is_BL], expected_BLV[is_BL])


def test_hidden_letters_are_made_up_for(tmp_path):
    # A record of which 4 of 12 tokens are hidden, and one with none, in one batch.
    model = make("rinalmo")
    hidden = "A<mask>GG<mask>CU<mask>A<mask>"
    theirs = run(model, [hidden, "GGCC"])
    save(model, tmp_path / "theirs")
    _, encoder, params = _converted("rinalmo", tmp_path)
    token_BL, segment_BL, _ = batches.pad(["AAGGCCUAAA", "GGCC"], 10)
    token_BL[0, [2, 5, 8, 10]] = alphabet.MASK
    found_BLV = np.asarray(encoder.apply({"params": params}, token_BL, segment_BL))
    expected_BLV = theirs.logits.numpy()[..., letters(alphabet.LETTERS)]
    _assert_close(found_BLV[segment_BL > 0], expected_BLV[segment_BL > 0])


def test_an_ordinary_residual_would_not_do_for_rinalmo(tmp_path):
    model = make("rinalmo")
    theirs = run(model, SEQUENCES[:1], output_hidden_states=True)
    save(model, tmp_path / "theirs")
    _, encoder, params = _converted("rinalmo", tmp_path)
    token_BL, segment_BL, _ = batches.pad(SEQUENCES[:1], LENGTH)
    ordinary = encoder.clone(residual_order="pre")
    found = ordinary.apply({"params": params}, token_BL, segment_BL, method="hidden")
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        _assert_close(found, theirs.hidden_states[-1].numpy())


@SIZES
@pytest.mark.parametrize("family", FAMILIES)
def test_pairs(family, sizes, tmp_path):
    # Alone: theirs read padding (the norms and biases of a map do).
    extra = {"output_attention_biases": True} if family == "ernierna" else {}
    extra |= sizes[family]
    model = make(family, "ForSecondaryStructurePrediction", **extra)
    maps = []
    if family == "ernierna":  # what comes after is an optimiser, which is not ours
        network = model.ss_head.convnet
        network.register_forward_hook(lambda *seen: maps.append(seen[-1]))
    sequence = SEQUENCES[0]
    theirs = run(model, [sequence])
    if maps:
        (expected_LM,) = maps[0].numpy()[0]
        expected_LM = expected_LM + expected_LM.T
    else:
        expected_LM = theirs.logits.numpy()[0, :, :, 0]
    save(model, tmp_path / "theirs")
    del model
    done, encoder, params = _converted(family, tmp_path)
    head = heads.build(done.description.head, "float32")
    n = len(sequence)
    token_BL, segment_BL, length_B = batches.pad([sequence, "GGCA"], n + 7)
    x = heads.read(encoder, head, params["encoder"], token_BL, segment_BL)
    x = heads.nucleotides(head, x)
    is_BL = np.arange(n + 7)[None] < length_B[:, None]
    logits_BLM = head.apply({"params": params["pair_head"]}, x, is_BL)
    i, j = np.triu_indices(n, 1)
    rounding = DEEP_ROUNDING if encoder.num_layers > 12 else ROUNDING
    _assert_close(logits_BLM[0, i, j], expected_LM[i, j], rounding)
    _assert_close(logits_BLM[0, j, i], expected_LM[i, j], rounding)
