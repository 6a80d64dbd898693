"""`ssrlm convert` as a user calls it, with publishers on this machine."""

import hashlib
import http.server
import json
import threading

import numpy as np
import pytest
from checkpoints import own, torch
from multimolecule_models import make, save

import ssrlm_jax
from ssrlm_jax import cli, config, model_dir
from ssrlm_jax.cli import convert
from ssrlm_jax.convert import published

FASTA = ">a\nGGGGaaaaCCCC\n>b\nACGTUN\n"


@pytest.fixture(scope="module")
def giga(tmp_path_factory):
    """Returns the bytes of a fine-tuned file of RiNALMo, a small one."""
    model = make("rinalmo", "ForSecondaryStructurePrediction")
    path = tmp_path_factory.mktemp("giga") / "giga.pt"
    torch.save(own("rinalmo", model) | {"threshold": 0.3}, path)
    return path.read_bytes()


@pytest.fixture
def server(monkeypatch):
    """Yields what a server on this machine answers: path -> (headers, body)."""
    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            headers, body = answers.get(self.path.partition("?")[0], (None, b""))
            self.send_response(404 if headers is None else 200)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *parts):
            del parts

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    answers["url"] = f"http://127.0.0.1:{running.server_port}"
    monkeypatch.setattr(published, "ZENODO", answers["url"])
    monkeypatch.setenv("HF_ENDPOINT", answers["url"])
    yield answers
    running.shutdown()
    running.server_close()


def _publish(server, content, checksum=None):
    md5 = checksum or hashlib.md5(content).hexdigest()
    file = {
        "key": "rinalmo_giga_pretrained.pt",
        "size": len(content),
        "checksum": f"md5:{md5}",
        "links": {"self": f"{server['url']}/content"},
    }
    about = json.dumps({"files": [file]}).encode()
    server["/api/records/15043668"] = ({}, about)
    server["/content"] = ({}, content)


def test_a_file_is_converted_and_folds(giga, tmp_path, capsys):
    (tmp_path / "giga.pt").write_bytes(giga)
    (tmp_path / "my.fa").write_text(FASTA)
    out = tmp_path / "rinalmo-ss"
    assert cli.main(["convert", "rinalmo", str(tmp_path / "giga.pt"), str(out)]) == 0
    said = capsys.readouterr().out
    assert "CC-BY-4.0" in said
    assert "threshold 0.3" in said
    fold = ["fold", str(tmp_path / "my.fa"), "-m", str(out)]
    assert cli.main([*fold, "--no-sharp-loops", "--canonical-only"]) == 0
    assert "warning" not in capsys.readouterr().err  # as the authors decode
    assert cli.main(fold) == 0
    found = capsys.readouterr()
    assert (
        "no threshold was chosen for --method greedy; 0.3 is that of --method greedy "
        "--no-sharp-loops --canonical-only"
    ) in found.err
    lines = found.out.splitlines()
    assert [line.split()[0] for line in lines[0::3]] == [">a", ">b"]
    assert lines[1::3] == ["GGGGAAAACCCC", "ACGUUN"]
    assert cli.main(["info", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["made"]["family"] == "rinalmo"


@pytest.mark.parametrize("family", ["rinalmo", "rnafm", "ernierna"])
def test_every_family_embeds_its_own_letters(family, tmp_path, capsys):
    save(make(family), tmp_path / "theirs")
    out, npz = tmp_path / "ours", tmp_path / "e.npz"
    assert cli.main(["convert", family, str(tmp_path / "theirs"), str(out)]) == 0
    (tmp_path / "my.fa").write_text(">a\nGGCAU\n>b\nggcat\n")
    command = ["embed", str(tmp_path / "my.fa"), "-m", str(out), "-o", str(npz)]
    assert cli.main(command) == 0
    with np.load(npz) as found:
        first, second = found["embedding"]
    assert np.isfinite(first).all()
    np.testing.assert_allclose(first, second, atol=1e-5)  # other places in a row
    assert cli.main(["fold", str(tmp_path / "my.fa"), "-m", str(out)]) == 1
    assert "has no head that predicts pairs" in capsys.readouterr().err


def test_what_is_longer_than_the_positions_is_reported(tmp_path, capsys):
    save(make("rnafm", max_position_embeddings=22), tmp_path / "theirs")
    out, npz = tmp_path / "ours", tmp_path / "e.npz"
    cli.main(["convert", "rnafm", str(tmp_path / "theirs"), str(out)])
    (tmp_path / "my.fa").write_text(f">a\n{'G' * 18}\n>b\n{'G' * 19}\n>c\nGA\n")
    command = ["embed", str(tmp_path / "my.fa"), "-m", str(out), "-o", str(npz)]
    assert cli.main(command) == 1
    assert "b: 19 nucleotides, the model takes up to 18" in capsys.readouterr().err
    with np.load(npz) as found:
        assert found["names"].tolist() == ["a", "c"]
    with pytest.raises(ValueError, match="sequence 1: 19 nucleotides"):
        ssrlm_jax.load(out).embed(["G" * 19])


def test_an_ernierna_head_folds(tmp_path, capsys):
    model = make(
        "ernierna", "ForSecondaryStructurePrediction", output_attention_biases=True
    )
    save(model, tmp_path / "theirs")
    out = tmp_path / "ours"
    assert cli.main(["convert", "ernierna", str(tmp_path / "theirs"), str(out)]) == 0
    capsys.readouterr()
    assert cli.main(["fold", "GGGGAAAACCCC", "-m", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "GGGGAAAACCCC"


def test_download_from_zenodo(giga, server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(convert, "CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    _publish(server, giga)
    assert cli.main(["convert", "rinalmo", "--download"]) == 0
    said = capsys.readouterr().err
    for part in ("MB from", "md5:", "CC-BY-4.0", "Penić et al."):
        assert part in said
    assert model_dir.describe(tmp_path / "rinalmo").threshold == 0.3
    assert cli.main(["convert", "rinalmo", "--download"]) == 1
    assert "rinalmo exists and is not empty" in capsys.readouterr().err
    (kept,) = (tmp_path / "cache" / "rinalmo").iterdir()
    kept.write_bytes(giga[:-1])  # damaged since
    assert cli.main(["convert", "rinalmo", "again", "--download"]) == 1
    assert "remove the file" in capsys.readouterr().err


def test_a_damaged_download_is_not_converted(
    giga, server, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(convert, "CACHE", tmp_path / "cache")
    _publish(server, giga, checksum="0" * 32)
    out = tmp_path / "out"
    assert cli.main(["convert", "rinalmo", str(out), "--download"]) == 1
    assert "md5 00000000000000000000000000000000 expected" in capsys.readouterr().err
    assert not out.exists()


def test_download_from_hugging_face(server, tmp_path, monkeypatch, capsys):
    pytest.importorskip("huggingface_hub", reason="reads Hugging Face")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    save(make("ernierna"), tmp_path / "theirs")
    repository, commit = "multimolecule/ernierna", "c" * 40
    siblings, large = [], {}
    for path in (tmp_path / "theirs").iterdir():
        content = path.read_bytes()
        sha = hashlib.sha256(content).hexdigest()
        siblings.append({"rfilename": path.name, "size": len(content)})
        if path.suffix == ".safetensors":
            large = {"sha256": sha, "size": len(content), "pointerSize": 1}
            siblings[-1]["lfs"] = large
        headers = {"X-Repo-Commit": commit, "ETag": f'"{sha}"'}
        server[f"/{repository}/resolve/{commit}/{path.name}"] = (headers, content)
    about = {"id": repository, "sha": commit, "siblings": siblings}

    def converted(out, tags):
        server[f"/api/models/{repository}"] = (
            {"Content-Type": "application/json"},
            json.dumps(about | {"tags": tags}).encode(),
        )
        command = ["convert", "ernierna", str(out), "--download", "--name", repository]
        return cli.main(command)

    assert converted(tmp_path / "ours", ["license:agpl-3.0"]) == 0
    assert "licence of the weights: agpl-3.0" in capsys.readouterr().err
    assert model_dir.describe(tmp_path / "ours").made["licence"] == "agpl-3.0"
    # Where none is stated, it is that of MultiMolecule's files.
    assert converted(tmp_path / "b", []) == 0
    assert model_dir.describe(tmp_path / "b").made["licence"].startswith("AGPL-3.0")
    capsys.readouterr()
    large["sha256"] = "0" * 64
    assert converted(tmp_path / "c", []) == 1
    assert f"sha256 {'0' * 64} expected, found" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_bad_calls_are_one_line(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(convert, "CACHE", tmp_path / "cache")
    _publish(server, b"")
    out = str(tmp_path / "out")
    cases = (
        (["rinalmo", "a.pt"], "FILE and OUT are both needed"),
        (["rinalmo", "a.pt", out, "--download"], "--download takes OUT alone"),
        (["rinalmo", "a.pt", out, "--name=x"], "--name goes with --download"),
        (["rinalmo", "a.pt", out, "--letters=A,C"], "--letters goes with ssrlm"),
        (["rinalmo", "a.pt", out, "--to=torch"], "writes ssrlm only"),
        (["ssrlm", "a", out, "--to=torch", "--letters=A"], "--letters do not go with"),
        (["rinalmo", "absent.pt", out], "no such file"),
        (["rinalmo", "a.pt", out, "--threshold=2"], "is not above 0 and below 1"),
        (
            ["rinalmo", out, "--download", "--name=x.pt"],
            "'x.pt' is not one of rinalmo_g",
        ),
        (["ernierna", out, "--download"], "Google Drive only"),
    )
    for arguments, message in cases:
        assert cli.main(["convert", *arguments]) == 1
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    monkeypatch.setattr(published, "ZENODO", "http://127.0.0.1:9")
    assert cli.main(["convert", "rinalmo", out, "--download"]) == 1
    assert "cannot be reached" in capsys.readouterr().err


def test_names_of_families_are_those_of_the_converters():
    from ssrlm_jax.convert import families

    assert tuple(families.FAMILIES) == convert.NAMES
    assert config.HEADS == ("rinalmo", "rnafm", "ernierna")
