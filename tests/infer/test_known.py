import jax
import numpy as np
import pytest
import small_models

import ssrlm_jax
from ssrlm_jax import config
from ssrlm_jax.infer import known, predictors
from ssrlm_jax.rna import probabilities, structures

SIZES = config.EncoderConfig(
    num_layers=1, width=16, num_heads=2, num_kv_heads=2, ffn_width=24
)
HEAD = config.HeadConfig(channels=4, num_blocks=1)
HAIRPIN = "GGGGAAAACCCCAAAAGAAAAACAAA"
FORCED = "................(.....)..."
RNA = [HAIRPIN, "GC" * 30, "AUGCAUGGCC" * 5]


@pytest.fixture(scope="module")
def model():
    """Returns a description and parameters of a tiny model with a head."""
    return small_models.made(SIZES, HEAD)


@pytest.fixture(scope="module")
def shipped():
    return ssrlm_jax.load()


def _paired(prediction):
    is_paired_L = np.zeros(prediction.structure.length, bool)
    is_paired_L[prediction.structure.pairs.ravel()] = True
    return is_paired_L


@pytest.mark.parametrize("method", config.DECODERS)
@pytest.mark.parametrize("tile", [8, 1_024])
def test_constraints_hold_in_every_decoder_in_tiles_and_in_batches(model, method, tile):
    predictor = predictors.Predictor(
        *model, config.DecodingConfig(method=method, threshold=0.45), tile=tile
    )
    texts = [FORCED, "x" * 10 + "." * 50, None]
    found = predictor.fold(RNA, constraints=texts)
    assert (16, 22) in set(map(tuple, found[0].structure.pairs.tolist()))
    assert not _paired(found[1])[:10].any()
    plain = predictor.fold(RNA)
    np.testing.assert_array_equal(found[2].structure.pairs, plain[2].structure.pairs)
    assert (16, 22) not in set(map(tuple, plain[0].structure.pairs.tolist())) or (
        method == "threshold"
    )
    short = predictor.fold(RNA, max_span=12)
    for one in short:
        i, j = one.structure.pairs.T
        assert (j - i < 12).all()


def test_no_evidence_is_the_same_bit_for_bit(model, shipped):
    for predictor in (predictors.Predictor(*model), shipped):
        one = predictor.fold(RNA)
        other = predictor.fold(
            RNA, reactivities=[None] * 3, constraints=[None] * 3, max_span=0
        )
        free = list(predictor.predict(RNA, [None, None]))
        for a, b, c in zip(one, other, free, strict=True):
            np.testing.assert_array_equal(a.structure.pairs, b.structure.pairs)
            for x, y, z in zip(
                a.probabilities, b.probabilities, c.probabilities, strict=True
            ):
                np.testing.assert_array_equal(x, y)
                np.testing.assert_array_equal(x, z)


def test_reactivities_move_the_probabilities_of_models_without_energies(model):
    description, params = model
    params = jax.tree.map(np.copy, params)
    params["pair_head"]["network"]["logits"]["bias"] -= 5.0  # few pairs, as trained
    predictor = predictors.Predictor(description, params)
    low, high = np.full(60, 0.0), np.full(60, 3.0)
    (plain,) = predictor.fold([RNA[1]])
    paired, unpaired = (
        predictor.fold([RNA[1]], reactivities=[values])[0] for values in (low, high)
    )
    sums = [float(one.probabilities.probability.sum()) for one in (unpaired, plain)]
    assert sums[0] < sums[1] < float(paired.probabilities.probability.sum())


def test_reactivities_move_the_shipped_model(shipped):
    values = np.where(np.array(list(HAIRPIN)) == "A", 2.0, 0.05)
    (paired,) = shipped.fold([HAIRPIN], reactivities=[values])
    (unpaired,) = shipped.fold([HAIRPIN], reactivities=[np.full(26, 3.0)])
    assert structures.to_dot_bracket(paired.structure).startswith("((((....))))")
    assert not len(unpaired.structure.pairs)


def test_evidence_goes_by_name_where_sequences_do(shipped):
    given = {"a": HAIRPIN, "b": HAIRPIN}
    found = shipped.fold(given, constraints={"b": FORCED})
    assert [one.name for one in found] == ["a", "b"]
    assert not _paired(found[0])[16]
    assert _paired(found[1])[16]
    assert (found[1].probabilities.probability >= probabilities.LEAST).all()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"reactivities": [np.ones(3)]}, "reactivities of 3 nucleotides, the sequence"),
        ({"reactivities": [np.full(26, np.nan)]}, "one that is a number at least"),
        ({"reactivities": [np.full(26, np.inf)]}, "a number for each nucleotide, nan"),
        ({"constraints": ["..."]}, "3 characters of constraints, the sequence has 26"),
        ({"constraints": FORCED}, "constraints of each of 1 sequences expected"),
        ({"constraints": {"a": FORCED}}, "constraints by name need sequences by name"),
        ({"max_span": -1}, "maximum span -1 is < 0"),
    ],
)
def test_evidence_that_does_not_fit_is_told(flags, message, model):
    predictor = predictors.Predictor(*model)
    with pytest.raises(ValueError, match=message):
        predictor.fold([HAIRPIN], **flags)


def test_evidence_of_no_sequence_is_told():
    with pytest.raises(ValueError, match="reactivities of 'x', which is no sequence"):
        known.of_each({"a": HAIRPIN}, {"x": np.ones(26)}, None)
    with pytest.raises(ValueError, match="has two strands"):
        known.of("GGGG&CCCC", constraints="........")
