"""A predictor whose head reads energies: of strands, in tiles, of other versions."""

import dataclasses

import numpy as np
import pytest
import small_models
import test_predictors

from ssrlm_jax import config
from ssrlm_jax.external import energies
from ssrlm_jax.infer import decoding_rules, predictors

model, predictor = test_predictors.model, test_predictors.predictor  # fixtures
RNA, SIZES, _matrices = (
    test_predictors.RNA,
    test_predictors.SIZES,
    test_predictors.matrices,
)


@pytest.fixture(scope="module")
def reading():
    """Returns a description and parameters of a tiny model that reads energies."""
    pytest.importorskip("RNA", reason="ViennaRNA is not installed")
    settings = config.HeadConfig(channels=4, energy="vienna,andronescu")
    return small_models.made(SIZES, settings, trained_length=None)


def test_a_batch_with_energies_gives_what_its_sequences_give_one_by_one(reading):
    predictor = predictors.Predictor(*reading)
    rna = [*RNA, "NNNNNNNN"]
    together = _matrices(predictor, rna)
    backwards = _matrices(predictor, rna[::-1])[::-1]
    for sequence, matrix_LL, again_LL in zip(rna, together, backwards, strict=True):
        (alone_LL,) = _matrices(predictor, [sequence])
        np.testing.assert_allclose(matrix_LL, alone_LL, atol=1e-5)
        np.testing.assert_allclose(matrix_LL, again_LL, atol=1e-5)
    # The energies are read: the hairpin is seen by weights that are random.
    hairpin = together[RNA.index("GC" * 30)]
    assert hairpin.max() > 0.2


def test_two_strands_pair_across_the_break(reading):
    predictor = predictors.Predictor(*reading, config.DecodingConfig(threshold=0.2))
    pair = "GGGGCCAC&GUGGCCCC"
    assert predictor.max_joined_length == 1_500
    (found,) = predictor.fold([pair])
    joined, matrix_LL = pair.replace("&", ""), _matrices(predictor, [pair])[0]
    assert (found.sequence, found.letters) == (pair, joined)
    assert found.structure.length == 16
    assert found.dot_bracket[8] == "&"
    (one_strand_LL,) = _matrices(predictor, [joined])
    # 8 and 9 are neighbours: no program pairs them in one strand, two ends may pair.
    assert matrix_LL[7, 8] > one_strand_LL[7, 8]
    together = predictor.fold([*RNA[:3], pair, *RNA[3:]])
    np.testing.assert_array_equal(together[3].structure.pairs, found.structure.pairs)
    assert (found.to_pandas()["letter"] == list(joined)).all()
    assert "16 nt" in found._repr_html_()


def test_a_model_without_energies_reads_unknown_letters_between_strands(predictor):
    given = ["GGGGCCAC&GUGGCCCC", "GGGGCCACNNNGUGGCCCC", "GGGGCCACGUGGCCCC"]
    both_LL, linked_LL, joined_LL = _matrices(predictor, given)
    is_letter = np.ones(19, bool)
    is_letter[8:11] = False
    both_LL = both_LL[:16, :16]  # without that of '&'
    np.testing.assert_allclose(both_LL, linked_LL[is_letter][:, is_letter], atol=1e-5)
    assert np.abs(both_LL - joined_LL).max() > 1e-4
    assert predictor.max_joined_length is None


@pytest.mark.parametrize("tile", [8, 64])
def test_strands_are_linked_in_tiles_and_rows_as_alone(tile):
    of_tiles = predictors.Predictor(*small_models.made(), tile=tile)
    given = ["GGGG&CCCC", "GGGGAAACCCC", "GGGGA&CCCC", "GGGGAAAACCCC"]
    together = _matrices(of_tiles, given)
    for letters, found_LL in zip(given, together, strict=True):
        np.testing.assert_allclose(
            found_LL, _matrices(of_tiles, [letters])[0], atol=1e-5
        )


def test_long_rna_with_energies_in_tiles_is_equal_to_the_whole(reading):
    tiled = predictors.Predictor(*reading, tile=24)
    whole = predictors.Predictor(*reading)
    for found_LL, expected_LL in zip(
        _matrices(tiled, RNA), _matrices(whole, RNA), strict=True
    ):
        np.testing.assert_allclose(found_LL, expected_LL, atol=1e-5)


def test_the_expected_f1_is_what_was_reached_on_validation(reading):
    rules = decoding_rules.Rules({}, config.DecodingConfig(), (0.1, 0.5))
    plain = predictors.Predictor(*reading)
    fitted = predictors.Predictor(*reading, rules=lambda: rules)
    (predicted,) = plain.fold(["GC" * 30])
    assert 0.0 < predicted.expected_f1 < 1.0
    (again,) = fitted.fold(["GC" * 30])
    assert again.expected_f1 == pytest.approx(0.1 + 0.5 * predicted.expected_f1)


def test_sequences_by_name_give_predictions_with_names(reading):
    found = predictors.Predictor(*reading).fold({"a": "GGGAAACCC", "b": "ACGU"})
    assert [(one.name, one.sequence) for one in found] == [
        ("a", "GGGAAACCC"),
        ("b", "ACGU"),
    ]


def test_energies_of_another_version_are_said(reading):
    description, params = reading
    predictor = predictors.Predictor(description, params)
    now = energies.build(description.head).describe()
    assert predictor.energy_note == ""
    older = [now[0] | {"version": "1.8.5"}, now[1]]
    for trained, is_said in ((now, False), (older, True)):
        made = dataclasses.replace(description, made={"energies": trained})
        found = predictors.Predictor(made, params).energy_note
        assert ("of ViennaRNA 1.8.5, ViennaRNA" in found) == is_said
