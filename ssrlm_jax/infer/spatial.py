"""A picture of a structure in space: its backbone as a tube, its bases as plates.

It is seen along the axis in which it is flattest, and again from above. What is far
is paler and thinner, and what is near hides it. Lengths are in angstrom, places on
the page are x to the right, y up, z towards the eye. Needs the extra [plots].
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ssrlm_jax.infer import canvas, canvas3d
from ssrlm_jax.rna import atoms, coordinate_formats

if TYPE_CHECKING:
    from matplotlib import figure as figures
    from matplotlib.axes import Axes
    from matplotlib.path import Path

COLORS = ("plddt", "position")
_SCALE = "viridis"  # of positions
_INCH, _MOST_INCH = 0.075, 0.16  # of an angstrom
_LEAST_WIDTH, _MOST_WIDTH = 2.5, 7.0  # inches of a view
_MARGIN = 0.3  # inches around a view
_THICKNESS = {"tube": 1.8, "end": 0.0, "stick": 0.8, "plate": 0.5}
_EDGE, _LEAST_EDGE = 0.45, 0.7  # both dark edges together; not less, in points
_STEPS = 8  # of the tube from one P to the next
_BREAK = 11.0  # from one to the next, at least, in a broken strand
_BEHIND = 0.01  # of an end of the tube, so that the tube is drawn over it
_DEEP = 25.0  # depth that is fully far, at least
_FAR_SIZE, _FAR_COLOR = 0.6, 0.4  # of what is far, against what is near
_PALE = 0.5  # white in the colour of a base
_MOST_SHAPES = 8000  # of a view; more are a bitmap in SVG
_LABEL = 0.18  # inches from an end of the tube to what names it
_DARK = 0.1  # the grey of edges
_TEXT: dict[str, Any] = {"size": 8, "color": canvas.PLAIN}
_FRONT = np.eye(3)
_ABOVE = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_PURINE = ("N9", "C8", "N7", "C5", "C6", "N1", "C2", "N3", "C4")
_PYRIMIDINE = ("N1", "C2", "N3", "C4", "C5", "C6")
_RINGS = {"A": _PURINE, "C": _PYRIMIDINE, "G": _PURINE, "U": _PYRIMIDINE}


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """A line, or the outline of a plate.

    Attributes:
      kind: "tube", "end", "stick" or "plate".
      residue: position from 0.
      xyz_N3: its points.
    """

    kind: str
    residue: int
    xyz_N3: np.ndarray


def drawing(
    name: str, chain: coordinate_formats.PredictedChain, *, color: str = "plddt"
) -> "figures.Figure":
    """Draws a structure in two views.

    Args:
      name: the title.
      chain: what lacks atoms is left out.
      color: one of COLORS: by bands of confidence, or from 5' to 3'.

    Raises:
      ValueError: there is no such colour.
    """
    from matplotlib import cm, colors

    if color not in COLORS:
        raise ValueError(f"color {color!r} is not one of {', '.join(COLORS)}")
    length = len(chain.letters)
    scale = cm.ScalarMappable(colors.Normalize(1, max(length, 2)), _SCALE)
    color_L4 = (
        canvas3d.color_of(chain.plddt_L)
        if color == "plddt"
        else scale.to_rgba(np.arange(1, length + 1))
    )
    made = shapes(chain.letters, principal(chain), chain.is_atom_LT)
    views = [_turned(made, turn_33) for turn_33 in (_FRONT, _ABOVE)]
    boxes_V22 = np.array([_box(view) for view in views])
    size_V2 = boxes_V22[:, 1] - boxes_V22[:, 0]
    width = max(float(size_V2[0, 0]), 1.0)
    inch = min(_MOST_INCH, max(_INCH, _LEAST_WIDTH / width), _MOST_WIDTH / width)
    margin = _MARGIN / inch + 1
    width, height = width + 2 * margin, float(size_V2[:, 1].sum()) + 5 * margin
    figure, axes = canvas3d.page(name, chain, width * inch, height * inch)
    left = float(boxes_V22[0, 0, 0]) - margin
    axes.set_xlim(left, left + width)
    axes.set_ylim(-height, 0)
    axes.set_axis_off()
    top = -margin
    for view, box_22, label in zip(views, boxes_V22, ("", "from above"), strict=True):
        up = top - float(box_22[1, 1])
        axes.text(left, top + margin, label, **_TEXT, va="center")
        _add_view(axes, view, up, color_L4, 72 * inch)
        _add_ends(axes, view, up, _LABEL / inch + 1)
        top += float(box_22[0, 1] - box_22[1, 1]) - 3 * margin
    _add_ruler(axes, left + width, -height, width, inch)
    if color == "plddt":
        canvas3d.add_bands(figure, axes)
    elif length > 1:
        ticks = canvas.ticks(length, 6)
        high = canvas3d.LEAST_HEIGHT
        canvas.add_scale(figure, axes, scale, "nucleotide", high, ticks)
    return figure


def principal(chain: coordinate_formats.PredictedChain) -> np.ndarray:
    """Returns atoms (L, T, 3) around their centre, turned to be seen from the front.

    x is the axis of the greatest variance, z of the least. The first atom is left of
    the centre and not below it. A mirror image is never made.
    """
    xyz_N3 = chain.xyz_LT3[chain.is_atom_LT].astype(np.float64)
    centre_3 = xyz_N3.mean(axis=0)
    _, vectors_33 = np.linalg.eigh((xyz_N3 - centre_3).T @ (xyz_N3 - centre_3))
    axes_33 = vectors_33.T[::-1].copy()  # eigenvalues rise
    x, y, _ = axes_33 @ (xyz_N3[0] - centre_3)
    axes_33[0] *= -1 if x > 0 else 1
    axes_33[1] *= -1 if y < 0 else 1
    axes_33[2] *= np.sign(np.linalg.det(axes_33))
    return (chain.xyz_LT3 - centre_3) @ axes_33.T


def shapes(letters: str, xyz_LT3: np.ndarray, is_atom_LT: np.ndarray) -> list[Shape]:
    """Returns what is drawn of a strand.

    The tube runs near P, or C4' where that is missing, to the last C4', and is broken
    where both are missing or the next one is far. A stick leads from a nucleotide's
    part of it to C1' and the base, which is a plate, or, where its rings are not
    whole, a stick to the middle of what there is.
    """
    made: list[Shape] = []
    tube = {residue: np.empty((0, 3)) for residue in range(len(letters))}
    for point_K3, residue_K in _strands(xyz_LT3, is_atom_LT):
        curve_N3 = _curve(point_K3)
        residue_N = np.repeat(residue_K, _STEPS)[: len(curve_N3)]
        # As deep as the piece that each closes.
        made.append(Shape("end", int(residue_N[0]), curve_N3[:3]))
        made.append(Shape("end", int(residue_N[-1]), curve_N3[-3:][::-1]))
        for n in range(len(curve_N3) - 1):  # they overlap, so that no gap is seen
            made.append(Shape("tube", int(residue_N[n]), curve_N3[n : n + 3]))
        for residue in residue_K:
            tube[residue] = curve_N3[residue_N == residue]
    for residue, letter in enumerate(letters):
        parts = xyz_LT3[residue], is_atom_LT[residue]
        made += _base(residue, letter, *parts, tube[residue])
    return made


def _strands(
    xyz_LT3: np.ndarray, is_atom_LT: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns points along each unbroken part of the backbone, and their residues."""
    slots = [atoms.P, atoms.C4_PRIME]
    has_L2 = is_atom_LT[:, slots]
    seen_K = np.flatnonzero(has_L2.any(axis=1))
    point_K3 = xyz_LT3[seen_K, np.where(has_L2[seen_K, 0], *slots)]
    is_far_K = np.linalg.norm(np.diff(point_K3, axis=0), axis=-1) > _BREAK
    cuts = np.flatnonzero(is_far_K | (np.diff(seen_K) > 1)) + 1
    made = []
    for part in np.split(np.arange(len(seen_K)), cuts) if len(seen_K) else []:
        last = seen_K[part[-1]]
        both = [last] if has_L2[last].all() else []
        point_N3 = np.concatenate([point_K3[part], xyz_LT3[both, atoms.C4_PRIME]])
        made.append((point_N3, np.append(seen_K[part], both).astype(int)))
    return made


def _curve(point_K3: np.ndarray) -> np.ndarray:
    """Returns a cubic B-spline from the first point to the last, _STEPS for each."""
    if len(point_K3) < 2:
        return point_K3
    ends_23 = 2 * point_K3[[0, -1]] - point_K3[[1, -2]]
    padded_K3 = np.concatenate([ends_23[:1], point_K3, ends_23[1:]])
    window_K43 = np.stack([padded_K3[n : n + len(point_K3) - 1] for n in range(4)], 1)
    t_N = np.arange(_STEPS) / _STEPS
    weight_N4 = np.stack(
        [
            (1 - t_N) ** 3,
            3 * t_N**3 - 6 * t_N**2 + 4,
            -3 * t_N**3 + 3 * t_N**2 + 3 * t_N + 1,
            t_N**3,
        ],
        axis=1,
    )
    curve_KN3 = np.einsum("nw,kwd->knd", weight_N4 / 6, window_K43)
    return np.concatenate([curve_KN3.reshape(-1, 3), point_K3[-1:]])


def _base(
    residue: int,
    letter: str,
    xyz_T3: np.ndarray,
    is_atom_T: np.ndarray,
    tube_N3: np.ndarray,
) -> list[Shape]:
    """Returns a plate and the stick to it."""
    ring = [atoms.slot(letter, name) for name in _RINGS[letter]]
    is_whole = is_atom_T[ring].all()
    made = [Shape("plate", residue, xyz_T3[ring])] if is_whole else []
    if not is_atom_T[atoms.C1_PRIME]:
        return made
    sugar_3 = xyz_T3[atoms.C1_PRIME]
    points = [sugar_3]
    if len(tube_N3):
        gap_N = np.linalg.norm(tube_N3 - sugar_3[None], axis=-1)
        way_3 = sugar_3 - tube_N3[gap_N.argmin()]
        inside = min(1.0, 0.4 * _THICKNESS["tube"] / max(gap_N.min(), 1e-6))
        points.insert(0, sugar_3 - (1 - inside) * way_3)
    if is_whole:
        points.append(xyz_T3[ring[0]])
    elif is_atom_T[ring].any():
        points.append(xyz_T3[ring][is_atom_T[ring]].mean(axis=0))
    if len(points) > 1:
        made.append(Shape("stick", residue, np.stack(points)))
    return made


def _turned(made: Sequence[Shape], turn_33: np.ndarray) -> list[Shape]:
    return [dataclasses.replace(x, xyz_N3=x.xyz_N3 @ turn_33.T) for x in made]


def _box(view: Sequence[Shape]) -> np.ndarray:
    """Returns the lower left and the upper right corner of a view, (2, 2)."""
    xy_N2 = np.concatenate([np.zeros((1, 2)), *(x.xyz_N3[:, :2] for x in view)])
    return np.stack([xy_N2.min(axis=0), xy_N2.max(axis=0)])


def _add_view(
    axes: "Axes", view: Sequence[Shape], up: float, color_L4: np.ndarray, points: float
) -> None:
    """Draws shapes, the farthest first; `points` are of an angstrom."""
    from matplotlib import collections

    depth_S = np.array(
        [x.xyz_N3[:, 2].mean() - _BEHIND * (x.kind == "end") for x in view]
    )
    deep = max(float(np.ptp(depth_S)), _DEEP) if view else _DEEP
    paths, line, face, widths = [], [], [], []
    for n in np.argsort(depth_S, kind="stable"):
        shape, near = view[n], 1 - (depth_S.max() - depth_S[n]) / deep
        size = _FAR_SIZE + (1 - _FAR_SIZE) * near
        fog = (1 - _FAR_COLOR) * (1 - near)
        is_plate, is_filled = shape.kind == "plate", shape.kind in ("plate", "end")
        pale_3 = _whiter(color_L4[shape.residue, :3], _PALE if is_plate else 0.0)
        body_3, edge_3 = _whiter(pale_3, fog), _whiter(np.full(3, _DARK), fog)
        width = points * size * _THICKNESS[shape.kind]
        paths += _outlines(shape, up, size)
        line += [edge_3, body_3]
        face += [(*edge_3, float(is_filled)), (*body_3, float(is_filled))]
        widths += [width + max(points * size * _EDGE, _LEAST_EDGE), width]
    drawn = collections.PathCollection(
        paths,
        edgecolors=line,
        facecolors=face,
        linewidths=widths,
        capstyle="butt",
        joinstyle="round",
    )
    drawn.set_rasterized(len(view) > _MOST_SHAPES)
    axes.add_collection(drawn, autolim=False)


def _outlines(shape: Shape, up: float, size: float) -> "list[Path]":
    """Returns the dark path and the one in colour above it."""
    from matplotlib import path

    xy_N2 = shape.xyz_N3[:, :2] + np.array([[0, up]])
    if shape.kind == "end":
        return [path.Path.circle(xy_N2[0], size * _THICKNESS["tube"] / 2)] * 2
    if shape.kind == "plate":
        return [path.Path(np.concatenate([xy_N2, xy_N2[:1]]), closed=True)] * 2
    if shape.kind == "stick":
        return [path.Path(xy_N2)] * 2
    inner_N2 = xy_N2.copy()  # dark ends would show between two pieces
    inner_N2[0] += 0.3 * (xy_N2[1] - xy_N2[0])
    inner_N2[-1] += 0.3 * (xy_N2[-2] - xy_N2[-1])
    return [path.Path(inner_N2), path.Path(xy_N2)]


def _whiter(color_3: np.ndarray, white: float) -> np.ndarray:
    return color_3 + (1 - color_3) * white


def _add_ends(axes: "Axes", view: Sequence[Shape], up: float, distance: float) -> None:
    """Names both ends of the tube where most room is around them."""
    from matplotlib import patheffects

    around = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    ends = [shape.xyz_N3[0, :2] for shape in view if shape.kind == "end"]
    if not ends:
        return
    angle_N = np.arange(0, 2 * np.pi, np.pi / 12)
    around_N2 = distance * np.stack([np.cos(angle_N), np.sin(angle_N)], axis=-1)
    taken_N2 = np.concatenate([shape.xyz_N3[:, :2] for shape in view])
    for end_2, label in ((ends[0], "5′"), (ends[-1], "3′")):
        place_N2 = end_2 + around_N2
        gap_NN = np.linalg.norm(place_N2[:, None] - taken_N2[None], axis=-1)
        best_2 = place_N2[gap_NN.min(axis=1).argmax()]
        x, y = best_2 + np.array([0, up])
        axes.text(x, y, label, path_effects=around, **_TEXT, **canvas.CENTRED)
        taken_N2 = np.concatenate([taken_N2, best_2[None]])


def _add_ruler(axes: "Axes", right: float, y: float, width: float, inch: float) -> None:
    """Draws a round length of at most a quarter of the width."""
    unit = 10.0 ** np.floor(np.log10(width / 4))
    size = unit * max(n for n in (1, 2, 5) if n * unit <= width / 4)
    left = right - size
    axes.plot([left, right], [y, y], color=canvas.PLAIN, linewidth=2, clip_on=False)
    middle, below = right - size / 2, y - 0.06 / inch
    axes.text(middle, below, f"{size:g} Å", **_TEXT, ha="center", va="top")
