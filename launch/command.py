"""Makes a command of a job: reads flags and config, says errors in one line.

Nothing heavy is imported here, so that a wrong setting stops in the first second.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import inspect
import logging
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import ml_collections
import plain_command

from ssrlm_jax import config, locks

_ROOT = pathlib.Path(__file__).absolute().parents[1]
TRAINING_FLAGS: dict[str, dict[str, Any]] = {
    "--workdir": {
        "type": pathlib.Path,
        "help": "for checkpoints, metrics and the model (default: runs/NAME)",
    },
    "--dry_run": {
        "action": "store_true",
        "help": "say what the run would cost, without training",
    },
}


def run(
    job: Callable[[Any, argparse.Namespace], None],
    *,
    about: str,
    kind: type,
    default: str,
    flags: Mapping[str, Mapping[str, Any]],
) -> None:
    """Parses the command line, calls `job` and exits.

    Args:
      job: takes the settings, a config of `kind`, and the other flags.
      about: what --help says first.
      kind: a config dataclass.
      default: the config file that is read when --config is not given.
      flags: the job's own, by name, as `argparse` describes them; --config and
        --config.x.y are added.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("ssrlm_jax").setLevel(logging.INFO)
    parser = argparse.ArgumentParser(
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config",
        default=default,
        metavar="FILE[:VARIANT]",
        help=f"settings; a file of configs/ (default: {default})",
    )
    for name, description in flags.items():
        parser.add_argument(name, **description)
    parser.epilog = "settings, changed by --config.NAME=VALUE:\n" + "\n".join(
        _describe(kind(), "")
    )
    parsed, rest = parser.parse_known_args()
    with plain_command.one_line(parser.prog):
        job(config.frozen(kind, read(parsed.config, rest)), parsed)


def hold(workdir: pathlib.Path) -> contextlib.AbstractContextManager[None]:
    """Returns a context that keeps other runs out of a workdir."""
    return locks.alone(
        workdir / "lock",
        f"another process trains in {workdir}; wait for it, stop it, or take another "
        "--workdir",
    )


def read(file: str, overrides: list[str]) -> ml_collections.ConfigDict:
    """Returns the settings of a config file with overrides applied.

    Args:
      file: path, or path:variant.
      overrides: each "--config.x.y=value".

    Raises:
      ValueError: an override is malformed, unknown or of another type.
      OSError: there is no such file.
    """
    path, _, variant = file.partition(":")
    if not pathlib.Path(path).is_file():
        known = _ROOT / path
        advice = f"; run it in {_ROOT}, or give --config={_ROOT / file}"
        raise FileNotFoundError(
            f"--config={file}: there is no file {path}"
            f"{advice if known.is_file() else ''}"
        )
    spec = importlib.util.spec_from_file_location("chosen_config", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"--config={file}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = module.get_config(variant)
    for override in overrides:
        _apply(settings, override)
    return settings


def workdir_of(file: str) -> pathlib.Path:
    """Returns where a config works by default: runs/8m, runs/8m-masking=sm."""
    path, _, variant = file.partition(":")
    return pathlib.Path(
        "runs", "-".join(filter(None, [pathlib.Path(path).stem, variant]))
    )


def _apply(settings: ml_collections.ConfigDict, override: str) -> None:
    match = re.fullmatch(r"--config\.([\w.]+)=(.*)", override, re.DOTALL)
    if not match:
        raise ValueError(
            f"{override!r} is neither a flag (see --help) nor --config.NAME=VALUE"
        )
    name, text = match.groups()
    *groups, last = name.split(".")
    place = settings
    for depth, part in enumerate([*groups, last]):
        if not isinstance(place, ml_collections.ConfigDict) or part not in place:
            group = ".".join(name.split(".")[:depth])
            known = (
                sorted(place) if isinstance(place, ml_collections.ConfigDict) else []
            )
            raise ValueError(
                f"there is no setting {name}; {group or 'the config'} has "
                f"{', '.join(known) or 'no settings of its own'}"
            )
        group_of_last, place = place, place[part]
    group_of_last[last] = _parse(name, text, place)


def _parse(name: str, text: str, current: Any) -> Any:
    """Returns a text as a value of the type of the current one."""
    kinds = {"true": True, "false": False, "1": True, "0": False}
    try:
        if isinstance(current, bool):
            return kinds[text.lower()]
        if isinstance(current, int | float | str):
            return type(current)(text)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{name}={text!r} is not of type {type(current).__name__}"
        ) from error
    raise ValueError(f"{name} is a group: set one of {', '.join(sorted(current))}")


def _describe(settings: Any, prefix: str) -> list[str]:
    """Returns a line for each setting: default, and the comment it is defined with."""
    source = inspect.getsource(type(settings))
    lines = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            lines += _describe(value, f"{prefix}{field.name}.")
            continue
        comment = re.search(rf"^    {field.name}: .*?#\s*(.*)$", source, re.MULTILINE)
        shown = f"  {prefix}{field.name}={value}"
        lines.append(f"{shown:<44}  {comment[1] if comment else ''}".rstrip())
    return lines
