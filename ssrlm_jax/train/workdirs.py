"""The directory of a run: what it was made with, its metrics, its checkpoints.

Imports nothing heavy, so that a wrong directory stops a command in the first second.

  meta.json            what the run was last started with, and what was changed when
  metrics.jsonl        one JSON object with "step" on each line; nan is null
  checkpoints/STEP/    written by train.checkpoint; its meta has the settings, too
  lock                 held by the process that trains
"""

import contextlib
import dataclasses
import json
import math
import pathlib
from typing import TYPE_CHECKING

from ssrlm_jax import config, files, locks, types

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

META = "meta.json"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
LOCK = "lock"
CHECKPOINT_META = pathlib.Path("meta", "metadata")  # below checkpoints/STEP
Meta = types.Json

# Settings that stay as they are once there is a checkpoint, by the start of their
# name: what is learned, from what, and what the state of the optimizer has added up.
KEPT = (
    *("seed", "masking.", "data.", "loop.keep_best"),
    *("optimizer.beta1", "optimizer.beta2", "optimizer.epsilon"),
)
# Of these, what may change: where the same files lie, what is told of them, and who
# reads them.
MAY_CHANGE = {
    f"data.{name}"
    for name in (
        *("corpus", "train", "validation", "table", "families", "leave_out"),
        *("structures", "away_from", "num_workers", "num_threads", "until"),
    )
}


def made_with(settings: "DataclassInstance", architecture: Meta) -> Meta:
    """Returns what a run is made with, as `check` compares it: a config and sizes."""
    return {"architecture": architecture, "config": dataclasses.asdict(settings)}


def hold(workdir: pathlib.Path) -> contextlib.AbstractContextManager[None]:
    """Returns a context that keeps other runs out of a workdir."""
    return locks.alone(
        workdir / LOCK,
        f"another process trains in {workdir}; wait for it, stop it, or take another "
        "--workdir",
    )


def check(workdir: pathlib.Path, settings: config.LoopConfig, meta: Meta) -> None:
    """Checks that a directory, if it has been used, holds the same experiment.

    Args:
      workdir: of the run; it need not exist.
      settings: of the loop.
      meta: "architecture", settings that give the state its shape; where known
        "config", all settings.

    Raises:
      ValueError: it does not, and the message names the settings that differ; or it has
        taken more steps than are asked for.
    """
    there = _made_with(workdir)
    if there is None:
        return
    newest = max(steps(workdir), default=0)
    if newest > settings.num_steps:
        raise ValueError(
            f"loop.num_steps={settings.num_steps} lies before step {newest} of the "
            f"newest checkpoint in {workdir}; ask for {newest} steps or more, or take "
            "another --workdir"
        )
    if changed := _changed(there["fixed"], _fixed(settings, meta["architecture"])):
        raise ValueError(
            f"{workdir} was made with another architecture: {_listed(changed)}; "
            "take another --workdir, or the settings it was made with"
        )
    kept = {name: pair for name, pair in _changes(there, meta).items() if _kept(name)}
    if kept and steps(workdir):
        raise ValueError(
            f"{workdir} holds another experiment: {_listed(kept)}; take another "
            "--workdir, or the settings it was made with"
        )


def claim(
    workdir: pathlib.Path, settings: config.LoopConfig, meta: Meta, step: int = 0
) -> str:
    """Writes what the run is started with; returns a line of what is changed, or "".

    Args:
      workdir: of the run; made if need be.
      settings: of the loop.
      meta: as for `check`, and whatever else.
      step: that the run goes on from; 0: what was there before is forgotten.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    there = (_made_with(workdir) if step else None) or {}
    changed = _changes(there, meta)
    before = there.get("changes", [])
    if changed:
        before = [*before, {"after_step": step, "settings": changed}]
    fixed = {"fixed": _fixed(settings, meta["architecture"]), "changes": before}
    files.write_text(workdir / META, json.dumps(meta | fixed, indent=1) + "\n")
    return f"goes on with changed settings: {_listed(changed)}" if changed else ""


def read_meta(workdir: pathlib.Path) -> Meta:
    """Returns what the run was last started with.

    Raises:
      ValueError: the file is damaged.
    """
    path = workdir / META
    advice = "remove it: the newest checkpoint tells the same"
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: {error.msg}; {advice}") from error
    if not isinstance(found, dict) or not {"architecture", "fixed"} <= found.keys():
        raise ValueError(f"{path} does not say what the run was made with; {advice}")
    return found


def read_metrics(workdir: pathlib.Path) -> list[types.Json]:
    """Returns the lines of the metrics; a last one that was cut off is left out.

    Raises:
      ValueError: another line is damaged.
    """
    path = workdir / METRICS
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    return [_metrics(path, number, line) for number, line in enumerate(whole, 1)]


def _metrics(path: pathlib.Path, number: int, line: str) -> types.Json:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or "step" not in found:
        raise ValueError(
            f'{path}:{number}: a JSON object with "step" is expected, found '
            f"{line.strip()[:60]!r}; remove the line"
        )
    return {k: math.nan if v is None else v for k, v in found.items()}


def line_of(metrics: types.Json) -> str:
    """Returns a line of the metrics; JSON has no nan and no infinity."""
    told = {k: v if math.isfinite(v) else None for k, v in metrics.items()}
    return json.dumps(told, allow_nan=False) + "\n"


def drop_metrics(workdir: pathlib.Path, after: int) -> None:
    """Drops the lines of steps after `after`; makes the file if there is none."""
    kept = [line for line in read_metrics(workdir) if line["step"] <= after]
    files.write_text(workdir / METRICS, "".join(map(line_of, kept)))


def steps(workdir: pathlib.Path) -> list[int]:
    """Returns the steps of the checkpoints; half-written ones have other names."""
    folder = workdir / CHECKPOINTS
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def arrays(meta: Meta) -> list[str]:
    """Returns the names of the arrays of a checkpoint, by its meta."""
    # Those of before had a checksum of each.
    return list(meta["arrays"] if "arrays" in meta else meta["checksums"])


def has_average(names: list[str]) -> bool:
    """Says whether a running average of the parameters is among the arrays."""
    return any(name.startswith("ema/") for name in names)


def _made_with(workdir: pathlib.Path) -> Meta | None:
    """Returns meta.json or, if it is gone, what the newest checkpoint says; or None."""
    if (workdir / META).exists():
        return read_meta(workdir)
    for step in reversed(steps(workdir)):
        path = workdir / CHECKPOINTS / str(step) / CHECKPOINT_META
        # Damaged: the one before.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text())
            has_ema = has_average(arrays(found))
            fixed = found["architecture"] | {"loop": {"has_ema": has_ema}}
            return found | {"fixed": fixed}
    return None


def _fixed(settings: config.LoopConfig, architecture: Meta) -> Meta:
    """Returns the settings that give the saved state its shape."""
    return architecture | {"loop": {"has_ema": settings.ema_decay > 0}}


def _kept(name: str) -> bool:
    return name.startswith(KEPT) and name not in MAY_CHANGE


def _changes(there: Meta, meta: Meta) -> dict[str, list[object]]:
    """Returns the settings that `meta` changes; not those that were unknown there."""
    now = json.loads(json.dumps(meta.get("config", {})))
    known = flat(there.get("config", {}))
    changed = _changed(there.get("config", {}), now)
    return {name: pair for name, pair in changed.items() if name in known}


def _changed(there: Meta, now: Meta) -> dict[str, list[object]]:
    """Returns what differs between nested settings, {"a.b": [there, now], ...}."""
    was, now = flat(there), flat(now)
    return {
        name: [was.get(name), now.get(name)]
        for name in sorted(was | now)
        if was.get(name) != now.get(name)
    }


def _listed(changed: dict[str, list[object]]) -> str:
    return "; ".join(f"{name} {a!r} → {b!r}" for name, (a, b) in changed.items())


def flat(settings: object, prefix: str = "") -> Meta:
    """Returns nested settings as {"encoder.width": 1280, ...}."""
    if not isinstance(settings, dict):
        return {prefix.removesuffix("."): settings}
    return {
        name: value
        for key, inner in settings.items()
        for name, value in flat(inner, f"{prefix}{key}.").items()
    }
