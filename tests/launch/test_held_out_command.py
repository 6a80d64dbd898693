"""`ssrlm generate` and `held_out`: a corpus, and scores of each held-out record."""

import csv
import json

import numpy as np
import pytest

from ssrlm_jax import cli, config
from ssrlm_jax.data import pretraining_batches, rows
from ssrlm_jax.tasks import pretraining_task

SMALL = {
    "data.families.num_families": 2,
    "data.families.num_members": 4,
    "data.families.num_validation_members": 3,
    "data.families.num_coding": 4,
    "data.families.num_validation_coding": 2,
    "data.row_length": 128,
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    out = tmp_path_factory.mktemp("corpora") / "families"
    flags = [f"--config.{name}={value}" for name, value in SMALL.items()]
    assert cli.main(["generate", f"--out={out}", *flags]) == 0
    return out


def test_a_generated_corpus_holds_what_was_asked_for(corpus):
    manifest = rows.open_corpus(corpus, row_length=128)
    assert manifest.totals("train", "ncrna")["num_records"] == 2 * 4
    assert manifest.totals("validation", "ncrna")["num_records"] == 2 * 3
    flags = [f"--config.{name}={value}" for name, value in SMALL.items()]
    assert cli.main(["generate", f"--out={corpus}", *flags]) == 0  # the same again
    assert cli.main(["generate", f"--out={corpus}"]) == 1  # other settings


def test_chains_are_scored_record_by_record(corpus, tmp_path):
    out = tmp_path / "scores"
    given = (f"--config.corpus={corpus}", "--config.chains=0,1", f"--out={out}")
    assert cli.main(["held_out", *given]) == 0
    told = json.loads((out / "scores.json").read_text())["scores"]
    assert told.keys() == {"order0", "order1"}
    with (out / "order0.tsv").open() as file:
        table = list(csv.DictReader(file, delimiter="\t"))
    manifest = rows.open_corpus(corpus)  # long coding RNA is cut
    counts = [manifest.totals("validation", s)["num_records"] for s in rows.SOURCES]
    assert len(table) == sum(counts)
    # A letter's frequency is no pair; the one before says a little of close partners.
    assert told["order0"]["partner_rise"] == [0.0, 0.0, 0.0]
    assert abs(told["order1"]["partner_rise"][0]) < 0.1
    # Sums of records give the score of all; a rate of 0.15 is hidden of each.
    loss = sum(float(row["sum_loss_paired"]) for row in table)
    hidden = sum(int(row["hidden_paired"]) for row in table)
    assert told["order0"]["loss_paired"][0] == pytest.approx(loss / hidden, abs=1e-5)
    for row in table:
        assert int(row["hidden"]) == max(1, int(0.15 * int(row["length"]) + 0.5))


def test_records_add_up_to_the_scores_of_a_batch(corpus):
    manifest = rows.open_corpus(corpus)
    asked = config.PretrainConfig(
        data=config.DataConfig(
            corpus=str(corpus), row_length=128, rows_per_batch=4, validation_rows=8
        )
    )
    share = {"process": 0, "num_processes": 1}
    batches = pretraining_batches.validation(corpus, manifest, asked, **share)
    logits = np.random.default_rng(0).normal(size=(4, 128, 9)).astype(np.float32)
    for batch in batches:
        expected = pretraining_task.scores(logits, batch)
        found = pretraining_task.scores_of_records(logits, batch)
        for name, (total, count) in expected.items():
            sums = np.array([one.sums[name] for one in found]).sum(0)
            np.testing.assert_allclose(sums, (total, count), rtol=1e-5)


def test_nothing_to_score_is_told(corpus, tmp_path, capsys):
    given = (f"--config.corpus={corpus}", f"--out={tmp_path / 'scores'}")
    assert cli.main(["held_out", *given]) == 1
    assert "name config.model or config.chains" in capsys.readouterr().err
    assert cli.main(["held_out", *given[1:], "--config.chains=9"]) == 1
    assert "chains='9' is not a list of orders 0..5" in capsys.readouterr().err
