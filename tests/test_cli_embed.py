import numpy as np
import pytest
import test_cli_fold

from ssrlm_jax import config, model_dir
from ssrlm_jax.infer import catalogue
from ssrlm_jax.rna import alphabet

loaded, fasta = test_cli_fold.loaded, test_cli_fold.fasta  # fixtures
trained, _ssrlm = test_cli_fold.trained, test_cli_fold._ssrlm


@pytest.fixture
def model(tmp_path, monkeypatch):
    sizes = config.EncoderConfig(
        num_layers=2, width=8, num_heads=2, num_kv_heads=2, ffn_width=16
    )
    description = model_dir.Description(
        architecture=sizes, letters=alphabet.LETTERS, made={}, scores={}
    )
    model_dir.save(tmp_path / "model", description, {"embedding": np.ones((9, 8))})
    monkeypatch.setenv(catalogue.MODEL, str(tmp_path / "model"))
    return tmp_path / "model"


def test_embeddings_of_good_records_are_a_table(capsys, loaded, model, fasta, tmp_path):
    status, out, err = _ssrlm(capsys, "embed", fasta, "-o", tmp_path / "x.npz")
    assert (status, out) == (1, "")
    assert err[-1].startswith("ssrlm embed: 3 of 5 embedded")
    with np.load(tmp_path / "x.npz") as held:
        assert held["names"].tolist() == ["a", "d", "e"]
        np.testing.assert_array_equal(held["embedding"][:, 0], [8, 11, 8])


def test_embeddings_of_nucleotides_are_arrays(capsys, loaded, model, tmp_path):
    (tmp_path / "my.fa").write_text(">a\nGGG\n>a\nCCCC\n")
    run = ["embed", tmp_path / "my.fa", "-o", tmp_path / "x.npz"]
    assert _ssrlm(capsys, *run, "--pool", "none", "--layer", 2)[0] == 0
    with np.load(tmp_path / "x.npz") as held:
        assert {name: held[name].shape for name in held} == {"a": (3, 4), "a-2": (4, 4)}
        assert held["a"][0, 0] == 5


def test_embeddings_are_not_overwritten(capsys, loaded, model, tmp_path):
    run = ["embed", "GGG", "-o", tmp_path / "x.npz"]
    assert _ssrlm(capsys, *run)[0] == 0
    before = (tmp_path / "x.npz").read_bytes()
    status, _, (line,) = _ssrlm(capsys, *run, "--layer", 1)
    assert status == 1
    assert "x.npz exists; give another place, or --force" in line
    status, _, (line,) = _ssrlm(capsys, "embed", "GGG", "-o", tmp_path / "x.csv")
    assert status == 1
    assert "x.csv: an npz file is written; call it so" in line
    assert (tmp_path / "x.npz").read_bytes() == before
    assert _ssrlm(capsys, *run, "--layer", 1, "--force")[0] == 0
    assert (tmp_path / "x.npz").read_bytes() != before


@pytest.mark.parametrize("layer", [-2, 3])
def test_a_layer_that_is_not_there_names_the_range(
    capsys, loaded, model, tmp_path, layer
):
    run = ["embed", "GGG", "-o", tmp_path / "x.npz", "--layer", layer]
    status, _, (line,) = _ssrlm(capsys, *run)
    assert (status, loaded) == (1, [])
    assert f"--layer={layer} is not one of -1..2" in line
    assert not (tmp_path / "x.npz").exists()


def test_full_memory_ends_in_one_line(capsys, trained, fasta, monkeypatch, tmp_path):
    import jax

    from ssrlm_jax.infer import predictors

    def full(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nmore")

    monkeypatch.setattr(predictors.Predictor, "embed", full)
    status, _, err = _ssrlm(capsys, "embed", fasta, "-o", tmp_path / "x.npz")
    assert status == 1
    assert "Out of memory; what is written is whole, leave out longer RNA" in err[-1]
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize("flags", [["embed", "-o", "x.npz"]])
def test_what_takes_one_strand_reports_two(
    capsys, trained, flags, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    command, *rest = flags
    status, _, err = _ssrlm(capsys, command, "GGGGAAAC&GUUUCCCC", *rest)
    assert status == 1
    assert "argument: sequence: two strands, joined by '&'; one is accepted" in err[0]
    assert not (tmp_path / "x.npz").exists()
