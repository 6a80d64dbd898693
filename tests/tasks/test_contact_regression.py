import dataclasses
import inspect

import numpy as np
import pytest
from sklearn import linear_model

from ssrlm_jax import config
from ssrlm_jax.rna import formats, structures
from ssrlm_jax.tasks import contact_regression

LASSO = (  # scikit-learn 1.8 renamed it
    {"l1_ratio": 1.0}
    if "penalty='deprecated'" in str(inspect.signature(linear_model.LogisticRegression))
    else {"penalty": "l1"}
)
SETTINGS = config.ContactsConfig(num_train=3, num_validation=2, draws=2)


def _data(seed=0):
    rng = np.random.default_rng(seed)
    features_PF = rng.normal(size=(800, 6)).astype(np.float32)
    logit_P = 2.0 * features_PF[:, 1] - 1.5 * features_PF[:, 4] - 2.0
    return features_PF, rng.random(800) < 1 / (1 + np.exp(-logit_P))


def test_the_fit_is_that_of_a_plain_scikit_learn_script():
    features_PF, is_pair_P = _data()
    found = contact_regression.fit(features_PF, is_pair_P, SETTINGS)
    plain = linear_model.LogisticRegression(
        **LASSO, C=0.15, solver="liblinear", intercept_scaling=1000, random_state=0
    ).fit(features_PF, is_pair_P)
    np.testing.assert_array_equal(found.weight_F, plain.coef_[0])
    assert found.intercept == plain.intercept_[0]


def test_the_intercept_is_in_effect_free():
    features_PF, is_pair_P = _data()
    found = contact_regression.fit(features_PF, is_pair_P, SETTINGS)
    free = linear_model.LogisticRegression(
        **LASSO, C=0.15, solver="saga", max_iter=20_000, tol=1e-6
    ).fit(features_PF, is_pair_P)
    assert found.intercept == pytest.approx(free.intercept_[0], abs=0.02)
    np.testing.assert_allclose(found.weight_F, free.coef_[0], atol=0.02)


def test_features_as_small_as_attention_are_fitted_to_the_optimum():
    # Of |w| + 0.15 sum(loss): where a weight is not 0 the loss pulls with 1 against
    # its sign, elsewhere with 1 at most; nothing pulls at a free intercept.
    features_PF, is_pair_P = _data()
    features_PF = 0.05 * features_PF
    found = contact_regression.fit(features_PF, is_pair_P, SETTINGS)
    share_P = 1 / (1 + np.exp(-(features_PF @ found.weight_F + found.intercept)))
    pull_F = 0.15 * features_PF.T @ (share_P - is_pair_P)
    is_used_F = found.weight_F != 0
    assert 0 < is_used_F.sum() < 6
    np.testing.assert_allclose(
        pull_F[is_used_F], -np.sign(found.weight_F[is_used_F]), atol=0.01
    )
    assert np.abs(pull_F[~is_used_F]).max() <= 1.01
    assert abs(0.15 * (share_P - is_pair_P).sum()) < 0.01


def test_a_fit_that_does_not_converge_or_has_one_kind_of_pairs_is_an_error():
    features_PF, is_pair_P = _data()
    hasty = dataclasses.replace(SETTINGS, max_iterations=1)
    with pytest.raises(ValueError, match="did not converge in max_iterations=1"):
        contact_regression.fit(features_PF, is_pair_P, hasty)
    with pytest.raises(ValueError, match="0 of 800 pairs of nucleotides"):
        contact_regression.fit(features_PF, np.zeros(800, bool), SETTINGS)


def test_precisions_by_hand():
    # 10 nt; pairs with j - i >= 6 are 0-6 .. 3-9, ten of them. Known: 0-9 and 1-8;
    # 2-6 is too close to count.
    structure = structures.Structure(10, np.array([[0, 9], [1, 8], [2, 6]]))
    logits_LM = np.zeros((10, 10))
    ranked = [(0, 9), (0, 8), (1, 8), (2, 9)]
    for place, (i, j) in enumerate(ranked):
        logits_LM[i, j] = 10 - place
    found = contact_regression.precisions(logits_LM, structure, 6)
    assert found["all P@L/5"] == 1 / 2  # the first 2
    assert found["all P@L/2"] == 2 / 5
    assert found["all P@L"] == 2 / 10  # all ten candidates
    assert found["all P@true"] == 1 / 2
    assert found["all AUPRC"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["short P@true"] == 1 / 2
    assert not any(name.startswith(("medium", "long")) for name in found)


def test_missing_candidates_count_as_wrong():
    # 8 nt: three pairs with j - i >= 6, of which one is known.
    structure = structures.Structure(8, np.array([[0, 7]]))
    found = contact_regression.precisions(np.zeros((8, 8)), structure, 6)
    assert found["all P@L"] == 1 / 8
    assert found["all P@L/2"] == 1 / 4
    assert found["all P@L/5"] == 0  # of equals the earlier: 0-6


def test_ranges_divide_the_separations():
    i, j = np.triu_indices(40, 6)
    parts = [
        ((j - i >= low) & (j - i < high))
        for name, (low, high) in contact_regression.RANGES.items()
        if name != "all"
    ]
    np.testing.assert_array_equal(np.sum(parts, axis=0), 1)


def _records(num):
    dots = "((((......))))"
    return [
        formats.Record(f"r{n}", "GGGGAAAAAACCCC", structures.from_dot_bracket(dots))
        for n in range(num)
    ]


def test_draws_are_disjoint_differ_and_depend_on_the_seed_alone():
    records = {"table": _records(12)}
    names = []
    for number in (0, 1, 0):
        parts = contact_regression.draw(records, SETTINGS, number)
        assert [len(part) for part in parts] == [3, 2, 7]
        flat = [record.name for part in parts for record in part]
        assert sorted(flat) == sorted(record.name for record in records["table"])
        names.append(flat)
    assert names[0] == names[2] != names[1]


def test_tables_of_their_own_are_drawn_from_and_the_test_is_whole():
    records = {"train": _records(5), "validation": _records(4), "test": _records(6)}
    parts = contact_regression.draw(records, SETTINGS, 0)
    assert [len(part) for part in parts] == [3, 2, 6]
    with pytest.raises(ValueError, match="3 RNAs are needed in train, it has 2"):
        contact_regression.draw(records | {"train": _records(2)}, SETTINGS, 0)
    with pytest.raises(ValueError, match="6 RNAs are needed in table, it has 5"):
        contact_regression.draw({"table": _records(5)}, SETTINGS, 0)


class _Telling:
    """Maps of which one feature tells the pairs of `_records`, and one is noise."""

    def features(self, sequence, i, j):
        rng = np.random.default_rng(len(sequence))
        noise_P = rng.normal(size=len(i))
        tells_P = (i + j == 13) & (i < 4)
        return np.stack([noise_P, 4.0 * tells_P], axis=1)

    def __init__(self):
        self.encoded = []

    def logits(self, sequence, weight_NF, intercept_N):
        L = len(sequence)
        self.encoded.append(len(weight_NF))
        i, j = (axis.ravel() for axis in np.indices((L, L)))
        logits_PN = self.features(sequence, i, j) @ weight_NF.T + intercept_N
        return logits_PN.T.reshape(-1, L, L)


def test_a_draw_finds_what_the_maps_tell():
    records = _records(8)
    (found,) = contact_regression.fit_draws(
        _Telling(),
        [contact_regression.Draw(records[:3], records[3:5], records[5:])],
        SETTINGS,
    )
    assert found["train"] == ["r0", "r1", "r2"]
    assert abs(found["weights"][0]) < 0.1 < found["weights"][1]
    assert found["scores"]["all P@true"] == 1.0
    assert found["scores"]["f1"] == 1.0
    assert found["validation f1"] == 1.0


def test_draws_together_give_what_each_gives_and_encode_once():
    records = {"table": _records(9)}
    draws = [contact_regression.draw(records, SETTINGS, number) for number in range(4)]
    maps = _Telling()
    together = contact_regression.fit_draws(maps, draws, SETTINGS)
    alone = [
        contact_regression.fit_draws(_Telling(), [one], SETTINGS)[0] for one in draws
    ]
    assert together == alone
    assert len(maps.encoded) <= 2 * 9 < 4 * (2 + 4)


def test_nothing_to_score_is_an_error():
    near = formats.Record("x", "G" * 9, structures.from_dot_bracket("((..))..."))
    bare = formats.Record("y", "G" * 9, structures.from_dot_bracket("........."))
    records = _records(5)
    with pytest.raises(ValueError, match="none of 2 test RNAs has a base pair with j"):
        contact_regression.fit_draws(
            _Telling(),
            [contact_regression.Draw(records[:3], records[3:], [near, bare])],
            SETTINGS,
        )


def test_mean_and_spread_over_those_that_have_a_score():
    scores = [{"a": 1.0, "b": 2.0}, {"a": 3.0}]
    assert contact_regression.mean(scores) == {"a": 2.0, "b": 2.0}
    assert contact_regression.spread(scores) == {"a": pytest.approx(2**0.5), "b": 0.0}
