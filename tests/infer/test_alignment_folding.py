import numpy as np
import pytest
import small_models

from ssrlm_jax import config
from ssrlm_jax.external import vienna
from ssrlm_jax.infer import alignment_folding, predictors
from ssrlm_jax.rna import alignments, probabilities

RNA = pytest.importorskip("RNA", reason="ViennaRNA is not installed")
ROWS = (  # a hairpin by what changes together; alone the last folds otherwise
    "GGGAGCUUCG-GCUCCC",
    "GCGAUCUUCGAGAUCGC",
    "GAGUCGAAAACCGACUC",
    "GGCCCCAAAAGGG-GCC",
)
FAMILY = alignments.Alignment("family", tuple("abcd"), ROWS)


@pytest.fixture(scope="module")
def reading():
    """Returns a predictor of which the head reads energies."""
    settings = config.HeadConfig(channels=4, energy="vienna,andronescu")
    return predictors.Predictor(
        *small_models.made(head=settings), config.DecodingConfig(threshold=0.3)
    )


def _by_hand(rows, parameters):
    """Returns RNAalifold's probabilities as a matrix of columns."""
    program = vienna.Vienna(parameters=parameters)
    with program._loaded():
        compound = RNA.fold_compound(list(rows))
        _, energy = compound.mfe()
        compound.exp_params_rescale(energy)
        compound.pf()
        matrix_CC = np.array(compound.bpp())[1:, 1:]
    return matrix_CC + matrix_CC.T


def test_columns_have_rnaalifolds_probabilities(reading):
    said = reading.energies.aligned(ROWS)
    assert list(said) == ["vienna", "andronescu"]
    for name, parameters in (
        ("vienna", "turner2004"),
        ("andronescu", "andronescu2007"),
    ):
        matrix_CC = probabilities.to_matrix(said[name], FAMILY.num_columns)
        by_hand_CC = _by_hand(ROWS, parameters)
        np.testing.assert_allclose(matrix_CC, by_hand_CC, atol=2e-4)
    assert matrix_CC.max() > 0.9


def test_a_member_is_told_what_its_columns_say(reading):
    listed = reading.energies.aligned(ROWS)["vienna"]
    columns_CC = probabilities.to_matrix(listed, FAMILY.num_columns)
    for member in (0, 1, 3):
        found = FAMILY.of_member(listed, member)
        matrix_LL = probabilities.to_matrix(found, len(FAMILY.sequences[member]))
        columns = FAMILY.columns(member)
        np.testing.assert_array_equal(matrix_LL, columns_CC[np.ix_(columns, columns)])


def test_members_are_folded_with_the_energies_of_the_alignment(reading):
    found = alignment_folding.fold(reading, FAMILY)
    alone = reading.fold(FAMILY.sequences)
    assert [one.name for one in found.members] == list("abcd")
    told = [
        probabilities.to_matrix(one.probabilities, len(one.sequence))
        for one in found.members
    ]
    plain = [
        probabilities.to_matrix(one.probabilities, len(one.sequence)) for one in alone
    ]
    assert max(np.abs(a - b).max() for a, b in zip(told, plain, strict=True)) > 0.01
    averaged = FAMILY.averaged([one.probabilities for one in found.members])
    np.testing.assert_array_equal(averaged.probability, found.probabilities.probability)


def test_a_model_without_energies_averages_what_it_says_of_members():
    predictor = predictors.Predictor(
        *small_models.made(), config.DecodingConfig(threshold=0.3)
    )
    found = alignment_folding.fold(predictor, FAMILY)
    averaged = FAMILY.averaged(
        [listed for _, listed in predictor.pair_probabilities(FAMILY.sequences)]
    )
    np.testing.assert_allclose(averaged.probability, found.probabilities.probability)
