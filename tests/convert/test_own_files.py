"""Files of the authors give the parameters that MultiMolecule's files give."""

import argparse
import json

import numpy as np
import pytest
from checkpoints import own, torch
from flax import traverse_util
from multimolecule_models import make, save

from ssrlm_jax import model_dir
from ssrlm_jax.convert import families, sources
from ssrlm_jax.rna import alphabet


def _params(family, path, out, **options):
    done = families.convert(family, path, out, **options)
    _, params = model_dir.load(out)
    return done, traverse_util.flatten_dict(params, sep="/")


def _assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.fixture(params=["ForMaskedLM", "ForSecondaryStructurePrediction"])
def kind(request):
    return request.param


def _model(family, kind):
    is_scored = family == "ernierna" and kind != "ForMaskedLM"
    extra = {"output_attention_biases": True} if is_scored else {}
    return make(family, kind, **extra)


@pytest.mark.parametrize("is_fused", [True, False])
def test_rinalmo(kind, is_fused, tmp_path):
    model = _model("rinalmo", kind)
    save(model, tmp_path / "theirs")
    _, expected = _params("rinalmo", tmp_path / "theirs", tmp_path / "a")
    state = own("rinalmo", model, is_fused=is_fused)
    is_tuned = kind != "ForMaskedLM"
    if is_tuned:
        state = {
            n if n.startswith("pred_head") else f"lm.{n}": t for n, t in state.items()
        }
        state["threshold"] = 0.17  # a plain number among the tensors
    if is_tuned and not is_fused:
        state["threshold"] = torch.tensor(0.17)
    torch.save(state, tmp_path / "giga.pt")
    done, found = _params("rinalmo", tmp_path / "giga.pt", tmp_path / "b")
    _assert_same(found, expected)
    assert done.description.threshold == (pytest.approx(0.17) if is_tuned else None)
    assert done.description.architecture.num_heads == 20
    assert done.description.architecture.token_dropout == pytest.approx(0.12)
    expected_notes = []
    if not is_fused:
        expected_notes = ["3 left out: angles of positions, computed here"]
        if is_tuned:
            expected_notes.append("1 left out: the threshold, which model.json keeps")
    assert done.notes == expected_notes


def test_rnafm(kind, tmp_path):
    model = _model("rnafm", kind)
    save(model, tmp_path / "theirs")
    _, expected = _params("rnafm", tmp_path / "theirs", tmp_path / "a")
    state = own("rnafm", model)
    name = "RNA-FM_pretrained.pth"
    if kind == "ForMaskedLM":
        state = {f"encoder.{n}": t for n, t in state.items()}
        state["encoder.contact_head.regression.weight"] = torch.zeros(1, 60)
        state["encoder.contact_head.regression.bias"] = torch.zeros(1)
    else:
        name = "RNA-FM-ResNet_bpRNA.pth"
        state = {
            n if n.startswith("downstream") else f"backbone.{n}": t
            for n, t in state.items()
        }
    torch.save({"args": argparse.Namespace(arch="x"), "model": state}, tmp_path / name)
    done, found = _params("rnafm", tmp_path / name, tmp_path / "b")
    # The authors' loader, which MultiMolecule does not follow, zeroes <mask>.
    table = "embedding" if kind == "ForMaskedLM" else "encoder/embedding"
    assert expected[table][alphabet.MASK].any()
    expected[table] = expected[table].copy()
    expected[table][alphabet.MASK] = 0.0
    _assert_same(found, expected)
    (note,) = [one for one in done.notes if "token dropout" in one]
    assert note == "token dropout taken as off: the file has no arguments that say"
    threshold = None if kind == "ForMaskedLM" else 0.47729617
    assert done.description.threshold == threshold
    assert done.description.trained_length == 1022


def test_rnafm_reads_token_dropout_from_its_arguments(tmp_path):
    state = own("rnafm", _model("rnafm", "ForMaskedLM"))
    for is_dropped, expected in ((True, 0.12), (False, 0.0)):
        path = tmp_path / f"{is_dropped}.pth"
        args = argparse.Namespace(token_dropout=is_dropped)
        torch.save({"args": args, "model": state}, path)
        done, _ = _params("rnafm", path, tmp_path / f"out{is_dropped}")
        found = done.description.architecture.token_dropout
        assert found == pytest.approx(expected)
        assert not any("token dropout" in note for note in done.notes)


def test_codons_are_not_taken_for_letters(tmp_path):
    state = own("rnafm", _model("rnafm", "ForMaskedLM"))
    codons = {"embed_tokens.weight": (73, 80), "lm_head.weight": (73, 80)}
    state |= {name: torch.zeros(shape) for name, shape in codons.items()}
    state["lm_head.bias"] = torch.zeros(73)
    torch.save(state, tmp_path / "mRNA-FM.pth")
    message = r"embed_tokens.weight is \(73, 80\), \(25, 80\) expected"
    with pytest.raises(ValueError, match=message):
        families.convert("rnafm", tmp_path / "mRNA-FM.pth", tmp_path / "out")


def test_ernierna(kind, tmp_path):
    model = _model("ernierna", kind)
    save(model, tmp_path / "theirs")
    _, expected = _params("ernierna", tmp_path / "theirs", tmp_path / "a")
    state = own("ernierna", model)
    state |= {
        "sentence_projection_layer.weight": torch.zeros(2, 48),
        "sentence_encoder.embed_positions._float_tensor": torch.zeros(1),
    }
    is_tuned = kind != "ForMaskedLM"
    start = "module.sentence_encoder." if is_tuned else "encoder."
    state = {
        f"module.{n}" if n.startswith(("conv", "proj")) else start + n: t
        for n, t in state.items()
    }
    torch.save(state if is_tuned else {"model": state}, tmp_path / "ernie.pt")
    done, found = _params("ernierna", tmp_path / "ernie.pt", tmp_path / "b")
    _assert_same(found, expected)
    expected_threshold = pytest.approx(0.8175745) if is_tuned else None
    assert done.description.threshold == expected_threshold


class _Settings:
    """Stands for an object of a package such as fairseq."""


def test_objects_are_opened_only_when_trusted(tmp_path, monkeypatch):
    state = own("ernierna", _model("ernierna", "ForMaskedLM"))
    state = {f"encoder.{name}": tensor for name, tensor in state.items()}
    path = tmp_path / "ernie.pt"
    torch.save({"args": _Settings(), "model": state}, path)
    with pytest.raises(ValueError, match="add --trust-pickle"):
        families.convert("ernierna", path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.delattr(f"{__name__}._Settings")  # as where fairseq is not installed
    with pytest.warns(UserWarning, match="unpickled as trusted"):
        families.convert("ernierna", path, tmp_path / "out", is_pickle_trusted=True)
    assert model_dir.describe(tmp_path / "out").architecture.has_pair_bias


def test_what_does_not_fit_is_named_and_nothing_is_written(tmp_path):
    state = own("rinalmo", _model("rinalmo", "ForMaskedLM"))
    first = "transformer.blocks.1.attn_layer_norm.weight"
    cases = (
        ({first: None}, f"missing: {first}"),
        ({first: torch.zeros(3)}, rf"misshapen: {first} is \(3,\), \(80,\) expected"),
        ({"extra.weight": torch.zeros(3)}, "unknown: extra.weight"),
        ({"embedding.weight": None}, "tensor embedding.weight is missing"),
    )
    for number, (change, message) in enumerate(cases):
        changed = {n: t for n, t in (state | change).items() if t is not None}
        path = tmp_path / f"{number}.pt"
        torch.save(changed, path)
        with pytest.raises(ValueError, match=message):
            families.convert("rinalmo", path, tmp_path / "out")
        assert not list(tmp_path.glob("*out*"))


def test_a_copy_that_differs_is_an_error(tmp_path):
    state = own("rnafm", _model("rnafm", "ForMaskedLM"))
    state["lm_head.weight"] = state["lm_head.weight"] + 1
    torch.save(state, tmp_path / "fm.pth")
    with pytest.raises(ValueError, match="lm_head.weight differs from embed_tokens"):
        families.convert("rnafm", tmp_path / "fm.pth", tmp_path / "out")


def test_files_that_cannot_be_read(tmp_path):
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"broken\.pt: is no PyTorch file"):
        sources.open_source(broken)
    with pytest.raises(ValueError, match="is no PyTorch file"):
        sources.open_source(broken, is_pickle_trusted=True)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"12345678")
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        sources.open_source(broken)
    with pytest.raises(ValueError, match="no such file or directory"):
        sources.open_source(tmp_path / "absent.pt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds none of model\.safetensors"):
        sources.open_source(tmp_path / "empty")
    parts = tmp_path / "parts"
    parts.mkdir()
    index = parts / "model.safetensors.index.json"
    for content, message in (
        ("{", "is no JSON"),
        ("[1]", "a list found"),
        ('{"weight_map": [1]}', "no names of files"),
        ('{"weight_map": {"a": "../b"}}', "no names of files"),
        ('{"weight_map": {"a": "b.safetensors"}}', r"b\.safetensors is missing"),
    ):
        index.write_text(content)
        with pytest.raises(ValueError, match=message):
            sources.open_source(parts)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="a list found, no state dict"):
        sources.open_source(tmp_path / "list.pt")
    torch.save({"a": 1}, tmp_path / "numbers.pt")
    with pytest.raises(ValueError, match="holds no tensors"):
        sources.open_source(tmp_path / "numbers.pt")


def test_settings_of_wrong_types_are_named(tmp_path):
    model = _model("rnafm", "ForMaskedLM")
    save(model, tmp_path / "theirs")
    path = tmp_path / "theirs" / "config.json"
    for content, message in (
        ("[1]", "a list found, settings expected"),
        ('{"num_attention_heads": "8"}', "num_attention_heads='8' is no number"),
        ('{"num_attention_heads": 7}', "encoder.width=80 is not a multiple"),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            families.convert("rnafm", tmp_path / "theirs", tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_whole_numbers_are_no_weights(tmp_path):
    state = own("rinalmo", _model("rinalmo", "ForMaskedLM"))
    name = "transformer.final_layer_norm.weight"
    torch.save(state | {name: torch.ones(80, dtype=torch.int8)}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=f"{name} holds int8"):
        families.convert("rinalmo", tmp_path / "a.pt", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("file", ["whole.pt", "whole.safetensors", "old.pt", "parts"])
def test_every_precision_and_kind_of_file_is_read(dtype, file, tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    state = own("rinalmo", _model("rinalmo", "ForMaskedLM"))
    state = {name: tensor.to(getattr(torch, dtype)) for name, tensor in state.items()}
    path = tmp_path / file
    if file == "parts":
        path.mkdir()
        place = {name: f"{n % 2}.safetensors" for n, name in enumerate(state)}
        for part in set(place.values()):
            inside = {name: state[name] for name in place if place[name] == part}
            save_file(inside, path / part)
        index = path / "model.safetensors.index.json"
        index.write_text(json.dumps({"weight_map": place}))
    elif path.suffix == ".safetensors":
        save_file(state, path)
    else:
        is_zip = file == "whole.pt"
        torch.save(state, path, _use_new_zipfile_serialization=is_zip)
    _, found = _params("rinalmo", path, tmp_path / "out")
    expected = state["transformer.final_layer_norm.weight"].float().numpy()
    np.testing.assert_array_equal(found["final_norm/scale"], expected)
    beta = [state[f"transformer.blocks.{n}.transition.0.beta"] for n in range(3)]
    expected = torch.stack(beta).float().numpy().reshape(3)
    np.testing.assert_array_equal(found["blocks/ffn/beta"], expected)


def test_a_tensor_in_two_parts_is_an_error(tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    for part in ("a.safetensors", "b.safetensors"):
        save_file({"x": torch.zeros(2)}, tmp_path / part)
    places = {"x": "a.safetensors", "y": "b.safetensors"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    with pytest.raises(ValueError, match=r"b\.safetensors: x is in .*a\.safetensors"):
        sources.open_source(tmp_path)


def test_what_is_beside_the_tensors_is_told(tmp_path):
    state = own("rinalmo", _model("rinalmo", "ForMaskedLM"))
    held = {"model": state | {"epoch": 3}, "ema": {"x": torch.zeros(2)}}
    torch.save(held, tmp_path / "a.pt")
    done, _ = _params("rinalmo", tmp_path / "a.pt", tmp_path / "out")
    assert done.notes == ["not read, beside the tensors: ema, epoch"]
    assert done.num_tensors == len(state)
