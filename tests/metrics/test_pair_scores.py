import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from ssrlm_jax.metrics import pair_scores, statistics
from ssrlm_jax.rna import probabilities, structures


def _structure(length, *given):
    return structures.Structure(length, np.array(given).reshape(-1, 2))


def _random(rng, length, num):
    i, j = np.sort(rng.choice(length, (num, 2)), axis=1).T
    return structures.Structure(length, np.stack([i, j], 1)[i < j])


def _labels(structure):
    matrix_LL = np.zeros((structure.length, structure.length), int)
    matrix_LL[tuple(structure.pairs.T)] = 1
    return matrix_LL[np.triu_indices(structure.length, 1)]


HELIX = _structure(12, (0, 11), (1, 10), (2, 9))
SHIFTED = _structure(12, (0, 10), (1, 9), (2, 8))
NOTHING = _structure(12)


def test_counts_by_hand():
    predicted = _structure(12, (0, 11), (1, 10), (3, 8), (4, 7))
    counts = pair_scores.count(predicted, HELIX)
    assert counts == (2, 4, 2, 3)
    assert pair_scores.precision(counts) == 0.5
    assert pair_scores.recall(counts) == pytest.approx(2 / 3)
    assert pair_scores.f1(counts) == pytest.approx(4 / 7)


def test_a_helix_shifted_by_one_is_all_wrong_strictly_and_all_right_with_slack():
    assert pair_scores.f1(pair_scores.count(SHIFTED, HELIX)) == 0.0
    assert pair_scores.f1(pair_scores.count(SHIFTED, HELIX, slack=1)) == 1.0
    both = _structure(12, (1, 10), (2, 9), (3, 8))  # a step in i and one in j
    assert (
        pair_scores.f1(
            pair_scores.count(_structure(12, (1, 10)), _structure(12, (0, 11)), slack=1)
        )
        == 0
    )
    assert pair_scores.count(both, HELIX, slack=1) == (2, 3, 2, 3)


def test_slack_counts_precision_and_recall_apart():
    # Both predicted pairs are a step from (0, 11); of the known ones one is found.
    predicted = _structure(12, (0, 11), (1, 11))
    assert pair_scores.count(predicted, HELIX, slack=1) == (2, 2, 2, 3)
    assert pair_scores.count(predicted, _structure(12, (0, 11)), slack=1) == (
        2,
        2,
        1,
        1,
    )


def test_slack_does_not_reach_over_the_edge():
    first, last = _structure(3, (0, 2)), _structure(3, (0, 1))
    assert pair_scores.count(first, last, slack=1) == (1, 1, 1, 1)
    assert pair_scores.count(_structure(3, (1, 2)), last, slack=1).right == 0


@pytest.mark.parametrize(
    ("predicted", "known", "expected"),
    [(NOTHING, NOTHING, 1.0), (HELIX, NOTHING, 0.0), (NOTHING, HELIX, 0.0)],
)
@pytest.mark.parametrize("slack", [0, 1])
def test_empty_structures(predicted, known, expected, slack):
    counts = pair_scores.count(predicted, known, slack=slack)
    for score in (pair_scores.precision, pair_scores.recall, pair_scores.f1):
        assert score(counts) == expected
    assert pair_scores.mcc(counts, 66) == expected


def test_base_triples_count_as_the_pairs_they_are():
    triple = _structure(12, (0, 11), (0, 5), (1, 10))
    assert pair_scores.count(triple, HELIX) == (2, 3, 2, 3)
    assert pair_scores.count(HELIX, triple) == (2, 3, 2, 3)


def test_classes_by_letters():
    #           0123456789ab
    sequence = "GGAcaaaaUucC"
    known = _structure(12, (0, 11), (1, 10), (2, 9), (3, 8))  # GC Gc Au cU
    predicted = _structure(12, (0, 11), (1, 9), (3, 8), (4, 7))  # GC Gu cU aa
    found = pair_scores.count_by_class(predicted, known, sequence)
    assert found["watson-crick"] == (1, 1, 1, 3)
    assert found["wobble"] == (0, 1, 0, 0)
    assert found["non-canonical"] == (1, 2, 1, 1)
    total = np.sum(list(found.values()), axis=0)
    assert tuple(total) == pair_scores.count(predicted, known)


def test_crossing_pairs_are_counted_apart():
    known = _structure(12, (0, 5), (1, 4), (3, 9), (10, 11))
    assert structures.crossing(known).tolist() == [True, True, True, False]
    predicted = _structure(12, (0, 5), (3, 9), (6, 10))
    # Predicted: 0-5 crosses 3-9 crosses 6-10; two of the three are known.
    assert pair_scores.count_crossing(predicted, known) == (2, 3, 2, 3)


def test_pairs_that_share_a_nucleotide_or_are_nested_do_not_cross():
    assert not structures.crossing(_structure(9, (0, 5), (5, 8), (1, 4), (0, 8))).any()
    assert structures.crossing(_structure(9)).shape == (0,)


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    known, predicted = _random(rng, 30, 12), _random(rng, 30, 60)
    truth, ours = _labels(known), _labels(predicted)
    counts = pair_scores.count(predicted, known)
    assert pair_scores.precision(counts) == pytest.approx(
        sklearn_metrics.precision_score(truth, ours)
    )
    assert pair_scores.recall(counts) == pytest.approx(
        sklearn_metrics.recall_score(truth, ours)
    )
    assert pair_scores.f1(counts) == pytest.approx(
        sklearn_metrics.f1_score(truth, ours)
    )
    assert pair_scores.mcc(counts, len(truth)) == pytest.approx(
        sklearn_metrics.matthews_corrcoef(truth, ours)
    )


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_that_of_scikit_learn_alone_and_pooled(seed):
    rng = np.random.default_rng(seed)
    ranked, truths, scores = [], [], []
    for length in (20, 33):
        known = _random(rng, length, 9)
        # Ties, and many pairs that are not listed.
        matrix_LL = np.round(rng.random((length, length)) ** 4, 1)
        matrix_LL[tuple(known.pairs[::2].T)] = 0.9
        listed = probabilities.from_matrix(matrix_LL)
        ranked.append(pair_scores.rank(listed, known))
        truths.append(_labels(known))
        scores.append(matrix_LL[np.triu_indices(length, 1)])
        expected = sklearn_metrics.average_precision_score(truths[-1], scores[-1])
        assert pair_scores.average_precision(ranked[-1:]) == pytest.approx(expected)
    expected = sklearn_metrics.average_precision_score(
        np.concatenate(truths), np.concatenate(scores)
    )
    assert pair_scores.average_precision(ranked) == pytest.approx(expected)
    assert pair_scores.pooled_average_precision(ranked, 0).value == pytest.approx(
        expected
    )


def test_average_precision_by_hand():
    # Ranks: right, wrong, right; the third known pair is not listed: it comes with
    # the other 3 of the 6 pairs: 1/3 * 1 + 1/3 * 2/3 + 1/3 * 3/6.
    known = _structure(4, (0, 3), (1, 2), (0, 1))
    listed = probabilities.PairProbabilities(
        np.array([0, 0, 1]), np.array([2, 3, 2]), np.array([0.5, 0.9, 0.4])
    )
    found = pair_scores.average_precision([pair_scores.rank(listed, known)])
    assert found == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)


def test_average_precision_without_known_pairs_is_nan():
    listed = probabilities.from_matrix(np.full((4, 4), 0.5))
    assert np.isnan(
        pair_scores.average_precision([pair_scores.rank(listed, _structure(4))])
    )


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="prediction has 3 nucleotides"):
        pair_scores.count(_structure(3), _structure(4))


def test_an_interval_holds_the_mean_and_shrinks_with_more_sequences():
    rng = np.random.default_rng(0)
    few = statistics.of_mean(rng.normal(0.5, 0.2, 50), seed=0)
    many = statistics.of_mean(rng.normal(0.5, 0.2, 5_000), seed=0)
    assert few.low < few.value < few.high
    # 1.96 standard errors on both sides.
    assert few.high - few.low == pytest.approx(2 * 1.96 * 0.2 / 50**0.5, rel=0.2)
    assert many.high - many.low == pytest.approx(2 * 1.96 * 0.2 / 5_000**0.5, rel=0.2)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    intervals = [statistics.of_mean(rng.random(60), seed=n) for n in range(200)]
    covered = np.mean([one.low <= 0.5 <= one.high for one in intervals])
    assert 0.89 < covered < 0.99


def test_one_sequence_and_none_have_an_interval_without_width_and_none():
    assert statistics.of_mean(np.array([0.25]), seed=0) == (0.25, 0.25, 0.25)
    assert np.isnan(statistics.of_mean(np.array([]), seed=0)).all()
