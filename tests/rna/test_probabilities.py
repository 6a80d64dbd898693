import numpy as np

from ssrlm_jax.rna import probabilities, probability_formats


def _listed():
    return probabilities.PairProbabilities(
        np.array([0, 1], np.int32),
        np.array([4, 3], np.int32),
        np.array([0.5, 0.0625], np.float32),
    )


def test_a_matrix_lists_its_upper_triangle_from_the_least_on():
    matrix_LL = np.array([[9, 0.2, 0.009], [9, 9, 0.01], [9, 9, 9]])
    found = probabilities.from_matrix(matrix_LL)
    assert found.i.tolist() == [0, 1]
    assert found.j.tolist() == [1, 2]
    np.testing.assert_allclose(found.probability, [0.2, 0.01])


def test_tiles_in_any_order_list_what_their_matrix_lists():
    matrix_LL = np.random.default_rng(0).random((11, 11), np.float32) ** 4
    places = [(5, 5), (0, 5), (0, 0)]  # what lies below the diagonal is not needed
    tiles = [(a, b, matrix_LL[a : a + 5 + a, b : b + 5 + b]) for a, b in places]
    for found, expected in zip(
        probabilities.from_tiles(tiles),
        probabilities.from_matrix(matrix_LL),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_list_becomes_a_symmetric_matrix_and_back():
    matrix_LL = probabilities.to_matrix(_listed(), 6)
    np.testing.assert_array_equal(matrix_LL, matrix_LL.T)
    assert matrix_LL[4, 0] == 0.5
    for column, was in zip(
        probabilities.from_matrix(matrix_LL), _listed(), strict=True
    ):
        np.testing.assert_array_equal(column, was)


def test_a_written_file_reads_back(tmp_path):
    probabilities.write(tmp_path / "a.prob", "a", "GCAAC", _listed())
    assert (tmp_path / "a.prob").read_text() == ">a\nGCAAC\n1\t5\t0.5\n2\t4\t0.0625\n"
    (one,) = probability_formats.each(tmp_path / "a.prob")
    assert (one.name, one.sequence, one.length) == ("a", "GCAAC", 5)
    for column, was in zip(one.listed, _listed(), strict=True):
        np.testing.assert_array_equal(column, was)


def test_pairs_come_in_any_order_and_either_letter_first():
    found = probabilities.from_pairs([(4, 2, 0.0625), (1, 5, 0.5), (2, 4, 0.0625)])
    for column, was in zip(found, _listed(), strict=True):
        np.testing.assert_array_equal(column, was)
