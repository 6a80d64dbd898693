import xml.etree.ElementTree

import numpy as np
import pytest

from ssrlm_jax.infer import canvas, canvas3d, plots3d, spatial
from ssrlm_jax.rna import atoms, coordinate_formats

pytest.importorskip("matplotlib")

RING = {"A": 9, "C": 6, "G": 9, "U": 6}  # atoms in the rings of a base


def _chain(letters="GACUGACU", **changed):
    """Returns a right-handed helix of 2.8 angstrom and 33 degrees a nucleotide."""
    length = len(letters)
    rng = np.random.default_rng(0)
    turn_L1 = np.deg2rad(33) * np.arange(length)[:, None] + np.zeros((1, atoms.SLOTS))
    turn_L1 += rng.uniform(-0.15, 0.15, (1, atoms.SLOTS))
    radius_1T = np.linspace(9, 2, atoms.SLOTS)[None]
    x, y = radius_1T * np.cos(turn_L1), radius_1T * np.sin(turn_L1)
    z = 2.8 * np.arange(length)[:, None] + 0 * turn_L1
    fields = {
        "letters": letters,
        "xyz_LT3": np.stack([x, y, z], axis=-1).astype(np.float32),
        "is_atom_LT": atoms.is_atom()[atoms.encode(letters)],
        "plddt_L": np.linspace(0.2, 0.95, length, dtype=np.float32),
    }
    return coordinate_formats.PredictedChain(**(fields | changed))


def _kept(*kept, letters="GACUGACU"):
    """Returns a chain that has these slots only; None: all."""
    chain = _chain(letters)
    is_atom_LT = chain.is_atom_LT & np.isin(np.arange(atoms.SLOTS), kept)[None]
    return _chain(letters, is_atom_LT=is_atom_LT)


def _shapes(chain, kind=None):
    made = spatial.shapes(chain.letters, spatial.principal(chain), chain.is_atom_LT)
    return [shape for shape in made if kind in (None, shape.kind)]


def _views(figure):
    """Returns the collections of both views."""
    return figure.axes[0].collections


# Confidence


@pytest.mark.parametrize(
    ("plddt", "color"),
    [
        (0.0, "#d55e00"),
        (0.499, "#d55e00"),
        (0.5, "#f0e442"),
        (0.69, "#f0e442"),
        (0.7, "#56b4e9"),
        (0.9, "#0072b2"),
        (1.0, "#0072b2"),
    ],
)
def test_confidence_has_the_colour_of_its_band(plddt, color):
    """Limits 50, 70, 90: AlphaFold DB; colours: Okabe and Ito 2008."""
    found = canvas3d.color_of(np.array([plddt], np.float32))
    np.testing.assert_array_equal(found, canvas.rgba([color]))


def test_a_bar_is_as_high_as_plddt_and_has_its_colour():
    chain = _chain("GAC", plddt_L=np.array([0.25, 0.75, 0.95], np.float32))
    axes = plots3d.plddt("x", chain).axes[0]
    (bars,) = axes.collections
    boxes = [path.get_extents() for path in bars.get_paths()]
    np.testing.assert_allclose([box.y1 for box in boxes], [25, 75, 95], rtol=1e-6)
    np.testing.assert_allclose([(box.x0 + box.x1) / 2 for box in boxes], [1, 2, 3])
    expected = canvas.rgba(["#d55e00", "#56b4e9", "#0072b2"])
    np.testing.assert_array_equal(bars.get_facecolors(), expected)
    assert [text.get_text() for text in axes.texts] == list("GAC")


def test_a_long_chain_has_bars_without_letters():
    axes = plots3d.plddt("x", _chain("GACU" * 100)).axes[0]
    assert len(axes.collections[0].get_paths()) == 400
    assert not axes.texts


# Distances


def _image(figure):
    return figure.axes[0].images[0].get_array()


def test_a_map_has_the_distances_of_c1():
    xyz_LT3 = np.full((3, atoms.SLOTS, 3), 7, np.float32)
    xyz_LT3[:, atoms.C1_PRIME] = [[0, 0, 0], [3, 4, 0], [0, 0, 12]]
    image = _image(plots3d.distances("x", _chain("GAC", xyz_LT3=xyz_LT3)))
    np.testing.assert_allclose(image, [[0, 5, 12], [5, 0, 13], [12, 13, 0]], rtol=1e-6)


def test_a_true_structure_is_above_the_diagonal_and_the_predicted_below():
    chain = _chain("GACU")
    truth_L3 = np.array([[0, 0, 0], [3, 4, 0], [np.nan] * 3, [0, 0, 12.0]])
    image = _image(plots3d.distances("x", chain, truth_L3=truth_L3))
    alone = _image(plots3d.distances("x", chain))
    lower = np.tril_indices(4)
    np.testing.assert_array_equal(image[lower], alone[lower])
    np.testing.assert_allclose(image[0, [1, 3]], [5, 12])
    assert image.mask[:2, 2].all()
    assert image.mask[2, 3]
    assert not image.mask[lower].any()


def test_a_missing_atom_has_no_distance():
    is_atom_LT = _chain("GAC").is_atom_LT.copy()
    is_atom_LT[1, atoms.C1_PRIME] = False
    image = _image(plots3d.distances("x", _chain("GAC", is_atom_LT=is_atom_LT)))
    expected = [[False, True, False], [True, True, True], [False, True, False]]
    np.testing.assert_array_equal(image.mask, expected)


def test_pairs_are_marked_on_both_sides():
    figure = plots3d.distances("x", _chain(), pairs=np.array([[0, 7], [1, 6]]))
    marks = figure.axes[0].lines[-1].get_xydata()
    expected = [[1, 8], [2, 7], [8, 1], [7, 2]]
    np.testing.assert_array_equal(marks, expected)


def test_a_cell_of_a_large_map_has_the_least_of_its_distances():
    xyz_LT3 = np.zeros((1001, atoms.SLOTS, 3), np.float32)
    xyz_LT3[:, atoms.C1_PRIME, 0] = np.arange(1001)
    image = _image(plots3d.distances("x", _chain("G" * 1001, xyz_LT3=xyz_LT3)))
    assert image.shape == (334, 334)  # three a side
    np.testing.assert_array_equal(image[0, :4], [0, 1, 4, 7])
    assert image[0, -1] == 999 - 2


def test_a_true_structure_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"truth_L3 of shape \(8, 3\) is expected"):
        plots3d.distances("x", _chain(), truth_L3=np.zeros((7, 3)))


# In space


def test_a_structure_is_turned_as_a_whole_and_never_mirrored():
    chain = _chain("GACU" * 5)
    turned_LT3 = spatial.principal(chain)
    xyz_N3 = chain.xyz_LT3[chain.is_atom_LT].astype(float)
    turned_N3 = turned_LT3[chain.is_atom_LT]
    for points_N3 in (xyz_N3, turned_N3):
        points_N3 -= points_N3.mean(axis=0)
    turn_33, *_ = np.linalg.lstsq(xyz_N3, turned_N3, rcond=None)
    np.testing.assert_allclose(turn_33 @ turn_33.T, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(turn_33), 1, atol=1e-5)
    covariance_33 = turned_N3.T @ turned_N3
    assert (np.diff(np.diag(covariance_33)) < 0).all()  # the flattest is z
    np.testing.assert_allclose(
        covariance_33 - np.diag(np.diag(covariance_33)), 0, atol=1e-2
    )
    assert turned_N3[0, 0] < 0
    assert turned_N3[0, 1] >= 0


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_turned_atoms_give_the_same_picture_and_mirrored_ones_do_not(seed, is_mirrored):
    chain = _chain("GACU" * 5)
    turn_33, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    turn_33[:, 0] *= np.sign(np.linalg.det(turn_33)) * (-1 if is_mirrored else 1)
    moved_LT3 = (chain.xyz_LT3 @ turn_33 + np.array([[[5, -3, 9]]])).astype(np.float32)
    turned_LT3 = spatial.principal(_chain("GACU" * 5, xyz_LT3=moved_LT3))
    is_atom_LT, expected_LT3 = chain.is_atom_LT, spatial.principal(chain)
    gap_N3 = np.abs(turned_LT3[is_atom_LT] - expected_LT3[is_atom_LT])
    assert (gap_N3.max() > 1) if is_mirrored else (gap_N3.max() < 1e-3)


def test_the_tube_runs_from_the_first_p_to_the_last_c4():
    chain = _chain()
    xyz_LT3 = spatial.principal(chain)
    tube = _shapes(chain, "tube")
    np.testing.assert_allclose(tube[0].xyz_N3[0], xyz_LT3[0, atoms.P])
    np.testing.assert_allclose(tube[-1].xyz_N3[-1], xyz_LT3[-1, atoms.C4_PRIME])
    assert [shape.residue for shape in tube] == [n // 8 for n in range(8 * 8)]
    for shape, after in zip(tube, tube[1:], strict=False):
        np.testing.assert_array_equal(shape.xyz_N3[1], after.xyz_N3[0])
    step_N = [np.linalg.norm(np.diff(shape.xyz_N3, axis=0), axis=-1) for shape in tube]
    assert max(step.max() for step in step_N) < 1.5


def test_every_whole_base_is_a_plate_and_a_stick_leads_to_it():
    chain = _chain()
    plates, sticks = _shapes(chain, "plate"), _shapes(chain, "stick")
    assert [shape.residue for shape in plates] == list(range(8))
    assert [len(shape.xyz_N3) for shape in plates] == [RING[x] for x in chain.letters]
    assert [shape.residue for shape in sticks] == list(range(8))
    xyz_LT3 = spatial.principal(chain)
    for shape in sticks:
        np.testing.assert_allclose(
            shape.xyz_N3[1:], xyz_LT3[shape.residue, [atoms.C1_PRIME, atoms.GLYCOSIDIC]]
        )


def test_a_base_that_is_not_whole_is_a_stick():
    is_atom_LT = _chain().is_atom_LT.copy()
    is_atom_LT[2, atoms.GLYCOSIDIC] = False
    is_atom_LT[3, atoms.GLYCOSIDIC :] = False
    chain = _chain(is_atom_LT=is_atom_LT)
    assert [x.residue for x in _shapes(chain, "plate")] == [0, 1, 4, 5, 6, 7]
    assert [len(x.xyz_N3) for x in _shapes(chain, "stick")] == [3, 3, 3, 2, 3, 3, 3, 3]


@pytest.mark.parametrize("is_far", [False, True])
def test_the_tube_is_broken_where_atoms_are_missing_or_far(is_far):
    chain = _chain()
    is_atom_LT, xyz_LT3 = chain.is_atom_LT.copy(), chain.xyz_LT3.copy()
    if is_far:
        xyz_LT3[4:, :, 2] += 20
    else:
        is_atom_LT[4, [atoms.P, atoms.C4_PRIME]] = False
        xyz_LT3 /= 2  # near enough to be joined
    broken = _chain(is_atom_LT=is_atom_LT, xyz_LT3=xyz_LT3)
    assert len(_shapes(broken, "end")) == 4
    missing = set(range(8)) - {shape.residue for shape in _shapes(broken, "tube")}
    assert missing == (set() if is_far else {4})
    longest = max(
        np.linalg.norm(np.diff(shape.xyz_N3, axis=0), axis=-1).max()
        for shape in _shapes(broken, "tube")
    )
    assert longest < 1.5


def test_a_missing_p_gives_way_to_c4():
    is_atom_LT = _chain().is_atom_LT.copy()
    is_atom_LT[0, atoms.P] = False
    chain = _chain(is_atom_LT=is_atom_LT)
    first_3 = spatial.principal(chain)[0, atoms.C4_PRIME]
    np.testing.assert_allclose(_shapes(chain, "tube")[0].xyz_N3[0], first_3)


def test_what_is_near_is_drawn_last_thicker_and_darker():
    chain = _chain("G" * 20, plddt_L=np.full(20, 0.95, np.float32))
    shapes = _shapes(chain)
    view, _ = _views(spatial.drawing("x", chain))
    assert len(view.get_paths()) == 2 * len(shapes)  # a dark edge and the colour
    is_tube = np.isin(np.arange(len(shapes)), _order(shapes, "tube"))
    width_N = view.get_linewidths()[1::2]
    color_N4 = view.get_edgecolors()[1::2]
    width_N, color_N4 = np.array(width_N)[is_tube], color_N4[is_tube]
    assert (np.diff(width_N) >= 0).all()
    assert width_N[-1] > 1.3 * width_N[0]
    assert (np.diff(color_N4[:, 0]) <= 1e-9).all()
    np.testing.assert_allclose(color_N4[-1], canvas.rgba(["#0072b2"])[0], atol=0.05)


def _order(shapes, kind):
    """Returns the places of a kind among shapes from the farthest to the nearest."""
    depth = [
        shape.xyz_N3[:, 2].mean() - 0.01 * (shape.kind == "end") for shape in shapes
    ]
    order = np.argsort(depth, kind="stable")
    return [place for place, n in enumerate(order) if shapes[n].kind == kind]


def test_colours_follow_confidence_or_the_position():
    low, high = np.full(8, 0.1, np.float32), np.full(8, 0.95, np.float32)
    red, blue = (
        _views(spatial.drawing("x", _chain(plddt_L=x)))[0] for x in (low, high)
    )
    difference = blue.get_edgecolors()[1::2] - red.get_edgecolors()[1::2]
    assert (difference[:, 2] > 0.2).all()  # blue
    assert (difference[:, 0] < -0.2).all()  # red
    by_place = [
        _views(spatial.drawing("x", _chain(plddt_L=x), color="position"))[0]
        for x in (low, high)
    ]
    np.testing.assert_array_equal(*(view.get_edgecolors() for view in by_place))
    num_colors = len(np.unique(by_place[0].get_edgecolors()[1::2].round(3), axis=0))
    assert num_colors > 8


def test_another_colour_is_refused():
    with pytest.raises(ValueError, match="'depth' is not one of plddt, position"):
        spatial.drawing("x", _chain(), color="depth")


def test_the_scale_bar_is_as_long_as_it_says():
    axes = spatial.drawing("x", _chain("GACU" * 5)).axes[0]
    (ruler,) = axes.lines
    x_2 = ruler.get_xdata()
    labels = [text.get_text() for text in axes.texts]
    assert f"{x_2[1] - x_2[0]:g} Å" in labels
    assert {"5′", "3′", "from above"} <= set(labels)
    figure = axes.figure
    width, height = figure.get_size_inches()
    box = axes.get_position()
    per_x = box.width * width / np.ptp(axes.get_xlim())
    per_y = box.height * height / np.ptp(axes.get_ylim())
    np.testing.assert_allclose(per_x, per_y, rtol=1e-6)


def test_both_views_fit_the_page():
    for letters in ("G", "GAC", "GACU" * 20):
        figure = spatial.drawing("x", _chain(letters))
        axes = figure.axes[0]
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        for view in _views(figure):
            for path in view.get_paths():
                box = path.get_extents()
                assert left < box.x0
                assert box.x1 < right
                assert low < box.y0
                assert box.y1 < high


def test_a_large_structure_is_a_bitmap_in_svg(tmp_path):
    figure = spatial.drawing("x", _chain("G" * 900))
    assert all(view.get_rasterized() for view in _views(figure))
    canvas.save(figure, tmp_path / "x", "svg")
    assert (tmp_path / "x").stat().st_size < 2_000_000


# Files

CHAINS = {
    "one nucleotide": _chain("U"),
    "two": _chain("GA"),
    "one atom": _kept(atoms.P, letters="G"),
    "C1' only": _kept(atoms.C1_PRIME),
    "P only": _kept(atoms.P),
    "bases only": _kept(*range(atoms.GLYCOSIDIC, atoms.SLOTS)),
    "all at one place": _chain(xyz_LT3=np.zeros((8, atoms.SLOTS, 3), np.float32)),
    "long": _chain("GACU" * 60),
}


@pytest.mark.parametrize("name", CHAINS)
def test_every_picture_of_every_chain_is_saved(tmp_path, name):
    paths = plots3d.save("x", CHAINS[name], tmp_path / "new", "stem")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == sorted(path.name for path in paths)
    assert names == [
        f"stem.{picture}.{suffix}"
        for picture in ("distances", "plddt", "space")
        for suffix in ("png", "svg")
    ]
    for path in paths:
        data = path.read_bytes()
        if path.suffix == ".png":
            assert data.startswith(b"\x89PNG")
            width = int.from_bytes(data[16:20], "big")  # at 150 an inch
            assert 300 < width < 2000
        else:
            assert xml.etree.ElementTree.fromstring(data).tag.endswith("svg")


def test_files_give_way_only_where_that_was_said(tmp_path):
    (tmp_path / "a.space.svg").write_text("old")
    with pytest.raises(ValueError, match=r"a\.space\.svg exists; .* --force"):
        plots3d.save("x", _chain("G"), tmp_path, "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.space.svg"]
    assert len(plots3d.save("x", _chain("G"), tmp_path, "a", is_replaced=True)) == 6
    assert (tmp_path / "a.space.svg").read_text() != "old"


def test_the_same_picture_is_the_same_file(tmp_path):
    for stem in "ab":
        plots3d.save("x", _chain(), tmp_path, stem)
    for path in tmp_path.glob("a.*"):
        assert path.read_bytes() == (tmp_path / f"b{path.name[1:]}").read_bytes()


@pytest.mark.parametrize("name", ["x", "a_name_" * 40])
@pytest.mark.parametrize("letters", ["G", "GACU" * 20])
@pytest.mark.parametrize("picture", plots3d.PICTURES)
def test_nothing_written_is_cut(name, letters, picture):
    figure = plots3d.PICTURES[picture](name, _chain(letters))
    figure.draw_without_rendering()
    page = figure.bbox
    texts = [*figure.texts, *(x for held in figure.legends for x in held.get_texts())]
    for axes in figure.axes:
        texts += axes.texts
        if axes.axison:
            texts += [*axes.get_xticklabels(), *axes.get_yticklabels()]
            texts.append(axes.yaxis.label)
    for text in texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0, text
        assert box.x1 <= page.x1, text
        assert page.y0 <= box.y0, text
        assert box.y1 <= page.y1, text
