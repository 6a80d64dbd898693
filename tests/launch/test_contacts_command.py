"""Contacts as their users get them: launch/contacts.py, then `ssrlm contacts`."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ssrlm_jax import cli, config, model_dir
from ssrlm_jax.models import attention, encoders
from ssrlm_jax.rna import alphabet, formats, record_tables, structures

ROOT = pathlib.Path(__file__).parents[2]
SIZES = config.EncoderConfig(
    num_layers=2, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contacts")
    body = encoders.Encoder(**dataclasses.asdict(SIZES), attend=attention.plain)
    token_BL = jnp.zeros((1, 8), jnp.uint8)
    params = body.init(jax.random.key(0), token_BL, token_BL)["params"]
    description = model_dir.Description(
        architecture=SIZES, letters=alphabet.LETTERS, made={}, scores={}
    )
    model_dir.save(folder / "model", description, jax.tree.map(np.asarray, params))
    rng = np.random.default_rng(0)
    records = [
        formats.Record(
            f"r{n}",
            "".join(rng.choice(list("ACGU"), 20)),
            structures.from_dot_bracket("((((((........))))))"),
        )
        for n in range(10)
    ]
    record_tables.write_table(folder / "table.tsv", records)
    return folder


def _run(folder, *flags, **settings):
    settings = {
        "model": folder / "model",
        "table": folder / "table.tsv",
        "num_train": 4,
        "num_validation": 3,
        "draws": 2,
    } | settings
    return subprocess.run(
        [
            *(sys.executable, "launch/contacts.py"),
            *(f"--config.{name}={value}" for name, value in settings.items()),
            *flags,
        ],
        cwd=ROOT,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"},
        capture_output=True,
        text=True,
    )


def test_a_fit_ends_in_the_model_directory_and_is_used_from_there(
    model, tmp_path, capsys
):
    sequence = "GGGGGGAAAAAAAACCCCCC"
    assert cli.main(["contacts", sequence, "-m", str(model / "model")]) == 1
    assert "has no contacts.json; `ssrlm fit_contacts" in capsys.readouterr().err

    done = _run(model)
    assert done.returncode == 0, done.stderr
    assert "P@true" in done.stdout
    fitted = json.loads((model / "model" / "contacts.json").read_text())
    assert np.shape(fitted["weights"]) == (2, 2)
    assert len(fitted["draws"]) == 2
    assert len(fitted["draws"][0]["train"]) == 4
    assert fitted["config"]["seed"] == 0
    assert set(fitted["mean"]) == set(fitted["spread"])

    again = _run(model)
    assert again.returncode == 1
    assert "contacts.json exists; --force replaces it" in again.stderr
    assert _run(model, "--force").returncode == 0
    assert json.loads((model / "model" / "contacts.json").read_text()) == fitted

    path = model / "model" / "contacts.json"
    for precision, is_warned in ((0.024, True), (0.5, False)):
        fitted["mean"]["all P@true"] = precision
        path.write_text(json.dumps(fitted))
        assert cli.main(["contacts", sequence, "-m", str(model / "model")]) == 0
        told = capsys.readouterr()
        assert ("2.4% of such contacts were right" in told.err) == is_warned
    for line in told.out.splitlines():
        name, i, j, probability = line.split("\t")
        assert name == "sequence"
        assert int(j) - int(i) >= 6
        assert 0.01 <= float(probability) <= 1
    out = tmp_path / "out"
    command = ["contacts", sequence, "-m", str(model / "model"), "-o", str(out)]
    assert cli.main(command) == 0
    assert (out / "sequence.prob").read_text().startswith(f">sequence\n{sequence}\n")
    assert cli.main(command) == 1
    assert "--force" in capsys.readouterr().err


@pytest.fixture
def fitted(model):
    """A model with a regression that was written by hand."""
    content = {
        "weights": [[1.0, 0.0], [0.0, -2.0]],
        "intercept": -9.0,
        "min_separation": 6,
        "threshold": 0.5,
    }
    path = model / "model" / "contacts.json"
    path.write_text(json.dumps(content))
    yield model / "model"
    path.unlink()


def _lines(capsys):
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def test_top_lists_as_many_pairs_however_improbable(fitted, capsys, tmp_path):
    sequence = "GGGGGGAAAAAAAACCCCCC"
    command = ["contacts", sequence, "-m", str(fitted)]
    assert cli.main(command) == 0
    assert _lines(capsys) == []  # all below 0.01
    for top, count in [("7", 7), ("L", 20), ("L/5", 4), ("L/99", 1), ("999", 105)]:
        assert cli.main([*command, "--top", top]) == 0
        listed = _lines(capsys)
        assert len(listed) == count
        assert all(int(j) - int(i) >= 6 for _, i, j, _ in listed)
        if top == "7":
            seven = listed
    best = sorted(listed, key=lambda line: -float(line[3]))[:7]
    assert {float(p) for *_, p in best} == {float(p) for *_, p in seven}
    out = tmp_path / "out"
    assert cli.main([*command, "--top", "L/2", "-o", str(out)]) == 0
    assert len((out / "sequence.prob").read_text().splitlines()) == 2 + 10
    for wrong in ("0", "L/0", "M", "-3"):
        assert cli.main([*command, f"--top={wrong}"]) == 1
        assert "is neither a number nor L" in capsys.readouterr().err


def test_bad_records_are_named_and_the_others_go_on(fitted, capsys, tmp_path):
    path = tmp_path / "my.fa"
    path.write_text(">a\nGGGGAAAACCCC\n>b\n>c\nAC-\n>one\nG\n>d\nGGGGAAAACCCC\n")
    assert cli.main(["contacts", str(path), "-m", str(fitted), "--top", "L/4"]) == 1
    said = capsys.readouterr()
    names = [line.split("\t")[0] for line in said.out.splitlines()]
    assert names == ["a"] * 3 + ["d"] * 3
    assert "record 2 (b): a header without a sequence" in said.err
    assert "record 3 (c): position 3: '-' is a gap" in said.err
    assert "3 of 5 predicted" in said.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "contacts.json:1: "),
        ("{}", r"weights of (2, 2) heads and"),
        ('{"weights": [[1, 2]], "intercept": 0, "min_separation": 6, "threshold": 1}',
         "weights of (2, 2) heads"),
        ("3", "weights of (2, 2) heads"),
        ('{"weights": [[1, 2], [3, "x"]], "intercept": 0, "min_separation": 6, '
         '"threshold": 1}', "weights of (2, 2) heads"),
        ('{"weights": [[1, 2], [3, 4]], "intercept": [0], "min_separation": 6, '
         '"threshold": 1}', "weights of (2, 2) heads"),
        ('{"weights": [[1, 2], [3, 4]], "intercept": 0, "min_separation": null, '
         '"threshold": 1}', "weights of (2, 2) heads"),
    ],
)  # fmt: skip
def test_a_damaged_regression_ends_in_one_line(fitted, capsys, content, message):
    (fitted / "contacts.json").write_text(content)
    assert cli.main(["contacts", "GGGGAAAACCCC", "-m", str(fitted)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": ""}, "config.model is empty"),
        ({"table": ""}, "config.train is empty: name a file"),
        ({"num_train": 0}, "num_train=0 is not greater than 0"),
        ({"num_train": 9}, "13 RNAs are needed in table, it has 10"),
    ],
)
def test_bad_settings_end_in_one_line(model, settings, message):
    done = _run(model, "--force", **settings)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
