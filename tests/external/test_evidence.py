import dataclasses

import numpy as np
import pytest

from ssrlm_jax import config
from ssrlm_jax.external import energies, evidence, vienna
from ssrlm_jax.rna import constraints, probabilities, structures

RNA = pytest.importorskip("RNA")
SEQUENCE = "GGGGAAAACCCCAAAAGAAAAACAAAGGGAAACCUUAACC"
RNG = np.random.default_rng(0)
VALUES = RNG.exponential(0.5, len(SEQUENCE)).astype(np.float32)
VALUES[[3, 9]] = np.nan


def _fold(known, **flags):
    folder = vienna.Vienna(evidence=known, **flags)
    (found,) = folder.fold([SEQUENCE], with_probabilities=True, least=1e-4)
    return found


def _matrix(listed):
    return probabilities.to_matrix(listed, len(SEQUENCE))


@pytest.mark.parametrize("method", config.REACTIVITY_METHODS)
def test_reactivities_are_those_of_viennas_own_methods(method):
    settings = config.EvidenceConfig(method=method)
    found = _fold(evidence.Evidence(reactivity_L=VALUES, settings=settings))
    compound = RNA.fold_compound(SEQUENCE)
    values = [-1.0, *np.where(np.isnan(VALUES), -1.0, VALUES).astype(float).tolist()]
    if method == "deigan":
        compound.sc_add_SHAPE_deigan(values, 1.8, -0.6)
    else:
        compound.sc_add_SHAPE_zarringhalam(values, 0.89, 0.5, "O")
    dots, energy = compound.mfe()
    compound.exp_params_rescale(energy)
    compound.pf()
    assert structures.to_dot_bracket(found.structure) == dots
    expected_LL = np.triu(np.array(compound.bpp())[1:, 1:])
    expected_LL += expected_LL.T
    np.testing.assert_allclose(
        _matrix(found.probabilities), expected_LL, atol=1e-4 + 1e-6
    )
    plain = vienna.Vienna().fold([SEQUENCE], with_probabilities=True, least=1e-4)[0]
    assert np.abs(_matrix(plain.probabilities) - expected_LL).max() > 0.1


def test_values_below_0_are_as_0():
    low = np.where(np.arange(len(SEQUENCE)) % 3, 0.4, -0.3).astype(np.float32)
    one = _fold(evidence.Evidence(reactivity_L=low))
    other = _fold(evidence.Evidence(reactivity_L=np.maximum(low, 0)))
    np.testing.assert_array_equal(
        _matrix(one.probabilities), _matrix(other.probabilities)
    )


@pytest.mark.parametrize("is_local", [False, True])
def test_constraints_hold_in_viennas_ensemble(is_local):
    text = "x................(....................)."[: len(SEQUENCE)]
    text = "x" + "." * 15 + "(" + "." * 5 + ")" + "." * 17
    known = evidence.Evidence(
        constraints=constraints.from_dot_bracket(text, SEQUENCE, max_span=30)
    )
    if is_local:
        folder = vienna.Vienna(evidence=known)
        listed = folder.local(SEQUENCE, window=40, span=40, least=1e-4)
    else:
        listed = _fold(known).probabilities
    matrix_LL = _matrix(listed)
    assert matrix_LL[16, 22] > 0.999
    assert not matrix_LL[0].any()
    assert (listed.j - listed.i < 30).all()
    free_LL = _matrix(_fold(None).probabilities)
    assert free_LL[16, 22] < 0.1
    assert free_LL[0].sum() > 0.5


def test_forced_pairs_that_cross_keep_their_letters_from_others():
    sequence = "GGGGAAAACCCCAAAAGAAAAACAAAGGGAAACCUUAACC"
    text = list("." * len(sequence))
    text[0], text[11], text[2], text[39] = "(", ")", "[", "]"
    given = constraints.from_dot_bracket("".join(text), sequence)
    matrix_LL = _matrix(_fold(evidence.Evidence(constraints=given)).probabilities)
    assert matrix_LL[0, 11] + matrix_LL[2, 39] > 0.999  # one of them
    assert not np.delete(matrix_LL[2], 39).any()


def test_energies_see_evidence_and_keep_nothing_of_it(tmp_path):
    both = energies.Energies(names=("vienna", "andronescu"), folder=str(tmp_path))
    (before,) = both([SEQUENCE])
    kept = sorted(path.name for path in tmp_path.rglob("*.npy"))
    text = "x" + "." * (len(SEQUENCE) - 1)
    given = constraints.from_dot_bracket(text, SEQUENCE)
    known = evidence.Evidence(reactivity_L=VALUES, constraints=given)
    found, plain = both([SEQUENCE, SEQUENCE], [known, None])
    for now, earlier in zip(plain, before, strict=True):
        np.testing.assert_array_equal(now.probability, earlier.probability)
    for now, earlier in zip(found, before, strict=True):
        assert 0 not in now.i
        assert not np.array_equal(_matrix(now), _matrix(earlier))
    told = dataclasses.replace(vienna.Vienna(), evidence=known)
    (expected,) = told.fold([SEQUENCE], with_probabilities=True, least=energies.LEAST)
    np.testing.assert_allclose(
        found[0].probability, expected.probabilities.probability, atol=1e-3
    )
    names = {path.name for path in tmp_path.rglob("*.npy")} - set(kept)
    assert len(names) <= 2  # of each program that of no letters, as of padding


def test_what_takes_no_evidence_is_not_said_to_know_of_forced_pairs():
    given = constraints.from_dot_bracket("(" + "." * 21 + ")" + "." * 17, SEQUENCE)
    known = evidence.Evidence(constraints=given)
    listed = probabilities.PairProbabilities(
        np.array([0, 1, 16]), np.array([11, 10, 22]), np.array([0.9, 0.8, 0.7])
    )
    certain = known.shifted(listed, 1.0)
    assert (0, 22) in set(zip(certain.i.tolist(), certain.j.tolist(), strict=True))
    left = known.shifted(listed, 1.0, is_forced=False)  # others of its letters go
    assert (left.i.tolist(), left.j.tolist()) == ([1], [10])


def test_evidence_of_another_length_is_told():
    with pytest.raises(ValueError, match="reactivities of 3 nucleotides, the sequence"):
        _fold(evidence.Evidence(reactivity_L=VALUES[:3]))
