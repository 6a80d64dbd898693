"""What a head gets together, and how many programs are compiled for it."""

import jax
import numpy as np
import small_models

from ssrlm_jax import config
from ssrlm_jax.infer import predictors, sequence_rows
from ssrlm_jax.rna import probabilities

SIZES = config.EncoderConfig(
    num_layers=3, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)


def matrices(model, sequences):
    found = predictors.Predictor(*model).pair_probabilities(sequences)
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
