import numpy as np
import pytest

from ssrlm_jax.external import evidence, vienna
from ssrlm_jax.infer import ensembles
from ssrlm_jax.rna import constraints, probabilities, structures

RNA = pytest.importorskip("RNA")
SEQUENCE = "GGGGAAAACCCCAAAAGAAAAACAAAGGGAAACCUUAACC"


def _listed(*rows):
    i, j, p = np.array(sorted(rows), np.float64).reshape(-1, 3).T
    return probabilities.PairProbabilities(i.astype(int), j.astype(int), p)


def _dots(text):
    return structures.from_dot_bracket(text)


def test_pairs_are_drawn_as_often_as_their_probabilities_say():
    listed = _listed((0, 20, 0.9), (1, 19, 0.9), (5, 12, 0.3))
    rng = np.random.default_rng(0)
    found = ensembles.drawn(listed, "A" * 25, 4_000, rng)
    share = np.zeros((25, 25))
    for one in found:
        share[tuple(one.pairs.T)] += 1 / len(found)
    np.testing.assert_allclose(share[0, 20], 0.9, atol=0.02)
    np.testing.assert_allclose(share[5, 12], 0.3, atol=0.03)
    # Both pairs of a helix are there, or neither is.
    kinds = {tuple(map(tuple, one.pairs.tolist())) for one in found}
    assert all(((0, 20) in kind) == ((1, 19) in kind) for kind in kinds)


def test_a_nucleotide_has_one_partner_in_what_is_drawn():
    listed = _listed((0, 10, 0.5), (0, 20, 0.5), (5, 10, 0.5))
    found = ensembles.drawn(listed, "A" * 25, 200, np.random.default_rng(0))
    for one in found:
        assert structures.partners(one)[1] == 0
    assert len({one.pairs.tobytes() for one in found}) > 2


def test_structures_fall_into_groups_with_shares():
    a, near = _dots("((((....))))........"), _dots("(((......)))........")
    far = _dots("........((((....))))")
    found = ensembles.groups([a, far, a, near, a, near, a, far, a, a])
    assert [one.share for one in found] == [0.8, 0.2]
    np.testing.assert_array_equal(found[0].structure.pairs, a.pairs)
    np.testing.assert_array_equal(found[1].structure.pairs, far.pairs)
    assert ensembles.groups([]) == []
    assert ensembles.groups([_dots("....")])[0].share == 1


def test_the_spread_is_viennas_mean_distance():
    compound = RNA.fold_compound(SEQUENCE)
    compound.pf()
    matrix_LL = np.array(compound.bpp())[1:, 1:]
    listed = probabilities.from_matrix(matrix_LL, 1e-9)
    expected = compound.mean_bp_distance()
    assert ensembles.spread(listed) == pytest.approx(expected, rel=1e-5)


def test_differences_are_where_partners_differ():
    one, other = _dots("((...))."), _dots("(.....).")
    assert np.flatnonzero(ensembles.differences(one, other)).tolist() == [1, 5]


def test_viennas_samples_are_of_its_ensemble_and_see_constraints():
    text = "................(.....)................."
    known = evidence.Evidence(constraints=constraints.from_dot_bracket(text, SEQUENCE))
    program = vienna.Vienna(evidence=known)
    found = program.sample(SEQUENCE, 50, seed=3)
    assert len(found) == 50
    assert found == program.sample(SEQUENCE, 50, seed=3)
    assert all(dots[16] == "(" and dots[22] == ")" for dots in found)


def test_suboptimal_structures_are_viennas():
    model = RNA.md()
    model.uniq_ML = 1
    expected = RNA.fold_compound(SEQUENCE, model).subopt(200)
    found = vienna.Vienna().suboptimal(SEQUENCE, 2.0, most=20)
    assert [one.dot_bracket for one in found] == [one.structure for one in expected]
    least = vienna.Vienna().fold([SEQUENCE])[0].structure
    assert found[0].dot_bracket == structures.to_dot_bracket(least)
    assert len(vienna.Vienna().suboptimal(SEQUENCE, 4.0, most=3)) == 3
