"""How a corpus came about and what it is made of: counted, printed, written, drawn.

The way from raw files to rows is told from what the stages counted and cost.
report.json and report.png lie in the corpus.
"""

import collections
import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import rich.console
import rich.table

from ssrlm_jax import types
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = {"ncrna": "#0072b2", "other": "#d55e00"}
_LETTERS = "ACGUN"

Files = Mapping[str, Sequence[str]]  # by source
AllDone = Mapping[str, Sequence[executor.Done]]  # by stage


def sources(files: Files) -> list[str]:
    """Returns the source of each file, in the order in which they are read."""
    return [source for source, paths in files.items() for _ in paths]


def stages(files: Files, done: AllDone, num_folded: int) -> tuple[rows.Stage, ...]:
    """Returns the way of each source: read, dedupe, cluster, fold, pack.

    Args:
      files: by source.
      done: by stage.
      num_folded: kept records that were folded.
    """
    found = []
    for source in rows.SOURCES:
        if files[source]:
            found += _of_source(source, files, done, num_folded)
    return tuple(found)


def _of_source(
    source: str, files: Files, done: AllDone, num_folded: int
) -> list[rows.Stage]:
    read = _read(source, files, done)
    num_left = sum(counts["num_out"] for counts in read)
    found = [
        rows.Stage(
            name=f"{source}: read",
            num_in=sum(counts["num_in"] for counts in read),
            num_out=num_left,
            dropped=_sum(counts["dropped"] for counts in read),
            changed=_sum(counts["changed"] for counts in read),
        )
    ]
    equal = _sum(one.counts["dropped"].get(source, {}) for one in done["dedupe"])
    near = [o for o in done.get("cluster", ()) if o.counts["source"] == source]
    for name, dropped, changed in (
        ("dedupe", equal, {}),
        *(("cluster", one.counts["dropped"], one.counts["changed"]) for one in near),
    ):
        num_in, num_left = num_left, num_left - sum(dropped.values())
        found.append(
            rows.Stage(
                name=f"{source}: {name}",
                num_in=num_in,
                num_out=num_left,
                dropped={reason: n for reason, n in dropped.items() if n},
                changed=changed,
            )
        )
    if source == "ncrna" and done.get("fold"):
        changed = _sum(one.counts["changed"] for one in done["fold"])
        found.append(
            rows.Stage(
                name=f"{source}: fold",
                num_in=num_left,
                num_out=num_left,
                changed={"folded": num_folded, **changed},
            )
        )
    num_packed = sum(shard["num_records"] for shard in _shards(source, done))
    found.append(
        rows.Stage(name=f"{source}: pack", num_in=num_left, num_out=num_packed)
    )
    return found


def _read(source: str, files: Files, done: AllDone) -> list[executor.Counts]:
    return [
        one.counts
        for owner, one in zip(sources(files), done["read"], strict=True)
        if owner == source
    ]


def _shards(source: str, done: AllDone) -> list[types.Json]:
    shards = [one.counts["shard"] for one in done["pack"]]
    return [shard for shard in shards if shard["source"] == source]


def costs(done: AllDone, seconds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns of each stage: tasks, seconds as waited, of all cores, and memory.

    Seconds waited are those of the last run; the others count every task.
    """
    return {
        stage: {
            "tasks": len(tasks),
            "seconds": seconds[stage],
            "core_seconds": round(sum(one.seconds for one in tasks), 1),
            "peak_mib": round(
                max((one.peak_bytes for one in tasks), default=0) / 2**20
            ),
        }
        for stage, tasks in done.items()
    }


def content(files: Files, done: AllDone) -> dict[str, types.Json]:
    """Returns of each source: lengths of the records read, letters and pairs packed."""
    found = {}
    for source in rows.SOURCES:
        read = _read(source, files, done)
        packed = [
            one.counts
            for one in done["pack"]
            if one.counts["shard"]["source"] == source
        ]
        if not read:
            continue
        found[source] = {
            "lengths": np.sum([counts["lengths"] for counts in read], axis=0).tolist(),
            "letters": np.sum(
                [[0] * 5, *(counts["letters"] for counts in packed)], axis=0
            ).tolist(),
            "paired": sum(counts["paired"] for counts in packed),
        }
    return found


def notes(done: AllDone) -> list[str]:
    """Returns what else of files was not used, the first lines of each."""
    return [told for one in done["read"] for told in one.counts["notes"]]


def bad(done: AllDone) -> list[str]:
    """Returns the first records of each file that cannot be read, with their places."""
    return [told for one in done["read"] for told in one.counts["bad"]]


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: collections.Counter[str] = collections.Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def show(console: rich.console.Console, corpus: str, manifest: rows.Manifest) -> None:
    """Prints the way of the records, what is in the corpus, and what to run next."""
    way = rich.table.Table("stage", "in", "out", "dropped, changed", box=None)
    for stage in manifest.stages:
        way.add_row(
            stage.name,
            f"{stage.num_in:,}",
            f"{stage.num_out:,}",
            "; ".join(filter(None, (_listed(stage.dropped), _listed(stage.changed)))),
        )
    held = rich.table.Table(
        "split", "source", "shards", "rows", "records", "tokens", "fill", box=None
    )
    for split in rows.SPLITS:
        for source in rows.SOURCES:
            if not manifest.select(split, source):
                continue
            totals = manifest.totals(split, source)
            held.add_row(
                split,
                source,
                str(len(manifest.select(split, source))),
                f"{totals['num_rows']:,}",
                f"{totals['num_records']:,}",
                f"{totals['num_tokens']:,}",
                f"{manifest.fill(split, source):.1%}",
            )
    console.print(way, "", held, "")
    cost = rich.table.Table(
        "stage", "tasks", "seconds", "core seconds", "peak MiB of a process", box=None
    )
    for stage, spent in manifest.how.get("stages", {}).items():
        cost.add_row(stage, *(f"{value:,}" for value in spent.values()))
    console.print(cost, "")
    known = manifest.how.get("records_of_known_family", 0)
    families = len(manifest.how.get("validation_families", ()))
    console.print(
        f"{known:,} records are of a known family; {families} families are held out"
    )
    if told := manifest.how.get("notes", ()):
        console.print(*told, sep="\n")
    if told := manifest.how.get("bad_records", ()):
        console.print("left out, as on_bad=skip asks for:", *told, sep="\n")
    if line := rows.unmeasured(manifest):
        console.print(line, style="bold", soft_wrap=True, highlight=False)
    if manifest.how.get("cluster", {}).get("method") == "none":
        console.print("near-duplicates were not looked for: cluster.method=none")
    console.print(
        f"{corpus} holds rows of {manifest.row_length} tokens; report.json and "
        "report.png say how it came about. Next:\n"
        f"ssrlm pretrain --config=8m --config.data.corpus={corpus} "
        f"--config.data.row_length={manifest.row_length}",
        soft_wrap=True,
        highlight=False,
    )


def _listed(counts: Mapping[str, int]) -> str:
    return "; ".join(
        f"{reason}: {number:,}" for reason, number in counts.items() if number
    )


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


def _draw_way(axes: "Axes", manifest: rows.Manifest) -> None:
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
    at = np.arange(len(names))[::-1]
    axes.barh(at, values, color=colors)
    for y, value in zip(at, values, strict=True):
        axes.text(value, y, f" {value:,}", va="center", fontsize=8)
    axes.set_yticks(at, names)
    axes.set_xlim(0, 1.3 * max(values))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(4))
    axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=""))
    axes.set_title("records, from raw to packed", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_lengths(axes: "Axes", content: types.Json) -> None:
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


def _draw_letters(axes: "Axes", content: types.Json) -> None:
    """Draws the letters that were packed, and the share that is paired."""
    width = 0.8 / len(content)
    ticks = [*_LETTERS, "paired"]
    for number, (source, held) in enumerate(content.items()):
        total = max(1, sum(held["letters"]))
        share = np.array([*held["letters"], held["paired"]]) / total
        at = np.arange(len(ticks)) + number * width
        if not held["paired"]:  # its structures are unknown
            share, at = share[:-1], at[:-1]
        axes.bar(at, share, width, label=source, color=_COLORS[source])
    axes.set_xticks(np.arange(len(ticks)) + width * (len(content) - 1) / 2, ticks)
    axes.set_ylabel("share of the nucleotides")
    axes.set_title("letters, as packed", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
