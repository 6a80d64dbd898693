import sys
import xml.etree.ElementTree

import numpy as np
import pytest

from ssrlm_jax.external import programs
from ssrlm_jax.infer import canvas, layout, pair_confidence, plots
from ssrlm_jax.rna import formats, probabilities, structures

colors = pytest.importorskip("matplotlib.colors")
RNA = pytest.importorskip("RNA")


def _predicted(dots, probability=0.75, name="x"):
    structure = structures.from_dot_bracket(dots)
    i, j = structure.pairs.T
    listed = probabilities.PairProbabilities(
        i, j, np.full(len(i), probability, np.float32)
    )
    sequence = ("GACU" * len(dots))[: len(dots)]
    return formats.Record(name, sequence, structure), listed


def _written(axes):
    return [text.get_text() for text in axes.texts]


def _arcs_of(axes):
    """Returns the paths of the arcs, each (N, 2), as drawn."""
    return [path.vertices for held in axes.collections for path in held.get_paths()]


def test_pairs_that_are_not_listed_have_no_confidence():
    structure = structures.Structure(9, np.array([[0, 8], [1, 7], [2, 6]]))
    listed = probabilities.PairProbabilities(
        np.array([0, 0, 2], np.int32),
        np.array([5, 8, 6], np.int32),
        np.array([0.1, 0.5, 0.25], np.float32),
    )
    np.testing.assert_array_equal(
        pair_confidence.of_pairs(structure, listed), [0.5, 0, 0.25]
    )


def test_no_pairs_have_no_confidence():
    record, listed = _predicted("....")
    assert pair_confidence.of_pairs(record.structure, listed).shape == (0,)


def test_an_arc_joins_the_positions_of_its_pair():
    record, listed = _predicted("((...))..")
    axes = plots.arcs(record, listed).axes[0]
    ends = [sorted((path[0, 0], path[-1, 0])) for path in _arcs_of(axes)]
    np.testing.assert_allclose(ends, [[1, 7], [2, 6]])
    assert all((path[1:-1, 1] > 0).all() for path in _arcs_of(axes))
    assert _written(axes) == list(record.sequence)


def test_true_arcs_are_below_and_differ_where_missed():
    record, listed = _predicted("((...))..")
    truth = structures.from_dot_bracket("(.....)..")
    axes = plots.arcs(record, listed, truth).axes[0]
    _, below = axes.collections
    (path,) = below.get_paths()
    assert (path.vertices[:, 1] < 0).all()
    missed = plots.arcs(record, listed, structures.from_dot_bracket(".(.....)."))
    colors = [held.get_colors()[0] for held in (below, missed.axes[0].collections[1])]
    assert not np.array_equal(*colors)


def test_legends_of_truth_and_of_reactivities_are_beside_each_other():
    record, listed = _predicted("((((((((((" + "." * 60 + "))))))))))")
    values = np.zeros(record.structure.length)
    figure = plots.arcs(record, listed, record.structure, values)
    figure.draw_without_rendering()
    left, right = sorted(
        one.get_window_extent().extents[::2].tolist() for one in figure.legends
    )
    assert left[1] < right[0]


def test_a_map_has_the_structure_above_and_probabilities_below():
    record, listed = _predicted("(...).", 0.3)
    image_LL4 = np.asarray(plots.pair_map(record, listed).axes[0].images[0].get_array())
    is_drawn_LL = (image_LL4[..., :3] != 1).any(-1)
    np.testing.assert_array_equal(np.argwhere(is_drawn_LL), [[0, 4], [4, 0]])
    np.testing.assert_allclose(image_LL4[4, 0], canvas.color_of(np.array([0.3]))[0])


def test_a_map_of_the_truth_tells_found_from_missed():
    record, listed = _predicted("(...)..")
    truth = structures.Structure(7, np.array([[0, 4], [1, 6]]))
    figure = plots.pair_map(record, listed, truth)
    image_LL4 = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(image_LL4[0, 4], canvas.rgba([canvas.FOUND])[0])
    np.testing.assert_allclose(image_LL4[1, 6], canvas.rgba([canvas.MISSED])[0])


def test_a_large_map_keeps_the_most_probable_pair_of_a_cell():
    structure = structures.Structure(5000, np.empty((0, 2)))
    listed = probabilities.PairProbabilities(
        np.array([0, 1], np.int32),
        np.array([4998, 4999], np.int32),
        np.array([0.9, 0.2], np.float32),
    )
    record = formats.Record("x", "G" * 5000, structure)
    image_LL4 = np.asarray(plots.pair_map(record, listed).axes[0].images[0].get_array())
    assert len(image_LL4) <= 500
    np.testing.assert_allclose(image_LL4[-1, 0], canvas.color_of(np.array([0.9]))[0])


def test_pairs_of_a_drawing_are_near_and_nothing_overlaps():
    dots = "((((...((((...))))...(((...))).((...))..))))..."
    xy_L2, is_straight_P = layout.positions(structures.from_dot_bracket(dots))
    assert is_straight_P.all()
    gap_LL = np.linalg.norm(xy_L2[:, None] - xy_L2[None], axis=-1)
    i, j = structures.from_dot_bracket(dots).pairs.T
    assert gap_LL[i, j].max() < 1.6
    assert gap_LL[np.triu_indices(len(dots), 1)].min() > 0.8


def test_pairs_that_cross_are_curves():
    record, listed = _predicted("(((..[[[.)))...]]]")
    _, is_straight_P = layout.positions(record.structure)
    assert is_straight_P.sum() == 3
    pairs, _ = layout.drawing(record, listed).axes[0].collections
    assert len(pairs.get_paths()) == 6
    for path, is_straight in zip(pairs.get_paths(), is_straight_P, strict=True):
        first, middle, last = path.vertices[[0, 10, 20]]
        is_line = np.allclose(middle, (first + last) / 2)
        assert is_line == is_straight


@pytest.mark.parametrize("dots", ["()", "((()))", "..(.)..", "(()())", "((..)).(...)"])
def test_the_smallest_loops_are_drawn(dots):
    structure = structures.from_dot_bracket(dots)
    xy_L2, is_straight_P = layout.positions(structure)
    assert np.isfinite(xy_L2).all()
    i, j = structure.pairs.T
    np.testing.assert_array_equal(is_straight_P, j - i > 3)


def test_of_a_base_triple_both_pairs_are_drawn():
    structure = structures.Structure(9, np.array([[0, 8], [0, 5], [1, 7]]))
    listed = probabilities.from_matrix(np.zeros((9, 9)))
    record = formats.Record("x", "GACUGACUG", structure)
    pairs, _ = layout.drawing(record, listed).axes[0].collections
    assert len(pairs.get_paths()) == 3


def test_a_drawing_names_both_ends_and_round_positions():
    record, listed = _predicted("((((((....))))))......")
    texts = _written(layout.drawing(record, listed).axes[0])
    assert texts[:22] == list(record.sequence)
    assert texts[22:] == ["5′", "10", "20", "3′"]


def test_a_long_strand_without_pairs_is_a_ring():
    record, listed = _predicted("." * 300)
    xy_L2, _ = layout.positions(record.structure)
    assert np.ptp(xy_L2, axis=0).max() < 100


def test_a_layout_leaves_the_setting_of_viennarna():
    before = RNA.cvar.rna_plot_type
    layout.positions(structures.from_dot_bracket("(...)"))
    assert RNA.cvar.rna_plot_type == before


@pytest.mark.parametrize(
    "dots", [".", "..", "(....)", "." * 20, "((" + "." * 400 + "))"]
)
@pytest.mark.parametrize("picture", plots.PICTURES)
@pytest.mark.parametrize("suffix", canvas.SUFFIXES)
def test_every_picture_of_every_length_is_saved(tmp_path, dots, picture, suffix):
    figure = plots.PICTURES[picture](*_predicted(dots))
    canvas.save(figure, tmp_path / "picture", suffix)
    data = (tmp_path / "picture").read_bytes()
    if suffix == "png":
        assert data.startswith(b"\x89PNG")
    else:
        assert xml.etree.ElementTree.fromstring(data).tag.endswith("svg")


def test_the_same_picture_is_the_same_file(tmp_path):
    for number in range(2):
        figure = plots.arcs(*_predicted("((...))"))
        canvas.save(figure, tmp_path / str(number), "svg")
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()


@pytest.mark.parametrize("name", ["x", "a_name_" * 40])
@pytest.mark.parametrize("picture", plots.PICTURES)
def test_nothing_written_is_cut(name, picture):
    figure = plots.PICTURES[picture](*_predicted("((((((....))))))....", name=name))
    figure.canvas.draw()
    page = figure.bbox
    for axes in figure.axes:
        for text in [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]:
            box = text.get_window_extent()
            assert page.x0 <= box.x0
            assert box.x1 <= page.x1
            assert page.y0 <= box.y0
            assert box.y1 <= page.y1
    assert max(text.get_window_extent().x1 for text in figure.texts) <= page.x1


@pytest.mark.parametrize(
    ("length", "most", "expected"),
    [
        (5, 10, [1]),
        (35, 10, [1, 10, 20, 30]),
        (99, 5, [1, 20, 40, 60, 80]),
        (0, 9, [1]),
    ],
)
def test_ticks_are_round_and_few(length, most, expected):
    assert canvas.ticks(length, most) == expected


@pytest.mark.parametrize(
    ("module", "told"), [("matplotlib", r"\[plots\]"), ("RNA", "pip install ViennaRNA")]
)
def test_a_missing_package_is_named(monkeypatch, module, told):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(programs.ProgramError, match=told):
        canvas.check_installed()


def test_marked_nucleotides_of_a_sketch_stand_out():
    structure = structures.from_dot_bracket("((...))")
    marked_L = np.array([0, 1, 0, 0, 0, 0, 1], bool)
    figure = layout.gallery([[layout.Sketch("x", structure, marked_L=marked_L)]])
    *_, marks = figure.axes[0].collections
    np.testing.assert_array_equal(
        marks.get_offsets(), layout.positions(structure)[0][marked_L]
    )
    assert colors.to_hex(marks.get_facecolor()[0]) == canvas.MISSED
