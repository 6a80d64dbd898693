"""Every family's architecture in the commands of a user, one after the other."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import architectures
import jax
import numpy as np
import pytest

from ssrlm_jax import cli, config, model_dir
from ssrlm_jax.models import attention, encoders
from ssrlm_jax.prepare.corpus import generated_rna
from ssrlm_jax.rna import alphabet, formats, record_tables, structures

ROOT = pathlib.Path(__file__).parents[2]
ROW = 64
SIZES = {"num_layers": 2, "width": 48, "num_heads": 6, "num_kv_heads": 6}
RNA = "GGGGACAAAAGUCCCC"
LICENCE = "a licence that has to stay with the weights"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Returns a table of hairpins."""
    known = structures.from_dot_bracket("((((((....))))))")
    letters = [RNA[:n] + RNA[n + 1 :] + "A" for n in range(12)]
    records = [formats.Record(f"r{n}", one, known) for n, one in enumerate(letters)]
    path = tmp_path_factory.mktemp("tables") / "hairpins.tsv"
    record_tables.write_table(path, records)
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Returns a corpus of generated families."""
    path = tmp_path_factory.mktemp("corpora") / "tiny"
    few = config.FamiliesConfig(
        num_families=2,
        num_members=8,
        num_validation_members=2,
        num_coding=8,
        num_validation_coding=2,
    )
    generated_rna.write(path, config.DataConfig(row_length=ROW, families=few), seed=0)
    return path


def _save(path, family):
    """Writes a model with random weights of a family's architecture."""
    choices = architectures.PUBLISHED[family]
    if "max_positions" in choices:
        choices = choices | {"max_positions": ROW}
    sizes = config.EncoderConfig(**SIZES | {"ffn_width": 24} | choices)
    encoder = encoders.Encoder(**dataclasses.asdict(sizes), attend=attention.plain)
    token_BL = np.zeros((1, 8), np.uint8)
    params = encoder.init(jax.random.key(0), token_BL, token_BL)["params"]
    description = model_dir.Description(
        architecture=sizes,
        letters=alphabet.LETTERS,
        made={"licence": LICENCE},
        scores={},
    )
    model_dir.save(path, description, jax.tree.map(np.asarray, params))


def _launch(script, *flags, **settings):
    settings = {f"--config.{name}={value}" for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, f"launch/{script}.py", *flags, *sorted(settings)],
        cwd=ROOT,
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _fold(model, capsys):
    assert cli.main(["fold", RNA, "-m", str(model)]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=() if family == "rnafm" else pytest.mark.long)
        for family in architectures.PUBLISHED
    ],
)
def test_a_family_is_embedded_mapped_trained_on_and_folds(
    family, table, corpus, tmp_path, capsys
):
    model = tmp_path / "model"
    _save(model, family)

    out = tmp_path / "embedded.npz"
    assert cli.main(["embed", RNA, "-m", str(model), "-o", str(out)]) == 0
    with np.load(out) as found:
        assert found["embedding"].shape == (1, 48)

    few = {"num_train": 4, "num_validation": 3, "draws": 1, "table": table}
    _launch("contacts", **few, model=model)
    assert cli.main(["contacts", RNA, "-m", str(model), "--top", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()[-3:]) == 3

    _launch(
        "pretrain",
        "--config=configs/demo.py",
        f"--workdir={tmp_path / 'pretrained'}",
        **{"model": model, "data.is_generated": False, "data.corpus": corpus},
        **{"data.row_length": ROW, "data.rows_per_batch": 4, "loop.num_steps": 3},
        **{"data.validation_rows": 4, "optimizer.warmup_steps": 1},
    )
    head = "ernierna" if family == "ernierna" else "rnafm"
    _launch(
        "finetune",
        f"--config=configs/secondary/tiny.py:head={head}",
        f"--workdir={tmp_path / 'tuned'}",
        **{"model": tmp_path / "pretrained" / "model", "epochs": 1},
        **{"data.train": table, "data.validation": table},
    )
    tuned = tmp_path / "tuned" / "model"
    assert _fold(tuned, capsys)[1] == RNA
    described = json.loads((tuned / "model.json").read_text())
    assert LICENCE in json.dumps(described["made"])
    choices = architectures.PUBLISHED[family].items() - {("max_positions", 40)}
    assert choices <= described["architecture"].items()
