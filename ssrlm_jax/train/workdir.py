"""The directory of a run: what it was made with, its metrics, its checkpoints.

Imports nothing heavy, so that a wrong directory stops a command in the first second.

  meta.json            what the run was last started with
  metrics.jsonl        one JSON object with "step" on each line; nan is null
  checkpoints/STEP/    written by train.checkpoint
"""

import json
import math
import pathlib
from typing import Any

from ssrlm_jax import config as config_lib

META = "meta.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
Meta = dict[str, Any]


def check(
    workdir: pathlib.Path, config: config_lib.LoopConfig, architecture: Meta
) -> None:
    """Checks that a directory, if it has been used, holds the same architecture.

    Args:
      workdir: of the run; it need not exist.
      config: of the loop.
      architecture: settings, nested, that a run cannot change.

    Raises:
      ValueError: it does not; the message names the settings that differ.
    """
    path = workdir / META
    if not path.exists():
        return
    was, now = _flat(read_meta(workdir)["fixed"]), _flat(_fixed(config, architecture))
    changed = [
        f"{name}={was.get(name)!r} there, {now.get(name)!r} now"
        for name in sorted(was | now)
        if was.get(name) != now.get(name)
    ]
    if changed:
        raise ValueError(
            f"{workdir} was made with another architecture: {'; '.join(changed)}; "
            "take another --workdir, or the settings it was made with"
        )


def claim(workdir: pathlib.Path, config: config_lib.LoopConfig, meta: Meta) -> None:
    """Makes the directory and writes what the run is started with."""
    workdir.mkdir(parents=True, exist_ok=True)
    fixed = {"fixed": _fixed(config, meta["architecture"])}
    write_whole(workdir / META, json.dumps(meta | fixed, indent=1) + "\n")


def read_meta(workdir: pathlib.Path) -> Meta:
    """Returns what the run was last started with.

    Raises:
      ValueError: the file is damaged.
    """
    try:
        return json.loads((workdir / META).read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{workdir / META}:{error.lineno}: {error.msg}") from error


def read_metrics(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the lines of the metrics; a last one that was cut off is left out."""
    path = workdir / METRICS
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [
        {k: math.nan if v is None else v for k, v in json.loads(line).items()}
        for line in lines
        if line.endswith("\n")
    ]


def line_of(metrics: dict[str, Any]) -> str:
    """Returns a line of the metrics; JSON has no nan and no infinity."""
    told = {k: v if math.isfinite(v) else None for k, v in metrics.items()}
    return json.dumps(told, allow_nan=False) + "\n"


def drop_metrics(workdir: pathlib.Path, after: int) -> None:
    """Drops the lines of steps after `after`; makes the file if there is none."""
    kept = [line for line in read_metrics(workdir) if line["step"] <= after]
    write_whole(workdir / METRICS, "".join(map(line_of, kept)))


def steps(workdir: pathlib.Path) -> list[int]:
    """Returns the steps of the checkpoints; half-written ones have other names."""
    folder = workdir / CHECKPOINTS
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def write_whole(path: pathlib.Path, text: str) -> None:
    """Writes a file beside its place and renames it, so that it is whole or absent."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(text)
    beside.replace(path)


def _fixed(config: config_lib.LoopConfig, architecture: Meta) -> Meta:
    """Returns the settings that give the saved state its shape."""
    return architecture | {"loop": {"has_ema": config.ema_decay > 0}}


def _flat(settings: Any, prefix: str = "") -> Meta:
    """Returns nested settings as {"encoder.width": 1280, ...}."""
    if not isinstance(settings, dict):
        return {prefix.removesuffix("."): settings}
    return {
        name: value
        for key, inner in settings.items()
        for name, value in _flat(inner, f"{prefix}{key}.").items()
    }
