"""What every job says of itself as a command, and how its settings are read.

Nothing heavy is imported here, so that a wrong setting stops in the first second.
"""

import argparse
import contextlib
import dataclasses
import difflib
import importlib.util
import inspect
import pathlib
import re
import traceback
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import ml_collections

from ssrlm_jax import config

_Setting = bool | float | str | ml_collections.ConfigDict
_PACKAGE = pathlib.Path(__file__).absolute().parents[1]
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


class Setting(NamedTuple):
    """A setting of a job.

    Attributes:
      name: with its groups, "optimizer.learning_rate".
      default: its value, where no config changes it.
      comment: that it is defined with: its unit, or the place in the paper.
    """

    name: str
    default: object
    comment: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """How a job is called; its name is that of its module.

    Attributes:
      function: takes the settings, a config of `kind`, where there is one, and the
        other flags; returns an exit status or None.
      about: what --help says first.
      kind: a config dataclass; None: the job has no settings.
      default: the config that is read when --config is not given.
      bare_with: a flag; with it, nothing is read when --config is not given.
      follows: settings that the job computes from others, whatever they are set to.
      flags: the job's own, by name, as `argparse` describes them.
    """

    function: Callable[..., int | None]
    about: str | None
    kind: type | None = None
    default: str = ""
    bare_with: str = ""
    follows: Sequence[str] = ()
    flags: Mapping[str, Mapping[str, Any]]

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Adds the flags to a parser, --config among them, and what runs the job.

        Args:
          parser: of conflict_handler "resolve": a job with settings has its own -h.

        Beside them the job takes --config.NAME=VALUE, in `overrides` of what is parsed.
        """
        parser.description = self.about
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.allow_abbrev = False
        parser.set_defaults(run=self._run)
        if self.kind is not None:
            unless = f", none with --{self.bare_with}" if self.bare_with else ""
            parser.add_argument(
                "--config",
                metavar="NAME[:VARIANT]",
                help="settings: a file, or what ships under this name (default: "
                f"{self.default}{unless})",
            )
            parser.add_argument(
                "-h",
                "--help",
                action=_Help,
                nargs=0,
                job=self,
                help="show this, and all settings as the config before it has them",
            )
            parser.epilog = "settings are changed by --config.NAME=VALUE"
        for name, description in self.flags.items():
            parser.add_argument(name, **description)

    def listed(self, name: str | None) -> str:
        """Returns all settings as a config has them, a line each.

        Args:
          name: of the config, as for `read`; None: the one that is read by default.
        """
        assert self.kind is not None, "the job has no settings"
        name = name or self.default
        made = config.frozen(self.kind, read(name, ())) if name else self.kind()
        lines = (
            f"{f'  {one.name}={one.default}':<44}  {one.comment}".rstrip()
            for one in self.settings(made)
        )
        of = f" of {name}" if name else ""
        return f"settings{of}, changed by --config.NAME=VALUE:\n" + "\n".join(lines)

    def settings(self, made: object) -> list[Setting]:
        """Returns the settings of a config of `kind` that one sets."""
        return [one for one in settings_of(made) if one.name not in self.follows]

    def _run(self, parsed: argparse.Namespace) -> int | None:
        if self.kind is None:
            return self.function(parsed)
        if parsed.config is None:
            is_bare = self.bare_with and getattr(parsed, self.bare_with)
            parsed.config = "" if is_bare else self.default
        settings = (
            read(parsed.config, parsed.overrides)
            if parsed.config
            else _changed(config.editable(self.kind()), parsed.overrides)
        )
        return self.function(config.frozen(self.kind, settings), parsed)


class _Help(argparse.Action):
    """Prints what a job takes, and its settings by the config that is named so far."""

    def __init__(self, *args: Any, job: Command, **others: Any) -> None:
        super().__init__(*args, **others)
        self._job = job

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object
    ) -> None:
        parser.epilog = self._job.listed(namespace.config)
        parser.print_help()
        parser.exit()


def read(name: str, overrides: Sequence[str]) -> ml_collections.ConfigDict:
    """Returns the settings of a config with overrides applied.

    Args:
      name: as for `find`; a variant may follow, "8m:masking=sm".
      overrides: each "--config.x.y=value".

    Raises:
      ValueError: an override is malformed, unknown or of another type.
      OSError: there is no such config.
    """
    variant = name.partition(":")[2]
    return _changed(called(name, "get_config", variant), overrides)


def called(name: str, function: str, given: object) -> Any:
    """Returns what a function of a config returns.

    Args:
      name: as for `read`.
      function: "get_config" or another.
      given: its argument.

    Raises:
      ValueError: it has no such function, or fails; file and line are told.
      OSError: there is no such config.
    """
    module = load(name)
    path = find(name.partition(":")[0])
    if not hasattr(module, function):
        raise ValueError(f"{path} has no function {function}")
    with _told(path):
        return getattr(module, function)(given)


@contextlib.contextmanager
def _told(path: pathlib.Path) -> Iterator[None]:
    """Turns an error of a config's own code into a line with its place."""
    try:
        yield
    except (ValueError, OSError):
        raise  # they say what is wrong
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [one.lineno for one in frames if one.filename == str(path)]
        what = f"{type(error).__name__}: {error}"
        if isinstance(error, SyntaxError):
            lines, what = [error.lineno], f"SyntaxError: {error.msg}"
        place = ":".join(str(part) for part in (path, *lines[-1:]) if part)
        raise ValueError(f"{place}: {what}") from error


def load(name: str) -> types.ModuleType:
    """Returns the module of a config; arguments and errors as of `called`."""
    path = name.partition(":")[0]
    spec = importlib.util.spec_from_file_location("chosen_config", find(path))
    if spec is None or spec.loader is None:
        raise ValueError(f"--config={name}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    with _told(find(path)):
        spec.loader.exec_module(module)
    return module


def find(name: str) -> pathlib.Path:
    """Returns the file of a config.

    Args:
      name: of a file that exists; else of one that ships, "8m", "secondary/bprna" or
        "configs/8m.py", from any working directory.

    Raises:
      FileNotFoundError: there is none; the message says which there are.
    """
    if pathlib.Path(name).is_file():
        return pathlib.Path(name)
    # A wheel has them in the package, a clone beside it.
    inside, beside = _PACKAGE / "configs", _PACKAGE.parent / "configs"
    folder = inside if inside.is_dir() else beside
    known = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.rglob("*.py"))
    }
    short = name.removeprefix("configs/").removesuffix(".py")
    if short not in known:
        raise FileNotFoundError(
            f"--config={name}: there is no file {name}{_meant(short, known)}; what "
            f"ships is {', '.join(known)}"
        )
    return known[short]


def workdir_of(file: str) -> pathlib.Path:
    """Returns where a config works by default: runs/8m, runs/8m-masking=sm."""
    path, _, variant = file.partition(":")
    return pathlib.Path(
        "runs", "-".join(filter(None, [pathlib.Path(path).stem, variant]))
    )


def _changed(
    settings: ml_collections.ConfigDict, overrides: Sequence[str]
) -> ml_collections.ConfigDict:
    for override in overrides:
        _apply(settings, override)
    return settings


def _apply(settings: ml_collections.ConfigDict, override: str) -> None:
    match = re.fullmatch(r"--config\.([\w.]+)=(.*)", override, re.DOTALL)
    if not match:
        written = re.fullmatch(r"--config\.[\w.]+", override)
        instead = f"; write {override}=VALUE" if written else ""
        raise ValueError(
            f"{override!r} is neither a flag (see --help) nor --config.NAME=VALUE"
            f"{instead}"
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
                f"there is no setting {name}{_meant(name, _names(settings))}; "
                f"{group or 'the config'} has "
                f"{', '.join(known) or 'no settings of its own'}"
            )
        group_of_last, place = place, place[part]
    group_of_last[last] = _parse(name, text, place)


def _names(settings: ml_collections.ConfigDict, prefix: str = "") -> Iterator[str]:
    """Yields the names of all settings, "optimizer.learning_rate"."""
    for name, value in settings.items():
        if isinstance(value, ml_collections.ConfigDict):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _meant(name: str, known: Iterable[str]) -> str:
    """Asks for a known name that is like `name`, or whose last part is; "": none."""
    known, last = list(known), name.rpartition(".")[2]
    same = [one for one in known if one.rpartition(".")[2] == last]
    near = same or difflib.get_close_matches(name, known, cutoff=0.75)
    return f" (did you mean {' or '.join(near[:3])}?)" if near else ""


def _parse(name: str, text: str, current: _Setting) -> bool | float | str:
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


def settings_of(settings: object, prefix: str = "") -> list[Setting]:
    """Returns all settings of a config dataclass, those of its groups too."""
    source = inspect.getsource(type(settings))
    found: list[Setting] = []
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            found += settings_of(value, f"{prefix}{field.name}.")
            continue
        comment = re.search(rf"^    {field.name}: .*?#\s*(.*)$", source, re.MULTILINE)
        name = f"{prefix}{field.name}"
        found.append(Setting(name, value, comment[1] if comment else ""))
    return found
