"""report.json and report.png: how a corpus came about, and what it is made of."""

import dataclasses
import json
import os
import pathlib
from typing import Any

import numpy as np

from ssrlm_jax.data import rows

_COLORS = {"ncrna": "#0072b2", "other": "#d55e00"}
_LETTERS = "ACGUN"


def write(corpus: str | os.PathLike[str], manifest: rows.Manifest) -> None:
    """Writes both files into the corpus; the picture needs the extra [plots].

    Raises:
      ImportError: matplotlib is missing; report.json is written all the same.
    """
    directory = pathlib.Path(corpus)
    totals = {
        split: {
            source: manifest.totals(split, source)
            | {"fill": manifest.fill(split, source)}
            for source in rows.SOURCES
            if manifest.select(split, source)
        }
        for split in rows.SPLITS
    }
    told = {
        "way": [dataclasses.asdict(stage) for stage in manifest.stages],
        "packed": totals,
        "costs": manifest.how["stages"],
        **{name: manifest.how[name] for name in ("content", "cluster", "fold")},
    }
    (directory / "report.json").write_text(json.dumps(told, indent=1) + "\n")
    try:
        from matplotlib import figure
    except ImportError as error:
        raise ImportError(
            "report.png was not drawn: pip install 'ssrlm-jax[plots]'"
        ) from error
    drawn = figure.Figure(figsize=(12, 3.6), layout="constrained")
    way, length, letter = drawn.subplots(1, 3, width_ratios=(1.5, 1.2, 1))
    _draw_way(way, manifest)
    _draw_lengths(length, manifest.how["content"])
    _draw_letters(letter, manifest.how["content"])
    drawn.savefig(directory / "report.png", dpi=150)


def _draw_way(axes: Any, manifest: rows.Manifest) -> None:
    """Draws the records that each stage left, as bars, and writes how many."""
    from matplotlib import ticker

    stages = [stage for stage in manifest.stages if not stage.name.endswith(": pack")]
    names, values, colors = [], [], []
    for source in rows.SOURCES:
        mine = [stage for stage in stages if stage.name.startswith(source)]
        for number, stage in enumerate(mine):
            if not number:
                names.append(f"{source}: raw")
                values.append(stage.num_in)
                colors.append(_COLORS[source])
            if stage.name.endswith(": fold"):
                continue
            names.append(stage.name)
            values.append(stage.num_out)
            colors.append(_COLORS[source])
    place = np.arange(len(names))[::-1]
    axes.barh(place, values, color=colors)
    for y, value in zip(place, values, strict=True):
        axes.text(value, y, f" {value:,}", va="center", fontsize=8)
    axes.set_yticks(place, names)
    axes.set_xlim(0, 1.3 * max(values))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(4))
    axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=""))
    axes.set_title("records, from raw to packed", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_lengths(axes: Any, content: dict[str, Any]) -> None:
    """Draws how many records that were read have which length."""
    for source, held in content.items():
        count = np.array(held["lengths"])
        if not count.sum():
            continue
        edges = 2.0 ** np.arange(len(count) + 1)
        share = count / count.sum()
        axes.stairs(share, edges, label=source, color=_COLORS[source], linewidth=1.5)
    axes.set_xscale("log")
    largest = max(np.flatnonzero(held["lengths"]).max() for held in content.values())
    axes.set_xlim(8, 2.0 ** (largest + 1))
    axes.set_xlabel("nucleotides of a record")
    axes.set_ylabel("share of its source")
    axes.set_title("length, as read", fontsize=10)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_letters(axes: Any, content: dict[str, Any]) -> None:
    """Draws the letters that were packed, and the share that is paired."""
    width = 0.8 / len(content)
    ticks = [*_LETTERS, "paired"]
    for number, (source, held) in enumerate(content.items()):
        total = max(1, sum(held["letters"]))
        share = np.array([*held["letters"], held["paired"]]) / total
        place = np.arange(len(ticks)) + number * width
        if not held["paired"]:  # its structures are unknown
            share, place = share[:-1], place[:-1]
        axes.bar(place, share, width, label=source, color=_COLORS[source])
    axes.set_xticks(np.arange(len(ticks)) + width * (len(content) - 1) / 2, ticks)
    axes.set_ylabel("share of the nucleotides")
    axes.set_title("letters, as packed", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
