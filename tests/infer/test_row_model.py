"""What a head gets together, how many programs that takes, and which map is kept."""

import jax
import numpy as np
import pytest
import small_models

from ssrlm_jax import config
from ssrlm_jax.infer import memory, predictors, row_model, sequence_rows
from ssrlm_jax.models import pair_strips
from ssrlm_jax.rna import probabilities

SIZES = config.EncoderConfig(
    num_layers=3, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
RNA = ["GGGAAACCC", "acgtnacgu" * 4, "GC" * 30, "AUGC" * 20]


def matrices(model, sequences, **settings):
    found = predictors.Predictor(*model, **settings).pair_probabilities(sequences)
    return [probabilities.to_matrix(listed, len(one)) for one, listed in found]


def test_a_head_gets_several_rnas_on_a_gpu_which_changes_nothing(monkeypatch):
    model = small_models.made(SIZES, config.HeadConfig(channels=4))
    # Three of nine nucleotides, which are filled to four.
    sequences = ["GGGAAACCC", "A", "acgtnacgu" * 4, "GGGAAACCC", "GGGAAACCU"]
    alone = matrices(model, sequences)
    sizes = []
    groups = sequence_rows.groups

    def batched(row, limits):
        for group in groups(row, limits._replace(pairs=sequence_rows.PAIRS)):
            sizes.append(len(group.indices))
            yield group

    monkeypatch.setattr(sequence_rows, "groups", batched)
    for one, other in zip(matrices(model, sequences), alone, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)
    assert max(sizes) == 3


def test_a_row_of_any_fill_is_no_other_program(caplog):
    fresh = config.HeadConfig(channels=5)  # which no other test has compiled
    predictor = predictors.Predictor(*small_models.made(SIZES, fresh))
    with jax.log_compiles(), caplog.at_level("WARNING", "jax"):
        for number in (2, 3, 7, 11):
            predictor.fold(["ACGU" * 3] * number)
    programs = [line for line in caplog.messages if "Finished XLA compilation" in line]
    assert len([one for one in programs if "pair_probabilities" in one]) == 1
    assert len([one for one in programs if "_layer" in one]) <= 1


@pytest.mark.parametrize(("free", "is_kept"), [(0, False), (2**40, True), (None, True)])
def test_a_map_is_kept_where_memory_holds_it(monkeypatch, free, is_kept):
    head = config.HeadConfig(kind="rnafm", num_blocks=3, channels=4, norm="instance")
    made = small_models.made(SIZES, head)
    kept = []
    monkeypatch.setattr(
        pair_strips,
        "logits",
        lambda *given, call=pair_strips.logits: kept.append(given[3]) or call(*given),
    )
    expected = matrices(made, RNA)
    assert not kept
    monkeypatch.setattr(memory, "available", lambda device: free)
    monkeypatch.setattr(row_model, "TILE", 24)
    monkeypatch.setattr(row_model, "MOST_AT_ONCE", 1)
    found = matrices(made, RNA)
    for found_LL, expected_LL in zip(found, expected, strict=True):
        np.testing.assert_allclose(found_LL, expected_LL, atol=1e-5)
    assert sorted(kept) == (sorted(n for n in map(len, RNA) if n > 24) * is_kept)
    kept.clear()
    matrices(made, RNA, tile=24)  # asked for
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    matrices(made, RNA)
    assert not kept
